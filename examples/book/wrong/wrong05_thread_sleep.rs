//! Wrong: a sleep that puts the thread to sleep, and with it every task.
//!
//! Run: `cargo run --bin wrong05_thread_sleep`
#![allow(clippy::print_stdout, reason = "a program prints")]

#[path = "../programs/breakfast.rs"]
mod breakfast;
#[allow(dead_code, reason = "its own program is not run here")]
#[path = "../step04_wake_once.rs"]
mod step04;

use std::thread;
use std::time::Instant;
use step04::{block_on, spawn};

fn now() -> Instant {
    Instant::now()
}

// ANCHOR: sleep
async fn sleep_until(deadline: Instant) {
    thread::sleep(deadline.saturating_duration_since(now()));
}
// ANCHOR_END: sleep

fn main() {
    breakfast::breakfast();
}
