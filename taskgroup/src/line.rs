//! A line of tasks in the order in which they ended.
//!
//! Before: `promise.rs`, whose tasks stand in it. After: `as_completed.rs`, `task_stream.rs`, which take from it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};
use taskgroup_runtime::is_frozen;

/// Tasks that have ended, by number, until somebody takes them. So a thousand handles cost one poll each, where polling
/// all of them for each that ends would cost a million.
#[derive(Default)]
pub(crate) struct Line {
    arrived: RefCell<VecDeque<usize>>,
    /// Of a stream that is shared, several.
    waiting: RefCell<Vec<Waker>>,
}

impl Line {
    /// A task has ended.
    pub(crate) fn arrive(&self, place: usize) {
        self.arrived.borrow_mut().push_back(place);
        let waiting = self.waiting.take();
        for waker in waiting {
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
        if !self.waiting.borrow().iter().any(|waker| waker.will_wake(cx.waker())) {
            let waker = cx.waker().clone();
            self.waiting.borrow_mut().push(waker);
        }
        Poll::Pending
    }
}
