//! The bare cell on which tasks wait for each other: the least that a channel must do.
//!
//! Before: nothing. After: `tasks.rs`.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// One task waits, others ring. On one thread.
#[derive(Default)]
pub struct Bell {
    rung: Cell<bool>,
    /// Of who waits; kept after [`ring`](Self::ring), since the same task most likely waits again.
    waker: Cell<Option<Waker>>,
}

impl Bell {
    /// A bell for as long as the process lives.
    pub fn leaked() -> &'static Self {
        Box::leak(Box::default())
    }

    /// So many bells.
    pub fn row(n: u64) -> &'static [Self] {
        Vec::leak((0..n).map(|_| Self::default()).collect())
    }

    /// Wakes who waits, by reference.
    pub fn ring(&self) {
        self.rung.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake_by_ref();
            self.waker.set(Some(waker));
        }
    }

    /// Wakes who waits, with its waker, which is gone then: the next wait clones another.
    pub fn ring_and_forget(&self) {
        self.rung.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Until the next ring; none if it has rung already.
    pub async fn wait(&self) {
        poll_fn(|cx| {
            if self.rung.replace(false) {
                return Poll::Ready(());
            }
            let waker = self.waker.take().filter(|waker| waker.will_wake(cx.waker()));
            self.waker.set(Some(waker.unwrap_or_else(|| cx.waker().clone())));
            Poll::Pending
        })
        .await
    }
}
