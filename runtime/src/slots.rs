//! The slot table of a runtime: who is woken, and where the word goes.
//!
//! Before: `waker.rs`, `raw.rs`. After: `ready.rs`, which shows the way of a wake as a picture and gives all this its
//! names.
//!
//! Slots and sets are numbers into two tables, and the tables hold numbers only: a wake follows them from a slot to its
//! set, from the set to the slot of its owner, and so on, in memory that lies together. A slot is 24 bytes.
#![forbid(unsafe_code)]

mod order;
mod seen;

pub(crate) use seen::Seen;

use crate::current::NONE;
use crate::raw::SlotWaker;
use crate::ready::Woken;
use crate::waker::Address;
use order::Shuffle;
use std::cell::{Cell, RefCell};
use std::mem;
use std::rc::Rc;
use std::task::Waker;

/// The slots and sets of a runtime. Both are reused, last freed first.
#[derive(Default)]
pub(crate) struct Slots(RefCell<Tables>);

struct Tables {
    slots: Vec<Slot>,
    /// The first free slot; each is followed by the next in `next`.
    free: u32,
    sets: Vec<Set>,
    free_sets: Vec<u32>,
    /// How many slots are queued.
    queued: Cell<u32>,
    /// By which batches are shuffled, if they are.
    shuffle: Cell<Option<Shuffle>>,
    /// One of those who are being polled and own sets was woken for its own sake; see [`Slots::end`].
    is_disturbed: Cell<bool>,
}

pub(crate) struct Slot {
    /// The slot behind this one in its set's queue, [`NONE`] for the last; [`IDLE`] for one that is not queued. A slot
    /// is in at most one queue, at most once. (Of a free slot: the next free one.)
    next: Cell<u32>,
    /// The set's own name for the member.
    key: u32,
    /// The set that it is a member of. [`NONE`]: it is free, or it has left, and becomes free when its place in the
    /// queue comes up. In both cases it is not idle.
    set: u32,
    /// What it waits for, as far as it has said so since it was polled last: a member, or one of those below.
    pub(crate) wait: Cell<u32>,
    /// What the layer above keeps beside the member, or [`NONE`].
    pub(crate) note: Cell<u32>,
    /// [`OWNS`] if it has been the owner of a set: for good, since a set that moves away is not counted out. And
    /// [`IN_PERSON`] if it is queued for its own sake, and not merely to poll a set.
    owns: Cell<u32>,
    #[allow(dead_code, reason = "asked by `plain.rs` only")]
    pub(crate) waker: SlotWaker,
}

/// `next` of a slot that is not queued: neither woken, nor woken and not polled since.
const IDLE: u32 = NONE - 1;

/// In [`Slot::owns`].
const OWNS: u32 = 1;
const IN_PERSON: u32 = 1 << 31;

/// [`Slot::wait`] of a member that was not polled yet, and of one that has to wait for a place. [`NONE`]: it has not said;
/// all others are members that it waits for.
pub(crate) const FOR_FIRST_POLL: u32 = NONE - 1;
pub(crate) const FOR_PLACE: u32 = NONE - 2;
/// The member waits for a blocking job.
pub(crate) const FOR_JOB: u32 = NONE - 3;

struct Set {
    /// First of the queue, or [`NONE`]: then nobody is woken.
    head: Cell<u32>,
    /// Last of the queue, if there is one.
    tail: Cell<u32>,
    /// The owner knows that the set is to be polled, or is polling it now. While false, the queue is empty.
    is_told: Cell<bool>,
    /// Who polls the set, and so has to hear of its first wake: the slot of a member of another set, told by climbing,
    /// without its waker; or one of the two below.
    owner: Cell<u32>,
    /// Of a foreign owner: the slot of the member in which that polls the set, as far as is known. For the task tree.
    within: Cell<u32>,
    /// What the layer above keeps beside the set, or [`NONE`].
    note: Cell<u32>,
    /// How many have joined and not left.
    members: u32,
    /// The owner's waker, where it is somebody else's.
    foreign: RefCell<Outside>,
}

/// The first of a batch that has not begun.
pub(crate) const BEGIN: u32 = NONE - 1;

/// An owner that looks by itself: the event loop.
pub(crate) const LOOP: u32 = NONE;

/// An owner between us and whom there is somebody else's code: a combinator that gave us a waker of its own.
pub(crate) const FOREIGN: u32 = NONE - 1;

/// What comes after a batch.
pub(crate) enum After {
    /// The next one, in the same poll.
    Stay,
    Over,
    /// Over, and the foreign owner of this set is to be woken.
    Wake(u32),
}

