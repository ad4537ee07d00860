//! Child processes, and such that end with the scope that started them.
//!
//! ```
//! use std::time::Duration;
//! use taskgroup::process::{Command, scoped};
//! use taskgroup::{BoxError, ExceptionGroup, block_on, task_group};
//!
//! # fn main() -> Result<(), ExceptionGroup<BoxError>> {
//! let grace = Duration::from_secs(5);
//! block_on(task_group(async |g| {
//!     g.spawn(async move {
//!         let mut server = Command::new("sleep");
//!         scoped(server.arg("3600"), grace, async |server| Ok::<_, BoxError>(server.wait().await?)).await
//!     });
//!     let built = Command::new("true").status().await?;
//!     assert!(built.success());
//!     g.cancel("it is done"); // asks the server to end, and the group waits for that
//!     Ok(())
//! }))
//! # }
//! ```
//!
//! - [`Command`] and [`Child`] are those of std, with waits that can be awaited. A process does not outlive its `Child`:
//!   dropped before its end, it is killed, and reaped by the runtime.
//! - [`scoped`] runs one as the leader of a process group, and ends the whole group, with a grace, however it is left.
//!
//! **No process is ever signalled that was reaped.** To wait for a process is to wait for a descriptor: virtual time
//! stands still. No thread is started.
//!
//! Before: `cleanup.rs`. After: nothing.

use crate::cleanup::with_resource;
use std::io;
use std::time::Duration;

pub use taskgroup_runtime::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// Starts a process, runs `body` with it, and ends it, however the body ends: with a value, an error, a panic or by a
/// cancel.
///
/// The process leads a process group of its own, and what it starts is in it, unless it makes groups itself. To end it,
/// the group is asked (`SIGTERM`), the leader is waited for, for at most `grace`, and what is left of the group is killed
/// and the leader reaped ([`Child::shutdown`]). So when this is over, nothing of the group runs, and there is no zombie.
///
/// Since it is a group of its own, Ctrl-C in the terminal does not reach it: with `run` (feature `signal`) that becomes
/// a cancel, and this passes it on.
///
/// # Errors
///
/// If it cannot be started; those of `body`; if it cannot be ended (it has become another user's, say), which then takes
/// the place of the body's end.
///
/// # Panics
///
/// Where `body` panics, after the process has ended.
///
/// # Cancel
///
/// The body is dropped where it waits, the process is ended as said, and then the cancel goes on. *Dropped* and not
/// cancelled, it kills the group at once, and the runtime reaps the leader later. So it does when the grace of the task
/// group is over before `grace` is.
///
/// ```
/// use std::io;
/// use std::time::Duration;
/// use taskgroup::process::{Command, scoped};
/// use taskgroup::{block_on, timeout};
///
/// # fn main() -> io::Result<()> {
/// block_on(async {
///     let mut stuck = Command::new("/bin/sh");
///     stuck.args(["-c", "sleep 3600 & wait"]);
///     let run = scoped(&mut stuck, Duration::from_secs(1), async |child| child.wait().await);
///     let ended: Result<io::Result<_>, _> = timeout(Duration::from_millis(10), run).await;
///     assert!(ended.is_err()); // and neither the shell nor the sleep runs on
///     Ok(())
/// })
/// # }
/// ```
pub async fn scoped<T, E, F>(command: &mut Command, grace: Duration, body: F) -> Result<T, E>
where
    E: From<io::Error>,
    F: AsyncFnOnce(&mut Child) -> Result<T, E>,
{
    let child = command.spawn_group()?;
    with_resource(child, body, async |mut child, _| Ok::<_, E>(child.shutdown(grace).await.map(drop)?)).await
}
