//! What tests of cancels share: work that has to be cancelled, and what became of it.

use super::{Log, Word};
use std::future::pending;
use std::sync::Arc;
use std::task::Wake;
use taskgroup::{Cancelled, JoinError, Task, with_cleanup};

/// Waits until it is cancelled.
pub async fn for_ever() -> Result<(), Word> {
    pending().await
}

/// Waits until it is cancelled, and then cleans up for so long.
pub async fn region(log: &Log, name: &str, n: u64) -> Result<(), Word> {
    with_cleanup(for_ever(), async |_| log.work(name, n).await).await
}

/// The same for a second, in a task that cannot fail.
pub async fn stubborn(log: &Log, name: &str) {
    let _ = region(log, name, 1000).await;
}

/// Why a task has no value.
#[track_caller]
pub fn error_of<T>(task: &Task<T>) -> JoinError {
    match task.result() {
        Some(Err(error)) => error,
        Some(Ok(_)) => panic!("it has a value"),
        None => panic!("it has not ended"),
    }
}

/// Why a scope was cancelled, if it was, in words.
pub fn reason_of<T>(ended: Result<T, Cancelled>) -> Option<String> {
    ended.err().map(|cancelled| cancelled.reason().to_string())
}

/// The inside of a waker that wakes nobody; its reference count says who keeps it.
pub struct Held;

impl Wake for Held {
    fn wake(self: Arc<Self>) {}
}
