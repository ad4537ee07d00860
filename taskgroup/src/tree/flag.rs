//! Whether something was woken and not polled since, where wakes may come from other threads.
//!
//! Before: nothing. After: `node.rs`, which has one for each region that is cancelled; `cancel.rs`, by whose waker it is set.
//!
//! **Danger.** A task is polled, and its region with it; before anybody has asked whether the region is still awaited, another
//! thread wakes it. Woken and not polled since: it looks left alone, and would be dropped without its cleanup.
//!
//! **Remedy.** A wake from elsewhere says so. Whoever asks then takes it for awaited, once: the letter that follows the wake
//! has the task polled again, and if the region is not polled then, it is left alone indeed.
//!
//! ```text
//! shield(async { unblock(read).await; .. }) // the task is cancelled while it polls this, and the thread has just finished
//! ```

#[cfg(taskgroup_loom)]
use loom::sync::atomic::{AtomicU8, Ordering};
#[cfg(not(taskgroup_loom))]
use std::sync::atomic::{AtomicU8, Ordering};

#[derive(Debug, Default)]
pub(crate) struct Flag(AtomicU8);

const CALM: u8 = 0;
const WOKEN: u8 = 1;
const WOKEN_FROM_ELSEWHERE: u8 = 2;

impl Flag {
    /// It is polled.
    pub(crate) fn calm(&self) {
        self.0.store(CALM, Ordering::Relaxed);
    }

    /// It is woken on the loop's thread.
    pub(crate) fn wake(&self) {
        self.0.store(WOKEN, Ordering::Relaxed);
    }

    /// It is about to be woken from another thread, which cannot tell what the loop does just now.
    pub(crate) fn wake_from_elsewhere(&self) {
        self.0.store(WOKEN_FROM_ELSEWHERE, Ordering::Relaxed);
    }

    /// Whether it was woken and not polled since.
    pub(crate) fn is_woken(&self) -> bool {
        self.0.load(Ordering::Relaxed) != CALM
    }

    /// The same for who would drop it then: no at first, if it was woken from elsewhere.
    pub(crate) fn is_left_alone(&self) -> bool {
        let was = self.0.compare_exchange(WOKEN_FROM_ELSEWHERE, WOKEN, Ordering::Relaxed, Ordering::Relaxed);
        was == Err(WOKEN)
    }
}
