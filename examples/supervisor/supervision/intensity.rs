//! How often is too often.
//!
//! Before: nothing. After: `crew.rs`, which asks before each round of restarts.

use super::BadPlan;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// At most so many restarts within a time. One more, and the supervisor gives up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intensity {
    pub(super) at_most: usize,
    pub(super) within: Duration,
}

impl Intensity {
    /// # Errors
    ///
    /// None at all, or a window of zero.
    pub(crate) fn new(at_most: usize, within: Duration) -> Result<Self, BadPlan> {
        match (at_most, within) {
            (0, _) => Err(BadPlan::NoRestarts),
            (_, Duration::ZERO) => Err(BadPlan::NoWindow),
            _ => Ok(Self { at_most, within }),
        }
    }
}

/// The restarts of late: a window that slides along.
pub(super) struct Window {
    intensity: Intensity,
    /// Ascending, at most `at_most`, and none older than the window when somebody last asked.
    restarts: VecDeque<Instant>,
}

impl Window {
    pub(super) fn new(intensity: Intensity) -> Self {
        Self { intensity, restarts: VecDeque::new() }
    }

    /// Whether there may be one more, which counts then. What is as old as the window is wide is outside.
    pub(super) fn admit(&mut self, now: Instant) -> bool {
        let Intensity { at_most, within } = self.intensity;
        while self.restarts.front().is_some_and(|&oldest| now - oldest >= within) {
            self.restarts.pop_front();
        }
        let admitted = self.restarts.len() < at_most;
        if admitted {
            self.restarts.push_back(now);
        }
        admitted
    }
}
