//! What can go wrong with a runtime itself.
#![forbid(unsafe_code)]

use std::fmt;
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

/// Who waits for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stall {
    /// Root tasks that wait, the future of `block_on` included.
    pub tasks: usize,
    /// Timers that are armed on a manual clock, which nobody moves.
    pub timers: usize,
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tasks, timers } = self;
        write!(
            f,
            "stalled: {tasks} root task{} and nothing that could wake them: ",
            plural(*tasks, " waits", "s wait")
        )?;
        match timers {
            0 => {
                write!(f, "no timer, no socket, no hold (if a thread has their waker, keep a `hold()` while it works)")
            }
            n => write!(f, "{n} timer{} on a manual clock that nobody advances", plural(*n, "", "s")),
        }
    }
}

fn plural<'a>(n: usize, one: &'a str, many: &'a str) -> &'a str {
    if n == 1 { one } else { many }
}

/// The clock is the system's, which nobody moves. Make the runtime with
/// [`Clock::Manual`](crate::Clock::Manual) or [`Clock::Autojump`](crate::Clock::Autojump).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock is real and cannot be advanced: make the runtime with `Clock::Manual` or `Clock::Autojump`")]
pub struct ClockIsReal;
