//! Wrong: on step 8 a descriptor knows one waiter. The second takes the place of the first.
//!
//! Run: `cargo run --bin wrong09_two_waiters`
#![allow(clippy::print_stdout, reason = "a program prints")]

#[path = "../programs/both_ways.rs"]
mod both_ways;
#[path = "../step08_epoll.rs"]
mod step08;

use std::io;
use step08::{Clock, Stream, block_on, sleep, spawn};

fn main() -> io::Result<()> {
    both_ways::both_ways()
}
