//! Handles in the order in which their tasks end.
//!
//! Before: `line.rs`. After: `race.rs`, `task_stream.rs`.

use crate::join_error::JoinError;
use crate::line::Line;
use crate::task::Task;
use crate::waiters::ONE;
use futures_core::Stream;
use std::borrow::BorrowMut;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Takes the results of tasks as they end, each with its place among the arguments.
///
/// Handles can be given by value, or by `&mut` to keep those that are not taken. Each end costs O(1), however many
/// there are.
///
/// Source: `asyncio.as_completed`; and `wait` with `FIRST_COMPLETED`, which is one call of [`next`](AsCompleted::next).
///
/// ```
/// use std::time::Duration;
/// use taskgroup::{Clock, ExceptionGroup, Runtime, as_completed, sleep, task_group};
///
/// # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let order = Runtime::with_clock(Clock::Autojump).block_on(task_group(async |g| {
///     let tasks = [30, 10, 20].map(|n| g.spawn(async move { Ok(sleep(Duration::from_millis(n)).await) }));
///     let mut ended = as_completed(tasks);
///     let mut order = Vec::new();
///     while let Some((place, _result)) = ended.next().await {
///         order.push(place);
///     }
///     Ok(order)
/// }))?;
/// assert_eq!(order, [1, 2, 0]);
/// # Ok(())
/// # }
/// ```
pub fn as_completed<T, H: BorrowMut<Task<T>>>(tasks: impl IntoIterator<Item = H>) -> AsCompleted<T, H> {
    let line = Rc::<Line>::default();
    let mut tasks: Vec<Option<H>> = tasks.into_iter().map(Some).collect();
    for (place, task) in tasks.iter_mut().flatten().enumerate() {
        task.borrow_mut().line_up(&line, place);
    }
    AsCompleted { line, left: tasks.len(), tasks, value: PhantomData }
}

/// Results of tasks as they end. Made by [`as_completed`]; a [`Stream`] as well.
pub struct AsCompleted<T, H> {
    line: Rc<Line>,
    /// `None`: taken.
    tasks: Vec<Option<H>>,
    left: usize,
    value: PhantomData<fn() -> T>,
}

impl<T, H: BorrowMut<Task<T>>> AsCompleted<T, H> {
    /// The next task that has ended: its place among the arguments, and its result. `None`: all were taken.
    ///
    /// # Cancel
    ///
    /// A cancellation point while tasks are left. Nothing is lost, and no task is touched.
    pub async fn next(&mut self) -> Option<(usize, Result<T, JoinError>)> {
        poll_fn(|cx| self.poll_taken(cx)).await
    }

    /// How many were not taken yet.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.left
    }

    fn poll_taken(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, Result<T, JoinError>)>> {
        while self.left > 0 {
            let Poll::Ready(place) = self.line.poll_next(ONE, cx) else { return Poll::Pending };
            let Some(mut task) = self.tasks[place].take() else { continue };
            self.left -= 1;
            let Some(result) = task.borrow_mut().result() else { continue };
            return Poll::Ready(Some((place, result)));
        }
        Poll::Ready(None)
    }
}

impl<T, H: BorrowMut<Task<T>> + Unpin> Stream for AsCompleted<T, H> {
    type Item = (usize, Result<T, JoinError>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_taken(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T, H> fmt::Debug for AsCompleted<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("remaining", &self.left).finish()
    }
}
