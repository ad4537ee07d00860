//! The nursery, 3: not a nursery, but a flag on `gather`.
//!
//! Run: `cargo run --bin tg3_flag`
#![allow(clippy::print_stdout, reason = "a program prints")]
#![allow(dead_code, reason = "the parts are made for all stages")]

#[path = "nursery/lines.rs"]
mod lines;

use lines::{Error, HOUR, broken, ms, page, run, say, show};
use std::pin::Pin;
use taskgroup_runtime::spawn;

// ANCHOR: gather
type Boxed = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

/// Waits for all. What it gives is all errors together, or the first one and no word of the others.
async fn gather(tasks: Vec<Boxed>, all_errors: bool) -> Result<(), Vec<Error>> {
    let tasks: Vec<_> = tasks.into_iter().map(spawn).collect();
    let mut errors = Vec::new();
    for task in tasks {
        match task.await {
            Ok(Err(error)) if !all_errors => return Err(vec![error]), // who is left runs on
            Ok(ended) => errors.extend(ended.err()),
            Err(lost) => errors.push(lost.to_string()),
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
// ANCHOR_END: gather

// ANCHOR: links
async fn links() {
    let first: Vec<Boxed> = vec![Box::pin(page("archive", HOUR)), Box::pin(page("index", ms(10)))];
    show(gather(first, true).await);
    let second: Vec<Boxed> = vec![Box::pin(page("a link in it", ms(10)))]; // index has told
    show(gather(second, true).await);
}
// ANCHOR_END: links

async fn two_fail() {
    let tasks: Vec<Boxed> = vec![
        Box::pin(page("home", ms(20))),
        Box::pin(broken("news", ms(10))),
        Box::pin(broken("search", ms(10))),
    ];
    show(gather(tasks, true).await);
}

async fn two_fail_without_the_flag() {
    let tasks: Vec<Boxed> = vec![Box::pin(broken("news", ms(10))), Box::pin(page("home", ms(20)))];
    show(gather(tasks, false).await);
    taskgroup_runtime::sleep(ms(15)).await;
    say("the caller has gone on");
}

fn main() {
    run("two fail", two_fail());
    run("without the flag", two_fail_without_the_flag());
    run("a page has links", links());
}
