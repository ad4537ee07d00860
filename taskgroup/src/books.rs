//! The part of a group's books that most groups do without.
//!
//! Before: `limit.rs`, `failures.rs`, `aftermath.rs`, `handlers.rs`, `child.rs`. After: `ledger.rs`, which makes it when it is first needed.

use crate::aftermath::Aftermath;
use crate::child::BoxedChild;
use crate::failures::{Failed, Failures};
use crate::handlers::Holders;
use crate::limit::Limit;
use std::cell::{Cell, OnceCell, RefCell};
use std::time::Duration;

#[derive(Default)]
pub(crate) struct Books {
    pub(crate) limit: Limit,
    pub(crate) failures: Failures,
    pub(crate) aftermath: OnceCell<Box<Aftermath>>,
    /// The error of a supervised task that has ended just now.
    pub(crate) supervised: Cell<Option<Failed>>,
    pub(crate) holders: Holders,
    /// The handler that was set last.
    pub(crate) handler: Cell<Option<u32>>,
    /// How long a task may take over its end that is spawned now.
    pub(crate) grace: Cell<Option<Duration>>,
    /// Children of a [`Spawner`](crate::Spawner), by their keys, until the first of them comes up.
    inbox: RefCell<Vec<(u32, BoxedChild<'static>)>>,
}

impl Books {
    pub(crate) fn put(&self, key: u32, child: BoxedChild<'static>) {
        self.inbox.borrow_mut().push((key, child));
    }

    /// Empties the inbox.
    pub(crate) fn take_newcomers(&self) -> Vec<(u32, BoxedChild<'static>)> {
        self.inbox.take()
    }
}
