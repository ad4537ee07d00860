//! What can go wrong with a runtime itself.
//!
//! Before: `stall.rs`. After: `block_on.rs`, `runtime.rs`, whose calls end so.
#![forbid(unsafe_code)]

use crate::stall::Stall;
use std::io;

/// Why a future could not be run to its end. The runtime stays usable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlockOnError {
    /// A runtime is in its turn on this thread already. Blocking inside a task would stop its loop.
    #[error(
        "`block_on` was called inside a task, where it would stop the loop that runs the task: `.await` the future instead"
    )]
    Nested,
    /// Everything waits, and no timer, socket or hold can ever wake it.
    #[error("{0}")]
    Stalled(Stall),
    /// The poller failed: most often there are no descriptors left.
    #[error("the poller failed: {0}")]
    Io(#[from] io::Error),
}

/// The clock is the system's, which nobody moves. Make the runtime with
/// [`Clock::Manual`](crate::Clock::Manual) or [`Clock::Autojump`](crate::Clock::Autojump).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock is real and cannot be advanced: make the runtime with `Clock::Manual` or `Clock::Autojump`")]
pub struct ClockIsReal;
