//! The nursery, 2: every error is kept.
//!
//! Run: `cargo run --bin tg2_errors`
#![allow(clippy::print_stdout, reason = "a program prints")]
#![allow(dead_code, noop_method_call, reason = "the parts are made for all stages")]

#[path = "nursery/lines.rs"]
mod lines;
#[path = "nursery/scenes.rs"]
mod scenes;

use lines::{Error, run, show};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use taskgroup_runtime::{JoinHandle, spawn};

type Handle = JoinHandle<Result<(), Error>>;

#[derive(Clone, Default)]
pub(crate) struct TaskGroup(Rc<RefCell<VecDeque<Handle>>>);

impl TaskGroup {
    pub(crate) fn spawn(&self, task: impl Future<Output = Result<(), Error>> + 'static) {
        self.0.borrow_mut().push_back(spawn(task));
    }

    fn next(&self) -> Option<Handle> {
        self.0.borrow_mut().pop_front()
    }
}

// ANCHOR: group
pub(crate) async fn task_group(
    body: impl AsyncFnOnce(&TaskGroup) -> Result<(), Error>,
) -> Result<(), Vec<Error>> {
    let g = TaskGroup::default();
    let ended = body(&g).await;
    let mut errors = Vec::new();
    while let Some(task) = g.next() {
        match task.await {
            Ok(ended) => errors.extend(ended.err()),
            Err(lost) => errors.push(lost.to_string()),
        }
    }
    errors.extend(ended.err()); // the body's is last
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
// ANCHOR_END: group

fn main() {
    run("two fail", scenes::two_fail());
    run("a task spawns another", scenes::links());
    run("one fails, and the others are slow", scenes::one_is_slow());
}
