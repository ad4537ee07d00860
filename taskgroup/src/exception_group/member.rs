//! A member of an error tree: an error or a nested group, and where it comes from.
//!
//! Before: `exception_group.rs`. After: `nest.rs`, which finds out what a member is.

use crate::exception_group::ExceptionGroup;
use crate::exception_group::nest::{echo_of, nest};
use crate::failures::Failed;
use crate::failures::Failure;
use crate::info::TaskInfo;
use crate::reason::Reason;
use crate::task::Task;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::time::Duration;

/// A member of an [`ExceptionGroup`]: an error or a nested group, and which task it came from.
///
/// One that is made of an error or a group with `From` comes from no task.
pub struct Member<E> {
    pub(crate) origin: Origin,
    pub(crate) what: What<E>,
}

/// What a [`Member`] is.
pub enum What<E> {
    /// One error.
    Error(E),
    /// The errors of a group inside the task.
    Group(ExceptionGroup<E>),
}

/// Where a member comes from. It stays with the member when its group is split or mapped.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) whose: Whose,
    /// Why the task was cancelled when it failed.
    cancelled: Option<Reason>,
    /// When it failed, counted from the opening of its group. `None`: no task group collected it.
    elapsed: Option<Duration>,
    /// The error says only that this task failed. It is an echo in each tree that has this task's error.
    pub(crate) echo_of: Option<Arc<TaskInfo>>,
}

#[derive(Clone)]
pub(crate) enum Whose {
    Task(Arc<TaskInfo>),
    /// The body of the group.
    Body,
    /// No task group collected it.
    Nobody,
}

impl Origin {
    fn nobody() -> Self {
        Self { whose: Whose::Nobody, cancelled: None, elapsed: None, echo_of: None }
    }

    pub(crate) fn task(&self) -> Option<&Arc<TaskInfo>> {
        match &self.whose {
            Whose::Task(task) => Some(task),
            Whose::Body | Whose::Nobody => None,
        }
    }

    pub(crate) fn cancelled(&self) -> Option<&Reason> {
        self.cancelled.as_ref()
    }

    pub(crate) fn elapsed(&self) -> Option<Duration> {
        self.elapsed
    }
}

impl<E> Member<E> {
    /// The task that it came from. `None`: the body of the group, or no task at all.
    #[must_use]
    pub fn task(&self) -> Option<&TaskInfo> {
        self.origin.task().map(|task| &**task)
    }

    /// Whether it came from this task: for handlers that supervise, and have the handles.
    #[must_use]
    pub fn is_of<T>(&self, task: &Task<T>) -> bool {
        let (own, info) = (self.origin.task(), task.info());
        own.zip(info.as_ref()).is_some_and(|(own, info)| Arc::ptr_eq(own, info))
    }

    /// Why the task was cancelled when it failed: it failed on its way out, then. `None`: nobody had cancelled it.
    ///
    /// ```
    /// use taskgroup::{ExceptionGroup, block_on, task_group};
    ///
    /// let failed: Result<(), ExceptionGroup<String>> = block_on(task_group(async |g| {
    ///     g.spawn(async {
    ///         g.cancel("enough");
    ///         Err::<(), _>("disk full".to_string())
    ///     });
    ///     Ok(())
    /// }));
    /// let errors = failed.expect_err("a task fails");
    /// let why = errors.members()[0].cancelled().map(ToString::to_string);
    /// assert_eq!(why.as_deref(), Some("enough"));
    /// ```
    #[must_use]
    pub fn cancelled(&self) -> Option<&Reason> {
        self.origin.cancelled()
    }

    /// How long after the opening of its group the task failed, or the body did, on the clock of the runtime. As the loop
    /// sees it: what happens in one turn takes no time. `None`: no task group collected it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use taskgroup::{Clock, ExceptionGroup, Runtime, sleep, task_group};
    ///
    /// let failed: Result<(), ExceptionGroup<&str>> =
    ///     Runtime::with_clock(Clock::Autojump).block_on(task_group(async |g| {
    ///         g.spawn(async {
    ///             sleep(Duration::from_secs(2)).await;
    ///             Err::<(), _>("refused")
    ///         });
    ///         Ok(())
    ///     }));
    /// let errors = failed.expect_err("a task fails");
    /// assert_eq!(errors.members()[0].elapsed(), Some(Duration::from_secs(2)));
    /// ```
    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        self.origin.elapsed()
    }

    /// An error or a nested group.
    #[must_use]
    pub fn what(&self) -> &What<E> {
        &self.what
    }

    /// The same by value.
    #[must_use]
    pub fn into_what(self) -> What<E> {
        self.what
    }
}

impl<E: 'static> Member<E> {
    /// What a task failed with.
    pub(crate) fn from_failed(Failed { failure, task, cancelled, elapsed }: Failed) -> Self {
        Self::of(failure, Origin { whose: Whose::Task(task), cancelled, elapsed: Some(elapsed), echo_of: None })
    }

    /// The body's own error.
    pub(crate) fn from_body(error: E, elapsed: Option<Duration>) -> Self {
        Self::of(Box::new(error), Origin { whose: Whose::Body, elapsed, ..Origin::nobody() })
    }

    fn of(failure: Failure, origin: Origin) -> Self {
        let origin = Origin { echo_of: echo_of(&*failure), ..origin };
        Self { origin, what: nest(failure) }
    }
}

impl<E: 'static> From<E> for Member<E> {
    /// A group in a box becomes a nested group.
    fn from(error: E) -> Self {
        Self::of(Box::new(error), Origin::nobody())
    }
}

impl<E> From<ExceptionGroup<E>> for Member<E> {
    fn from(group: ExceptionGroup<E>) -> Self {
        Self { origin: Origin::nobody(), what: What::Group(group) }
    }
}

impl<E: Debug> Debug for Member<E> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut member = f.debug_struct("Member");
        member.field("task", &self.task()).field("cancelled", &self.cancelled()).field("what", self.what()).finish()
    }
}

impl<E: Debug> Debug for What<E> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => Debug::fmt(error, f),
            Self::Group(group) => Debug::fmt(group, f),
        }
    }
}

/// An error in the tree, and whose it is.
#[derive(Debug)]
pub struct Leaf<'a, E> {
    pub(crate) error: &'a E,
    pub(crate) task: Option<&'a TaskInfo>,
    pub(crate) cancelled: Option<&'a Reason>,
    pub(crate) elapsed: Option<Duration>,
}

impl<E> Clone for Leaf<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Leaf<'_, E> {}

impl<'a, E> Leaf<'a, E> {
    /// The error.
    #[must_use]
    pub fn error(self) -> &'a E {
        self.error
    }

    /// The task that failed; for the error of a body, the task that its group is in. `None`: no task is around.
    #[must_use]
    pub fn task(self) -> Option<&'a TaskInfo> {
        self.task
    }

    /// Why that task was cancelled when it failed: see [`Member::cancelled`].
    #[must_use]
    pub fn cancelled(self) -> Option<&'a Reason> {
        self.cancelled
    }

    /// How long after the opening of its group it failed: see [`Member::elapsed`].
    #[must_use]
    pub fn elapsed(self) -> Option<Duration> {
        self.elapsed
    }
}