/// A waker to be woken once no borrow is held. (Waking is user code.)
pub(crate) type Outside = Option<Rc<Waker>>;

impl Slots {
    /// Queues a slot and climbs. What comes back, unless it is [`NONE`], is the set at which the climb ends because
    /// somebody else polls it: the caller has to wake its [`foreign`](Self::foreign) owner. A slot that is free, or has
    /// left, stays as it is: a stale waker finds nobody.
    #[inline(always)]
    pub(crate) fn mark(&self, slot: u32) -> u32 {
        self.0.borrow().mark(slot)
    }

    /// Whom a wake of a slot would queue, the slot itself first. For instruments, which hear of it before it is done.
    pub(crate) fn would_wake(&self, slot: u32) -> Vec<u32> {
        self.0.borrow().climb(slot)
    }

    /// Whom the end of a batch of a set would queue, if somebody in the set is woken.
    pub(crate) fn would_tell(&self, set: u32) -> Vec<u32> {
        let tables = self.0.borrow();
        let set = &tables.sets[set as usize];
        match (set.head.get(), set.owner.get()) {
            (NONE, _) | (_, LOOP | FOREIGN) => Vec::new(),
            (_, owner) => tables.climb(owner),
        }
    }

    /// The root task in which a member is; or who is polled by a stranger.
    pub(crate) fn root_of(&self, slot: u32) -> u32 {
        let tables = self.0.borrow();
        let mut root = slot;
        while let Some(member) = tables.slots.get(root as usize).filter(|member| member.set != NONE) {
            match tables.sets[member.set as usize].owner.get() {
                LOOP | FOREIGN => break,
                owner => root = owner,
            }
        }
        root
    }

    /// Looks at a slot; `None` if it is free.
    #[inline(always)]
    pub(crate) fn look<R>(&self, slot: u32, look: impl FnOnce(&Slot) -> R) -> Option<R> {
        self.0.borrow().slots.get(slot as usize).filter(|slot| slot.set != NONE).map(look)
    }

    /// Makes a set, empty and owned by the loop.
    pub(crate) fn open(&self) -> u32 {
        let Tables { sets, free_sets, .. } = &mut *self.0.borrow_mut();
        if let Some(id) = free_sets.pop() {
            sets[id as usize] = Set::default();
            return id;
        }
        sets.push(Set::default());
        (sets.len() - 1) as u32
    }

    /// Gives a new member of `set` a slot of this runtime.
    #[inline(always)]
    pub(crate) fn occupy(&self, runtime: u32, set: u32, key: u32) -> u32 {
        let Tables { slots, free, sets, .. } = &mut *self.0.borrow_mut();
        sets[set as usize].members += 1;
        let id = *free;
        if let Some(slot) = slots.get_mut(id as usize) {
            *free = slot.next.get();
            *slot = Slot::new(set, key, Address { runtime, slot: id });
            return id;
        }
        assert!(slots.len() < FOR_JOB as usize, "four thousand million tasks do not fit into memory");
        let id = slots.len() as u32;
        slots.push(Slot::new(set, key, Address { runtime, slot: id }));
        id
    }

    /// Gives a member another key.
    pub(crate) fn set_key(&self, slot: u32, key: u32) {
        self.0.borrow_mut().slots[slot as usize].key = key;
    }

    /// The key of a member.
    pub(crate) fn key(&self, slot: u32) -> Option<u32> {
        self.look(slot, |slot| slot.key)
    }

    /// Ends a tenancy; at once, or when the slot's place in its queue comes up.
    #[inline(always)]
    pub(crate) fn vacate(&self, slot: u32) {
        let tables = &mut *self.0.borrow_mut();
        let tenant = &mut tables.slots[slot as usize];
        tables.sets[mem::replace(&mut tenant.set, NONE) as usize].members -= 1;
        if !tenant.is_queued() {
            tenant.next.set(mem::replace(&mut tables.free, slot));
        }
    }

