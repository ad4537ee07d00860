//! The program of step 2: a thread that takes its time, and a future that waits for its answer.

#[path = "../event.rs"]
mod event;

use super::block_on;
use event::Event;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

// ANCHOR: ask
/// Waits for a thread that answers when it was asked `patience` times in vain. Gives the number of
/// polls.
pub(crate) fn ask(patience: usize) -> usize {
    let (event, polls) = (Event::default(), Arc::new(AtomicUsize::new(0)));
    let thread = thread::spawn({
        let (event, polls) = (event.clone(), polls.clone());
        move || {
            while polls.load(Ordering::SeqCst) < patience {
                thread::yield_now();
            }
            event.set();
        }
    });
    let mut answer = pin!(event.wait());
    block_on(poll_fn(|cx| {
        let polled = answer.as_mut().poll(cx);
        polls.fetch_add(1, Ordering::SeqCst);
        polled
    }));
    thread.join().expect("it does not panic");
    polls.load(Ordering::SeqCst)
}
// ANCHOR_END: ask
