//! Starting a task and waiting until it says that it is ready.
//!
//! Before: `group.rs`. After: nothing.

use crate::checkpoint::cancel_reason;
use crate::child::erase;
use crate::failures::{Failure, GivenAway};
use crate::group::TaskGroup;
use crate::join_error::JoinError;
use crate::outcome::Outcome;
use crate::task::Task;
use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::thread;
use taskgroup_runtime::{Report, is_frozen, report};

/// What a task that is being started and its caller share.
struct Start<V, E> {
    stage: Cell<Stage>,
    value: Cell<Option<V>>,
    /// What the task failed with before it was ready.
    error: Cell<Option<E>>,
    caller: Cell<Option<Waker>>,
}

/// ```text
/// Starting --(1)--> Ready
///    |  +----(2)--> Never --+
///    +--------------(3)-----+--> Left
/// ```
/// (1) [`Ready::set`]; (2) it was dropped instead; (3) the caller does not wait any more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Ready,
    Never,
    Left,
}

/// A task says with it that it is ready. Given by [`TaskGroup::start`].
pub struct Ready<V, E> {
    start: Rc<Start<V, E>>,
}

impl<V, E> Ready<V, E> {
    /// The task is ready; the caller gets `value`. From now on its failure is the group's.
    pub fn set(self, value: V) {
        self.start.value.set(Some(value));
        self.start.stage.set(Stage::Ready);
    }
}

impl<V, E> Drop for Ready<V, E> {
    /// Tells the caller: that the task is ready, or that it will never be. (Or that it is on its way out; then its end
    /// says more.)
    fn drop(&mut self) {
        if self.start.stage.get() == Stage::Starting && cancel_reason().is_none() && !thread::panicking() {
            self.start.stage.set(Stage::Never);
        }
        if let Some(caller) = self.start.caller.take() {
            caller.wake();
        }
    }
}

impl<V, E> fmt::Debug for Ready<V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").finish_non_exhaustive()
    }
}

/// Why a task did not become ready.
#[derive(Debug, thiserror::Error)]
pub enum StartError<E> {
    /// It failed before. The error is here, and not in its group.
    #[error("failed before it was ready: {0}")]
    Failed(E),
    /// It dropped its [`Ready`] without a word. If it has not ended, it is cancelled.
    #[error("it never said that it is ready: call `Ready::set`")]
    NotReady,
    /// It was cancelled, refused, or panicked.
    #[error("{0}")]
    Join(JoinError),
}

impl<'scope, E: 'static> TaskGroup<'scope, '_, E> {
    /// Starts a task and waits until it says that it is ready, with a value: a server with the port it listens on. The
    /// task goes on as a child of the group.
    ///
    /// Source: Trio's `nursery.start` and `task_status.started`.
    ///
    /// # Errors
    ///
    /// [`StartError`]: what it failed with before it was ready (that touches no sibling); that it ended without having
    /// been; that it was cancelled.
    ///
    /// # Cancel
    ///
    /// A cancellation point. Cancelled or dropped before the task is ready, the task is cancelled.
    ///
    /// ```
    /// use taskgroup::{BoxError, ExceptionGroup, block_on, task_group};
    /// use taskgroup::net::{TcpListener, TcpStream};
    ///
    /// # fn main() -> Result<(), ExceptionGroup<BoxError>> {
    /// block_on(task_group(async |g| {
    ///     let (address, _server) = g
    ///         .start(async |ready| {
    ///             let listener = TcpListener::bind("127.0.0.1:0")?;
    ///             ready.set(listener.local_addr()?);
    ///             listener.accept().await?;
    ///             Ok(())
    ///         })
    ///         .await?;
    ///     TcpStream::connect(address).await?;
    ///     Ok(())
    /// }))
    /// # }
    /// ```
    #[track_caller]
    pub fn start<V, F>(
        &'scope self,
        task: impl FnOnce(Ready<V, E>) -> F,
    ) -> impl Future<Output = Result<(V, Task<()>), StartError<E>>>
    where
        V: 'scope,
        F: Future<Output: Outcome<E, Value = ()>> + 'scope,
    {
        let (value, error, caller) = (Cell::default(), Cell::default(), Cell::default());
        let start = Rc::new(Start { stage: Cell::new(Stage::Starting), value, error, caller });
        let future = task(Ready { start: start.clone() });
        let (kept, place) = (start.clone(), Location::caller());
        let finish = move |output: F::Output| output.into_result().map_err(|error| kept.keep(error));
        let task = self.launch_or_refuse(future, finish, F::Output::made(), place);
        let mut waiting = Waiting { start, task: Some(task) };
        async move { poll_fn(|cx| waiting.poll(cx)).await }
    }
}

impl<V, E: 'static> Start<V, E> {
    /// The failure of the task: the caller's, or the group's.
    fn keep(&self, error: E) -> Failure {
        if matches!(self.stage.get(), Stage::Ready | Stage::Left) {
            return erase(error);
        }
        self.error.set(Some(error));
        erase(GivenAway::of::<E>())
    }
}

/// What starting a task ends in: what it said, and its handle.
type Started<V, E> = Result<(V, Task<()>), StartError<E>>;

/// A task that is not ready yet, so far as its caller knows.
struct Waiting<V, E> {
    start: Rc<Start<V, E>>,
    /// `None`: given to the caller.
    task: Option<Task<()>>,
}

impl<V, E> Waiting<V, E> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Started<V, E>> {
        let start = &*self.start;
        if is_frozen() {
            return Poll::Pending;
        }
        if let Some(value) = start.value.take()
            && let Some(task) = self.task.take()
        {
            return Poll::Ready(Ok((value, task)));
        }
        let Some(task) = &mut self.task else { return Poll::Pending };
        if let Poll::Ready(end) = Pin::new(&mut *task).poll(cx) {
            return Poll::Ready(Err(match (start.error.take(), end) {
                (Some(error), _) => StartError::Failed(error),
                (None, Ok(())) => StartError::NotReady,
                (None, Err(error)) => StartError::Join(error),
            }));
        }
        if start.stage.get() == Stage::Never && !task.is_finished() {
            return Poll::Ready(Err(StartError::NotReady));
        }
        let waker = cx.waker().clone();
        let before = start.caller.replace(Some(waker));
        drop(before);
        Poll::Pending
    }
}

impl<V, E> Drop for Waiting<V, E> {
    fn drop(&mut self) {
        let Some(task) = &self.task else { return };
        if self.start.stage.get() == Stage::Ready {
            drop(self.start.value.take());
            return; // it is a child like any other
        }
        self.start.stage.set(Stage::Left);
        task.cancel("whoever started it did not wait until it was ready");
        if let (Some(error), Some(task)) = (self.start.error.take(), task.info()) {
            drop(error);
            report(&Report::Dropped(&format_args!("the error of task {task}, which whoever started it did not take")));
        }
    }
}
