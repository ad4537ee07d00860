//! The slot table of a runtime: who is woken, and where the word goes.
//!
//! Before: `waker.rs`, `raw.rs`. After: `ready.rs`, which shows the way of a wake as a picture and gives all this its names.
//!
//! Slots and sets are numbers into two tables, and the tables hold numbers only: a wake follows them from a slot to its
//! set, from the set to the slot of its owner, and so on, in memory that lies together.
#![forbid(unsafe_code)]

use crate::current::NONE;
use crate::raw::SlotWaker;
use crate::waker::Address;
use slab::Slab;
use std::cell::{Cell, RefCell};
use std::mem;
use std::rc::Rc;
use std::task::Waker;

/// The slots and sets of a runtime. Both are reused, last freed first.
#[derive(Default)]
pub(crate) struct Slots(RefCell<Tables>);

#[derive(Default)]
struct Tables {
    slots: Slab<Slot>,
    sets: Slab<Set>,
}

struct Slot {
    /// The slot behind this one in its set's queue, [`NONE`] for the last; [`IDLE`] for one that is not queued. A slot
    /// is in at most one queue, at most once.
    next: Cell<u32>,
    /// The set's own name for the member.
    key: u32,
    /// The set that it is a member of. [`NONE`]: it has left, and the slot becomes free when its place in the queue
    /// comes up.
    set: u32,
    /// The members that joined its set before and after it, or [`NONE`].
    before: u32,
    after: u32,
    #[allow(dead_code, reason = "asked by `plain.rs` only")]
    waker: SlotWaker,
}

/// `next` of a slot that is not queued: neither woken, nor woken and not polled since.
const IDLE: u32 = NONE - 1;

struct Set {
    /// First and last of the queue, or [`NONE`].
    head: Cell<u32>,
    tail: Cell<u32>,
    /// First and last of the members, in the order of their joining, or [`NONE`].
    first: u32,
    last: u32,
    /// The owner knows that the set is to be polled, or is polling it now. While false, the queue is empty.
    told: Cell<bool>,
    owner: Cell<Owner>,
    /// The owner's waker, where it is somebody else's.
    foreign: RefCell<Outside>,
}

/// Who polls a set, and so has to hear of its first wake.
#[derive(Clone, Copy)]
pub(crate) enum Owner {
    /// The event loop, which looks by itself.
    Loop,
    /// A member of another set in the same runtime: told by climbing, without its waker.
    Slot(u32),
    /// Somebody else's code between: a combinator that gave us a waker of its own.
    Foreign,
}

/// A waker to be woken once no borrow is held. (Waking is user code.)
pub(crate) type Outside = Option<Rc<Waker>>;

impl Slots {
    /// Queues a slot and climbs. What comes back, if anything, is a foreign owner's waker, to be woken by the caller. A
    /// slot that is free, or has left, stays as it is: a stale waker finds nobody.
    #[inline(always)]
    pub(crate) fn mark(&self, slot: u32) -> Outside {
        self.0.borrow().mark(slot)
    }

    /// Whether a slot is woken and was not polled since.
    pub(crate) fn is_queued(&self, slot: u32) -> bool {
        self.0.borrow().slots.get(slot as usize).is_some_and(Slot::is_queued)
    }

    /// What a slot keeps of its waker.
    #[allow(dead_code, reason = "asked by `plain.rs` only")]
    pub(crate) fn waker<R>(&self, slot: u32, look: impl FnOnce(&SlotWaker) -> R) -> Option<R> {
        self.0.borrow().slots.get(slot as usize).map(|slot| look(&slot.waker))
    }

    /// Makes a set, empty and owned by the loop.
    pub(crate) fn open(&self) -> u32 {
        self.0.borrow_mut().sets.insert(Set::default()) as u32
    }

    /// Gives a new member of `set` a slot of this runtime.
    pub(crate) fn occupy(&self, runtime: u32, set: u32, key: u32) -> u32 {
        let Tables { slots, sets } = &mut *self.0.borrow_mut();
        let entry = slots.vacant_entry();
        let slot = u32::try_from(entry.key()).ok().filter(|slot| *slot < IDLE);
        let slot = slot.expect("four thousand million tasks do not fit into memory");
        let waker = SlotWaker::new(Address { runtime, slot });
        let before = mem::replace(&mut sets[set as usize].last, slot);
        entry.insert(Slot { next: Cell::new(IDLE), key, set, before, after: NONE, waker });
        match before {
            NONE => sets[set as usize].first = slot,
            before => slots[before as usize].after = slot,
        }
        slot
    }

    /// Gives a member another key.
    pub(crate) fn set_key(&self, slot: u32, key: u32) {
        self.0.borrow_mut().slots[slot as usize].key = key;
    }

