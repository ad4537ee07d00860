//! Wrong: on step 3, who is woken a thousand times is polled a thousand times.
//!
//! Run: `cargo run --bin wrong04_storm`
#![allow(clippy::print_stdout, reason = "a program prints")]
#![allow(clippy::duplicate_mod, reason = "the step has a program too, with the same parts")]

#[allow(dead_code, reason = "its own program is not run here")]
#[path = "../step03_tasks.rs"]
mod step03;
#[path = "../programs/storm.rs"]
mod storm;

use step03::{block_on, spawn, yield_now};

fn main() {
    storm::storm();
}
