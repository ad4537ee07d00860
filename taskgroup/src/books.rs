//! The part of a group's books that most groups do without.
//!
//! Before: `limit.rs`, `failures.rs`, `child.rs`. After: `ledger.rs`, which makes it when it is first needed.

use crate::child::BoxedChild;
use crate::failures::Failures;
use crate::ledger::{BODY, NEWCOMERS};
use crate::limit::Limit;
use std::cell::{Cell, RefCell};
use std::time::Duration;

#[derive(Default)]
pub(crate) struct Books {
    pub(crate) limit: Limit,
    pub(crate) failures: Failures,
    /// How long a task may take over its end that is spawned now.
    pub(crate) grace: Cell<Option<Duration>>,
    /// Children of a [`Spawner`](crate::Spawner), by their keys, until they come up for the first time.
    inbox: RefCell<Vec<(u32, BoxedChild<'static>)>>,
    /// Children that came through the inbox, ever: their keys until then.
    newcomers: Cell<u32>,
}

impl Books {
    /// The key of the next child that comes through the inbox.
    pub(crate) fn next_newcomer(&self) -> u32 {
        let number = self.newcomers.get();
        self.newcomers.set((number + 1) % (BODY - NEWCOMERS));
        NEWCOMERS + number
    }

    pub(crate) fn put(&self, key: u32, child: BoxedChild<'static>) {
        self.inbox.borrow_mut().push((key, child));
    }

    /// Empties the inbox.
    pub(crate) fn take_newcomers(&self) -> Vec<(u32, BoxedChild<'static>)> {
        self.inbox.take()
    }
}
