//! The event loop under [`taskgroup`]: a single-threaded executor, timers, and sockets that can be awaited.
//!
//! ```
//! use std::time::Duration;
//! use taskgroup_runtime::{block_on, sleep, spawn};
//!
//! block_on(async {
//!     let slow = spawn(async { sleep(Duration::from_millis(2)).await; "slow" });
//!     println!("meanwhile");
//!     assert_eq!(slow.await.ok(), Some("slow"));
//! });
//! ```
//!
//! It polls, wakes and drops, and knows nothing of task groups: those are the [`taskgroup`] crate, which most programs
//! want instead, and which re-exports what is here but [`spawn`].
//!
//! - [`Runtime`] is the loop as a value; [`block_on`] makes one for a single future.
//! - [`sleep`], [`sleep_until`], [`interval`] and [`now`] run on its [`Clock`], which may be virtual.
//! - [`Runtime::tree`] shows every task and what it waits for; [`Runtime::shuffled`] finds programs that depend on who
//!   comes first.
//! - [`net`] has the sockets; [`Async`] makes any pollable descriptor awaitable.
//! - With the feature `signal`: `signal`, what the system and other processes tell this one.
//! - [`ready`] and [`current`] are what an executor is made of, for crates that build groups of tasks.
//!
//! What it is not: parallel, or work-stealing: it is one thread, and only `unblock` (feature `blocking`) starts others.
//! Unix only: the reactor waits for file descriptors.
//!
//! [`taskgroup`]: https://docs.rs/taskgroup

mod background;
mod block_on;
mod clock;
mod dropped_waits;
mod embed;
mod error;
mod event_loop;
mod first_panic;
mod freeze;
mod interval;
#[cfg(feature = "net")]
mod io;
mod local;
#[cfg(all(target_pointer_width = "64", not(feature = "plain")))]
mod raw;
#[cfg(not(all(target_pointer_width = "64", not(feature = "plain"))))]
#[path = "plain.rs"]
mod raw;
#[cfg(all(feature = "net", not(taskgroup_loom)))]
mod reactor;
#[cfg(taskgroup_loom)]
#[path = "loom_reactor.rs"]
mod reactor;
#[cfg(not(any(feature = "net", taskgroup_loom)))]
#[path = "no_reactor.rs"]
mod reactor;
mod readable;
mod remote;
mod reporter;
mod runtime;
mod seed;
mod sleep;
mod slots;
mod stall;
#[cfg(not(taskgroup_loom))]
mod sync;
#[cfg(taskgroup_loom)]
#[path = "loom_sync.rs"]
mod sync;
mod task;
mod task_tree;
mod telling;
mod timers;
#[cfg(feature = "blocking")]
mod unblock;
mod waker;
mod wakeup;
mod watchdog;
mod yield_now;

pub mod current;
pub mod instrument;
#[cfg(feature = "net")]
pub mod net;
#[cfg(feature = "process")]
pub mod process;
pub mod ready;
#[cfg(feature = "signal")]
pub mod signal;

pub use block_on::{block_on, runtime_of_block_on};
pub use clock::{Clock, TICK};
pub use dropped_waits::Asked;
pub use error::{BlockOnError, ClockIsReal};
pub use event_loop::Turn;
pub use first_panic::each_despite_panics;
pub use freeze::{count_cancel_in, count_cancel_out, is_frozen, is_quiet, set_freeze_probe};
pub use interval::{Interval, MissedTicks, interval};
#[cfg(feature = "net")]
pub use io::Async;
pub use local::Local;
#[cfg(feature = "net")]
pub use net::connect::is_passing;
pub use raw::Beside;
#[cfg(feature = "net")]
pub use reactor::IoSafe;
#[cfg(taskgroup_loom)]
pub use reactor::make_poller;
pub use readable::Readable;
pub use remote::Hold;
pub use reporter::{Report, report, set_reporter};
pub use runtime::{Census, Runtime, advance, hold};
pub use sleep::{Sleep, now, sleep, sleep_until};
pub use stall::Stall;
pub use task::{JoinError, JoinHandle, spawn};
pub use task_tree::{
    GroupNode, GroupNote, OpenPart, TaskNode, TaskNote, TaskState, TaskTree, TreeDisplay, TreeNotes, set_tree_probe,
    tree,
};
pub use telling::tell;
#[cfg(feature = "blocking")]
pub use unblock::unblock;
pub use watchdog::Watchdog;
pub use yield_now::{YieldNow, yield_now};
