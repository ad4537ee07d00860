//! A line of tasks in the order in which they ended.
//!
//! Before: `waiters.rs`. After: `news.rs`, `as_completed.rs`, `task_stream.rs`, which take from it.

use crate::waiters::Waiters;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::task::{Context, Poll};
use taskgroup_runtime::is_frozen;

/// Tasks that have ended, by number, until somebody takes them. So a thousand handles cost one poll each, where polling
/// all of them for each that ends would cost a million.
#[derive(Default)]
pub(crate) struct Line {
    arrived: RefCell<VecDeque<usize>>,
    /// Several, of a stream that is shared.
    pub(crate) waiters: Waiters,
}

impl Line {
    /// A task has ended.
    pub(crate) fn arrive(&self, place: usize) {
        self.arrived.borrow_mut().push_back(place);
        self.waiters.wake();
    }

    /// The next that has ended, for the waiter of that number. A wait of ours: it freezes.
    pub(crate) fn poll_next(&self, number: u64, cx: &mut Context<'_>) -> Poll<usize> {
        if is_frozen() {
            return Poll::Pending;
        }
        if let Some(place) = self.arrived.borrow_mut().pop_front() {
            return Poll::Ready(place);
        }
        self.waiters.wait(number, cx.waker());
        Poll::Pending
    }
}
