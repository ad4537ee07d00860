//! The books of a group: who lives, what failed, which phase it is in. It knows no lifetimes and no futures.
//!
//! Before: `task.rs`. After: `group.rs`, where the futures are, and `join.rs`, which polls them.

use crate::drive::{End, Payload};
use crate::info::{Label, TaskInfo};
use crate::join_error::{JoinError, JoinErrorKind};
use crate::reason::Reason;
use crate::task::{Failure, State, TaskEnd};
use crate::tree::{self, Kind, NodeId, Wakeup};
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use taskgroup_runtime::current::NONE;
use taskgroup_runtime::ready::{Member, ReadySet};
use taskgroup_runtime::{Report, report};

/// The key of the body among the members of a group. It comes up like a child; it is the owner's turn.
pub(crate) const BODY: u32 = NONE - 1;

/// ```text
///   Open --(1) close--> Closing --(2) over--> Over
///     +---------------- (2) ------------------^
/// ```
/// (1) [`Ledger::close`]: a failure, a cancelled owner, `cancel()`; (2) [`Ledger::over`]: the last child has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Takes children.
    Open,
    /// Children have been asked to end; no more are taken.
    Closing,
    /// Nobody is left.
    Over,
}

/// An error, and whose it was.
pub(crate) struct Failed {
    pub(crate) failure: Failure,
    pub(crate) task: Arc<TaskInfo>,
}

pub(crate) struct Ledger {
    pub(crate) set: Rc<ReadySet>,
    /// The group's node. The body's and the children's hang below it.
    pub(crate) node: NodeId,
    pub(crate) body_node: NodeId,
    pub(crate) body_member: Member,
    phase: Cell<Phase>,
    /// Children that have not ended.
    live: Cell<usize>,
    /// Who the group is in, once somebody wanted to know.
    owner: OnceCell<Option<Arc<TaskInfo>>>,
    /// Children ever spawned: the next one's number, less one.
    spawned: Cell<u32>,
    /// Something ended since the last look: the slow half of a poll has work to do.
    changed: Cell<bool>,
    /// In the order in which the children ended.
    errors: RefCell<Vec<Failed>>,
    /// The first panic.
    panic: RefCell<Option<Payload>>,
    /// The first task that failed or panicked.
    first_failure: RefCell<Option<Arc<TaskInfo>>>,
    /// Joiners of children that ended: told after the group has acted.
    news: RefCell<Vec<Waker>>,
}

