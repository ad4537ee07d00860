//! A line of tasks in the order in which they ended.
//!
//! Before: nothing. After: `news.rs`, `as_completed.rs`, `task_stream.rs`, which take from it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::task::{Context, Poll, Waker};
use taskgroup_runtime::is_frozen;

/// Tasks that have ended, by number, until somebody takes them. So a thousand handles cost one poll each, where polling
/// all of them for each that ends would cost a million.
#[derive(Default)]
pub(crate) struct Line {
    arrived: RefCell<VecDeque<usize>>,
    /// Who waits, by their numbers: several, of a stream that is shared.
    waiting: RefCell<BTreeMap<u64, Waker>>,
    /// How many numbers were given out.
    waited: Cell<u64>,
}

/// The number of who needs no other: the only one, or whoever polls a `Stream`, since nothing says when that is over.
pub(crate) const ONE: u64 = 0;

impl Line {
    /// A task has ended.
    pub(crate) fn arrive(&self, place: usize) {
        self.arrived.borrow_mut().push_back(place);
        let waiting = self.waiting.take();
        for waker in waiting.into_values() {
            waker.wake();
        }
    }

    /// Somebody who is going to wait, beside others.
    pub(crate) fn waiting(&self) -> Waiting<'_> {
        self.waited.set(self.waited.get() + 1);
        Waiting { line: self, number: self.waited.get() }
    }

    /// The next that has ended. A wait of ours: it freezes.
    pub(crate) fn poll_next(&self, number: u64, cx: &mut Context<'_>) -> Poll<usize> {
        if is_frozen() {
            return Poll::Pending;
        }
        if let Some(place) = self.arrived.borrow_mut().pop_front() {
            return Poll::Ready(place);
        }
        if !self.waiting.borrow().get(&number).is_some_and(|own| own.will_wake(cx.waker())) {
            let waker = cx.waker().clone();
            let before = self.waiting.borrow_mut().insert(number, waker);
            drop(before); // a foreign waker's drop is user code
        }
        Poll::Pending
    }
}

/// Who waits, and takes its waker back when it does so no more.
pub(crate) struct Waiting<'a> {
    line: &'a Line,
    number: u64,
}

impl Waiting<'_> {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let waker = self.line.waiting.borrow_mut().remove(&self.number);
        drop(waker);
    }
}
