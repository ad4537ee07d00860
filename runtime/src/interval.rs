//! Ticking at a steady pace.
//!
//! Before: `sleep.rs`.
#![forbid(unsafe_code)]

use crate::clock::TICK;
use crate::sleep::{Sleep, now, sleep_until};
use futures_core::Stream;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// What an [`Interval`] does about ticks that came and went while nobody asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTicks {
    /// They come out at once, one after the other, until the interval has caught up.
    #[default]
    Burst,
    /// They are left out; the next tick comes where it would have come anyway.
    Skip,
    /// They are left out; the next tick comes a full period after this one.
    Delay,
}

/// Ticks every `period`, the first time one period from now.
///
/// Tick times are computed from the start, not from when somebody asked: an interval does not drift. A period shorter
/// than a [`TICK`](crate::TICK), zero included, is one tick long; one that fits no clock never ticks.
///
/// ```
/// use std::time::Duration;
/// use taskgroup_runtime::{Clock, Runtime, interval, now};
///
/// Runtime::with_clock(Clock::Autojump).block_on(async {
///     let start = now();
///     let mut ticks = interval(Duration::from_millis(20));
///     for n in 1..=3 {
///         let due = ticks.tick().await;
///         assert_eq!(due - start, n * Duration::from_millis(20));
///     }
/// });
/// ```
#[must_use]
pub fn interval(period: Duration) -> Interval {
    let period = period.max(TICK);
    let due = now().checked_add(period);
    Interval { period, due, sleep: None, missed: MissedTicks::Burst }
}

/// A stream of instants, one a period. Made by [`interval`].
#[derive(Debug)]
pub struct Interval {
    period: Duration,
    /// When the next tick is due. `None`: never.
    due: Option<Instant>,
    /// Made when the tick is first waited for.
    sleep: Option<Sleep>,
    missed: MissedTicks,
}

impl Interval {
    /// Chooses what happens to missed ticks. The default is [`MissedTicks::Burst`].
    #[must_use]
    pub fn on_missed(mut self, missed: MissedTicks) -> Self {
        self.missed = missed;
        self
    }

    /// Waits for the next tick and says when it was due.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel
    ///
    /// A cancellation point. Dropped while it waits, the tick is not lost: the next call waits for the same one.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        let Some(due) = self.due else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| sleep_until(due));
        if Pin::new(sleep).poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.sleep = None;
        self.due = self.after(due);
        Poll::Ready(due)
    }

    fn after(&self, due: Instant) -> Option<Instant> {
        let next = due.checked_add(self.period)?;
        let now = now();
        if next >= now || self.missed == MissedTicks::Burst {
            return Some(next);
        }
        match self.missed {
            MissedTicks::Delay => now.checked_add(self.period),
            _ => {
                let behind = (now - due).as_nanos().div_ceil(self.period.as_nanos()); // due right now is not missed
                let behind = u32::try_from(behind).unwrap_or(u32::MAX);
                due.checked_add(self.period.checked_mul(behind)?)
            }
        }
    }
}

impl Stream for Interval {
    type Item = Instant;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        self.get_mut().poll_tick(cx).map(Some)
    }
}
