//! The handle of a child.
//!
//! Before: `handle.rs`. After: nothing.

use crate::child::Value;
use crate::handle::Handle;
use crate::info::TaskInfo;
use crate::join_error::JoinError;
use crate::line::Line;
use crate::news::Joiner;
use crate::reason::Reason;
use crate::tasks::How;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use taskgroup_runtime::is_frozen;

/// The handle of a task in a group.
///
/// Await it for the task's value; or read [`result`](Self::result) after the group has ended. It is tied neither to
/// the group's lifetime nor to its error type, and may leave. Dropping it does nothing to the task.
///
/// ```
/// use taskgroup::{ExceptionGroup, block_on, task_group};
///
/// # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
/// block_on(async {
///     let mut later = None;
///     task_group(async |g| {
///         later = Some(g.spawn(async { Ok(40) }));
///         Ok(())
///     })
///     .await?;
///     let value = later.and_then(|task| task.result()).and_then(Result::ok);
///     assert_eq!(value, Some(40));
///     Ok(())
/// })
/// # }
/// ```
pub struct Task<T> {
    handle: Handle,
    value: Value<T>,
}

impl<T> Task<T> {
    #[inline(always)]
    pub(crate) fn new(handle: Handle, value: Value<T>) -> Self {
        Self { handle, value }
    }

    /// Gets a place in a line of handles that are taken as their tasks end. Of a task that has ended, it arrives at
    /// once.
    pub(crate) fn line_up(&self, line: &Rc<Line>, place: usize) {
        match self.handle.told_end() {
            Some(_) => line.arrive(place),
            None => self.handle.set_joiner(Joiner::Line(line.clone(), place)),
        }
    }

    /// Names the task, for errors and traces. Until then it is `#3` for the third child of its group.
    ///
    /// A task never runs inside `spawn`, so the name is there before its first poll. Of a task that has ended, nothing
    /// changes.
    #[allow(clippy::return_self_not_must_use, reason = "the name is given; most callers need no handle")]
    pub fn named(self, name: impl Into<Arc<str>>) -> Self {
        self.handle.set_name(name.into());
        self
    }

    /// Places the task where somebody else asked for it, for errors and traces. Until then that is where `spawn` was
    /// called: in a pool or a supervisor always the same line.
    ///
    /// ```
    /// use std::panic::Location;
    /// use taskgroup::{ExceptionGroup, TaskGroup, block_on, task_group};
    ///
    /// struct Pool<'scope, 'env>(&'scope TaskGroup<'scope, 'env, std::io::Error>);
    ///
    /// impl Pool<'_, '_> {
    ///     #[track_caller]
    ///     fn job(&self, job: impl Future<Output = ()> + 'static) -> u32 {
    ///         let task = self.0.spawn(job).placed(Location::caller());
    ///         task.info().map_or(0, |info| info.place().line())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
    /// block_on(task_group(async |g| {
    ///     assert_eq!(Pool(g).job(async {}), line!()); // here, and not in the pool
    ///     Ok(())
    /// }))
    /// # }
    /// ```
    #[allow(clippy::return_self_not_must_use, reason = "the place is set; most callers need no handle")]
    pub fn placed(self, place: &'static Location<'static>) -> Self {
        self.handle.set_place(place);
        self
    }

    /// Who the task is.
    ///
    /// `None` only while the thread is ending.
    #[must_use]
    pub fn info(&self) -> Option<Arc<TaskInfo>> {
        Some(self.handle.info())
    }

    /// Asks the task to end. In its own turn it is dropped at the await where it is suspended; destructors run as
    /// `finally` blocks do, and groups inside it end their children first. A task that was never polled never runs.
    ///
    /// False if the task had ended; then nothing happens. Asked again, the first reason stands. A cancelled task is no
    /// error of its group, and siblings go on, as in asyncio.
    pub fn cancel(&self, reason: impl Into<Reason>) -> bool {
        let Some(task) = self.handle.spot() else { return false };
        task.cancel(&reason.into());
        true
    }

    /// Whether the task has ended, in whatever way. True at once, and [`result`](Self::result) has the result; who
    /// awaits the handle is told after the group has acted on the end.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.handle.end().is_some()
    }

    /// Takes the result of a task that has ended. `None`: it has not. The value can be taken once; after that the
    /// error says so.
    #[must_use]
    pub fn result(&self) -> Option<Result<T, JoinError>> {
        self.handle.end().map(|how| self.take(how))
    }

    #[inline(always)]
    fn take(&self, how: How) -> Result<T, JoinError> {
        match how {
            How::Value => self.value.take().ok_or_else(|| self.handle.error(how)),
            how => Err(self.handle.error(how)),
        }
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    /// # Cancel
    ///
    /// A cancellation point. Cancelling or dropping who waits does not touch the task, and loses no value.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if is_frozen() {
            return Poll::Pending;
        }
        if let Some(how) = self.handle.told_end() {
            return Poll::Ready(self.take(how));
        }
        self.handle.join(cx);
        Poll::Pending
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.info().map(|info| info.to_string());
        f.debug_struct("Task").field("task", &name).field("finished", &self.is_finished()).finish()
    }
}
