//! What the handle of a child shares with the group.
//!
//! Before: `tree.rs`, `news.rs`. After: `task.rs`, the handle, and `child.rs`, the group's half.
//!
//! ```text
//!            (1) spawn                 (2) the future ended or was dropped
//!   nothing ----------> Live (a slot) -----------------------------------> Ended
//!      |                                                                     ^
//!      +----------------- (3) the group is closing: refused -----------------+
//! ```
//! (1) `Ledger::admit`, (2) `Ledger::ended`, (3) [`State::refused`].
//!
//! There is one for each task, so it is kept small: what a task can be called and who can wait for it besides a task of
//! the same runtime, is in an [`Extra`] that most do without.

use crate::info::{Label, TaskInfo};
use crate::join_error::{JoinError, JoinErrorKind};
use crate::ledger::Ledger;
use crate::news::Joiner;
use crate::policy::Policy;
use crate::reason::Reason;
use crate::tree::TaskSpot;
use std::any::Any;
use std::cell::Cell;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};
use taskgroup_runtime::current::NONE;
use taskgroup_runtime::ready::{Origin, Wait};

/// An error on its way to the group: an `E`, or an `ExceptionGroup<E>`.
pub(crate) type Failure = Box<dyn Any>;

/// What a handle and a group share, with the value at its end.
pub(crate) struct TypedPromise<T> {
    pub(crate) state: State,
    value: Cell<Option<T>>,
}

impl<T> TypedPromise<T> {
    pub(crate) fn new(state: State) -> Rc<Self> {
        Rc::new(Self { state, value: Cell::new(None) })
    }

    pub(crate) fn take_value(&self) -> Option<T> {
        self.value.take()
    }

    /// The last act of the task.
    #[inline(always)]
    pub(crate) fn settle(&self, result: Result<T, Failure>) {
        match result {
            Ok(value) => self.value.set(Some(value)),
            Err(failure) => self.state.fail(failure),
        }
    }
}

/// The life of a task.
pub(crate) struct State {
    ledger: Rc<Ledger>,
    life: Cell<Life>,
    extra: Cell<Option<Box<Extra>>>,
}

#[derive(Clone, Copy)]
enum Life {
    Live {
        /// Its place in the group's ready set.
        slot: u32,
        /// The slot of a task of the same runtime that awaits the handle, or [`NONE`]. Told after the group has acted on
        /// the end. One: a handle is polled by `&mut`.
        joiner: u32,
        /// What its failure does; that of the group when it was spawned.
        policy: Policy,
    },
    Ended {
        how: How,
        /// In which edition of the group's news the end is.
        edition: u64,
        /// Who it was, but for the name.
        number: u32,
        place: &'static Location<'static>,
    },
}

/// How a task ended.
#[derive(Clone, Copy)]
pub(crate) enum How {
    Value,
    Failed,
    Panicked,
    /// The reason is the task's own, if it had one; else its group's.
    Cancelled {
        was_started: bool,
        cut_off: bool,
    },
    Refused,
}

/// What most tasks never have.
#[derive(Default)]
struct Extra {
    /// Set when the task has failed, until it is buried.
    failure: Option<Failure>,
    /// Who waits for the end, if that is not a task of the same runtime.
    joiner: Option<Joiner>,
    /// What the task was called, once it has ended.
    name: Option<Arc<str>>,
    /// Who the task was, as its group has it too: by this, an error is known as the one of this task.
    info: Option<Arc<TaskInfo>>,
    /// Why the task itself was cancelled, once it has ended.
    reason: Option<Reason>,
}

impl State {
    pub(crate) fn live(ledger: Rc<Ledger>, slot: u32, policy: Policy) -> Self {
        let life = Life::Live { slot, joiner: NONE, policy };
        Self { ledger, life: Cell::new(life), extra: Cell::new(None) }
    }

    /// A task that was never taken in.
    pub(crate) fn refused(ledger: Rc<Ledger>, origin: Origin) -> Self {
        let Origin { number, place } = origin;
        let life = Life::Ended { how: How::Refused, edition: 0, number, place };
        Self { ledger, life: Cell::new(life), extra: Cell::new(None) }
    }

    /// Changes what most tasks never have, which this one has from now on. `change` runs nobody's code.
    fn with_extra<R>(&self, change: impl FnOnce(&mut Extra) -> R) -> R {
        let mut extra = self.extra.take().unwrap_or_default();
        let result = change(&mut extra);
        self.extra.set(Some(extra));
        result
    }

    /// The same, if it is there.
    #[inline(always)]
    fn with_extra_if_any<R>(&self, change: impl FnOnce(&mut Extra) -> Option<R>) -> Option<R> {
        let mut extra = self.extra.take()?;
        let result = change(&mut extra);
        self.extra.set(Some(extra));
        result
    }

    /// The task's slot while it lives; else [`NONE`].
    #[inline(always)]
    pub(crate) fn slot(&self) -> u32 {
        match self.life.get() {
            Life::Live { slot, .. } => slot,
            Life::Ended { .. } => NONE,
        }
    }

