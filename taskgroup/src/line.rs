//! A line of tasks in the order in which they ended.
//!
//! Before: `task.rs`, whose handles stand in it. After: `as_completed.rs`, `task_stream.rs`, which take from it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};
use taskgroup_runtime::is_frozen;

/// Tasks that have ended, by number, until somebody takes them. So a thousand handles cost one poll each, where polling
/// all of them for each that ends would cost a million.
#[derive(Default)]
pub(crate) struct Line {
    arrived: RefCell<VecDeque<usize>>,
    waiting: Cell<Option<Waker>>,
}

impl Line {
    /// A task has ended.
    pub(crate) fn arrive(&self, place: usize) {
        self.arrived.borrow_mut().push_back(place);
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// The next that has ended. A wait of ours: it freezes.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<usize> {
        if is_frozen() {
            return Poll::Pending;
        }
        if let Some(place) = self.arrived.borrow_mut().pop_front() {
            return Poll::Ready(place);
        }
        let before = self.waiting.take();
        let waker = match before {
            Some(waker) if waker.will_wake(cx.waker()) => waker,
            _ => cx.waker().clone(),
        };
        self.waiting.set(Some(waker));
        Poll::Pending
    }
}
