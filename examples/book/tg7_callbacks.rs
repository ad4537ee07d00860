//! The nursery, 7: each task tells the group of its end, at once.
//!
//! Run: `cargo run --bin tg7_callbacks`
#![allow(clippy::print_stdout, reason = "a program prints")]
#![allow(dead_code, noop_method_call, reason = "the parts are made for all stages")]

#[path = "nursery/lines.rs"]
mod lines;
#[path = "nursery/scenes.rs"]
mod scenes;

use lines::{Error, run, show};
use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use taskgroup_runtime::{JoinHandle, spawn};

// ANCHOR: state
#[derive(Clone, Default)]
pub(crate) struct TaskGroup(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    tasks: Vec<JoinHandle<()>>,
    /// How many have not ended.
    live: usize,
    errors: Vec<Error>,
    is_aborting: bool,
    owner: Option<Waker>,
}

/// Tells the group of the end of a task, however it comes.
struct End {
    group: TaskGroup,
    error: Option<Error>,
}

impl End {
    fn with(mut self, ended: Result<(), Error>) {
        self.error = ended.err();
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let owner = {
            let mut state = self.group.0.borrow_mut();
            state.live -= 1;
            state.errors.extend(self.error.clone());
            state.owner.take()
        };
        if self.error.is_some() {
            self.group.abort();
        }
        if let Some(waker) = owner {
            waker.wake();
        }
    }
}
// ANCHOR_END: state

// ANCHOR: group
impl TaskGroup {
    /// Starts a task, unless the group is ending.
    pub(crate) fn spawn(&self, task: impl Future<Output = Result<(), Error>> + 'static) {
        if self.0.borrow().is_aborting {
            return;
        }
        self.0.borrow_mut().live += 1;
        let end = End { group: self.clone(), error: None };
        let task = spawn(async move { end.with(task.await) });
        self.0.borrow_mut().tasks.push(task);
    }

    /// Cancels all tasks, once.
    fn abort(&self) {
        let mut state = self.0.borrow_mut();
        if !state.is_aborting {
            state.is_aborting = true;
            for task in &state.tasks {
                task.cancel();
            }
        }
    }

    /// Waits until the last one has ended.
    async fn wait(&self) {
        poll_fn(|cx| {
            let mut state = self.0.borrow_mut();
            state.owner = Some(cx.waker().clone());
            if state.live == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await
    }
}

pub(crate) async fn task_group(
    body: impl AsyncFnOnce(&TaskGroup) -> Result<(), Error>,
) -> Result<(), Vec<Error>> {
    let g = TaskGroup::default();
    let ended = body(&g).await;
    if ended.is_err() {
        g.abort();
    }
    g.wait().await;
    let mut errors = std::mem::take(&mut g.0.borrow_mut().errors);
    errors.extend(ended.err());
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
// ANCHOR_END: group

fn main() {
    run("one fails, and the others are slow", scenes::one_is_slow());
    run("one fails while the body waits", scenes::body_waits());
}
