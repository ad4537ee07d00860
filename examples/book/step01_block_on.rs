//! Step 1: a future by hand, and the smallest `block_on`.
//!
//! Run: `cargo run --bin step01_block_on`
#![allow(clippy::print_stdout, reason = "a program prints")]

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

// ANCHOR: countdown
/// Answers "not yet" so many times, and then with a word.
struct Countdown(u32);

impl Future for Countdown {
    type Output = &'static str;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<&'static str> {
        println!("  polled, {} to go", self.0);
        if self.0 == 0 {
            return Poll::Ready("lift-off");
        }
        self.0 -= 1;
        Poll::Pending
    }
}
// ANCHOR_END: countdown

// ANCHOR: launch
async fn launch() -> String {
    let word = Countdown(2).await;
    format!("{word}!")
}
// ANCHOR_END: launch

// ANCHOR: by_hand
/// The same as `launch()`, written as the compiler translates it.
enum Launch {
    Begins,
    Counts(Countdown),
    Over,
}

impl Future for Launch {
    type Output = String;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<String> {
        loop {
            match &mut *self {
                Self::Begins => *self = Self::Counts(Countdown(2)),
                Self::Counts(countdown) => {
                    let word = ready!(Pin::new(countdown).poll(cx));
                    *self = Self::Over;
                    return Poll::Ready(format!("{word}!"));
                }
                Self::Over => panic!("polled after its end"),
            }
        }
    }
}
// ANCHOR_END: by_hand

// ANCHOR: block_on
/// Runs a future to its end.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}
// ANCHOR_END: block_on

fn main() {
    println!("async fn:");
    println!("{}", block_on(launch()));
    println!("by hand:");
    println!("{}", block_on(Launch::Begins));
}
