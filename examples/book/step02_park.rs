//! Step 2: a waker. The thread sleeps until somebody says that another poll is worth it.
//!
//! Run: `cargo run --bin step02_park`
#![allow(clippy::print_stdout, reason = "a program prints")]

#[path = "programs/answer.rs"]
mod answer;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

// ANCHOR: waker
/// What a waker holds: whom to wake, and that it was woken.
struct Sleeper {
    thread: Thread,
    is_woken: AtomicBool,
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}
// ANCHOR_END: waker

// ANCHOR: block_on
/// Runs a future to its end.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let sleeper = Arc::new(Sleeper { thread: thread::current(), is_woken: AtomicBool::new(true) });
    let waker = Waker::from(sleeper.clone());
    loop {
        while !sleeper.is_woken.swap(false, Ordering::SeqCst) {
            thread::park();
        }
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
    }
}
// ANCHOR_END: block_on

fn main() {
    let polls = answer::ask(1);
    println!("{polls} polls for one answer");
}
