//! The same with [`BoxError`], for programs that do not care which error it is.
//!
//! In a function that ends in `Result<_, BoxError>`, a group whose tasks are all inline blocks leaves its error type
//! open, since `?` accepts any. Here it is fixed:
//!
//! ```
//! use taskgroup::{BoxError, block_on};
//! use taskgroup::boxed::task_group;
//!
//! fn main() -> Result<(), BoxError> {
//!     block_on(async {
//!         task_group(async |g| {
//!             g.spawn(async {
//!                 let _: u32 = "7".parse()?;
//!                 Ok(())
//!             });
//!             Ok(())
//!         })
//!         .await?;
//!         Ok(())
//!     })
//! }
//! ```

use crate::{BoxError, ExceptionGroup, TaskGroup};
use std::future::Future;

/// [`task_group`](crate::task_group) with `E` = [`BoxError`].
///
/// # Errors
///
/// As [`task_group`](crate::task_group).
///
/// # Cancel
///
/// As [`task_group`](crate::task_group).
#[track_caller]
pub fn task_group<'env, T, F>(body: F) -> impl Future<Output = Result<T, ExceptionGroup<BoxError>>>
where
    F: for<'scope> AsyncFnOnce(&'scope TaskGroup<'scope, 'env, BoxError>) -> Result<T, BoxError>,
{
    crate::task_group(body)
}