    /// Where the task is in the tree, while it lives.
    pub(crate) fn spot(&self) -> Option<TaskSpot<'_>> {
        match self.slot() {
            NONE => None,
            slot => Some(TaskSpot::new(self.ledger.set.local(), slot)),
        }
    }

    pub(crate) fn policy(&self) -> Policy {
        match self.life.get() {
            Life::Live { policy, .. } => policy,
            Life::Ended { .. } => Policy::FailFast,
        }
    }

    /// The last act of a task that fails.
    #[cold]
    fn fail(&self, failure: Failure) {
        self.with_extra(|extra| extra.failure = Some(failure));
    }

    #[inline(always)]
    pub(crate) fn take_failure(&self) -> Option<Failure> {
        self.with_extra_if_any(|extra| extra.failure.take())
    }

    /// Marks the end; from now on the handle knows. Who waits for it is told with the next news.
    pub(crate) fn finish(&self, how: How, label: Label, reason: Option<Reason>) {
        let Life::Live { joiner, .. } = self.life.get() else { return };
        let news = &self.ledger.news;
        let Label { name, number, place } = label;
        self.life.set(Life::Ended { how, edition: news.edition(), number, place });
        if name.is_some() || reason.is_some() {
            self.with_extra(|extra| (extra.name, extra.reason) = (name, reason));
        }
        if joiner != NONE {
            news.add(Joiner::Member(joiner));
        } else if let Some(joiner) = self.take_joiner() {
            news.add(joiner);
        }
    }

    fn take_joiner(&self) -> Option<Joiner> {
        self.with_extra_if_any(|extra| extra.joiner.take())
    }

    /// Whether the end has not been told yet.
    #[inline(always)]
    pub(crate) fn is_news(&self) -> bool {
        match self.life.get() {
            Life::Live { .. } => false,
            Life::Ended { how: How::Refused, .. } => false,
            Life::Ended { edition, .. } => edition == self.ledger.news.edition(),
        }
    }

    #[inline(always)]
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.life.get(), Life::Ended { .. })
    }

    /// How the task ended; `None`: it has not.
    #[inline(always)]
    pub(crate) fn end(&self) -> Option<How> {
        match self.life.get() {
            Life::Live { .. } => None,
            Life::Ended { how, .. } => Some(how),
        }
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
                let own = self.with_extra_if_any(|extra| extra.reason.clone());
                JoinErrorKind::Cancelled(own.or_else(|| self.ledger.closing()).unwrap_or(Reason::Dropped))
            }
        };
        let (was_started, cut_off) = match how {
            How::Cancelled { was_started, cut_off } => (was_started, cut_off),
            how => (!matches!(how, How::Refused), false),
        };
        JoinError::new(self.info_of_ended(), kind, was_started, cut_off)
    }

    /// Notes that whoever polls the handle now waits for the end: with its slot, if it is a task of the group's runtime.
    pub(crate) fn join(&self, cx: &Context<'_>) {
        let local = self.ledger.set.local();
        match (self.life.get(), local.slot_for(cx)) {
            (Life::Live { slot, policy, .. }, Some(joiner)) => {
                self.life.set(Life::Live { slot, joiner, policy });
                local.set_wait(joiner, Wait::Member(slot));
                drop(self.take_joiner());
            }
            (_, Some(joiner)) => self.set_joiner(Joiner::Member(joiner)),
            (_, None) if self.is_joined_by(cx.waker()) => {}
            (_, None) => self.set_joiner(Joiner::Waker(cx.waker().clone())),
        }
    }

    fn is_joined_by(&self, waker: &Waker) -> bool {
        let is_own = |extra: &mut Extra| match &extra.joiner {
            Some(Joiner::Waker(own)) => Some(own.will_wake(waker)),
            _ => None,
        };
        self.with_extra_if_any(is_own).unwrap_or(false)
    }

    /// Notes who waits for the end, instead of whoever did.
    pub(crate) fn set_joiner(&self, joiner: Joiner) {
        match self.life.get() {
            Life::Ended { .. } => self.ledger.news.add(joiner),
            Life::Live { slot, policy, .. } => {
                self.life.set(Life::Live { slot, joiner: NONE, policy });
                let before = self.with_extra(|extra| extra.joiner.replace(joiner));
                drop(before); // a foreign waker's drop is user code
            }
        }
    }

    /// Names the task. Of one that has ended, nothing changes, but for one that was never taken in.
    pub(crate) fn set_name(&self, name: Arc<str>) {
        match self.life.get() {
            Life::Live { slot, .. } => TaskSpot::new(self.ledger.set.local(), slot).set_name(name),
            Life::Ended { how: How::Refused, .. } => self.with_extra(|extra| extra.name = Some(name)),
            Life::Ended { .. } => {}
        }
    }

    /// Says that the task comes from elsewhere; in the same cases.
    pub(crate) fn set_place(&self, place: &'static Location<'static>) {
        match self.life.get() {
            Life::Live { slot, .. } => self.ledger.set.local().set_place(slot, place),
            Life::Ended { how: How::Refused, edition, number, .. } => {
                self.life.set(Life::Ended { how: How::Refused, edition, number, place });
            }
            Life::Ended { .. } => {}
        }
    }

    /// Who the task is. `None` only while the thread is ending.
    pub(crate) fn info(&self) -> Option<Arc<TaskInfo>> {
        match self.spot() {
            Some(task) => task.info(),
            None => Some(self.info_of_ended()),
        }
    }

    /// The same, from now on the same one for everybody who asks. For a task that lives.
    #[cold]
    pub(crate) fn keep_info(&self) -> Arc<TaskInfo> {
        let info = self.info().expect("a child has a number and a place until it has ended");
        self.with_extra(|extra| extra.info = Some(info.clone()));
        info
    }

    fn info_of_ended(&self) -> Arc<TaskInfo> {
        if let Some(info) = self.with_extra_if_any(|extra| extra.info.clone()) {
            return info;
        }
        let Life::Ended { number, place, .. } = self.life.get() else { unreachable!("asked of a task that has ended") };
        let name = self.with_extra_if_any(|extra| extra.name.clone());
        Arc::new(TaskInfo::new(Label { name, number, place }, self.ledger.owner()))
    }
}
