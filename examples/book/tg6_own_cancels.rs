//! The nursery, 6: whom the group has cancelled is no error.
//!
//! Run: `cargo run --bin tg6_own_cancels`
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
use taskgroup_runtime::{JoinError, JoinHandle, spawn};

type Handle = JoinHandle<Result<(), Error>>;

#[derive(Clone, Default)]
pub(crate) struct TaskGroup(Rc<RefCell<Vec<Handle>>>);

impl TaskGroup {
    pub(crate) fn spawn(&self, task: impl Future<Output = Result<(), Error>> + 'static) {
        self.0.borrow_mut().push(spawn(task));
    }

    /// The next task that ends; `None` when none is left.
    async fn next(&self) -> Option<Result<Result<(), Error>, JoinError>> {
        poll_fn(|cx| {
            let mut tasks = self.0.borrow_mut();
            for place in 0..tasks.len() {
                if let Poll::Ready(ended) = Pin::new(&mut tasks[place]).poll(cx) {
                    drop(tasks.remove(place));
                    return Poll::Ready(Some(ended));
                }
            }
            if tasks.is_empty() { Poll::Ready(None) } else { Poll::Pending }
        })
        .await
    }

    fn cancel(&self) {
        for task in self.0.borrow().iter() {
            task.cancel();
        }
    }
}

// ANCHOR: group
pub(crate) async fn task_group(
    body: impl AsyncFnOnce(&TaskGroup) -> Result<(), Error>,
) -> Result<(), Vec<Error>> {
    let g = TaskGroup::default();
    let ended = body(&g).await;
    if ended.is_err() {
        g.cancel();
    }
    let (mut errors, mut is_aborting) = (Vec::new(), ended.is_err());
    while let Some(task) = g.next().await {
        match task {
            Ok(Ok(())) | Err(JoinError::Cancelled) => continue,
            Ok(Err(error)) => errors.push(error),
            Err(lost) => errors.push(lost.to_string()),
        }
        if !is_aborting {
            is_aborting = true;
            g.cancel(); // once
        }
    }
    errors.extend(ended.err());
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
// ANCHOR_END: group

fn main() {
    run("one fails, and the others are slow", scenes::one_is_slow());
    run("the body fails", scenes::body_fails());
    run("one fails while the body waits", scenes::body_waits());
}
