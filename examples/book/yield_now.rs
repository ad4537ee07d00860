//! `yield_now`: lets all the others that are ready run once. Part of the steps from the third on.

use std::future::poll_fn;
use std::task::Poll;

// ANCHOR: yield_now
pub(crate) async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        if has_yielded {
            return Poll::Ready(());
        }
        has_yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}
// ANCHOR_END: yield_now
