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
use std::time::Duration;
use step04::{block_on, spawn};

// ANCHOR: sleep
async fn sleep(duration: Duration) {
    thread::sleep(duration);
}
// ANCHOR_END: sleep

fn main() {
    breakfast::breakfast();
}