    /// The next of a batch of a set: of those that were woken when it was asked for the first time, with `first` at
    /// [`BEGIN`]. Then the whole queue is taken out; later, `first` is who comes next, or [`NONE`]. Whoever is woken in
    /// the meantime begins a new queue.
    #[inline(always)]
    pub(crate) fn next(&self, set: u32, first: &mut u32) -> Option<Woken> {
        while *first != NONE {
            let tables = self.0.borrow();
            if *first == BEGIN {
                let set = &tables.sets[set as usize];
                set.is_told.set(true);
                *first = set.head.replace(NONE);
                if *first == NONE {
                    return None;
                }
                if tables.shuffle.get().is_some() {
                    *first = tables.shuffled(*first);
                }
            }
            let id = *first;
            let slot = &tables.slots[id as usize];
            *first = slot.next.replace(IDLE);
            tables.count_out();
            if slot.owns.get() >= IN_PERSON {
                tables.note_in_person(slot);
            }
            if slot.set != NONE {
                let has_run = !matches!(slot.wait.replace(NONE), FOR_FIRST_POLL | FOR_PLACE);
                return Some(Woken { slot: id, key: slot.key, has_run });
            }
            drop(tables);
            self.free(id);
        }
        None
    }

    #[cold]
    fn free(&self, slot: u32) {
        let tables = &mut *self.0.borrow_mut();
        tables.slots[slot as usize].next.set(mem::replace(&mut tables.free, slot));
    }

    /// Puts back what was taken out of a set and has not come up: in front of whoever was woken since.
    #[cold]
    pub(crate) fn put_back(&self, set: u32, first: u32) {
        let tables = self.0.borrow();
        let set = &tables.sets[set as usize];
        let mut last = first;
        while tables.slots[last as usize].next.get() != NONE {
            last = tables.slots[last as usize].next.get();
        }
        let later = set.head.replace(first);
        tables.slots[last as usize].next.set(later);
        if later == NONE {
            set.tail.set(last);
        }
    }

    /// Whether no member of a set is woken.
    #[inline(always)]
    pub(crate) fn is_empty(&self, set: u32) -> bool {
        self.0.borrow().sets[set as usize].head.get() == NONE
    }

    /// Whether somebody in a member's set is woken, and was not polled since.
    pub(crate) fn is_told(&self, member: u32) -> bool {
        let tables = self.0.borrow();
        let set = tables.slots.get(member as usize).and_then(|slot| tables.sets.get(slot.set as usize));
        set.is_some_and(|set| set.head.get() != NONE)
    }

    /// Says who polls a set. What was said before comes back, to be dropped by the caller.
    pub(crate) fn set_owner(&self, set: u32, owner: u32, foreign: Outside) -> Outside {
        let tables = self.0.borrow();
        let set = &tables.sets[set as usize];
        set.owner.set(owner);
        if let Some(slot) = tables.slots.get(owner as usize) {
            slot.owns.set(slot.owns.get() | OWNS);
        }
        set.foreign.replace(foreign)
    }

    /// Says in which member a set with a foreign owner is polled.
    pub(crate) fn set_within(&self, set: u32, member: u32) {
        self.0.borrow().sets[set as usize].within.set(member);
    }

    /// After a batch: if nobody in the set is woken, all is over. Else, whether the next one may follow at once, because
    /// nobody else would be polled in between; if not, the owner is told.
    ///
    /// It may if nobody else is woken in the whole runtime, and if none of those above was woken for its own sake for the
    /// poll that is under way. Then to go up to the loop and to come down again would lead right back. `may` is asked
    /// last.
    #[inline(always)]
    pub(crate) fn end(&self, id: u32, may: impl FnOnce() -> bool) -> After {
        let tables = self.0.borrow();
        let set = &tables.sets[id as usize];
        if set.head.get() == NONE {
            set.is_told.set(false);
            return After::Over;
        }
        if tables.queued.get() == 1 && !tables.is_disturbed.get() && may() {
            return After::Stay;
        }
        match tables.tell(id) {
            NONE => After::Over,
            foreign => After::Wake(foreign),
        }
    }

    /// Those who are being polled may act differently when they are polled again, though nothing woke them.
    pub(crate) fn disturb(&self) {
        self.0.borrow().is_disturbed.set(true);
    }

    /// A root task is about to be polled: what was noted of those who were polled before is over.
    #[inline(always)]
    pub(crate) fn calm(&self) {
        self.0.borrow().is_disturbed.set(false);
    }

    /// The waker of a set's owner, where it is somebody else's.
    pub(crate) fn foreign(&self, set: u32) -> Outside {
        self.0.borrow().sets[set as usize].foreign.borrow().clone()
    }

    pub(crate) fn set_note(&self, set: u32, note: u32) {
        self.0.borrow().sets[set as usize].note.set(note);
    }

    /// The note of a member's set.
    pub(crate) fn note_above(&self, member: u32) -> Option<u32> {
        let tables = self.0.borrow();
        let set = tables.slots.get(member as usize)?.set;
        tables.sets.get(set as usize).map(|set| set.note.get())
    }

