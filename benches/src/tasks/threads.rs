//! A task and a thread wake each other in turn.
//!
//! Before: `../peer.rs`. After: the other workloads.

use crate::meter::{Clock, Meter, Reading};
use crate::peer::Peer;
use futures_util::task::AtomicWaker;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;

/// What the two share.
#[derive(Default)]
struct Line {
    waker: AtomicWaker,
    asked: AtomicBool,
    answered: AtomicBool,
    over: AtomicBool,
}

/// An operation is a round trip, in wall time: the loop sleeps, the thread sleeps, each is woken once.
pub fn round_trip<P: Peer>(meter: Meter) -> Reading {
    let line: &'static Line = Box::leak(Box::default());
    let meter = Meter { clock: Clock::Wall, ..meter };
    let other = thread::spawn(move || {
        while !line.over.load(Ordering::Acquire) {
            match line.asked.swap(false, Ordering::AcqRel) {
                true => {
                    line.answered.store(true, Ordering::Release);
                    line.waker.wake();
                }
                false => thread::park(),
            }
        }
    });
    let thread = other.thread().clone();
    let reading = P::block_on(async move {
        meter
            .each(1, async || {
                line.asked.store(true, Ordering::Release);
                thread.unpark();
                poll_fn(|cx| {
                    line.waker.register(cx.waker());
                    if line.answered.swap(false, Ordering::AcqRel) { Poll::Ready(()) } else { Poll::Pending }
                })
                .await
            })
            .await
    });
    line.over.store(true, Ordering::Release);
    other.thread().unpark();
    other.join().expect("the thread does not panic");
    reading
}
