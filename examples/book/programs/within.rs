//! Waiting for one thing, but not longer than for another. Part of the programs of steps 6 and 9.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

// ANCHOR: within
/// The output of a future, unless `limit` is over first.
pub(crate) async fn within<T>(
    limit: impl Future<Output = ()>,
    future: impl Future<Output = T>,
) -> Option<T> {
    let (mut limit, mut future) = (pin!(limit), pin!(future));
    poll_fn(|cx| match limit.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => future.as_mut().poll(cx).map(Some),
    })
    .await
}
// ANCHOR_END: within
