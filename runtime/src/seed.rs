//! The seed of a shuffled runtime, and when it is told.
//!
//! Before: `reporter.rs`; `slots/order.rs`, which shuffles. After: `runtime.rs`, `block_on.rs`.
#![forbid(unsafe_code)]

use crate::reporter::{Report, report};
use std::cell::Cell;
use std::thread;

/// The seed, if the order is shuffled. It is told once: a panic that leaves `block_on` may drop the runtime as well.
#[derive(Debug, Default)]
pub(crate) struct Seed {
    seed: Cell<Option<u64>>,
    is_told: Cell<bool>,
}

impl Seed {
    pub(crate) fn set(&self, seed: u64) {
        self.seed.set(Some(seed));
    }

    /// Tells it to the reporter, once.
    pub(crate) fn tell(&self) {
        if let Some(seed) = self.seed.get()
            && !self.is_told.replace(true)
        {
            report(&Report::Shuffled(seed));
        }
    }

    /// Tells it if a panic begins before the guard is dropped, and drops it.
    pub(crate) fn tell_if_it_panics(&self) -> TellIfItPanics<'_> {
        TellIfItPanics { seed: self, was_panicking: thread::panicking() }
    }
}

pub(crate) struct TellIfItPanics<'a> {
    seed: &'a Seed,
    was_panicking: bool,
}

impl Drop for TellIfItPanics<'_> {
    fn drop(&mut self) {
        if thread::panicking() && !self.was_panicking {
            self.seed.tell();
        }
    }
}
