//! A typed collector: tasks of one kind, their results as they come.
//!
//! Before: `line.rs`, `group.rs`. After: nothing.

use crate::child::erase_outcome;
use crate::group::TaskGroup;
use crate::join_error::JoinError;
use crate::line::Line;
use crate::outcome::Outcome;
use crate::task::Task;
use crate::waiters::ONE;
use futures_core::Stream;
use slab::Slab;
use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Tasks of a group whose values have one type, and their results in the order in which they end. Made by
/// [`TaskGroup::stream`]; a [`Stream`] as well.
///
/// It keeps only what has not been taken. For a fixed number of handles there is [`as_completed`](crate::as_completed).
///
/// ```
/// use taskgroup::{ExceptionGroup, block_on, task_group};
///
/// # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let sum = block_on(task_group(async |g| {
///     let results = g.stream::<u32>();
///     for n in [1, 2, 3] {
///         results.spawn(async move { Ok(n * n) });
///     }
///     let mut sum = 0;
///     while let Some(result) = results.next().await {
///         sum += result.unwrap_or(0);
///     }
///     Ok(sum)
/// }))?;
/// assert_eq!(sum, 14);
/// # Ok(())
/// # }
/// ```
pub struct TaskStream<'scope, 'env: 'scope, T, E: 'static> {
    group: &'scope TaskGroup<'scope, 'env, E>,
    line: Rc<Line>,
    /// Those whose results were not taken, by their places in the line.
    tasks: RefCell<Slab<Task<T>>>,
}

impl<'scope, 'env, E: 'static> TaskGroup<'scope, 'env, E> {
    /// A collector for tasks of this group whose values are of type `T`.
    pub fn stream<T>(&'scope self) -> TaskStream<'scope, 'env, T, E> {
        TaskStream { group: self, line: Rc::default(), tasks: RefCell::default() }
    }
}

impl<'scope, T: 'scope, E: 'static> TaskStream<'scope, '_, T, E> {
    /// Starts a task, as [`TaskGroup::spawn`]. Its result is for [`next`](Self::next).
    #[track_caller]
    pub fn spawn<F>(&self, future: F)
    where
        F: Future<Output: Outcome<E, Value = T>> + 'scope,
    {
        self.add(future, None, Location::caller());
    }

    /// The same, with a name; see [`Task::named`].
    #[track_caller]
    pub fn spawn_named<F>(&self, name: impl Into<Arc<str>>, future: F)
    where
        F: Future<Output: Outcome<E, Value = T>> + 'scope,
    {
        self.add(future, Some(name.into()), Location::caller());
    }

    fn add<F>(&self, future: F, name: Option<Arc<str>>, place: &'static Location<'static>)
    where
        F: Future<Output: Outcome<E, Value = T>> + 'scope,
    {
        let mut task = self.group.launch_or_refuse(future, erase_outcome, F::Output::made(), place);
        if let Some(name) = name {
            task = task.named(name);
        }
        let has_ended = task.is_finished();
        let in_line = self.tasks.borrow().vacant_key();
        if !has_ended {
            task.line_up(&self.line, in_line);
        }
        self.tasks.borrow_mut().insert(task);
        if has_ended {
            self.line.arrive(in_line); // last, with no borrow held: it wakes
        }
    }

    /// The result of the next task that ends. `None`: there is none that was not taken.
    ///
    /// # Cancel
    ///
    /// A cancellation point while there are tasks. Nothing is lost.
    pub async fn next(&self) -> Option<Result<T, JoinError>> {
        let waiting = self.line.waiters.come();
        poll_fn(|cx| self.poll_taken(waiting.number(), cx)).await
    }

    /// How many tasks have not ended, or were not taken.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.tasks.borrow().len()
    }

    fn poll_taken(&self, who: u64, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        while self.remaining() > 0 {
            let Poll::Ready(place) = self.line.poll_next(who, cx) else { return Poll::Pending };
            let task = self.tasks.borrow_mut().remove(place);
            if let Some(result) = task.result() {
                return Poll::Ready(Some(result));
            }
        }
        Poll::Ready(None)
    }
}

impl<'scope, T: 'scope, E: 'static> Stream for TaskStream<'scope, '_, T, E> {
    type Item = Result<T, JoinError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_taken(ONE, cx)
    }
}

impl<T, E> fmt::Debug for TaskStream<'_, '_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStream").field("remaining", &self.tasks.borrow().len()).finish()
    }
}
