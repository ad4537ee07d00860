//! Who is to be woken: what our own waits keep instead of a waker.
//!
//! Before: `ready.rs`. After: `timers.rs`, `reactor.rs`, `task.rs`.
#![forbid(unsafe_code)]

use crate::local::Local;
use std::rc::Rc;
use std::task::{Context, Waker};

/// A slot of the same runtime where the waker in hand is the task's own, else a clone of the waker.
#[derive(Debug)]
pub(crate) enum Wakeup {
    Slot(u32),
    /// The same for a deadline over what the task does, which is not what it waits for. Told apart for the task tree.
    Deadline(u32),
    Waker(Waker),
}

impl Wakeup {
    pub(crate) fn new(local: &Local, cx: &Context<'_>) -> Self {
        match local.slot_for(cx) {
            Some(slot) => Self::Slot(slot),
            None => Self::Waker(cx.waker().clone()),
        }
    }

    pub(crate) fn of_deadline(local: &Local, cx: &Context<'_>) -> Self {
        match Self::new(local, cx) {
            Self::Slot(slot) => Self::Deadline(slot),
            other => other,
        }
    }

    /// Whether waking this wakes who polls now, so that nothing need be stored.
    pub(crate) fn is_for(&self, local: &Local, cx: &Context<'_>) -> bool {
        match self {
            Self::Slot(slot) | Self::Deadline(slot) => local.slot_for(cx) == Some(*slot),
            Self::Waker(waker) => waker.will_wake(cx.waker()),
        }
    }

    /// Wakes. Runs somebody else's code if it is somebody else's waker: hold no borrow.
    pub(crate) fn wake(self, local: &Rc<Local>) {
        match self {
            Self::Slot(slot) | Self::Deadline(slot) => local.wake(slot),
            Self::Waker(waker) => waker.wake(),
        }
    }
}
