//! The books of a group: who lives, what failed, which phase it is in. It knows no lifetimes.
//!
//! Before: `promise.rs`, `child.rs`, `limit.rs`, `failures.rs`. After: `group.rs`, where the futures are, and
//! `join.rs`, which polls them.

use crate::child::{Child, GivenAway};
use crate::drive::End;
use crate::failures::{Failed, Failures};
use crate::info::{Label, TaskInfo};
use crate::join_error::{JoinError, JoinErrorKind};
use crate::limit::{Limit, Queued};
use crate::news::News;
use crate::policy::Policy;
use crate::promise::{State, TaskEnd};
use crate::reason::Reason;
use crate::task_local;
use crate::tree::{self, Kind, NodeId, Wakeup};
use std::cell::{Cell, OnceCell, RefCell};
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use taskgroup_runtime::current::{Current, NONE};
use taskgroup_runtime::ready::ReadySet;

/// The key of the body among the members of a group. It comes up like a child; it is the owner's turn.
pub(crate) const BODY: u32 = NONE - 1;

/// From here on, keys are those of children in the inbox. Others are numbered from 0 on.
pub(crate) const NEWCOMERS: u32 = 1 << 31;

/// Added to the key of a child that has no place yet. So those that have one need not be asked whenever they come up.
pub(crate) const QUEUED: u32 = 1 << 30;

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

pub(crate) struct Ledger {
    pub(crate) set: Rc<ReadySet>,
    /// The group's node. The body's and the children's hang below it.
    pub(crate) node: NodeId,
    pub(crate) body_node: NodeId,
    pub(crate) body_slot: u32,
    /// The body's node is in the tree.
    body_lives: Cell<bool>,
    phase: Cell<Phase>,
    /// Children that have not ended.
    live: Cell<usize>,
    /// Who the group is in, once somebody wanted to know.
    owner: OnceCell<Option<Arc<TaskInfo>>>,
    /// Children ever spawned: the next one's number, less one.
    spawned: Cell<u32>,
    /// Something ended since the last look: the slow half of a poll has work to do.
    changed: Cell<bool>,
    pub(crate) limit: Limit,
    pub(crate) failures: Failures,
    /// What the failure of a task does that is spawned now.
    policy: Cell<Policy>,
    /// How long a task may take over its end that is spawned now.
    grace: Cell<Option<Duration>>,
    /// Children of a [`Spawner`](crate::Spawner), until they come up for the first time.
    pub(crate) inbox: RefCell<Vec<(u32, Child<'static>)>>,
    /// Children that came through the inbox, ever: their keys until then.
    newcomers: Cell<u32>,
    /// Who waits for children that ended: told after the group has acted.
    news: Rc<News>,
}

impl Ledger {
    /// Opens the books. The group's node is not placed yet: that happens where it is polled.
    pub(crate) fn open(set: ReadySet) -> Rc<Self> {
        let set = Rc::new(set);
        let body_slot = set.join(BODY);
        let wakeup = || Wakeup::Slot(set.local().clone(), body_slot);
        let node = tree::insert(Kind::Group(set.clone()), NONE, wakeup());
        let body_node = tree::insert(Kind::Scope, node, wakeup());
        Rc::new(Self {
            node,
            body_node,
            body_lives: Cell::new(true),
            phase: Cell::new(Phase::Open),
            live: Cell::new(0),
            owner: OnceCell::new(),
            spawned: Cell::new(0),
            changed: Cell::new(false),
            limit: Limit::default(),
            policy: Cell::new(Policy::FailFast),
            failures: Failures::default(),
            grace: Cell::new(None),
            inbox: RefCell::default(),
            newcomers: Cell::new(0),
            news: Rc::default(),
            body_slot,
            set,
        })
    }

