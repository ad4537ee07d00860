//! Wrong: a hundred futures behind one waker. Whoever is woken, all are polled.
//!
//! Run: `cargo run --bin wrong03_poll_all`
#![allow(clippy::print_stdout, reason = "a program prints")]
#![allow(clippy::duplicate_mod, reason = "the step has a program too, with the same parts")]

#[path = "../programs/hundred.rs"]
mod hundred;
#[allow(dead_code, reason = "its own program is not run here")]
#[path = "../step02_park.rs"]
mod step02;
#[path = "../yield_now.rs"]
mod yield_now;

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use yield_now::yield_now;

// ANCHOR: program
type Task = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    static TASKS: RefCell<Vec<Task>> = RefCell::default();
}

fn spawn(task: impl Future<Output = ()> + 'static) {
    TASKS.with_borrow_mut(|tasks| tasks.push(Box::pin(task)));
}

fn block_on(main: impl Future<Output = ()> + 'static) {
    spawn(main);
    step02::block_on(poll_fn(|cx| {
        // Woken: by whom? The waker does not say, so everybody is asked.
        let mut tasks = TASKS.take();
        tasks.retain_mut(|task| task.as_mut().poll(cx).is_pending());
        TASKS.with_borrow_mut(|spawned| {
            tasks.append(spawned);
            *spawned = tasks;
            if spawned.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
    }));
}
// ANCHOR_END: program

fn main() {
    hundred::hundred();
}
