//! Wrong: a bell that is heard only by who is asleep already. A wake just before that is lost.
//!
//! Run: `cargo run --bin wrong02_lost_wake`
#![allow(clippy::print_stdout, reason = "a program prints")]

#[path = "../event.rs"]
mod event;

use event::Event;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

// ANCHOR: bell
#[derive(Default)]
struct Bell {
    lock: Mutex<()>,
    bell: Condvar,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.bell.notify_one(); // wakes who waits now, and leaves no trace
    }
}

/// `None`: nobody rang for so long that nobody will.
fn block_on<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(bell.clone());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        // Here is the gap: who rings now rings for nobody.
        let guard = bell.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = bell.bell.wait_timeout(guard, Duration::from_millis(10));
        if waited.is_ok_and(|(_, waited)| waited.timed_out()) {
            return None;
        }
    }
}
// ANCHOR_END: bell

// ANCHOR: main
fn main() {
    let event = Event::default();
    let mut wait = pin!(event.wait());
    let mut polls = 0;
    let output = block_on(poll_fn(|cx| {
        polls += 1;
        let polled = wait.as_mut().poll(cx);
        // Another thread is fast, and answers before this one has fallen asleep.
        let event = event.clone();
        thread::spawn(move || event.set()).join().expect("it does not panic");
        polled
    }));
    println!("polls: {polls}");
    println!(
        "the event was set, and its waiter {}",
        if output.is_some() { "knows" } else { "sleeps on" }
    );
}
// ANCHOR_END: main
