//! Supervision, in the manner of Erlang's OTP: children that fail are started again, and when they fail too often, the
//! supervisor itself ends with their errors.
//!
//! ```text
//!               (1) a child ends                      (2) too often within the window
//!   Watching -------------------> Restarting (a round) ------------------------------> Given up
//!      ^                              |                                                   |
//!      +------ (3) stopped, started --+                   all children stopped <----------+
//! ```
//! (1) `Crew::next_ends`, (2) `Window::admit`, (3) `Crew::restart`.
//!
//! It is written over the public interface of `taskgroup` alone: a group under the supervise policy, whose body watches
//! the handles of the children, and whose body's cleanup stops them. Read `strategy.rs`, `intensity.rs`, `backoff.rs`,
//! `child.rs`, then `supervisor.rs`, then `crew.rs`, where it happens. A program takes it in with
//! `#[path = ".."] mod supervision;`.

mod backoff;
mod child;
mod crew;
mod intensity;
mod span;
mod strategy;
mod supervisor;

pub(crate) use backoff::Backoff;
pub(crate) use child::{Child, Event, News, Restart};
pub(crate) use intensity::Intensity;
pub(crate) use span::Span;
pub(crate) use strategy::Strategy;
pub(crate) use supervisor::{Plan, Supervisor};

use std::time::Duration;

/// A supervisor that cannot be made, and what to do about it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum BadPlan {
    #[error("a supervisor without children has nothing to do: give it at least one child")]
    NoChildren,
    #[error("two children are called {0:?}, and errors could not tell them apart: give each a name of its own")]
    SameName(String),
    #[error(
        "at most 0 restarts is one failure and the end: that is a plain task group; allow at least 1, or describe the \
         children with `Restart::Never`"
    )]
    NoRestarts,
    #[error("in a window of zero, no two restarts ever meet: give the time in which so many are too many, such as 60s")]
    NoWindow,
    #[error("a first delay of zero would restart what ends at once for ever, at one instant: wait at least 1ms")]
    NoDelay,
    #[error("with a factor of {0}, delays would shrink: take 1 for delays that stay, 2 for delays that double")]
    Factor(f64),
    #[error("a ceiling of {ceiling:?} is below the first delay of {first:?}: raise the one or lower the other")]
    Ceiling { first: Duration, ceiling: Duration },
    #[error("a jitter of {0} is no part of the delay: take 0 for none, up to but not 1, such as 0.2 for a fifth")]
    Jitter(f64),
    #[error(
        "after a healthy spell of zero, delays would never grow: say how long a child runs until it counts as well"
    )]
    NoHealthySpell,
}
