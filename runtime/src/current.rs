//! What is being polled, or dropped, on this thread right now.
//!
//! Before: nothing. After: `waker.rs`, `slots.rs`, `ready.rs`, whose members are what is named here.
//!
//! One machine word in a thread-local without a destructor: the slot of the task and, beside it, a number that a layer
//! above may choose (`taskgroup` keeps the innermost cancel scope there). One word and not a struct of two: stored in
//! halves and loaded as a whole, that would defeat the processor's store forwarding, and cost a fifth of a poll.
#![forbid(unsafe_code)]

use crate::sync::per_thread;
use std::cell::Cell;

/// "No slot", "no node".
pub const NONE: u32 = u32::MAX;

per_thread! {
    static TASK: Cell<u64> = const { Cell::new(u64::MAX) };
}

/// The task that is being polled, and a node inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current {
    /// The slot in the low half, the node in the high half.
    task: u64,
}

impl Current {
    /// Outside every task.
    pub const NOBODY: Self = Self { task: u64::MAX };

    /// The member of a ready set that has this slot, with `node` beside it.
    #[inline(always)]
    #[must_use]
    pub fn new(slot: u32, node: u32) -> Self {
        Self { task: u64::from(slot) | u64::from(node) << 32 }
    }

    /// Reads the cell of this thread. Costs a load.
    #[inline(always)]
    #[must_use]
    pub fn get() -> Self {
        Self { task: TASK.with(Cell::get) }
    }

    /// Names `self` as what is polled from now on. Whoever calls this puts the old value back afterwards.
    #[inline(always)]
    pub fn set(self) {
        TASK.with(|task| task.set(self.task));
    }

    /// Names `self` until the guard is dropped, also if that happens while unwinding.
    #[must_use = "the old value comes back when the guard is dropped"]
    pub fn enter(self) -> Restore {
        let before = Self::get();
        self.set();
        Restore(before)
    }

    /// The slot of the task, or [`NONE`].
    #[inline(always)]
    #[must_use]
    pub fn slot(self) -> u32 {
        self.task as u32
    }

    /// The same, if there is a task.
    #[inline(always)]
    #[must_use]
    pub fn task(self) -> Option<u32> {
        (self.slot() != NONE).then(|| self.slot())
    }

    /// The number beside the slot, or [`NONE`].
    #[inline(always)]
    #[must_use]
    pub fn node(self) -> u32 {
        (self.task >> 32) as u32
    }

    /// The same task with another number beside it.
    #[inline(always)]
    #[must_use]
    pub fn with_node(self, node: u32) -> Self {
        Self::new(self.slot(), node)
    }
}

/// Puts back what was current before. Made by [`Current::enter`].
#[derive(Debug)]
pub struct Restore(pub(crate) Current);

impl Drop for Restore {
    fn drop(&mut self) {
        self.0.set();
    }
}
