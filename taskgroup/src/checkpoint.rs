//! Asking whether one is cancelled.
//!
//! Before: `tree.rs`. After: nothing.

use crate::reason::Reason;
use crate::tree::Spot;
use taskgroup_runtime::yield_now;

/// Lets others run, and ends here if a cancel is in force: for long work that has no wait of its own.
///
/// Source: Trio's `checkpoint`; asyncio's `sleep(0)`.
///
/// # Cancel
///
/// A cancellation point, and nothing else.
///
/// ```
/// use taskgroup::{ExceptionGroup, block_on, checkpoint, task_group};
///
/// # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let mut rounds = 0;
/// block_on(task_group(async |g| {
///     let task = g.spawn(async {
///         loop {
///             rounds += 1;
///             checkpoint().await;
///         }
///         #[allow(unreachable_code)]
///         Ok(())
///     });
///     checkpoint().await;
///     task.cancel("seen enough");
///     Ok(())
/// }))?;
/// assert_eq!(rounds, 1);
/// # Ok(())
/// # }
/// ```
pub async fn checkpoint() {
    yield_now().await;
}

/// Why what runs now is cancelled; `None` if it is not, as in a cleanup or a shield.
///
/// For destructors that want to know, and for loops that end early. The cleanup of
/// [`with_cleanup`](crate::with_cleanup) is told.
///
/// ```
/// use taskgroup::{CancelScope, block_on, cancel_reason};
///
/// block_on(async {
///     let scope = CancelScope::new();
///     let done = scope.run(async {
///         scope.cancel("no reason");
///         cancel_reason().map(|reason| reason.to_string())
///     });
///     assert_eq!(done.await, Ok(Some("no reason".to_string())));
/// });
/// ```
#[must_use]
pub fn cancel_reason() -> Option<Reason> {
    Spot::here().reason()
}
