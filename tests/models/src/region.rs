//! Regions under a cancel, which another thread wakes: never taken for left alone, never left asleep.
//!
//! Before: `wake.rs`, `taskgroup/src/tree/flag.rs`. After: nothing.

use crate::wake::{Flag, raise};
use crate::{every_order, run};
use loom::thread::JoinHandle;
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use taskgroup::{BoxError, ExceptionGroup, Why, shield, task_group, with_cleanup, yield_now};
use taskgroup_runtime::Runtime;

/// What a thread is asked for, and the thread.
#[derive(Default)]
struct Work {
    flag: Arc<Flag>,
    thread: RefCell<Option<JoinHandle<()>>>,
}

impl Work {
    /// Waits for a thread that is started by the poll with this number, with the waker of that poll.
    fn by_poll(&self, number: u32) -> impl Future<Output = ()> + '_ {
        let mut polls = 0;
        poll_fn(move |cx| {
            polls += 1;
            if polls == number {
                self.thread.replace(Some(raise(&self.flag, cx.waker().clone())));
            }
            if self.flag.is_up_now() { Poll::Ready(()) } else { Poll::Pending }
        })
    }
}

/// A group whose only task is cancelled after its first poll.
async fn cancelled(task: impl Future<Output = ()>) {
    let ended: Result<(), ExceptionGroup<BoxError>> = task_group(async |g| {
        let task = g.spawn(task);
        yield_now().await;
        task.cancel("the model asks");
        Ok(())
    })
    .await;
    assert!(ended.is_ok(), "{ended:?}");
}

/// Whether a task that is made of the work comes to its end, though it is cancelled.
fn comes_to_its_end(task: impl AsyncFn(&Work, &Cell<bool>) + Copy + Send + Sync + 'static) {
    every_order(move || {
        let (work, finished) = (Work::default(), Cell::new(false));
        let runtime = Runtime::new();
        run(&runtime, cancelled(task(&work, &finished)));
        assert!(finished.get(), "it was dropped");
        let thread = work.thread.take().expect("it was polled so often");
        thread.join().expect("it panics nowhere");
    });
}

#[test]
fn a_shield_that_another_thread_wakes_at_any_moment_under_a_cancel_ends_by_itself() {
    comes_to_its_end(async |work, finished| {
        let part = async {
            work.by_poll(2).await; // the first one is before the cancel
            finished.set(true);
        };
        shield(part).await;
    });
}

#[test]
fn a_shield_that_is_woken_by_a_waker_from_before_the_cancel_ends_by_itself() {
    comes_to_its_end(async |work, finished| {
        let part = async {
            work.by_poll(1).await;
            finished.set(true);
        };
        shield(part).await;
    });
}

#[test]
fn a_cleanup_that_another_thread_wakes_at_any_moment_ends_by_itself() {
    comes_to_its_end(async |work, finished| {
        let cleanup = async |_: Why| {
            work.by_poll(1).await;
            finished.set(true);
        };
        _ = with_cleanup(pending::<Result<(), BoxError>>(), cleanup).await;
    });
}
