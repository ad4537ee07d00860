//! Deadlines over a future.
//!
//! Before: `drive.rs`. After: `scope.rs`, which can move its deadline.

use crate::drive::{Driven, End, absorb};
use crate::reason::Reason;
use crate::tree::{self, Kind};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use taskgroup_runtime::{Readable, Sleep, now, sleep, sleep_until};

/// Runs `future`, for at most `limit`.
///
/// When the time is over, the future is *cancelled*, not merely dropped: groups inside it end their children first.
/// A value that it reaches in spite of that is returned; a deadline that has come beats a result that is ready and was
/// not seen yet. The deadline counts from this call; a zero limit lets the
/// future run to its first wait, one that fits no clock is never.
///
/// asyncio: `asyncio.timeout` and `wait_for`; Trio: `fail_after`. Costs a node in the scope tree and a timer.
///
/// # Errors
///
/// [`Elapsed`] if the deadline ended it. If what is around this is cancelled as well, that cancel wins and goes on
/// (CPython's `test_timeouts`, `nested_timeouts`).
///
/// # Panics
///
/// A panic of the future passes. And when polled outside a runtime.
///
/// # Cancel
///
/// As `future` is. Dropped before its end by a foreign combinator, the future is dropped at once.
///
/// ```
/// use std::time::Duration;
/// use taskgroup::{Clock, Runtime, sleep, timeout};
///
/// Runtime::with_clock(Clock::Autojump).block_on(async {
///     let soon = timeout(Duration::from_secs(1), async { 7 }).await;
///     assert_eq!(soon.ok(), Some(7));
///     let late = timeout(Duration::from_secs(1), sleep(Duration::from_secs(9))).await;
///     assert!(late.is_err());
/// });
/// ```
pub fn timeout<F: Future>(limit: Duration, future: F) -> impl Future<Output = Result<F::Output, Elapsed>> {
    within(sleep(limit), limit, future)
}

/// The same with a point in time, on the clock of [`now`]. One in the past lets the future run to its first wait.
///
/// # Errors
///
/// As [`timeout`].
///
/// # Cancel
///
/// As [`timeout`].
pub fn timeout_at<F: Future>(deadline: Instant, future: F) -> impl Future<Output = Result<F::Output, Elapsed>> {
    let limit = deadline.saturating_duration_since(now());
    within(sleep_until(deadline), limit, future)
}

async fn within<F: Future>(alarm: Sleep, limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    let future = pin!(Some(future));
    let driven = Driven::new(Kind::Scope, future);
    let alarm = if limit.is_zero() {
        tree::cancel(driven.node(), &Reason::Deadline(limit)); // what is late already runs to its first wait, no further
        None
    } else {
        Some(alarm)
    };
    absorb(Within { driven, alarm, limit }.await).await.map_err(|_| Elapsed { limit })
}

/// A future in a scope, and the timer that cancels the scope.
struct Within<'a, F> {
    driven: Driven<'a, F>,
    /// `None` once it has rung.
    alarm: Option<Sleep>,
    limit: Duration,
}

impl<F: Future> Future for Within<'_, F> {
    type Output = End<F::Output>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        // The alarm is looked at first, and is no wait that freezes: a deadline that has come beats a result that is
        // ready and not seen yet, and comes also while something around is cancelled.
        if let Some(alarm) = &mut this.alarm
            && alarm.poll_unfrozen(cx).is_ready()
        {
            this.alarm = None;
            tree::cancel(this.driven.node(), &Reason::Deadline(this.limit));
        }
        Pin::new(&mut this.driven).poll(cx)
    }
}

/// A deadline ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not done within {}", Readable(self.limit))]
pub struct Elapsed {
    limit: Duration,
}

impl Elapsed {
    /// How much time there was.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit
    }
}
