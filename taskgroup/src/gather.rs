//! Several futures at once, their results in the order of the arguments.
//!
//! Before: `task_group.rs`; these are a few lines over it. After: `race.rs`.

use crate::child::erase_outcome;
use crate::exception_group::ExceptionGroup;
use crate::failures::Failure;
use crate::group::TaskGroup;
use crate::task::Task;
use crate::task_group::task_group;
use std::convert::Infallible;
use std::future::{Future, pending};
use std::panic::Location;

/// Runs the futures at once, and gives their values in the order of the arguments.
///
/// The first that fails cancels the others; all are awaited.
///
/// Source: `asyncio.gather`, which leaves the others running, unwaited (semantics row D16); here it is a group.
///
/// # Errors
///
/// Every error, as a group's.
///
/// # Panics
///
/// Where one of them panics, when all have ended.
///
/// # Cancel
///
/// As [`task_group`]: all are cancelled, cleanups included, and awaited. Dropped, all are dropped.
///
/// ```
/// use taskgroup::{block_on, gather};
///
/// let sizes = block_on(gather(["7", "12"].map(async |word: &str| word.parse::<u32>())));
/// assert_eq!(sizes.ok(), Some(vec![7, 12]));
/// ```
#[track_caller]
pub fn gather<'env, I, F, T, E>(futures: I) -> impl Future<Output = Result<Vec<T>, ExceptionGroup<E>>>
where
    I: IntoIterator<Item = F> + 'env,
    F: Future<Output = Result<T, E>> + 'env,
    T: 'env,
    E: 'static,
{
    let place = Location::caller();
    task_group(async move |g: &TaskGroup<'_, 'env, E>| Ok(all(g, futures, erase_outcome, place).await))
}

/// Runs the futures at once, each to its end, and gives what they ended in, in the order of the arguments: values and
/// errors.
///
/// Source: `asyncio.gather(return_exceptions=True)`; a panic is no result here, it goes on when all have ended.
///
/// # Panics
///
/// Where one of them panics.
///
/// # Cancel
///
/// As [`gather`]; what they ended in is dropped then, errors too.
///
/// ```
/// use taskgroup::{block_on, gather_settled};
///
/// let parsed = block_on(gather_settled(["7", "x"].map(async |word: &str| word.parse::<u32>())));
/// assert!(matches!(parsed[..], [Ok(7), Err(_)]));
/// ```
#[track_caller]
pub fn gather_settled<'env, I, F>(futures: I) -> impl Future<Output = Vec<F::Output>>
where
    I: IntoIterator<Item = F> + 'env,
    F: Future<Output: 'env> + 'env,
{
    let place = Location::caller();
    let group = task_group(async move |g: &TaskGroup<'_, 'env, Infallible>| Ok(all(g, futures, Ok, place).await));
    async { group.await.unwrap_or_else(|_| unreachable!("nobody fails with an `Infallible`")) }
}

/// Spawns them all, as from the caller's place, and awaits their values.
async fn all<'scope, 'env, F, T, E: 'static>(
    g: &'scope TaskGroup<'scope, 'env, E>,
    futures: impl IntoIterator<Item = F>,
    finish: impl Fn(F::Output) -> Result<T, Failure> + Copy + Unpin + 'scope,
    place: &'static Location<'static>,
) -> Vec<T>
where
    F: Future + 'scope,
    T: 'scope,
{
    let tasks: Vec<Task<T>> = futures.into_iter().map_while(|f| g.launch(f, finish, None, place).ok()).collect();
    let mut values = Vec::with_capacity(tasks.len());
    for task in tasks {
        match task.await {
            Ok(value) => values.push(value),
            Err(_) => pending().await, // its failure has cancelled us
        }
    }
    values
}
