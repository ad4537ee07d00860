//! Async cleanup that really finishes: code that runs however a body ends, and that no cancel interrupts.
//!
//! Before: `drive.rs`. After: nothing.
//!
//! **Facts.** In Rust a future is cancelled by dropping it, and what is dropped cannot await. **Danger.** A connection
//! that must say goodbye, a transaction that must be rolled back, cannot do so in `Drop`. **Remedy.** Before a
//! cancelled task is dropped, it is polled as long as there is a *region* in it that is being awaited: the region drops
//! its body and runs its cleanup, in a shield of its own. What is around the region stands still meanwhile, since all
//! waits of ours freeze. **Cost.** A node in the scope tree for the body and one for the cleanup, no allocation on the
//! usual path; and a cleanup that never ends keeps its task alive for ever, unless there is a grace
//! ([`TaskGroup::grace`](crate::TaskGroup::grace), [`CancelScope::grace`](crate::CancelScope::grace)).

use crate::drive::{Driven, End, park, settle};
use crate::info::InTask;
use crate::outcome::Outcome;
use crate::reason::Reason;
use crate::tree::{Kind, Spot};
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::pin;
use taskgroup_runtime::{Local, Report, report, yield_now};

/// How the body of a cleanup ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Why {
    /// With a value.
    Ended,
    /// With an error, which the cleanup's caller gets.
    Failed,
    /// With a panic, which goes on after the cleanup.
    Panicked,
    /// It was cancelled, and this is why. The cancel goes on after the cleanup.
    Cancelled(Reason),
}

impl Why {
    fn of<T, E>(end: &End<Result<T, E>>) -> Self {
        match end {
            End::Done(Ok(_)) => Self::Ended,
            End::Done(Err(_)) => Self::Failed,
            End::Panicked(_) => Self::Panicked,
            End::Cancelled(cancelled) => Self::Cancelled(cancelled.reason().clone()),
        }
    }

    /// Whether the body ended with a value: commit, or else roll back.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        *self == Self::Ended
    }

    /// Why the body was cancelled, if it was.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Cancelled(reason) => Some(reason),
            _ => None,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("ended"),
            Self::Failed => f.write_str("failed"),
            Self::Panicked => f.write_str("panicked"),
            Self::Cancelled(reason) => write!(f, "was cancelled: {reason}"),
        }
    }
}

/// Runs `body`, and then `cleanup`, however the body ended: with a value, an error, a panic or by a cancel.
///
/// The cleanup may wait for anything, and open groups and timeouts of its own: a cancel does not reach into it, and a
/// second one waits for it. Nested cleanups run innermost first. Both closures may borrow what is around; when both
/// need the same thing mutably, [`with_resource`] hands it from one to the other.
///
/// Source: `finally` with an `await` in it, as `try_finally` of the oracle; but the cleanup is shielded, where asyncio
/// interrupts it by a second cancel, and Trio asks for a shield by hand.
///
/// # Errors
///
/// The body's error; or the cleanup's, which takes the place of the body's end, whatever that was. The displaced error
/// or panic goes to the reporter. A cleanup that fails under a cancel resumes the caller with its error: the cancel
/// lands at the next wait.
///
/// # Panics
///
/// Where the body or the cleanup panicked; and when polled again after the scope around it cancelled it.
///
/// # Cancel
///
/// The body is dropped at the wait where it is suspended, then the cleanup runs, and then the cancel goes on.
/// *Dropping* it is not cancelling: then the body's destructors run and the cleanup does not, as if a `select` of
/// another crate drops the loser. Nor does it if the task polls it once and then leaves it alone while it waits for
/// something else; that is reported.
///
/// ```
/// use std::time::Duration;
/// use taskgroup::{Clock, Elapsed, Runtime, Why, sleep, timeout, with_cleanup};
///
/// # type Error = std::io::Error;
/// Runtime::with_clock(Clock::Autojump).block_on(async {
///     let work = with_cleanup(
///         async {
///             sleep(Duration::from_secs(60)).await;
///             Ok::<_, Error>("done")
///         },
///         async |why| {
///             sleep(Duration::from_millis(20)).await; // say goodbye
///             assert_eq!(why.to_string(), "was cancelled: a deadline of 1s passed");
///         },
///     );
///     assert!(timeout(Duration::from_secs(1), work).await.is_err());
/// });
/// ```
pub async fn with_cleanup<T, E, B, C, R>(body: B, cleanup: C) -> Result<T, E>
where
    B: Future<Output = Result<T, E>>,
    C: AsyncFnOnce(Why) -> R,
    R: Outcome<E, Value = ()>,
{
    let end = Driven::new(Kind::Region, pin!(Some(body))).await;
    let why = Why::of(&end);
    conclude(end, async { cleanup(why).await }).await
}

