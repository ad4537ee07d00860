//! The nursery, 9: the crate.
//!
//! Run: `cargo run --bin tg9_crate`
#![allow(clippy::print_stdout, reason = "a program prints")]
#![allow(dead_code, noop_method_call, reason = "the parts are made for all stages")]

#[path = "nursery/lines.rs"]
mod lines;
#[path = "nursery/scenes.rs"]
mod scenes;

use lines::{Error, HOUR, ms, page, run, say};
use std::panic::{AssertUnwindSafe, catch_unwind};
use taskgroup::{ExceptionGroup, task_group, timeout};
use taskgroup_runtime::yield_now;

// ANCHOR: show
/// Says how a group has ended, as the other stages do.
fn show(ended: Result<(), ExceptionGroup<Error>>) {
    lines::show(ended.map_err(|errors| errors.into_errors().collect()));
}
// ANCHOR_END: show

// ANCHOR: mended
async fn owner_times_out() {
    _ = timeout(ms(5), scenes::one_is_slow()).await;
    say("the owner has gone on");
    yield_now().await;
}

async fn bug() {
    panic!("a bug in a task")
}

async fn panics() {
    show(
        task_group(async |g| {
            g.spawn(page("home", HOUR));
            g.spawn(bug());
            Ok(())
        })
        .await,
    );
}

async fn borrows() {
    let names = ["home", "news"].map(String::from);
    let fetched = std::cell::Cell::new(0);
    show(
        task_group(async |g| {
            for name in &names {
                g.spawn(async {
                    taskgroup::sleep(ms(name.len() as u64)).await;
                    fetched.set(fetched.get() + 1);
                });
            }
            Ok(())
        })
        .await,
    );
    say(format_args!("{} pages of {}", fetched.get(), names.len()));
}
// ANCHOR_END: mended

fn main() {
    scenes::all();
    println!();
    lines::say_panics();
    run("two fail at one instant", scenes::two_fail());
    run("the owner is dropped", owner_times_out());
    let panicked = catch_unwind(AssertUnwindSafe(|| run("a task panics", panics())));
    assert!(panicked.is_err());
    println!("          the owner has panicked with it");
    run("tasks borrow", borrows());
}