    /// Every slot that is taken.
    pub(crate) fn all(&self) -> Vec<u32> {
        let tables = self.0.borrow();
        let ids = 0..tables.slots.len();
        ids.filter(|id| tables.slots[*id].set != NONE).map(|id| id as u32).collect()
    }

    /// Ends a set. Slots that wait in its queue to become free do so. If a member has not left, it keeps its slot and the
    /// set its number, for ever, so that a wake of it reaches nobody else.
    #[inline(always)]
    pub(crate) fn close(&self, id: u32) -> Outside {
        let tables = &mut *self.0.borrow_mut();
        let Tables { slots, free, sets, free_sets, queued, .. } = tables;
        let set = &sets[id as usize];
        let mut next = set.head.replace(NONE);
        while next != NONE {
            let slot = &slots[next as usize];
            let this = mem::replace(&mut next, slot.next.get());
            queued.set(queued.get() - 1);
            if slot.set == NONE {
                slot.next.set(mem::replace(free, this));
            }
        }
        if set.members == 0 {
            free_sets.push(id);
        }
        set.foreign.take()
    }
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            sets: Vec::new(),
            free_sets: Vec::new(),
            queued: Cell::new(0),
            shuffle: Cell::new(None),
            is_disturbed: Cell::new(false),
        }
    }
}

impl Tables {
    #[inline(always)]
    fn mark(&self, slot: u32) -> u32 {
        let Some(target) = self.slots.get(slot as usize) else { return NONE };
        target.owns.set(target.owns.get() | IN_PERSON);
        self.queue(slot, target)
    }

    /// Queues a slot and climbs.
    #[inline(always)]
    fn queue<'a>(&'a self, mut id: u32, mut slot: &'a Slot) -> u32 {
        loop {
            if slot.is_queued() {
                return NONE; // so is every slot that is free, or has left
            }
            slot.next.set(NONE);
            self.queued.set(self.queued.get() + 1);
            let set = &self.sets[slot.set as usize];
            let tail = set.tail.replace(id);
            match set.head.get() {
                NONE => set.head.set(id),
                _ => self.slots[tail as usize].next.set(id),
            }
            if set.is_told.replace(true) {
                return NONE;
            }
            match set.owner.get() {
                LOOP => return NONE,
                FOREIGN => return slot.set,
                owner => id = owner,
            }
            slot = &self.slots[id as usize];
        }
    }

    /// The way of [`queue`](Self::queue), merely looked at.
    fn climb(&self, mut id: u32) -> Vec<u32> {
        let mut woken = Vec::new();
        while let Some(slot) = self.slots.get(id as usize).filter(|slot| !slot.is_queued()) {
            woken.push(id);
            let set = &self.sets[slot.set as usize];
            if set.is_told.get() || matches!(set.owner.get(), LOOP | FOREIGN) {
                break;
            }
            id = set.owner.get();
        }
        woken
    }

    /// Tells the owner of a set.
    #[inline(always)]
    fn tell(&self, set: u32) -> u32 {
        match self.sets[set as usize].owner.get() {
            LOOP => NONE,
            FOREIGN => set,
            owner => self.queue(owner, &self.slots[owner as usize]),
        }
    }

    /// A slot comes up that was woken for its own sake.
    #[inline(always)]
    fn note_in_person(&self, slot: &Slot) {
        let owns = slot.owns.get() & OWNS;
        slot.owns.set(owns);
        if owns == OWNS {
            self.is_disturbed.set(true);
        }
    }

    #[inline(always)]
    fn count_out(&self) {
        self.queued.set(self.queued.get() - 1);
    }
}

impl Slot {
    #[inline(always)]
    fn new(set: u32, key: u32, address: Address) -> Self {
        let (next, wait, note, owns) = (Cell::new(IDLE), Cell::new(FOR_FIRST_POLL), Cell::new(NONE), Cell::new(0));
        Self { next, key, set, wait, note, owns, waker: SlotWaker::new(address) }
    }

    /// Whether it is woken and was not polled since.
    #[inline(always)]
    pub(crate) fn is_queued(&self) -> bool {
        self.next.get() != IDLE
    }
}

impl Default for Set {
    fn default() -> Self {
        Self {
            head: Cell::new(NONE),
            tail: Cell::new(NONE),
            is_told: Cell::new(false),
            owner: Cell::new(LOOP),
            within: Cell::new(NONE),
            note: Cell::new(NONE),
            members: 0,
            foreign: RefCell::new(None),
        }
    }
}
