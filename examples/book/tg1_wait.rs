//! The nursery, 1: a block that does not end before its tasks.
//!
//! Run: `cargo run --bin tg1_wait`
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

// ANCHOR: group
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

pub(crate) async fn task_group(
    body: impl AsyncFnOnce(&TaskGroup) -> Result<(), Error>,
) -> Result<(), Vec<Error>> {
    let g = TaskGroup::default();
    let ended = body(&g).await;
    while let Some(task) = g.next() {
        _ = task.await;
    }
    ended.map_err(|error| vec![error])
}
// ANCHOR_END: group

fn main() {
    run("all is well", scenes::all_well());
    run("two fail", scenes::two_fail());
}
