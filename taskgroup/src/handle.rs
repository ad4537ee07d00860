//! The half of a handle that does not know the type of the value: which row of which group.
//!
//! Before: `tasks.rs`, `ledger.rs`. After: `task.rs`.

use crate::info::TaskInfo;
use crate::join_error::{JoinError, JoinErrorKind};
use crate::ledger::Ledger;
use crate::news::Joiner;
use crate::reason::Reason;
use crate::tasks::{How, Life};
use crate::tree::TaskSpot;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};
use taskgroup_runtime::current::NONE;
use taskgroup_runtime::instrument::{Event, WaitsFor};
use taskgroup_runtime::ready::Wait;

/// Keeps a task's row, until it is dropped.
pub(crate) struct Handle {
    ledger: Rc<Ledger>,
    key: u32,
}

impl Handle {
    #[inline(always)]
    pub(crate) fn new(ledger: Rc<Ledger>, key: u32) -> Self {
        Self { ledger, key }
    }

    /// Where the task is in the tree, while it lives.
    pub(crate) fn spot(&self) -> Option<TaskSpot<'_>> {
        match self.ledger.tasks.with(self.key, |row| row.slot()) {
            NONE => None,
            slot => Some(TaskSpot::new(self.ledger.set.local(), slot)),
        }
    }

    #[inline(always)]
    fn life(&self) -> Life {
        self.ledger.tasks.with(self.key, |row| row.life)
    }

    /// How the task ended; `None`: it has not.
    #[inline(always)]
    pub(crate) fn end(&self) -> Option<How> {
        match self.life() {
            Life::Live { .. } | Life::Free { .. } => None,
            Life::Ended { how, .. } => Some(how),
        }
    }

    /// How the task ended, as who awaits it sees it: not before the group has acted on it.
    #[inline(always)]
    pub(crate) fn told_end(&self) -> Option<How> {
        match self.life() {
            Life::Live { .. } | Life::Free { .. } => None,
            Life::Ended { how: How::Refused, .. } => Some(How::Refused),
            Life::Ended { how, edition } => (edition != self.ledger.news.edition()).then_some(how),
        }
    }

    /// Notes that whoever polls the handle now waits for the end: with its slot, if it is a task of the group's runtime.
    pub(crate) fn join(&self, cx: &Context<'_>) {
        let local = self.ledger.set.local();
        if let Life::Live { slot, .. } = self.life() {
            local.tell_wait(WaitsFor::Task(slot));
        }
        let Some(joiner) = local.slot_for(cx) else {
            if !self.is_joined_by(cx.waker()) {
                self.set_joiner(Joiner::Waker(cx.waker().clone()));
            }
            return;
        };
        if let Life::Live { slot, .. } = self.life() {
            local.set_wait(joiner, Wait::Member(slot));
        }
        self.set_joiner(Joiner::Member(joiner));
    }

    fn is_joined_by(&self, waker: &Waker) -> bool {
        self.ledger.tasks.with(self.key, |row| match row.extra().map(|extra| &extra.joiner) {
            Some(Some(Joiner::Waker(own))) => own.will_wake(waker),
            _ => false,
        })
    }

    /// Notes who waits for the end, instead of whoever did; of a task that has ended, who is to be told with the news.
    pub(crate) fn set_joiner(&self, joiner: Joiner) {
        if let Life::Ended { .. } = self.life() {
            return self.ledger.news.add(joiner);
        }
        let before = self.ledger.tasks.with(self.key, |row| row.set_joiner(joiner));
        drop(before); // a foreign waker's drop is user code
    }

    /// Names the task. Of one that has ended, nothing changes, but for one that was never taken in.
    pub(crate) fn set_name(&self, name: Arc<str>) {
        if let Life::Live { slot: task, .. } = self.life() {
            self.ledger.set.local().tell(|| Event::Named { task, name: &name });
        }
        self.ledger.tasks.with(self.key, |row| row.set_name(name));
    }

    /// Says that the task comes from elsewhere; in the same cases.
    pub(crate) fn set_place(&self, place: &'static Location<'static>) {
        self.ledger.tasks.with(self.key, |row| row.set_place(place));
    }

    /// Who the task is.
    pub(crate) fn info(&self) -> Arc<TaskInfo> {
        self.ledger.info(self.key)
    }

    /// The error of a task that has ended so.
    #[cold]
    pub(crate) fn error(&self, how: How) -> JoinError {
        let kind = match how {
            How::Value => JoinErrorKind::Taken,
            How::Failed => JoinErrorKind::Failed,
            How::Panicked => JoinErrorKind::Panicked,
            How::Refused => JoinErrorKind::Refused,
            How::Cancelled { .. } => {
                let own = self.ledger.tasks.with(self.key, |row| row.extra().and_then(|extra| extra.reason.clone()));
                JoinErrorKind::Cancelled(own.or_else(|| self.ledger.closing()).unwrap_or(Reason::Dropped))
            }
        };
        let (was_started, cut_off) = match how {
            How::Cancelled { was_started, cut_off } => (was_started, cut_off),
            how => (!matches!(how, How::Refused), false),
        };
        JoinError::new(self.info(), kind, was_started, cut_off)
    }
}

impl Drop for Handle {
    /// Does nothing to the task.
    #[inline(always)]
    fn drop(&mut self) {
        let awaited = self.ledger.tasks.release(self.key);
        if awaited != NONE {
            self.ledger.set.local().drops_wait(|| Some(WaitsFor::Task(awaited)));
        }
    }
}