/// The same with something that the body borrows and the cleanup gets for good: a connection, a transaction, a file.
///
/// ```
/// use taskgroup::{block_on, with_resource};
///
/// # struct Connection(Vec<&'static str>);
/// # impl Connection {
/// #     async fn query(&mut self, what: &'static str) -> Result<u32, std::io::Error> { self.0.push(what); Ok(7) }
/// #     async fn close(self) -> Result<(), std::io::Error> { assert_eq!(self.0, ["select 7"]); Ok(()) }
/// # }
/// # fn main() -> Result<(), std::io::Error> {
/// # let connection = Connection(Vec::new());
/// let answer = block_on(with_resource(
///     connection,
///     async |connection| connection.query("select 7").await,
///     async |connection, _why| connection.close().await,
/// ))?;
/// assert_eq!(answer, 7);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`with_cleanup`].
///
/// # Cancel
///
/// As [`with_cleanup`]. Dropped half-way, the resource is dropped.
pub async fn with_resource<S, T, E, B, C, R>(mut resource: S, body: B, cleanup: C) -> Result<T, E>
where
    B: AsyncFnOnce(&mut S) -> Result<T, E>,
    C: AsyncFnOnce(S, Why) -> R,
    R: Outcome<E, Value = ()>,
{
    // in async blocks, since a closure that is no `async` one may panic before it has a future
    let end = Driven::new(Kind::Region, pin!(Some(async { body(&mut resource).await }))).await;
    let why = Why::of(&end);
    conclude(end, async { cleanup(resource, why).await }).await
}

/// Runs `future` to its end: a cancel from around it does not reach in, and lands at the first wait after it.
///
/// For the few lines that must not be torn apart. A shield that never ends keeps its task alive for ever, unless there
/// is a grace.
///
/// Source: Trio's `CancelScope(shield=True)`; asyncio's `shield` leaves its task running on its own, which a group must
/// not.
///
/// # Panics
///
/// Where the future panics.
///
/// # Cancel
///
/// Holds cancels back. Dropping it drops the future.
///
/// ```
/// use std::time::Duration;
/// use taskgroup::{Clock, Runtime, shield, sleep, timeout};
///
/// Runtime::with_clock(Clock::Autojump).block_on(async {
///     let mut halves = 0;
///     let late = timeout(Duration::from_secs(1), async {
///         shield(async {
///             halves += 1;
///             sleep(Duration::from_secs(5)).await;
///             halves += 1;
///         })
///         .await;
///         sleep(Duration::from_secs(5)).await; // here the deadline lands
///         halves += 1;
///     });
///     assert!(late.await.is_err());
///     assert_eq!(halves, 2);
/// });
/// ```
pub async fn shield<F: Future>(future: F) -> F::Output {
    settle(Driven::new(Kind::Shield, pin!(Some(future))).await).await
}

/// Runs the cleanup, and then lets the body's end go on, unless the cleanup's takes its place.
async fn conclude<T, E, R>(end: End<Result<T, E>>, cleanup: impl Future<Output = R>) -> Result<T, E>
where
    R: Outcome<E, Value = ()>,
{
    let was_cancelled = matches!(end, End::Cancelled(_));
    let mut body = Body(Some(end));
    let cleanup = async {
        let result = cleanup.await.into_result();
        if result.is_err() && was_cancelled && !may_replace() {
            yield_now().await;
        }
        result
    };
    let cleaned = Driven::new(Kind::Cleanup, pin!(Some(cleanup))).await;
    match (cleaned, body.0.take()) {
        (End::Done(Ok(())), Some(end)) => settle(end).await,
        (End::Done(Ok(())), None) | (End::Cancelled(_), _) => park().await,
        (End::Done(Err(error)), end) => {
            report_lost(end.as_ref(), |what| Report::Replaced(what));
            Err(error)
        }
        (End::Panicked(payload), end) => {
            report_lost(end.as_ref(), |what| Report::Replaced(what));
            resume_unwind(payload)
        }
    }
}

/// Whether one more error may take the place of a cancel in this turn of the loop, at no cost. If not, it costs a turn,
/// so that this program lets others and its grace go on:
///
/// ```text
/// loop { let _ = with_cleanup(work(), async |_| Err(error)).await }
/// ```
///
/// (To let each cost a turn would be simpler, and would delay the usual one behind whatever else is ready.)
fn may_replace() -> bool {
    let turn = Local::current().map_or(0, |local| local.turn_number());
    let (last, count) = REPLACED.get();
    let count = if last == turn { count + 1 } else { 1 };
    REPLACED.set((turn, count));
    count <= REPLACED_A_TURN
}

/// As many as a turn makes polls.
const REPLACED_A_TURN: u32 = 64;

thread_local! {
    /// In which turn an error last took the place of a cancel, and how many there were in it.
    static REPLACED: Cell<(u64, u32)> = const { Cell::new((0, 0)) };
}

/// How the body ended, while the cleanup runs. Dropped meanwhile, what it ended in is lost, and not in silence.
struct Body<T, E>(Option<End<Result<T, E>>>);

impl<T, E> Drop for Body<T, E> {
    fn drop(&mut self) {
        report_lost(self.0.as_ref(), |what| Report::Dropped(what));
    }
}

fn report_lost<T, E>(end: Option<&End<Result<T, E>>>, how: for<'a> fn(&'a dyn fmt::Display) -> Report<'a>) {
    let what = match end {
        Some(End::Done(Err(_))) => "the error",
        Some(End::Panicked(_)) => "a panic",
        Some(End::Done(Ok(_)) | End::Cancelled(_)) | None => return,
    };
    let task = InTask(Spot::here().info());
    report(&how(&format_args!("{what} of a body with a cleanup in {task}")));
}
