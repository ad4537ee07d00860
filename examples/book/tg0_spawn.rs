//! Before the nursery: tasks that nobody waits for.
//!
//! Run: `cargo run --bin tg0_spawn`
#![allow(clippy::print_stdout, reason = "a program prints")]
#![allow(dead_code, reason = "the parts can do more than this asks for")]

#[path = "nursery/lines.rs"]
mod lines;

use lines::{broken, ms, page, run, say};
use taskgroup_runtime::spawn;

// ANCHOR: program
async fn fetch() {
    drop(spawn(page("home", ms(20))));
    drop(spawn(broken("news", ms(10))));
    say("fetch has returned");
}

fn main() {
    run("two tasks", async {
        fetch().await;
        taskgroup_runtime::sleep(ms(15)).await;
        say("the program is done");
    });
}
// ANCHOR_END: program
