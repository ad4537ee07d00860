//! Whom a failing group cancels, and what they were waiting for: for the tree of its errors.
//!
//! Before: `failures.rs`. After: `ledger.rs`, which says who ended, and `join.rs`, which
//! polls them.
//!
//! Nothing of it is kept while a group goes well, and of a group that fails a bounded part: the first [`MOST`] tasks are
//! listened to while they end, the others counted.

use crate::exception_group::sibling::{CancelledSibling, Siblings, WaitedFor};
use crate::ledger::{BODY, Ledger, Phase, QUEUED};
use crate::reason::Reason;
use crate::tasks::How;
use crate::tree::TaskSpot;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use taskgroup_runtime::Asked;
use taskgroup_runtime::instrument::WaitsFor;
use taskgroup_runtime::ready::Wait;

/// How many cancelled tasks of a group are told of one by one.
const MOST: usize = 8;

/// What is kept of the tasks that a failing group has cancelled.
#[derive(Default)]
pub(crate) struct Aftermath {
    /// How many have ended.
    count: Cell<usize>,
    /// The first of them.
    ended: RefCell<Vec<CancelledSibling>>,
    /// What those were waiting for who have not ended yet, by key, as far as it is known: at most [`MOST`].
    ending: RefCell<Vec<(u32, WaitedFor)>>,
    /// A task is being listened to.
    is_listening: Cell<bool>,
    /// Who listened before, further out.
    before: Cell<Option<Asked>>,
}

impl Aftermath {
    /// Whether to listen to a task: not to one of which enough is known.
    fn listens_to(&self, key: u32) -> bool {
        let ending = self.ending.borrow();
        self.count.get() + ending.len() < MOST && ending.iter().all(|(other, _)| *other != key)
    }

    /// Nothing was heard of tasks that live.
    fn is_silent(&self) -> bool {
        !self.is_listening.get() && self.ending.borrow().is_empty()
    }
}

impl Ledger {
    /// Of a group that ends with errors.
    #[inline]
    fn aftermath(&self) -> Option<&Aftermath> {
        let books = self.books_if_any().filter(|_| self.phase() == Phase::Closing)?;
        match books.aftermath.get() {
            Some(aftermath) => Some(aftermath),
            None => books.failures.has_errors().then(|| &**books.aftermath.get_or_init(Box::default)),
        }
    }

    /// The group closes. Who waits for a sibling is noted now: that may end first, and then nothing is left of the wait.
    pub(crate) fn note_joins(&self, live: &[(u32, u32)]) {
        let Some(aftermath) = self.aftermath() else { return };
        let local = self.set.local();
        for (key, slot) in live.iter().take(MOST) {
            let Wait::Member(awaited) = local.wait(*slot) else { continue };
            let other = local.key(awaited).filter(|other| *other != BODY && local.note_above(awaited) == self.node);
            let other = other.map(|other| other & !QUEUED);
            // Of one that has ended, the slot may be another's.
            if let Some(other) = other.filter(|other| self.tasks.with(*other, |row| row.joiner()) == *slot) {
                aftermath.ending.borrow_mut().push((*key, WaitedFor::Task(self.info(other))));
            }
        }
    }

    /// A task comes up while a cancel is in force: if it is one that the failure of the group cancels, what it drops from now
    /// on says what it waited for.
    #[inline]
    pub(crate) fn listen(&self, key: u32) {
        if let Some(aftermath) = self.aftermath()
            && aftermath.count.get() < MOST
            && aftermath.listens_to(key)
        {
            aftermath.is_listening.set(true);
            aftermath.before.set(Some(self.set.local().ask_dropped()));
        }
    }

    /// It goes on, with its cleanups.
    pub(crate) fn listened(&self, key: u32) {
        let Some(aftermath) = self.books_if_any().and_then(|books| books.aftermath.get()) else { return };
        if let Some(waited_for) = self.heard(aftermath) {
            aftermath.ending.borrow_mut().push((key, waited_for));
        }
    }

    fn heard(&self, aftermath: &Aftermath) -> Option<WaitedFor> {
        let local = self.set.local();
        if !aftermath.is_listening.replace(false) {
            return None;
        }
        Some(match local.dropped(aftermath.before.take()?)? {
            WaitsFor::Timer(at) => {
                let now = local.start_of_tick(local.turn_tick());
                WaitedFor::Timer(at.map(|at| at.saturating_sub(now)))
            }
            WaitsFor::Readable(fd) => WaitedFor::Readable(fd),
            WaitsFor::Writable(fd) => WaitedFor::Writable(fd),
            WaitsFor::Task(slot) => WaitedFor::Task(TaskSpot::new(local, slot).info()?),
            WaitsFor::Group(_) => WaitedFor::Group,
            WaitsFor::Admission(_) => WaitedFor::Admission,
            WaitsFor::Signal => WaitedFor::Signal,
            WaitsFor::Process(id) => WaitedFor::Process(id),
            WaitsFor::Job => WaitedFor::Job,
            _ => return None,
        })
    }

    /// It has ended. Gives what it was waiting for when it was cancelled.
    #[inline]
    pub(crate) fn heard_last(&self, key: u32) -> Option<WaitedFor> {
        let aftermath = self.books_if_any()?.aftermath.get().filter(|aftermath| !aftermath.is_silent())?;
        let heard = self.heard(aftermath);
        let mut ending = aftermath.ending.borrow_mut();
        match ending.iter().position(|(other, _)| *other == key) {
            Some(at) => Some(ending.remove(at).1), // heard first
            None => heard,
        }
    }

    /// It was cancelled. If the group fails, its error tells of it.
    #[inline]
    pub(crate) fn note_cancelled(&self, key: u32, task: TaskSpot<'_>, how: How, waited_for: Option<WaitedFor>) {
        let (Some(aftermath), How::Cancelled { was_started, cut_off: was_cut_off }) = (self.aftermath(), how) else {
            return;
        };
        let count = aftermath.count.get();
        aftermath.count.set(count + 1);
        if count < MOST {
            let reason = task.reason().unwrap_or(Reason::Dropped);
            let sibling = CancelledSibling { task: self.info(key), reason, waited_for, was_started, was_cut_off };
            aftermath.ended.borrow_mut().push(sibling);
        }
    }

    /// What there is to tell.
    pub(crate) fn take_siblings(&self) -> Option<Arc<Siblings>> {
        let aftermath = self.books_if_any()?.aftermath.get()?;
        let (kept, count) = (aftermath.ended.take(), aftermath.count.get());
        (count > 0).then(|| Arc::new(Siblings { kept, count }))
    }
}
