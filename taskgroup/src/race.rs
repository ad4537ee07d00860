//! The first of several futures that succeeds.
//!
//! Before: `gather.rs`, `as_completed.rs`. After: nothing.

use crate::as_completed::as_completed;
use crate::child::erase_outcome;
use crate::exception_group::{ExceptionGroup, Member};
use crate::group::TaskGroup;
use crate::info::InTask;
use crate::task_group::task_group;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use taskgroup_runtime::{Local, Report, report};

/// Runs the futures at once; the first that succeeds wins, and the others are cancelled and awaited.
///
/// Handles are futures too: `race(tasks)` waits for the first of them that succeeds, and cancels nothing but the wait.
/// (For the first that *ends*, see [`as_completed`].)
///
/// Source: `asyncio.wait(return_when=FIRST_COMPLETED)` and what people build on it; Trio's nursery with a cancel in
/// each child.
///
/// # Errors
///
/// [`NoWinner`]: with every loser's error, in the order in which they failed; or that there was nobody. If one wins,
/// the losers' errors are dropped; those of their cleanups go to the reporter.
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
/// use std::time::Duration;
/// use taskgroup::{Clock, Runtime, race, sleep};
///
/// async fn ask(mirror: u64) -> Result<u64, &'static str> {
///     sleep(Duration::from_millis(mirror)).await;
///     if mirror < 20 { Err("down") } else { Ok(mirror) }
/// }
///
/// let runtime = Runtime::with_clock(Clock::Autojump);
/// assert_eq!(runtime.block_on(race([30, 10, 20].map(ask))).ok(), Some(20));
/// let lost = runtime.block_on(race([3, 2].map(ask)));
/// assert_eq!(lost.map_err(|lost| lost.to_string()), Err("nobody won: 2 errors in task group: down (and 1 more)".into()));
/// ```
#[track_caller]
pub fn race<'env, I, F, T, E>(futures: I) -> impl Future<Output = Result<T, NoWinner<E>>>
where
    I: IntoIterator<Item = F> + 'env,
    F: Future<Output = Result<T, E>> + 'env,
    T: 'env,
    E: 'static,
{
    let place = Location::caller();
    async move {
        let _ = Local::expect_current(format_args!("the race of {}:{}", place.file(), place.line()));
        let lost = Lost::new();
        let ended = task_group(async |g: &TaskGroup<'_, '_, E>| {
            g.supervise(|member| lost.0.borrow_mut().push(member));
            let tasks: Vec<_> =
                futures.into_iter().map_while(|f| g.launch(f, erase_outcome, None, place).ok()).collect();
            let mut tasks = as_completed(tasks);
            let mut winner = None;
            while let Some((_, result)) = tasks.next().await {
                if let Ok(value) = result {
                    g.cancel("another one won the race");
                    winner = Some(value);
                    break;
                }
            }
            // Before the value is on its way: the language leaks that if a destructor panics, here of another winner's.
            drop(tasks);
            Ok(winner)
        });
        let ended = ended.await;
        let lost = lost.0.take();
        match ended {
            Ok(Some(value)) => {
                // To lose is no error. To fail in a cleanup is one, whoever wins.
                report_each(lost.into_iter().filter(|member| member.cancelled().is_some()), "on its way out of a race");
                Ok(value)
            }
            Ok(None) => Err(NoWinner::of(lost)),
            Err(_) => unreachable!("the group is supervised, and its body does not fail"),
        }
    }
}

/// What the losers failed with. If the race has no end, since it is cancelled or dropped, nobody gets it.
struct Lost<E: 'static>(RefCell<Vec<Member<E>>>);

impl<E: 'static> Lost<E> {
    fn new() -> Self {
        Self(RefCell::default())
    }
}

impl<E: 'static> Drop for Lost<E> {
    fn drop(&mut self) {
        report_each(self.0.take(), "in a race that was not ended");
    }
}

fn report_each<E>(lost: impl IntoIterator<Item = Member<E>>, how: &str) {
    for member in lost {
        let task = InTask(member.origin.task().cloned());
        report(&Report::Dropped(&format_args!("the error of {task}, which failed {how}")));
    }
}

/// Why a [`race`] has no winner.
pub enum NoWinner<E> {
    /// Nobody took part.
    Empty,
    /// All failed.
    AllFailed(ExceptionGroup<E>),
}

impl<E> NoWinner<E> {
    fn of(lost: Vec<Member<E>>) -> Self {
        ExceptionGroup::from_members(lost).map_or(Self::Empty, Self::AllFailed)
    }

    /// The errors; `None` if nobody took part.
    #[must_use]
    pub fn into_errors(self) -> Option<ExceptionGroup<E>> {
        match self {
            Self::Empty => None,
            Self::AllFailed(errors) => Some(errors),
        }
    }
}

impl<E: fmt::Debug> fmt::Debug for NoWinner<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::AllFailed(errors) => write!(f, "nobody won: {errors:?}"),
        }
    }
}

impl<E: fmt::Display> fmt::Display for NoWinner<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("nobody won: the race was empty"),
            Self::AllFailed(errors) if f.alternate() => write!(f, "nobody won: {errors:#}"),
            Self::AllFailed(errors) => write!(f, "nobody won: {errors}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for NoWinner<E> {}
