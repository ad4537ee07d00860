//! Wrong: on step 9 the loop goes on to sockets and timers when nobody is ready. That may be never.
//!
//! Run: `cargo run --bin wrong10_starved`
#![allow(clippy::print_stdout, reason = "a program prints")]

#[path = "../programs/fair.rs"]
mod fair;
#[path = "../step09_sockets.rs"]
mod step09;

use std::io;
use step09::{Async, Clock, block_on, sleep, spawn, yield_now};

fn main() -> io::Result<()> {
    fair::fair()
}
