//! Waiting for time to pass.
//!
//! Before: `timers.rs`. After: `interval.rs`.
#![forbid(unsafe_code)]

use crate::freeze::is_frozen;
use crate::instrument::WaitsFor;
use crate::local::Local;
use crate::wakeup::Wakeup;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use taskgroup_timer::Key;

/// Waits until `duration` has passed.
///
/// Never early; late by less than a [`TICK`](crate::TICK) plus what the loop needs. The clock is read here, when the
/// sleep is made; a sleep that is made outside a runtime starts with its first poll. A zero duration still waits for
/// the next turn of the loop. A duration that fits no clock, such as [`Duration::MAX`], is never. No allocation but
/// the timer's place in the wheel; arming and dropping are O(1).
///
/// # Panics
///
/// When polled outside a runtime, or under another runtime than the one it belongs to.
///
/// # Cancel
///
/// A cancellation point. Dropping it disarms the timer.
///
/// ```
/// use std::time::Duration;
/// use taskgroup_runtime::{Clock, Runtime, now, sleep};
///
/// let runtime = Runtime::with_clock(Clock::Autojump);
/// runtime.block_on(async {
///     let before = now();
///     sleep(Duration::from_secs(3600)).await; // returns at once: the clock is virtual
///     assert_eq!(now() - before, Duration::from_secs(3600));
/// });
/// ```
pub fn sleep(duration: Duration) -> Sleep {
    Sleep::until(Until::After(duration))
}

/// Waits until `deadline`; at once, but for one turn of the loop, if that has passed. Otherwise as [`sleep`].
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::until(Until::At(deadline))
}

/// What time it is on the clock of the current runtime; outside a runtime, on the system's.
///
/// Under a virtual clock this is virtual time, so that differences of instants are exact.
#[must_use]
pub fn now() -> Instant {
    Local::current().map_or_else(Instant::now, |local| local.time().now())
}

/// The future of [`sleep`] and [`sleep_until`].
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum Until {
    After(Duration),
    At(Instant),
}

/// ```text
/// Unbound --(1) made or polled in a runtime--> Bound --(2) polled--> Armed --(3) the wheel let go of it--> Over
/// ```
/// (1) [`State::bind`], (2) and (3) [`Sleep::poll`].
enum State {
    Unbound(Until),
    /// The deadline is fixed, in ticks; `None` is never.
    Bound(Rc<Local>, Option<u64>),
    Armed(Rc<Local>, Key),
    Over,
}

impl State {
    fn bind(until: Until, local: Rc<Local>) -> Self {
        let deadline = match until {
            Until::After(duration) => local.time().deadline_after(duration),
            Until::At(instant) => local.time().deadline_at(instant),
        };
        Self::Bound(local, deadline)
    }
}

impl Sleep {
    fn until(until: Until) -> Self {
        let state = match Local::current() {
            Some(local) => State::bind(until, local),
            None => State::Unbound(until),
        };
        Self { state }
    }

    /// The poll of a wait that no cancel freezes: for deadlines, which must go on while what they bound is cancelled.
    ///
    /// # Panics
    ///
    /// As [`sleep`].
    #[doc(hidden)]
    pub fn poll_unfrozen(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_as(cx, Wakeup::of_deadline)
    }

    #[inline]
    fn poll_as(&mut self, cx: &mut Context<'_>, make: impl FnOnce(&Local, &Context<'_>) -> Wakeup) -> Poll<()> {
        if let State::Unbound(until) = self.state {
            self.state = State::bind(until, Local::expect_current("a sleep"));
        }
        match &self.state {
            State::Unbound(_) => unreachable!("bound above"),
            State::Bound(local, deadline) => {
                same_runtime(local);
                if let Some(deadline) = *deadline {
                    let key = local.timers().arm(deadline, make(local, cx));
                    self.state = State::Armed(local.clone(), key);
                }
                Poll::Pending
            }
            State::Armed(local, key) => {
                same_runtime(local);
                if local.timers().is_armed(local, *key, cx, make) {
                    return Poll::Pending;
                }
                self.state = State::Over;
                Poll::Ready(())
            }
            State::Over => Poll::Ready(()),
        }
    }
}

impl Sleep {
    /// Tells the instruments what is waited for.
    #[inline(always)]
    fn tell(&self) {
        let local = match &self.state {
            State::Bound(local, _) | State::Armed(local, _) => local,
            State::Unbound(_) | State::Over => return,
        };
        if local.is_heard() {
            let tick = match &self.state {
                State::Armed(local, key) => local.timers().deadline(*key),
                _ => None,
            };
            local.tell_wait(WaitsFor::Timer(tick.map(|tick| local.time().start_of(tick))));
        }
    }
}

#[track_caller]
fn same_runtime(local: &Local) {
    assert!(
        local.is_current(),
        "a sleep was polled under another runtime than the one it was made in: make it where it is awaited"
    );
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if is_frozen() {
            return Poll::Pending;
        }
        let polled = self.poll_as(cx, Wakeup::new);
        if polled.is_pending() {
            self.tell();
        }
        polled
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        match &self.state {
            State::Armed(local, key) => {
                local.drops_wait(|| {
                    let tick = local.timers().awaited(*key)?;
                    Some(WaitsFor::Timer(Some(local.time().start_of(tick))))
                });
                local.timers().cancel(*key);
            }
            State::Bound(local, None) => local.drops_wait(|| Some(WaitsFor::Timer(None))),
            State::Bound(_, Some(_)) | State::Unbound(_) | State::Over => {}
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Unbound(_) => "not started",
            State::Bound(_, None) => "never",
            State::Bound(..) => "not polled",
            State::Armed(..) => "armed",
            State::Over => "over",
        };
        f.debug_struct("Sleep").field("state", &state).finish()
    }
}
