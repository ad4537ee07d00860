//! Wrong: on step 6 a program that sleeps is slow to test, and never the same twice.
//!
//! Run: `cargo run --bin wrong07_real_time`
#![allow(clippy::print_stdout, reason = "a program prints")]

#[path = "../step06_wheel.rs"]
mod step06;

use std::time::{Duration, Instant};
use step06::{block_on, sleep};

// ANCHOR: program
fn main() {
    const WAIT: Duration = Duration::from_millis(5);
    let slept = block_on(async {
        let before = Instant::now();
        sleep(WAIT).await;
        before.elapsed()
    });
    println!("slept at least 5 ms: {}", slept >= WAIT);
    println!("slept exactly 5 ms: {}", slept == WAIT);
}
// ANCHOR_END: program
