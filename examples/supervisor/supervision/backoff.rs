//! How long to wait before a restart.
//!
//! Before: nothing. After: `crew.rs`, which counts the failures of each child.

use super::BadPlan;
use std::time::Duration;

/// Delays that grow from failure to failure, up to a ceiling, and are shortened by chance, so that what failed together
/// does not come back together.
///
/// The delay belongs to the child that ended, under every strategy; those that are restarted with it wait as long. It
/// is the first again once the child has run through a healthy spell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    factor: f64,
    ceiling: Duration,
    jitter: f64,
    healthy: Duration,
}

impl Backoff {
    /// Delays of `first`, `first * factor`, `first * factor * factor` and so on, up to `ceiling`; `first` again for a
    /// child that has run for as long as `healthy`.
    ///
    /// # Errors
    ///
    /// A first delay of zero, a factor below 1, a ceiling below the first delay, a healthy spell of zero.
    pub(crate) fn new(first: Duration, factor: f64, ceiling: Duration, healthy: Duration) -> Result<Self, BadPlan> {
        if first.is_zero() {
            return Err(BadPlan::NoDelay);
        }
        if !(1.0..).contains(&factor) {
            return Err(BadPlan::Factor(factor)); // also what is no number
        }
        if ceiling < first {
            return Err(BadPlan::Ceiling { first, ceiling });
        }
        if healthy.is_zero() {
            return Err(BadPlan::NoHealthySpell);
        }
        Ok(Self { first, factor, ceiling, jitter: 0.0, healthy })
    }

    /// The same, but each delay is shortened by a random part of up to `jitter`: with 0.2, by up to a fifth. (Shortened
    /// and not lengthened, so that the ceiling is one.)
    ///
    /// # Errors
    ///
    /// A jitter that is not from 0 to below 1.
    pub(crate) fn with_jitter(self, jitter: f64) -> Result<Self, BadPlan> {
        if (0.0..1.0).contains(&jitter) { Ok(Self { jitter, ..self }) } else { Err(BadPlan::Jitter(jitter)) }
    }

    /// The delay after so many ends in a row, the first being number 0.
    pub(super) fn delay(&self, number: u32, random: &mut fastrand::Rng) -> Duration {
        let grown = at_most(self.ceiling, self.first.as_secs_f64() * self.factor.powf(f64::from(number)));
        at_most(grown, grown.as_secs_f64() * (1.0 - self.jitter * random.f64()))
    }

    /// Whether a child that ran so long was well.
    pub(super) fn was_healthy(&self, ran: Duration) -> bool {
        ran >= self.healthy
    }
}

/// So many seconds, which may be infinite.
fn at_most(ceiling: Duration, seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).map_or(ceiling, |delay| delay.min(ceiling))
}