    /// Ends a tenancy; at once, or when the slot's place in its queue comes up.
    pub(crate) fn vacate(&self, slot: u32) {
        let Tables { slots, sets } = &mut *self.0.borrow_mut();
        let tenant = &mut slots[slot as usize];
        let (before, after) = (tenant.before, tenant.after);
        let set = &mut sets[mem::replace(&mut tenant.set, NONE) as usize];
        if !tenant.is_queued() {
            slots.remove(slot as usize);
        }
        match before {
            NONE => set.first = after,
            before => slots[before as usize].after = after,
        }
        match after {
            NONE => set.last = before,
            after => slots[after as usize].before = before,
        }
    }

    /// Takes the first out of a set's queue, which is not empty: its slot and its key. No key: it has left.
    #[inline(always)]
    pub(crate) fn pop(&self, set: u32) -> (u32, Option<u32>) {
        let tables = self.0.borrow();
        let set = &tables.sets[set as usize];
        let id = set.head.get();
        let slot = &tables.slots[id as usize];
        set.head.set(slot.next.replace(IDLE));
        if slot.set != NONE {
            return (id, Some(slot.key));
        }
        drop(tables);
        self.free(id);
        (id, None)
    }

    #[cold]
    fn free(&self, slot: u32) {
        self.0.borrow_mut().slots.remove(slot as usize);
    }

    /// Whether no member of a set is woken.
    #[inline(always)]
    pub(crate) fn is_empty(&self, set: u32) -> bool {
        self.0.borrow().sets[set as usize].head.get() == NONE
    }

    /// The last in a set's queue, or [`NONE`]. From now on the set counts as told.
    #[inline(always)]
    pub(crate) fn begin(&self, set: u32) -> u32 {
        let tables = self.0.borrow();
        let set = &tables.sets[set as usize];
        set.told.set(true);
        if set.head.get() == NONE { NONE } else { set.tail.get() }
    }

    /// A batch is over. If members are woken, the owner is told again.
    #[inline(always)]
    pub(crate) fn end(&self, set: u32) -> Outside {
        let tables = self.0.borrow();
        let id = set;
        let set = &tables.sets[id as usize];
        if set.head.get() == NONE {
            set.told.set(false);
            return None;
        }
        tables.tell(id)
    }

    /// Whether a wake has gone to the owner of a set that has not led to a batch yet, or there is one now.
    pub(crate) fn is_told(&self, set: u32) -> bool {
        self.0.borrow().sets[set as usize].told.get()
    }

    /// Says who polls a set. What was said before comes back, to be dropped by the caller.
    pub(crate) fn set_owner(&self, set: u32, owner: Owner, foreign: Outside) -> Outside {
        let tables = self.0.borrow();
        let set = &tables.sets[set as usize];
        set.owner.set(owner);
        set.foreign.replace(foreign)
    }

    /// The waker of a set's owner, where it is somebody else's.
    pub(crate) fn foreign(&self, set: u32) -> Outside {
        self.0.borrow().sets[set as usize].foreign.borrow().clone()
    }

    /// Ends a set, and with it the tenancy of every member.
    pub(crate) fn close(&self, set: u32) -> Outside {
        let Tables { slots, sets } = &mut *self.0.borrow_mut();
        let set = sets.remove(set as usize);
        let mut next = set.head.get();
        while next != NONE {
            let slot = &slots[next as usize];
            let (this, has_left) = (next, slot.set == NONE);
            next = slot.next.get();
            if has_left {
                slots.remove(this as usize);
            }
        }
        let mut next = set.first;
        while next != NONE {
            next = slots.remove(next as usize).after;
        }
        set.foreign.into_inner()
    }
}

impl Tables {
    #[inline(always)]
    fn mark(&self, slot: u32) -> Outside {
        let mut id = slot;
        loop {
            let slot = self.slots.get(id as usize)?;
            if slot.is_queued() || slot.set == NONE {
                return None;
            }
            let set = &self.sets[slot.set as usize];
            slot.next.set(NONE);
            match set.head.get() {
                NONE => set.head.set(id),
                _ => self.slots[set.tail.get() as usize].next.set(id),
            }
            set.tail.set(id);
            if set.told.replace(true) {
                return None;
            }
            match set.owner.get() {
                Owner::Loop => return None,
                Owner::Slot(owner) => id = owner,
                Owner::Foreign => return set.foreign.borrow().clone(),
            }
        }
    }

    #[inline(always)]
    fn tell(&self, set: u32) -> Outside {
        let set = &self.sets[set as usize];
        match set.owner.get() {
            Owner::Loop => None,
            Owner::Slot(owner) => self.mark(owner),
            Owner::Foreign => set.foreign.borrow().clone(),
        }
    }
}

impl Slot {
    #[inline(always)]
    fn is_queued(&self) -> bool {
        self.next.get() != IDLE
    }
}

impl Default for Set {
    fn default() -> Self {
        let (head, tail) = (Cell::new(NONE), Cell::new(NONE));
        let (told, owner) = (Cell::new(false), Cell::new(Owner::Loop));
        Self { head, tail, first: NONE, last: NONE, told, owner, foreign: RefCell::default() }
    }
}