    /// What to name as current while the body is polled or dropped.
    #[inline(always)]
    pub(crate) fn body_current(&self) -> Current {
        Current::new(self.body_slot, self.body_node)
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    pub(crate) fn live(&self) -> usize {
        self.live.get()
    }

    /// Takes a child in, under a key of the caller's choice. It is in the books before it can be woken for the first
    /// time: see [`start`](Self::start).
    pub(crate) fn admit(&self, key: u32, place: &'static Location<'static>) -> State {
        let label = self.label(place);
        let slot = self.set.join(key);
        let node = tree::insert(Kind::Task(label), self.node, Wakeup::Slot(self.set.local().clone(), slot));
        task_local::inherit(node);
        if let Some(grace) = self.grace.get() {
            tree::set_grace(node, grace);
        }
        self.live.set(self.live.get() + 1);
        let ticket = self.limit.enter(Queued { slot, node, key });
        if !self.limit.has_place(ticket) && key < QUEUED {
            self.set.set_key(slot, key | QUEUED);
        }
        State::live(node, slot, ticket, self.policy.get(), self.news.clone())
    }

    /// The same for a child that goes into the inbox, and under which key to put it there.
    pub(crate) fn admit_newcomer(&self, place: &'static Location<'static>) -> (u32, State) {
        let number = self.newcomers.get();
        self.newcomers.set((number + 1) % (BODY - NEWCOMERS));
        let key = NEWCOMERS + number;
        (key, self.admit(key, place))
    }

    /// A newcomer has left the inbox, for a key like the others'.
    pub(crate) fn rekey(&self, state: &State, key: u32) {
        let (slot, ticket) = (state.slot(), state.ticket());
        let is_queued = !self.limit.has_place(ticket);
        self.set.set_key(slot, if is_queued { key | QUEUED } else { key });
        self.limit.rekey(ticket, key);
    }

    /// Wakes a child for the first time, unless it has to wait for a place. Its future has been stored by now.
    pub(crate) fn start(&self, state: &State) {
        if self.limit.has_place(state.ticket()) {
            self.set.wake(state.slot());
        }
    }

    /// Whether a child that comes up has no place yet: something held the waker of its slot's last tenant.
    pub(crate) fn is_to_wait(&self, state: &State) -> bool {
        !self.limit.has_place(state.ticket()) && !tree::is_cancelled(state.node())
    }

    pub(crate) fn set_limit(&self, places: usize) {
        self.limit.set(places);
        self.start_queued();
        self.limit.tell_admitting();
    }

    fn start_queued(&self) {
        while let Some(task) = self.limit.next() {
            if task.key < QUEUED {
                self.set.set_key(task.slot, task.key);
            }
            self.set.wake(task.slot);
        }
    }

    pub(crate) fn set_policy(&self, policy: Policy) {
        self.policy.set(policy);
    }

    pub(crate) fn set_grace(&self, limit: Duration) {
        self.grace.set(Some(limit));
        if self.body_lives.get() {
            tree::set_grace(self.body_node, limit);
        }
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

    /// A child has ended and its future is gone: writes it down. What follows from it, follows after the batch; but the
    /// failure of a supervised child is given back.
    pub(crate) fn ended(&self, state: &State, end: End<()>) -> Option<Failed> {
        self.live.set(self.live.get() - 1);
        self.changed.set(true);
        self.limit.leave(state.ticket());
        self.start_queued();
        let node = state.node();
        let Some(label) = tree::label(node) else {
            // The thread is ending, and its tree is gone: nobody can ask any more. But a panic goes on.
            if let End::Panicked(payload) = end {
                self.failures.panicked(payload, None);
            }
            return None;
        };
        let info = TaskInfo::new(label, self.owner());
        let mut supervised = None;
        let end = match end {
            End::Done(()) => match state.take_failure() {
                None => TaskEnd::Value(info),
                Some(failure) => {
                    let task = Arc::new(info);
                    let failed = Failed { failure, task: task.clone(), cancelled: tree::reason(node) };
                    if !failed.failure.is::<GivenAway>() {
                        supervised = self.failures.failed(failed, state.policy());
                    }
                    TaskEnd::Not(JoinError::new(task, JoinErrorKind::Failed))
                }
            },
            End::Cancelled(cancelled) => {
                TaskEnd::Not(JoinError::cancelled(Arc::new(info), cancelled, state.was_started()))
            }
            End::Panicked(payload) => {
                let task = Arc::new(info);
                self.failures.panicked(payload, Some(&task));
                TaskEnd::Not(JoinError::new(task, JoinErrorKind::Panicked))
            }
        };
        tree::remove(node);
        self.set.leave(state.slot());
        state.finish(end);
        supervised
    }

    /// No more children; those that live are asked to end, in the order of their spawning. Once.
    pub(crate) fn close(&self, reason: &Reason) {
        if self.phase.get() != Phase::Open {
            return;
        }
        self.phase.set(Phase::Closing);
        self.limit.clear();
        tree::cancel_tasks(self.node, reason);
        self.limit.admitting.wake();
    }

    pub(crate) fn over(&self) {
        debug_assert_eq!(self.live.get(), 0);
        self.phase.set(Phase::Over);
    }

    /// The body has ended, and its node is gone.
    pub(crate) fn body_ended(&self) {
        self.body_lives.set(false);
        self.changed.set(true);
    }

    /// Whether something ended since this was asked last.
    #[inline(always)]
    pub(crate) fn take_changed(&self) -> bool {
        self.changed.replace(false)
    }

    /// Tells those who wait for children that ended.
    pub(crate) fn tell_joiners(&self) {
        self.news.tell();
        self.limit.tell_admitting();
    }
}
