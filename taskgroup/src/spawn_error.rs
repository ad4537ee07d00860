//! A future that no group would start.
//!
//! Before: nothing. After: `group.rs`, `spawner.rs`.

use std::fmt;

/// A future that was not started, because the group takes no more tasks. It was not polled.
pub struct SpawnError<F> {
    future: F,
    is_finished: bool,
}

impl<F> SpawnError<F> {
    pub(crate) fn new(future: F, is_finished: bool) -> Self {
        Self { future, is_finished }
    }

    /// The future, to run elsewhere or to drop.
    pub fn into_future(self) -> F {
        self.future
    }

    /// Whether the group is over; else it is closing, and some of its tasks still run. Only a
    /// [`Spawner`](crate::Spawner) can outlive its group.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.is_finished
    }
}

impl<F> fmt::Debug for SpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<F> fmt::Display for SpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.is_finished {
            true => "the group has ended",
            false => "the group is closing and starts no more tasks",
        })
    }
}

impl<F> std::error::Error for SpawnError<F> {}
