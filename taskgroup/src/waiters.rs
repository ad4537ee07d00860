//! Several who wait for the same thing, in the order of their coming.
//!
//! Before: nothing. After: `line.rs`, `limit.rs`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::task::Waker;
use taskgroup_runtime::{Local, each_despite_panics};

/// The wakers of those who wait, by their numbers.
#[derive(Default)]
pub(crate) struct Waiters {
    wakers: RefCell<BTreeMap<u64, Waker>>,
    /// How many numbers were given out.
    came: Cell<u64>,
}

/// The number of who needs no other: the only one, or whoever polls a `Stream`, since nothing says when that is over.
pub(crate) const ONE: u64 = 0;

impl Waiters {
    /// Somebody who is going to wait, beside others.
    pub(crate) fn come(&self) -> Waiting<'_> {
        self.came.set(self.came.get() + 1);
        Waiting { waiters: self, number: self.came.get() }
    }

    /// Notes how to wake somebody.
    pub(crate) fn wait(&self, number: u64, waker: &Waker) {
        if !self.wakers.borrow().get(&number).is_some_and(|own| own.will_wake(waker)) {
            let waker = waker.clone();
            let before = self.wakers.borrow_mut().insert(number, waker);
            drop(before); // a foreign waker's drop is user code
        }
    }

    /// Who waits, as far as their wakers say so.
    pub(crate) fn slots(&self, local: &Local) -> Vec<u32> {
        self.wakers.borrow().values().filter_map(|waker| local.slot_of(waker)).collect()
    }

    /// Wakes all, to look again.
    pub(crate) fn wake(&self) {
        each_despite_panics(self.wakers.take().into_values(), Waker::wake);
    }
}

/// Who waits, and takes its waker back when it does so no more.
pub(crate) struct Waiting<'a> {
    waiters: &'a Waiters,
    number: u64,
}

impl Waiting<'_> {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Whether it is to be woken.
    pub(crate) fn is_noted(&self) -> bool {
        self.waiters.wakers.borrow().contains_key(&self.number)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let waker = self.waiters.wakers.borrow_mut().remove(&self.number);
        drop(waker);
    }
}
