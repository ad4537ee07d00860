//! Signals: what the system, the terminal and other processes tell this one.
//!
//! ```
//! use taskgroup_runtime::block_on;
//! use taskgroup_runtime::signal::{SignalKind, Signals};
//! # use signal_hook::{consts::SIGHUP, low_level::raise};
//!
//! # fn main() -> std::io::Result<()> {
//! block_on(async {
//!     let signals = Signals::new([SignalKind::HANGUP, SignalKind::USER_DEFINED1])?;
//!     raise(SIGHUP)?; // as `kill -HUP` from elsewhere
//!     match signals.recv().await? {
//!         SignalKind::HANGUP => println!("reading the configuration again"),
//!         other => println!("{other} has no meaning here"),
//!     }
//!     Ok(())
//! })
//! # }
//! ```
//!
//! - [`Signals`] hears some kinds of signals; [`ctrl_c`] waits for one Ctrl-C.
//! - [`Runtime::report_tree_on`](crate::Runtime::report_tree_on): who waits for what in a running program, when a signal
//!   asks.
//! - [`SignalKind`] names them, as the constants of the system do.
//!
//! The handlers are those of the crate `signal-hook`: they set a flag and write a byte into a pipe, for which the reactor
//! waits as for any descriptor. No thread is started.
//!
//! **A signal that is heard has no effect of its own any more**, for the whole process, and also after the last
//! [`Signals`] for it was dropped: a second Ctrl-C does not end a program that has heard one. Where that is wanted, there
//! is [`Signals::then_default`].
//!
//! Before: `io.rs`. After: nothing.
#![forbid(unsafe_code)]

mod kind;
mod registration;
mod signals;
mod tree_report;

pub use kind::SignalKind;
pub use signals::Signals;
pub use tree_report::report_tree_on;
pub(crate) use tree_report::{TreeReports, report_if_asked};

use std::io;

/// Waits for the next Ctrl-C (`SIGINT`), counted from its first poll.
///
/// In a loop, or beside something that is waited for again and again, keep one [`Signals`] instead: what comes while no
/// such future lives is heard by nobody. After the first, Ctrl-C no longer ends the process by itself (see the
/// [module](self)).
///
/// # Errors
///
/// Outside a runtime, and what the system says.
///
/// # Cancel
///
/// A cancellation point. Dropped, it hears nothing more.
///
/// ```
/// use taskgroup_runtime::block_on;
/// use taskgroup_runtime::signal::ctrl_c;
/// # use signal_hook::{consts::SIGINT, low_level::raise};
/// # use taskgroup_runtime::{spawn, yield_now};
///
/// # fn main() -> std::io::Result<()> {
/// block_on(async {
///     # let user = spawn(async { yield_now().await; raise(SIGINT) });
///     ctrl_c().await?;
///     println!("goodbye");
///     # user.await.expect("no panic")?;
///     Ok(())
/// })
/// # }
/// ```
pub async fn ctrl_c() -> io::Result<()> {
    Signals::new([SignalKind::INTERRUPT])?.recv().await.map(drop)
}
