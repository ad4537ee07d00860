//! Child processes: `std::process::Command`, with a wait that can be awaited, and pipes.
//!
//! ```
//! use taskgroup_runtime::block_on;
//! use taskgroup_runtime::process::Command;
//!
//! # fn main() -> std::io::Result<()> {
//! block_on(async {
//!     let output = Command::new("echo").arg("hello").output().await?;
//!     assert!(output.status.success());
//!     assert_eq!(output.stdout, b"hello\n"); // bytes: whether they are UTF-8 is for you to say
//!     Ok(())
//! })
//! # }
//! ```
//!
//! - [`Command`] says what to run; [`Child`] is a process that runs, with its pipes.
//! - A pipe is an [`Async`](crate::Async) like any other, and so `AsyncRead` or `AsyncWrite`.
//!
//! **A process does not outlive its [`Child`].** That is not as in std, which leaves it running: a task may be dropped at
//! any wait, and what it has started must not be lost to sight. Dropped before its end it is killed, with `SIGKILL`, and
//! reaped by the runtime later. [`Child::shutdown`] is the polite way; [`Child::into_std`] lets it go.
//!
//! **No process is ever signalled that was reaped**, whose number may be another's by then.
//!
//! To wait for a process is to wait for a descriptor (a pidfd on Linux; elsewhere, and where there is none, a pipe that the
//! handler of `SIGCHLD` writes into), so virtual time stands still meanwhile. No thread is started.
//!
//! A write into the pipe of a process that reads no more is an error of kind [`BrokenPipe`](std::io::ErrorKind::BrokenPipe),
//! since Rust programs ignore `SIGPIPE`; their children do not.
//!
//! Before: `io.rs`, `signal.rs`. After: nothing.
#![forbid(unsafe_code)]

mod child;
mod command;
mod exit;
mod handle;
mod orphans;

pub use child::{Child, ChildStderr, ChildStdin, ChildStdout};
pub use command::Command;
pub(crate) use orphans::Orphans;
