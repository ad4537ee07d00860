//! `yield_now`: the smallest wait.
//!
//! Before: `freeze.rs`. After: `sleep.rs`, a wait that takes time.
#![forbid(unsafe_code)]

use crate::freeze::is_frozen;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Lets everything else that is ready run once, then goes on. asyncio's `sleep(0)`.
///
/// The task is put at the end of its queue; sockets and timers get their turn too. Costs one wake and one poll.
///
/// # Cancel
///
/// A cancellation point. Nothing is lost if it is dropped.
///
/// ```
/// use taskgroup_runtime::{block_on, yield_now};
///
/// block_on(async {
///     for _ in 0..3 {
///         yield_now().await; // others run here
///     }
/// });
/// ```
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// The future of [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if is_frozen() {
            return Poll::Pending;
        }
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
