//! A future whose polls are counted. Part of the programs.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;

/// Awaits `future`, and adds each of its polls to `polls`.
pub(crate) async fn counted<T>(future: impl Future<Output = T>, polls: Rc<Cell<usize>>) -> T {
    let mut future = pin!(future);
    poll_fn(|cx| {
        polls.set(polls.get() + 1);
        future.as_mut().poll(cx)
    })
    .await
}
