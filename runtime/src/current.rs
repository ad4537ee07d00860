//! What is being polled, or dropped, on this thread right now.
//!
//! Before: nothing. After: `ready.rs`, whose members are what is named here.
//!
//! Two machine words in a thread-local without a destructor: the slot of the task and, beside it, a number that a
//! layer above may choose (`taskgroup` keeps the innermost cancel scope there); and the address of the task's own
//! waker, which is never followed, only compared. They are two cells and not one struct: stored in halves and loaded
//! as a whole, a struct of 16 bytes defeats the processor's store forwarding, and cost a fifth of a poll.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::ptr;
use std::task::Context;

/// "No slot", "no node".
pub const NONE: u32 = u32::MAX;

thread_local! {
    static TASK: Cell<u64> = const { Cell::new(u64::MAX) };
    static WAKER: Cell<*const ()> = const { Cell::new(NOWHERE) };
}

/// An address that is no waker's. (Null is one: that of [`Waker::noop`](std::task::Waker::noop).)
const NOWHERE: *const () = ptr::from_ref(&PLACE).cast();
static PLACE: u8 = 0;

/// The task that is being polled, and a node inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current {
    /// The slot in the low half, the node in the high half.
    task: u64,
    /// Where the data of the task's own waker lives; compared, never followed.
    waker: *const (),
}

impl Current {
    /// Outside every task.
    pub const NOBODY: Self = Self { task: u64::MAX, waker: NOWHERE };

    #[inline(always)]
    pub(crate) fn new(slot: u32, node: u32, waker: *const ()) -> Self {
        Self { task: u64::from(slot) | u64::from(node) << 32, waker }
    }

    /// Reads the cells of this thread. Costs two loads.
    #[inline(always)]
    #[must_use]
    pub fn get() -> Self {
        Self { task: TASK.with(Cell::get), waker: WAKER.with(Cell::get) }
    }

    /// Names `self` as what is polled from now on. Whoever calls this puts the old value back afterwards.
    #[inline(always)]
    pub fn set(self) {
        TASK.with(|task| task.set(self.task));
        WAKER.with(|waker| waker.set(self.waker));
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
        Self::new(self.slot(), node, self.waker)
    }

    /// Whether the waker in `cx` is the task's own, so that the slot can stand for it. False inside combinators that
    /// hand their children wakers of their own, and there only costs a clone.
    #[inline(always)]
    #[must_use]
    pub fn owns(self, cx: &Context<'_>) -> bool {
        ptr::eq(cx.waker().data(), self.waker)
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
