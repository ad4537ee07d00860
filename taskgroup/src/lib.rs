//! Task groups for a single-threaded async runtime.
//!
//! ```
//! use taskgroup::{ExceptionGroup, block_on, task_group};
//! # async fn fetch(url: &str) -> Result<String, std::io::Error> { Ok(url.to_uppercase()) }
//!
//! async fn read_all(urls: &[String]) -> Result<Vec<String>, ExceptionGroup<std::io::Error>> {
//!     task_group(async |g| {
//!         let tasks: Vec<_> = urls.iter().map(|url| g.spawn(fetch(url))).collect(); // they borrow `urls`
//!         let mut pages = Vec::new();
//!         for task in tasks {
//!             pages.extend(task.await);
//!         }
//!         Ok(pages)
//!     })
//!     .await // nobody is left running here, whatever happened
//! }
//! # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
//! # let urls = vec!["a".to_string(), "b".to_string()];
//! # assert_eq!(block_on(read_all(&urls))?, ["A", "B"]);
//! # Ok(())
//! # }
//! ```
//!
//! - Groups: [`task_group`] runs a body with a [`TaskGroup`]; [`TaskGroup::spawn`] starts tasks, which may borrow. A
//!   group has a policy ([`fail_fast`](TaskGroup::fail_fast), [`collect_all`](TaskGroup::collect_all),
//!   [`supervise`](TaskGroup::supervise)) and a [`limit`](TaskGroup::limit); a task can be waited for until it is ready
//!   ([`start`](TaskGroup::start)). A [`Spawner`] is a group's handle that borrows nothing.
//! - Results: a [`Task`] is a handle: await it, name it, cancel it, take its result; [`JoinError`] says what became of
//!   it.
//!   [`gather`](gather()), [`gather_settled`], [`race`](race()), [`as_completed`](as_completed()) and
//!   [`TaskGroup::stream`] are for many.
//! - Errors: an [`ExceptionGroup`] is every error as a tree, with names and places; it is split, handled by kind and
//!   printed.
//! - Cancels: [`CancelScope`] and [`timeout`](timeout()) cancel what is in them; [`Reason`] is why, and
//!   [`cancel_reason`] asks. [`with_cleanup`] and [`with_resource`] run async cleanup that really finishes, [`shield`]
//!   holds a cancel off, [`TaskGroup::grace`] bounds both. [`checkpoint`](checkpoint()) is a place to be cancelled at.
//! - [`TaskLocal`] values follow the tasks.
//! - [`trace`], a feature that is on by default: a run, written down and drawn, as text, as a picture, for Perfetto.
//! - See it run: [`tree`](tree()) and [`Runtime::tree`] give every task and what it waits for; a [`Stall`] carries that.
//! - [`net`]: sockets; with the feature `blocking` also names, looked up and connected to, and `unblock` for calls that
//!   block.
//! - With the feature `signal`: `run` runs a program as one group, which Ctrl-C cancels; `signal` hears what the system and
//!   other processes tell this one.
//! - With the feature `process`: child processes, which end with the scope that started them.
//! - With the feature `inspect`, a running program shows its tree and its events on a Unix socket (`inspect`); with
//!   `tracing`, its tasks are spans (`Spans`).
//! - [`patterns`]: thirteen programs as one writes them in asyncio, and here.
//! - The runtime is re-exported: [`block_on`], [`Runtime`], [`sleep`], [`net`] and so on; but not its bare `spawn`.
//!   A task of this crate always has a group to answer to. (A host with a loop of its own hands in root tasks with
//!   [`Runtime::spawn`].)
//!
//! What it is not: parallel (one thread; no other is started but by `unblock`, with the feature `blocking`), a set of channels
//! and locks (`async-channel` and `async-lock` go well with it).

#![forbid(unsafe_code)]

mod aftermath;
mod as_completed;
mod books;
mod cancelled;
mod checkpoint;
mod child;
mod cleanup;
mod drive;
mod exception_group;
mod failures;
mod gather;
mod group;
mod handle;
mod handlers;
mod info;
mod join;
mod join_error;
mod ledger;
mod limit;
mod line;
mod news;
mod outcome;
mod policy;
mod race;
mod reason;
#[cfg(doctest)]
mod rejections;
#[cfg(feature = "signal")]
mod run;
#[cfg(feature = "signal")]
mod run_error;
mod scope;
mod shelf;
#[cfg(feature = "tracing")]
mod spans;
mod spawn_error;
mod spawner;
mod start;
mod task;
mod task_group;
mod task_local;
mod task_stream;
mod tasks;
mod timeout;
mod tree;
mod waiters;

pub mod boxed;
#[cfg(feature = "inspect")]
pub mod inspect;
#[cfg(feature = "net")]
pub mod net;
pub mod patterns;
#[cfg(feature = "process")]
pub mod process;
#[cfg(feature = "trace")]
pub mod trace;

pub use as_completed::{AsCompleted, as_completed};
pub use cancelled::Cancelled;
pub use checkpoint::{cancel_reason, checkpoint};
pub use cleanup::{Why, shield, with_cleanup, with_resource};
pub use exception_group::handle::{DynError, Handled};
pub use exception_group::report::ErrorReport;
pub use exception_group::{CancelledSibling, ExceptionGroup, Leaf, Member, WaitedFor, What};
pub use gather::{gather, gather_settled};
pub use group::TaskGroup;
pub use info::TaskInfo;
pub use join_error::{JoinError, JoinErrorKind};
pub use outcome::Outcome;
pub use race::{NoWinner, race};
pub use reason::Reason;
#[cfg(feature = "signal")]
pub use run::{Runner, run};
#[cfg(feature = "signal")]
pub use run_error::RunError;
pub use scope::CancelScope;
#[cfg(feature = "tracing")]
pub use spans::Spans;
pub use spawn_error::SpawnError;
pub use spawner::Spawner;
pub use start::{Ready, StartError};
pub use task::Task;
pub use task_group::task_group;
pub use task_local::TaskLocal;
pub use task_stream::TaskStream;
pub use timeout::{Elapsed, timeout, timeout_at};
#[doc(hidden)]
pub use tree::node_count;

#[cfg(feature = "signal")]
pub use taskgroup_runtime::signal;
#[cfg(feature = "blocking")]
pub use taskgroup_runtime::unblock;
#[cfg(feature = "net")]
pub use taskgroup_runtime::{Async, IoSafe};

pub use taskgroup_runtime::{
    BlockOnError, Census, Clock, ClockIsReal, GroupNode, Hold, Interval, MissedTicks, OpenPart, Report, Runtime, Sleep,
    Stall, TICK, TaskNode, TaskState, TaskTree, TreeDisplay, Turn, Watchdog, YieldNow, advance, block_on, hold,
    instrument, interval, now, set_reporter, sleep, sleep_until, tree, yield_now,
};

/// The README's programs are compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// An error of any kind, as `?` makes it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;
