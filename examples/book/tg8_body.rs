//! The nursery, 8: the body is a task too. A failure ends it where it waits.
//!
//! Run: `cargo run --bin tg8_body`
#![allow(clippy::print_stdout, reason = "a program prints")]
#![allow(dead_code, noop_method_call, reason = "the parts are made for all stages")]

#[path = "nursery/lines.rs"]
mod lines;
#[path = "nursery/scenes.rs"]
mod scenes;

use lines::{Error, ms, page, run, say, say_panics, show};
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use taskgroup_runtime::{JoinHandle, sleep, spawn, yield_now};

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

// ANCHOR: group
/// Cancels the tasks of a group whose owner is dropped.
struct Guard(TaskGroup);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(crate) async fn task_group(
    body: impl AsyncFnOnce(&TaskGroup) -> Result<(), Error>,
) -> Result<(), Vec<Error>> {
    let g = TaskGroup::default();
    let guard = Guard(g.clone());
    let ended = {
        let mut body = pin!(body(&g));
        poll_fn(|cx| {
            if g.0.borrow().is_aborting {
                return Poll::Ready(Ok(())); // and the body is dropped where it waits
            }
            g.0.borrow_mut().owner = Some(cx.waker().clone());
            body.as_mut().poll(cx)
        })
        .await
    };
    if ended.is_err() {
        g.abort();
    }
    g.wait().await;
    drop(guard);
    let mut errors = std::mem::take(&mut g.0.borrow_mut().errors);
    errors.extend(ended.err());
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
// ANCHOR_END: group

// ANCHOR: breaks
/// Gives a group up after 5 ms, as a timeout does.
async fn given_up() {
    let mut group = pin!(scenes::one_is_slow());
    let mut limit = pin!(sleep(ms(5)));
    poll_fn(|cx| match group.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => limit.as_mut().poll(cx),
    })
    .await;
}

async fn timeout() {
    given_up().await;
    say("the owner has gone on");
    yield_now().await;
    yield_now().await;
}

async fn panics() {
    show(
        task_group(async |g| {
            g.spawn(page("home", ms(20)));
            g.spawn(async { panic!("a bug in a task") });
            Ok(())
        })
        .await,
    );
}
// ANCHOR_END: breaks

fn main() {
    scenes::all();
    println!();
    say_panics();
    run("two fail at one instant", scenes::two_fail());
    run("the owner is dropped", timeout());
    run("a task panics", panics());
}
