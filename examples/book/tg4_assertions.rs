//! The nursery, 4: wait for all of them at once, and say what must be true then.
//!
//! Run: `cargo run --bin tg4_assertions`
#![allow(clippy::print_stdout, reason = "a program prints")]
#![allow(dead_code, noop_method_call, reason = "the parts are made for all stages")]

#[path = "nursery/lines.rs"]
mod lines;
#[path = "nursery/scenes.rs"]
mod scenes;

use lines::{Error, run, show};
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use taskgroup_runtime::{JoinHandle, spawn};

// ANCHOR: group
type Handle = JoinHandle<Result<(), Error>>;

#[derive(Clone, Default)]
pub(crate) struct TaskGroup(Rc<RefCell<Vec<Handle>>>);

impl TaskGroup {
    pub(crate) fn spawn(&self, task: impl Future<Output = Result<(), Error>> + 'static) {
        self.0.borrow_mut().push(spawn(task));
    }

    /// Waits until all tasks have ended. Gives how each has ended, first come first, and how many
    /// have not.
    async fn wait(&self) -> (Vec<Result<(), Error>>, usize) {
        let mut done = Vec::new();
        poll_fn(|cx| {
            let mut tasks = self.0.borrow_mut();
            tasks.retain_mut(|task| match Pin::new(task).poll(cx) {
                Poll::Ready(ended) => {
                    done.push(ended.unwrap_or_else(|lost| Err(lost.to_string())));
                    false
                }
                Poll::Pending => true,
            });
            if tasks.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        (done, self.0.borrow().len())
    }
}

pub(crate) async fn task_group(
    body: impl AsyncFnOnce(&TaskGroup) -> Result<(), Error>,
) -> Result<(), Vec<Error>> {
    let g = TaskGroup::default();
    let ended = body(&g).await;
    let (done, pending) = g.wait().await;
    assert_eq!(pending, 0, "a group has ended before its tasks");
    let errors: Vec<_> = done.into_iter().chain([ended]).filter_map(Result::err).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
// ANCHOR_END: group

fn main() {
    run("two fail", scenes::two_fail());
    run("a task spawns another", scenes::links());
    run("one fails, and the others are slow", scenes::one_is_slow());
}
