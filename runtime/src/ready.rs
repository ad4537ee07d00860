//! Who has been woken: ready sets and their members.
//!
//! Before: `slots.rs`, the table underneath. After: `remote.rs` for wakes from other threads, `runtime.rs` for the set
//! of root tasks.
//!
//! **One machine, twice.** The executor and a task group are the same thing: some futures, and a set of woken keys.
//! Each future is a *member* of one set and has a *slot*. A wake climbs, a poll descends:
//!
//! ```text
//!   leaf's waker (1)                     turn of the loop (4)
//!        |  names a slot                      |  takes a batch of the root set
//!        v                                    v
//!   slot queued in its set (2)           task polled: it takes a batch of its group's set (5)
//!        |  first since last batch?           |
//!        v                                    v
//!   owner of the set told (3), which     child polled (6): the leaf
//!   is a slot itself: climb on
//! ```
//!
//! (1) [`Waker::wake`], (2) and (3) `Slots::mark`, (4) `Runtime::run`, (5) [`ReadySet::begin`], (6) [`Batch::next`].
//! The climb ends at the first set that has been told already, so a thousand wakes in one group cost the owner one.
//!
//! No lock, no atomic, no allocation on the way. A set that is being polled counts as told: its owner is up already.
#![forbid(unsafe_code)]

use crate::current::NONE;
use crate::local::Local;
use crate::slots::Owner;
use std::fmt;
use std::rc::Rc;
use std::task::{Context, Waker};

/// The set of a runtime's root tasks.
pub(crate) const ROOTS: u32 = 0;

/// A set of members of which some are woken; see the head of this module.
///
/// Not a collection of futures: whoever owns the set keeps those, and names each by a key of its choice. A member is
/// known by its *slot*, a number that nobody else in its runtime has until it [leaves](Self::leave).
pub struct ReadySet {
    local: Rc<Local>,
    set: u32,
}

impl ReadySet {
    /// A set without members, polled by the loop itself until [`owned_by`](Self::owned_by) says otherwise.
    #[must_use]
    pub fn new(local: &Rc<Local>) -> Self {
        Self { local: local.clone(), set: local.slots().open() }
    }

    /// The set of a new runtime's root tasks: its first.
    pub(crate) fn of_roots(local: &Rc<Local>) -> Self {
        let roots = Self::new(local);
        debug_assert_eq!(roots.set, ROOTS);
        roots
    }

    /// The runtime in which the members have their slots.
    #[inline(always)]
    #[must_use]
    pub fn local(&self) -> &Rc<Local> {
        &self.local
    }

    /// Adds a member under `key`, and gives its slot. It is not woken yet.
    #[must_use]
    pub fn join(&self, key: u32) -> u32 {
        self.local.occupy(self.set, key)
    }

    /// Gives a member another key. A batch that is under way names it by the new one.
    pub fn set_key(&self, slot: u32, key: u32) {
        self.local.slots().set_key(slot, key);
    }

    /// Takes a member out; wakes that are under way find nobody, or its slot's next tenant, once. To be called once
    /// for each member.
    pub fn leave(&self, slot: u32) {
        self.local.slots().vacate(slot);
    }

    /// Marks a member as woken, as its waker would.
    #[inline(always)]
    pub fn wake(&self, slot: u32) {
        self.local.wake(slot);
    }

    /// Whether a wake has gone to the owner that has not led to a [`begin`](Self::begin) yet.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.local.slots().is_told(self.set)
    }

    /// Whether no member is woken.
    #[inline(always)]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.local.slots().is_empty(self.set)
    }

    /// From now on the set is polled by what is current, with the waker in `cx`.
    pub fn owned_by(&self, cx: &Context<'_>) {
        let (owner, foreign) = match self.local.slot_for(cx) {
            Some(slot) => (Owner::Slot(slot), None),
            None => (Owner::Foreign, Some(Rc::new(cx.waker().clone()))),
        };
        let before = self.local.slots().set_owner(self.set, owner, foreign);
        drop(before); // a foreign waker's drop is user code: not while the table is borrowed
    }

    /// Whether the set is owned by somebody else's waker, and by which.
    pub fn is_owned_through(&self, waker: &Waker) -> bool {
        self.local.slots().foreign(self.set).is_some_and(|own| own.will_wake(waker))
    }

    /// Starts a batch: the members that are woken now. Members woken during the batch are for the next one.
    #[inline(always)]
    #[must_use]
    pub fn begin(&self) -> Batch<'_> {
        Batch { last: self.local.slots().begin(self.set), set: self }
    }

    /// Ends a batch. If members are woken, the owner is told again.
    #[inline(always)]
    pub fn end(&self) {
        if let Some(foreign) = self.local.slots().end(self.set) {
            foreign.wake_by_ref();
        }
    }
}

impl Drop for ReadySet {
    /// Members should have left. One that has not loses its slot.
    fn drop(&mut self) {
        let foreign = self.local.slots().close(self.set);
        drop(foreign); // after the borrow
    }
}

impl fmt::Debug for ReadySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadySet").field("told", &self.is_told()).field("empty", &self.is_empty()).finish()
    }
}

/// The members that were woken when the batch began, in the order of their wakes: slot and key of each.
#[derive(Debug)]
pub struct Batch<'a> {
    set: &'a ReadySet,
    /// The slot that closes the batch, or [`NONE`] once it is over. It cannot be reused before it comes up.
    last: u32,
}

impl Iterator for Batch<'_> {
    type Item = (u32, u32);

    /// The next member, which from now on may be woken again.
    #[inline(always)]
    fn next(&mut self) -> Option<(u32, u32)> {
        while self.last != NONE {
            let (slot, key) = self.set.local.slots().pop(self.set.set);
            if slot == self.last {
                self.last = NONE;
            }
            if let Some(key) = key {
                return Some((slot, key));
            }
        }
        None
    }
}
