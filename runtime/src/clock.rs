//! Time: which clock a runtime runs on, and the one place that turns durations into ticks.
//!
//! Before: nothing. After: `timers.rs`.
//!
//! A deadline is rounded *up* to a whole tick and the present is rounded *down*, so a timer is never early and late
//! by less than a tick. What does not fit is never.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::time::{Duration, Instant};

/// The resolution of timers: 15.625 microseconds, the sixty-fourth part of a millisecond, so that whole milliseconds
/// are whole ticks and virtual time does not drift. (The system wakes a thread that sleeps some 50 microseconds late.)
pub const TICK: Duration = Duration::from_nanos(TICK_NANOS as u64);
const TICK_NANOS: u32 = 15_625;
const TICKS_IN_A_SECOND: u32 = 1_000_000_000 / TICK_NANOS;

/// The end of virtual time. Beyond it `Instant` would overflow; no timer comes so late.
const END: Duration = Duration::from_secs(1 << 62);

/// Which clock a runtime runs on. Chosen once, with [`Runtime::with_clock`](crate::Runtime::with_clock).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Clock {
    /// The system's monotonic clock.
    #[default]
    Real,
    /// Time that moves only when [`Runtime::advance`](crate::Runtime::advance) says so.
    Manual,
    /// Time that jumps to the next timer when nothing is ready, no descriptor is waited on and no
    /// [`Hold`](crate::Hold) lives. A program of sleeps ends at once, with exact times.
    Autojump,
}

/// The clock of one runtime.
#[derive(Debug)]
pub(crate) struct Time {
    clock: Clock,
    /// Tick 0; for virtual clocks the instant from which virtual time is counted.
    start: Instant,
    /// Virtual time since `start`; unused on the real clock.
    elapsed: Cell<Duration>,
    /// The tick of the last turn's one look at the clock.
    tick: Cell<u64>,
}

impl Time {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, start: Instant::now(), elapsed: Cell::new(Duration::ZERO), tick: Cell::new(0) }
    }

    #[inline]
    pub(crate) fn is_real(&self) -> bool {
        self.clock == Clock::Real
    }

    pub(crate) fn jumps(&self) -> bool {
        self.clock == Clock::Autojump
    }

    pub(crate) fn elapsed(&self) -> Duration {
        match self.clock {
            Clock::Real => self.start.elapsed(),
            Clock::Manual | Clock::Autojump => self.elapsed.get(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.start + self.elapsed()
    }

    /// Looks at the clock and remembers the tick. Once a turn.
    pub(crate) fn look(&self) -> u64 {
        let tick = floor(self.elapsed());
        self.tick.set(tick.max(self.tick.get())); // a clock that steps back stands still
        self.tick.get()
    }

    /// Looks at the clock and remembers nothing.
    pub(crate) fn read(&self) -> u64 {
        floor(self.elapsed()).max(self.tick.get())
    }

    /// The tick of the last look.
    pub(crate) fn tick(&self) -> u64 {
        self.tick.get()
    }

    /// The tick that a timer gets which is due at once. Virtual time may have been moved since the last look, and what was
    /// due in between comes first.
    fn present(&self) -> u64 {
        if self.is_real() { self.tick.get() } else { floor(self.elapsed()) }
    }

    /// The tick at or after which `wait` from now has passed. `None`: never. Nothing to wait for: the present tick.
    pub(crate) fn deadline_after(&self, wait: Duration) -> Option<u64> {
        match wait {
            Duration::ZERO => Some(self.present()),
            wait => self.elapsed().checked_add(wait).and_then(ceil),
        }
    }

    /// The tick at or after which `instant` has passed. `None`: never. An instant in the past: the present tick.
    pub(crate) fn deadline_at(&self, instant: Instant) -> Option<u64> {
        match instant.checked_duration_since(self.start) {
            Some(since) if since > self.elapsed() => ceil(since),
            _ => Some(self.present()),
        }
    }

    /// When `tick` begins, counted from the start.
    pub(crate) fn start_of(&self, tick: u64) -> Duration {
        start_of(tick)
    }

    /// How long until `tick` begins.
    pub(crate) fn until(&self, tick: u64) -> Duration {
        start_of(tick).saturating_sub(self.elapsed())
    }

    /// Moves virtual time, to its end at most. Nothing happens on the real clock.
    pub(crate) fn advance(&self, by: Duration) {
        self.elapsed.set(self.elapsed.get().saturating_add(by).min(END));
    }

    /// Moves virtual time to the start of `tick`, unless that has passed.
    pub(crate) fn jump_to(&self, tick: u64) {
        self.elapsed.set(start_of(tick).max(self.elapsed.get()));
    }
}

/// Whole ticks in a duration, and the nanoseconds beyond them. `None`: more than can be counted.
///
/// By seconds and nanoseconds: to divide the sum of both would be a division of 128 bits, which costs as much as the
/// rest of a sleep.
fn split(duration: Duration) -> Option<(u64, u32)> {
    let nanos = duration.subsec_nanos();
    let ticks = duration.as_secs().checked_mul(TICKS_IN_A_SECOND.into())?.checked_add((nanos / TICK_NANOS).into())?;
    Some((ticks, nanos % TICK_NANOS))
}

fn floor(duration: Duration) -> u64 {
    split(duration).map_or(u64::MAX, |(ticks, _)| ticks)
}

fn ceil(duration: Duration) -> Option<u64> {
    let (ticks, beyond) = split(duration)?;
    ticks.checked_add((beyond > 0).into())
}

fn start_of(tick: u64) -> Duration {
    let (seconds, ticks) = (tick / u64::from(TICKS_IN_A_SECOND), tick % u64::from(TICKS_IN_A_SECOND));
    Duration::new(seconds, ticks as u32 * TICK_NANOS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_never_early_and_late_by_less_than_a_tick() {
        for nanos in [1, 15_624, 15_625, 15_626, 999_999_999, 1_000_000_000, 86_400_000_000_007] {
            let wait = Duration::from_nanos(nanos);
            let start = start_of(ceil(wait).unwrap());
            assert!(start >= wait && start - wait < TICK, "{nanos} ns became {start:?}");
        }
    }

    #[test]
    fn whole_milliseconds_are_whole_ticks() {
        assert_eq!(start_of(ceil(Duration::from_millis(37)).unwrap()), Duration::from_millis(37));
    }

    // smol-rs/async-io#86, #87, #92, tokio-rs/tokio#6634, Smithay/calloop#121: `Duration::MAX` was added to now.
    #[test]
    fn what_does_not_fit_is_never() {
        let time = Time::new(Clock::Autojump);
        assert_eq!(time.deadline_after(Duration::MAX), None);
        time.advance(Duration::from_secs(1));
        assert_eq!(time.deadline_after(Duration::MAX), None);
        let last = start_of(u64::MAX);
        assert_eq!(last.as_nanos(), u128::from(u64::MAX) * u128::from(TICK_NANOS));
        assert_eq!((floor(last), ceil(last)), (u64::MAX, Some(u64::MAX)));
        assert_eq!((floor(last + TICK), ceil(last + Duration::from_nanos(1))), (u64::MAX, None));
    }

    // tokio-rs/tokio#684.
    #[test]
    fn a_clock_that_steps_back_stands_still() {
        let time = Time::new(Clock::Manual);
        time.advance(Duration::from_secs(2));
        let late = time.look();
        time.elapsed.set(Duration::from_secs(1));
        assert_eq!(time.look(), late);
    }
}
