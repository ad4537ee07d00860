//! Blocking work, on other threads.
//!
//! Before: `remote.rs`, by which a thread wakes the loop. After: nothing.
//!
//! The threads are those of the `blocking` crate: started when there is work, gone half a second after the last; none before
//! the first call. They poll nothing of this runtime: only the closure goes there, and its value comes back.
#![forbid(unsafe_code)]

use crate::freeze::is_frozen;
use crate::instrument::WaitsFor;
use crate::local::Local;
use crate::ready::Wait;
use crate::remote::Hold;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Runs work that blocks (files, name look-ups, long computations) on another thread, and waits for its value.
///
/// It starts with the first poll. While it is waited for, virtual time stands still, and nothing is a stall.
///
/// Costs two allocations, and two wakes across threads; the first one a thread. At most 500 threads work at once (or as
/// many as the environment variable `BLOCKING_MAX_THREADS` says); further work waits in a queue.
///
/// # Panics
///
/// Outside a runtime. A panic of the work goes on here.
///
/// # Cancel
///
/// A cancellation point. Work that has not begun is not done; work that has begun cannot be stopped: **it goes on to its
/// end on its thread**, and its value is dropped there. The same if this is dropped. So a write that must not happen twice
/// belongs into a [shield](https://docs.rs/taskgroup), and a program that has ended does not wait for it.
///
/// ```
/// use taskgroup_runtime::{block_on, unblock};
///
/// let read = block_on(async { unblock(|| std::fs::read_to_string("Cargo.toml")).await });
/// assert!(read.is_ok_and(|text| text.contains("[package]")));
/// ```
pub async fn unblock<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let local = Local::expect_current("`unblock`");
    let hold = Hold::new(local.remote().clone());
    let mut job = Job { local, job: blocking::unblock(work), is_waited_for: false };
    let value = poll_fn(|cx| job.poll(cx)).await;
    drop(hold); // not before the value is here: when the thread lets go of the work, its wake is still under way
    value
}

struct Job<T> {
    local: Rc<Local>,
    job: blocking::Task<T>,
    is_waited_for: bool,
}

impl<T> Job<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        if is_frozen() {
            return Poll::Pending;
        }
        self.is_waited_for = false;
        let polled = Pin::new(&mut self.job).poll(cx);
        self.is_waited_for = polled.is_pending();
        if self.is_waited_for {
            if let Some(slot) = self.local.slot_for(cx) {
                self.local.set_wait(slot, Wait::Job);
            }
            self.local.tell_wait(WaitsFor::Job);
        }
        polled
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        self.local.drops_wait(|| self.is_waited_for.then_some(WaitsFor::Job));
    }
}