impl Ledger {
    /// Opens the books. The group's node is not placed yet: that happens where it is polled.
    pub(crate) fn open(set: ReadySet) -> Rc<Self> {
        let set = Rc::new(set);
        let body_member = set.join(BODY);
        let wakeup = || Wakeup::Slot(set.local().clone(), body_member.slot());
        let node = tree::insert(Kind::Group(set.clone()), NONE, wakeup());
        let body_node = tree::insert(Kind::Scope, node, wakeup());
        Rc::new(Self {
            node,
            body_node,
            phase: Cell::new(Phase::Open),
            live: Cell::new(0),
            owner: OnceCell::new(),
            spawned: Cell::new(0),
            changed: Cell::new(false),
            errors: RefCell::default(),
            panic: RefCell::default(),
            first_failure: RefCell::default(),
            news: RefCell::default(),
            body_member,
            set,
        })
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    pub(crate) fn live(&self) -> usize {
        self.live.get()
    }

    /// Takes a child in, under a key of the caller's choice. It is in the books before it is woken for the first time,
    /// which the caller does when it has stored the future.
    pub(crate) fn admit(&self, key: u32, place: &'static Location<'static>) -> State {
        let label = self.label(place);
        let member = self.set.join(key);
        let wakeup = Wakeup::Slot(self.set.local().clone(), member.slot());
        let node = tree::insert(Kind::Task(label), self.node, wakeup);
        self.live.set(self.live.get() + 1);
        State::live(node, member)
    }

    /// Who a child would have been that is not taken in.
    pub(crate) fn refuse(&self, place: &'static Location<'static>) -> State {
        State::refused(Arc::new(TaskInfo::new(self.label(place), self.owner())))
    }

    /// The task that the group is in.
    fn owner(&self) -> Option<Arc<TaskInfo>> {
        self.owner.get_or_init(|| tree::info(self.node)).clone()
    }

    fn label(&self, place: &'static Location<'static>) -> Label {
        let number = self.spawned.get().saturating_add(1);
        self.spawned.set(number);
        Label { name: None, number, place }
    }

    /// A child has ended and its future is gone: writes it down. What follows from it, follows after the batch.
    pub(crate) fn ended(&self, state: &State, end: End<()>) {
        let node = state.node();
        self.live.set(self.live.get() - 1);
        self.changed.set(true);
        let Some(label) = tree::label(node) else { return }; // the thread is ending, and nobody can ask any more
        let info = TaskInfo::new(label, self.owner());
        let end = match end {
            End::Done(()) => match state.take_failure() {
                None => TaskEnd::Value(info),
                Some(failure) => {
                    let info = Arc::new(info);
                    self.failed(&info);
                    self.errors.borrow_mut().push(Failed { failure, task: info.clone() });
                    TaskEnd::Not(JoinError::new(info, JoinErrorKind::Failed))
                }
            },
            End::Cancelled => {
                let reason = tree::reason(node).unwrap_or(Reason::Dropped);
                TaskEnd::Not(JoinError::new(Arc::new(info), JoinErrorKind::Cancelled(reason)))
            }
            End::Panicked(payload) => {
                let info = Arc::new(info);
                self.failed(&info);
                self.panicked(payload, Some(info.clone()));
                TaskEnd::Not(JoinError::new(info, JoinErrorKind::Panicked))
            }
        };
        tree::remove(node);
        self.set.leave(state.member().slot());
        let joiners = state.finish(end);
        self.news.borrow_mut().extend(joiners);
    }

    fn failed(&self, task: &Arc<TaskInfo>) {
        self.first_failure.borrow_mut().get_or_insert_with(|| task.clone());
    }

    /// Keeps the first panic; further ones go to the reporter.
    pub(crate) fn panicked(&self, payload: Payload, task: Option<Arc<TaskInfo>>) {
        let mut panic = self.panic.borrow_mut();
        if panic.is_none() {
            *panic = Some(payload);
            return;
        }
        drop(panic);
        report(&Report::Displaced(&format_args!("a second panic, of {}", Whose(task.as_deref()))));
    }

    /// No more children; those that live are asked to end, in the order of their spawning. Once.
    pub(crate) fn close(&self, reason: &Reason) {
        if self.phase.get() != Phase::Open {
            return;
        }
        self.phase.set(Phase::Closing);
        for task in tree::tasks_of(self.node) {
            tree::cancel(task, reason.clone());
        }
    }

    pub(crate) fn over(&self) {
        debug_assert_eq!(self.live.get(), 0);
        self.phase.set(Phase::Over);
    }

    /// The body has ended.
    pub(crate) fn note_change(&self) {
        self.changed.set(true);
    }

    /// Whether something ended since this was asked last.
    #[inline(always)]
    pub(crate) fn take_changed(&self) -> bool {
        self.changed.replace(false)
    }

    pub(crate) fn first_failure(&self) -> Option<Arc<TaskInfo>> {
        self.first_failure.borrow().clone()
    }

    /// Tells those who wait for children that ended.
    pub(crate) fn tell_joiners(&self) {
        let news = self.news.take();
        for joiner in news {
            joiner.wake();
        }
    }

    pub(crate) fn take_errors(&self) -> Vec<Failed> {
        self.errors.take()
    }

    /// The panic that goes on in the owner. What it displaces is reported: errors of tasks, and the body's if there is
    /// one.
    pub(crate) fn take_panic(&self, body_failed: bool) -> Option<Payload> {
        let payload = self.panic.take()?;
        self.report_errors(|what| Report::Displaced(what));
        if body_failed {
            report(&Report::Displaced(&format_args!("the error of {}", Whose(None))));
        }
        Some(payload)
    }

    /// Tells the reporter of errors that nobody will get, and how that came.
    pub(crate) fn report_errors(&self, how: for<'a> fn(&'a dyn fmt::Display) -> Report<'a>) {
        let errors = self.errors.take();
        for Failed { task, .. } in errors {
            report(&how(&format_args!("the error of {}", Whose(Some(&task)))));
        }
    }
}

/// A task, or the body.
struct Whose<'a>(Option<&'a TaskInfo>);

impl fmt::Display for Whose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(task) => write!(f, "task {task}"),
            None => f.write_str("the body of the group"),
        }
    }
}
