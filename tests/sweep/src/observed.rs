//! What was seen in a run: how it ended, what was counted, what is left.
//!
//! Before: `stage.rs`. After: `run.rs`, which fills it in, and `verdict.rs`, which judges it.

use crate::stage::{Held, TWO_DAYS};
use std::time::Duration;

/// What the program's task ended in.
#[derive(Debug)]
pub(crate) enum Ended {
    Value(String),
    Dropped,
    Forgotten,
    /// Its deadline passed.
    Elapsed,
    /// The scope around it was cancelled, with grace.
    CutOff,
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// The program ended: with this, printed.
    Value(String),
    /// It was cancelled, for the sweep's reason or for another one.
    Cancelled {
        by_the_sweep: bool,
    },
    Elapsed,
    Panicked,
    Dropped,
    Forgotten,
    /// The runtime was dropped under it.
    Gone,
    /// It did not end.
    Hung(String),
}

/// What was seen in a run.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(crate) outcome: Outcome,
    pub(crate) polls: u32,
    pub(crate) turns: u32,
    pub(crate) drops: u32,
    pub(crate) whole_polls: Vec<u32>,
    pub(crate) elapsed: Duration,
    /// How many injections of the plan happened.
    pub(crate) fired: usize,
    /// The sweep had to cancel it so that it ends.
    pub(crate) rescued: bool,
    /// What the library reported: errors and panics that were displaced, regions that were abandoned.
    pub(crate) reports: usize,
    /// What is left when the program has ended, and root tasks.
    pub(crate) left: Held,
    pub(crate) tasks_left: usize,
    /// What is left when the runtime is gone too.
    pub(crate) left_at_last: Held,
    pub(crate) wakers_left: usize,
    /// What a dropped future held.
    pub(crate) held: Option<Held>,
    /// Values that were made after a future was forgotten: they may have been handed to it.
    pub(crate) values_later: usize,
    /// What went wrong on the way.
    pub(crate) violations: Vec<String>,
}

/// How much a run may take before it counts as hung.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) polls: u32,
    pub(crate) turns: u32,
    pub(crate) time: Duration,
}

impl Bounds {
    /// For the first run of a program, of which nothing is known.
    pub(crate) const FIRST: Self = Self { polls: 200_000, turns: 200_000, time: TWO_DAYS };

    /// Generously more than a run without injections took.
    pub(crate) fn after(first: &Observed) -> Self {
        Self {
            polls: first.polls * 4 + 20_000,
            turns: first.turns * 4 + 20_000,
            time: first.elapsed + Duration::from_secs(2),
        }
    }
}
