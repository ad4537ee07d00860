//! The slot table of a runtime: who is woken, and where the word goes.
//!
//! Before: `current.rs`. After: `ready.rs`, which shows the way of a wake as a picture and gives all this its names.
#![forbid(unsafe_code)]

use crate::current::NONE;
use crate::local::Local;
use crate::ready::Member;
use crate::remote::Address;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

/// The slot table of a runtime. Slots are reused, last freed first; each keeps its waker for its next tenant.
#[derive(Default)]
pub(crate) struct Slots {
    slots: RefCell<Vec<Slot>>,
    free: RefCell<Vec<u32>>,
}

struct Slot {
    /// The member behind this one in its set's queue; meaningless unless `queued`.
    next: Cell<u32>,
    /// Woken and not polled since. A slot is in at most one queue, at most once.
    queued: Cell<bool>,
    /// The member has left while queued: the slot becomes free when its place in the queue comes up.
    left: Cell<bool>,
    /// The set's own name for the member.
    key: u32,
    /// `None`: free. A stale waker then finds nobody.
    set: Option<Rc<Set>>,
    /// What the slot's waker knows; made with the slot.
    address: Arc<Address>,
    /// Made once; members hold clones.
    waker: Waker,
}

/// The state of a ready set, shared by its slots.
pub(crate) struct Set {
    /// First and last of the queue, or [`NONE`].
    pub(crate) head: Cell<u32>,
    pub(crate) tail: Cell<u32>,
    /// The owner knows that the set is to be polled, or is polling it now. While false, the queue is empty.
    pub(crate) told: Cell<bool>,
    pub(crate) owner: Cell<Owner>,
    /// The owner's waker, where it is somebody else's.
    pub(crate) foreign: RefCell<Outside>,
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
    /// Queues a slot and climbs. What comes back, if anything, is a foreign owner's waker, to be woken by the caller.
    #[inline(always)]
    pub(crate) fn mark(&self, slot: u32) -> Outside {
        let slots = &*self.slots.borrow();
        let mut id = slot;
        loop {
            let slot = &slots[id as usize];
            let Some(set) = &slot.set else { return None };
            if slot.queued.replace(true) {
                return None;
            }
            set.push(id, slots);
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

    pub(crate) fn is_queued(&self, slot: u32) -> bool {
        self.slots.borrow()[slot as usize].queued.get()
    }

    /// A wake from elsewhere has arrived.
    pub(crate) fn receive(&self, slot: u32) -> Outside {
        self.slots.borrow()[slot as usize].address.received();
        self.mark(slot)
    }

    /// Gives a new member of `set` a slot.
    pub(crate) fn occupy(&self, local: &Local, set: &Rc<Set>, key: u32) -> Member {
        let slots = &mut *self.slots.borrow_mut();
        let id = self.free.borrow_mut().pop().unwrap_or_else(|| {
            let id = u32::try_from(slots.len()).ok().filter(|id| *id < NONE);
            let id = id.expect("four thousand million tasks do not fit into memory");
            let address = Address::new(local.id(), id, local.remote().clone());
            let (next, queued, left) = (Cell::new(NONE), Cell::new(false), Cell::new(false));
            let waker = address.waker();
            slots.push(Slot { next, queued, left, key: 0, set: None, address, waker });
            id
        });
        let slot = &mut slots[id as usize];
        debug_assert!(slot.set.is_none() && !slot.queued.get() && !slot.left.get());
        slot.key = key;
        slot.set = Some(set.clone());
        Member::new(id, slot.waker.clone())
    }

    /// Gives a member another key.
    pub(crate) fn set_key(&self, slot: u32, key: u32) {
        self.slots.borrow_mut()[slot as usize].key = key;
    }

    /// Ends a tenancy; at once, or when the slot's place in its queue comes up.
    pub(crate) fn vacate(&self, slot: u32) {
        let queued = {
            let slot = &self.slots.borrow()[slot as usize];
            slot.left.set(slot.queued.get());
            slot.queued.get()
        };
        if !queued {
            self.release(slot);
        }
    }

    /// Takes the first out of a set's queue, which is not empty: its slot, its key, and whether it has left.
    #[inline(always)]
    pub(crate) fn pop(&self, set: &Set) -> (u32, u32, bool) {
        let slots = self.slots.borrow();
        let id = set.head.get();
        let slot = &slots[id as usize];
        set.head.set(slot.next.get());
        slot.queued.set(false);
        (id, slot.key, slot.left.replace(false))
    }

    pub(crate) fn release(&self, slot: u32) {
        let tenant = self.slots.borrow_mut()[slot as usize].set.take();
        debug_assert!(tenant.is_some(), "released twice");
        self.free.borrow_mut().push(slot);
    }
}

impl Default for Set {
    /// Empty, and owned by the loop.
    fn default() -> Self {
        let (head, tail) = (Cell::new(NONE), Cell::new(NONE));
        Self { head, tail, told: Cell::new(false), owner: Cell::new(Owner::Loop), foreign: RefCell::default() }
    }
}

impl Set {
    #[inline(always)]
    fn push(&self, id: u32, slots: &[Slot]) {
        slots[id as usize].next.set(NONE);
        match self.head.get() {
            NONE => self.head.set(id),
            _ => slots[self.tail.get() as usize].next.set(id),
        }
        self.tail.set(id);
    }
}
