//! Wrong: step 1 polls as fast as it can, whether there is news or not.
//!
//! Run: `cargo run --bin wrong02_busy`
#![allow(clippy::print_stdout, reason = "a program prints")]

#[path = "../programs/answer.rs"]
mod answer;
#[allow(dead_code, reason = "its own program is not run here")]
#[path = "../step01_block_on.rs"]
mod step01;

use step01::block_on;

fn main() {
    const PATIENCE: usize = 100_000;
    let polls = answer::ask(PATIENCE);
    assert!(polls > PATIENCE);
    println!("more than {PATIENCE} polls for one answer");
}
