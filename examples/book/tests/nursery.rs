//! The scenes of the nursery, on the crate, to be drawn.
#![allow(
    clippy::print_stdout,
    dead_code,
    noop_method_call,
    reason = "they are made for the programs"
)]

#[path = "../nursery/lines.rs"]
mod lines;
#[path = "../nursery/scenes.rs"]
pub(crate) mod scenes;

use lines::Error;
use taskgroup::{ExceptionGroup, task_group};

fn show(ended: Result<(), ExceptionGroup<Error>>) {
    lines::show(ended.map_err(|errors| errors.into_errors().collect()));
}
