//! Wrong: on step 5, the timer of a wait that is over stays until its time has come.
//!
//! Run: `cargo run --bin wrong06_left_behind`
#![allow(clippy::print_stdout, reason = "a program prints")]

#[path = "../programs/requests.rs"]
mod requests;
#[path = "../step05_sleep.rs"]
mod step05;

use step05::{armed, block_on, sleep, spawn, yield_now};

fn main() {
    requests::requests();
}
