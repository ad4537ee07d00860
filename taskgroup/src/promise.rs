//! What the handle of a child shares with the group.
//!
//! Before: `tree.rs`. After: `task.rs`, the handle, and `child.rs`, the group's half.
//!
//! ```text
//!            (1) spawn                         (2) the future ended or was dropped
//!   nothing ----------> Live (a node, a slot) ------------------------------------> Ended
//!      |                                                                              ^
//!      +---------------------- (3) the group is closing: refused --------------------+
//! ```
//! (1) `Ledger::admit`, (2) `Ledger::ended`, (3) [`State::refused`].

use crate::drive::End;
use crate::info::TaskInfo;
use crate::join_error::{JoinError, JoinErrorKind};
use crate::limit::Ticket;
use crate::news::{Joiner, News};
use crate::policy::Policy;
use crate::tree::{self, NodeId};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use taskgroup_runtime::current::{Current, NONE};

/// An error on its way to the group: an `E`, or an `ExceptionGroup<E>`.
pub(crate) type Failure = Box<dyn Any>;

/// What a handle and a group share, with the value at its end. The group does not know the type of the value.
pub(crate) struct Promise<V: ?Sized> {
    pub(crate) state: State,
    value: V,
}

/// The place of a value of whatever type, for the group.
pub(crate) trait Anything {
    /// Drops the value.
    fn clear(&self);
}

impl<T> Anything for Cell<Option<T>> {
    fn clear(&self) {
        drop(self.take());
    }
}

impl<V: Anything + ?Sized> Promise<V> {
    /// Drops a value that nobody can ask for any more. Its destructor is the task's: a panic is the task's panic.
    pub(crate) fn discard(&self, end: End<()>) -> End<()> {
        let _task = self.state.current().enter();
        match (end, catch_unwind(AssertUnwindSafe(|| self.value.clear()))) {
            (End::Done(()), Err(payload)) => End::Panicked(payload),
            (end, _) => end,
        }
    }
}

/// The typed half.
pub(crate) type TypedPromise<T> = Promise<Cell<Option<T>>>;

/// The life of a task.
pub(crate) struct State {
    /// Its node in the tree of scopes, or [`NONE`] when it has ended.
    node: Cell<NodeId>,
    /// Its place in the group's ready set; stale after the end. [`NONE`]: refused.
    slot: u32,
    /// Its place in the order of spawning, under a limit.
    ticket: Ticket,
    /// What its failure does; that of the group when it was spawned.
    policy: Policy,
    /// It was polled.
    started: Cell<bool>,
    /// Set by the task's future, as its last act, when it failed.
    failure: Cell<Option<Failure>>,
    end: RefCell<Option<TaskEnd>>,
    /// Who polled the handle last; told after the group has acted on the end. One: a handle is polled by `&mut`.
    joiner: RefCell<Option<Joiner>>,
    /// The group's. `None`: refused.
    news: Option<Rc<News>>,
    /// In which edition the end is.
    edition: Cell<u64>,
}

/// How a task ended.
#[derive(Clone)]
pub(crate) enum TaskEnd {
    /// With a value. Who it was is kept by value: most tasks are never asked.
    Value(TaskInfo),
    Not(JoinError),
}

impl<T> TypedPromise<T> {
    pub(crate) fn new(state: State) -> Rc<Self> {
        Rc::new(Self { state, value: Cell::new(None) })
    }

    pub(crate) fn take_value(&self) -> Option<T> {
        self.value.take()
    }

    /// The last act of the task's future.
    pub(crate) fn settle(&self, result: Result<T, Failure>) {
        match result {
            Ok(value) => self.value.set(Some(value)),
            Err(failure) => self.state.failure.set(Some(failure)),
        }
    }
}

impl State {
    pub(crate) fn live(node: NodeId, slot: u32, ticket: Ticket, policy: Policy, news: Rc<News>) -> Self {
        Self {
            node: Cell::new(node),
            slot,
            ticket,
            policy,
            started: Cell::new(false),
            failure: Cell::new(None),
            end: RefCell::new(None),
            joiner: RefCell::default(),
            news: Some(news),
            edition: Cell::new(0),
        }
    }

    /// A task that was never taken in.
    pub(crate) fn refused(info: Arc<TaskInfo>) -> Self {
        let end = JoinError::new(info, JoinErrorKind::Refused);
        Self {
            node: Cell::new(NONE),
            slot: NONE,
            ticket: Ticket::default(),
            policy: Policy::FailFast,
            started: Cell::new(false),
            failure: Cell::new(None),
            end: RefCell::new(Some(TaskEnd::Not(end))),
            joiner: RefCell::default(),
            news: None,
            edition: Cell::new(0),
        }
    }

    /// Names or places a task that was never taken in, for those who ask what became of it.
    pub(crate) fn relabel_refused(&self, change: impl FnOnce(&mut TaskInfo)) {
        if let Some(TaskEnd::Not(error)) = &mut *self.end.borrow_mut()
            && *error.kind() == JoinErrorKind::Refused
        {
            change(Arc::make_mut(&mut error.task));
        }
    }

    #[inline(always)]
    pub(crate) fn slot(&self) -> u32 {
        self.slot
    }

    #[inline(always)]
    pub(crate) fn node(&self) -> NodeId {
        self.node.get()
    }

    /// What to name as current while the task is polled or dropped.
    #[inline(always)]
    pub(crate) fn current(&self) -> Current {
        Current::new(self.slot, self.node.get())
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.ticket
    }

    pub(crate) fn policy(&self) -> Policy {
        self.policy
    }

    /// The first act of the task's future.
    pub(crate) fn begin(&self) {
        self.started.set(true);
    }

    pub(crate) fn was_started(&self) -> bool {
        self.started.get()
    }

    pub(crate) fn take_failure(&self) -> Option<Failure> {
        self.failure.take()
    }

    /// Marks the end; from now on the handle knows. Who waits for it is told with the next news.
    pub(crate) fn finish(&self, end: TaskEnd) {
        self.node.set(NONE);
        *self.end.borrow_mut() = Some(end);
        if let Some(news) = &self.news {
            self.edition.set(news.edition());
            news.add(self.joiner.take());
        }
    }

    /// Whether the end has not been told yet.
    pub(crate) fn is_news(&self) -> bool {
        self.has_ended() && self.news.as_ref().is_some_and(|news| news.edition() == self.edition.get())
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.end.borrow().is_some()
    }

    pub(crate) fn end(&self) -> Option<TaskEnd> {
        self.end.borrow().clone()
    }

    pub(crate) fn is_joined_by(&self, waker: &Waker) -> bool {
        matches!(&*self.joiner.borrow(), Some(Joiner::Task(own)) if own.will_wake(waker))
    }

    pub(crate) fn set_joiner(&self, joiner: Joiner) {
        match &self.news {
            Some(news) if self.has_ended() => news.add([joiner]),
            _ => {
                let before = self.joiner.replace(Some(joiner));
                drop(before); // a foreign waker's drop is user code
            }
        }
    }

    pub(crate) fn info(&self) -> Option<Arc<TaskInfo>> {
        match &*self.end.borrow() {
            Some(TaskEnd::Value(info)) => Some(Arc::new(info.clone())),
            Some(TaskEnd::Not(error)) => Some(error.task.clone()),
            None => tree::info(self.node.get()),
        }
    }
}
