//! Who is measured, by name.
//!
//! Before: `peer.rs`; each of the peers' files. After: `one.rs`, which makes a sample.

use crate::heard::{Counter, Recording};
use crate::meter::Meter;
use crate::tasks::{Measured, reactors, tasks, timers};
use ::monoio::{IoUringDriver, LegacyDriver};

mod buffered;
mod monoio;
mod moro;
mod raw;
mod raw_loop;
mod smol;
mod taskgroup;
mod tokio_handles;
mod tokio_joinset;
mod unordered;

use self::{
    buffered::Buffered, monoio::Monoio, moro::Moro, raw::Raw, smol::Smol, taskgroup::Taskgroup,
    tokio_handles::TokioHandles, tokio_joinset::TokioJoinSet, unordered::Unordered,
};

/// The one that the rest is compared with.
pub const OURS: &str = "taskgroup";

/// The limit: no library.
pub const RAW: &str = "raw";

/// Groups as values inside one task, whose children may borrow.
pub const BORROWING: [&str; 3] = ["unordered", "buffered", "moro"];

/// Everybody in Rust, in the order of tables.
pub const RUST: [&str; 10] =
    [OURS, "tokio", "tokio-joinset", "smol", "monoio", "monoio-uring", "unordered", "buffered", "moro", RAW];

/// Ourselves with somebody who listens: in a table of their own.
pub const HEARD: [&str; 2] = ["heard", "recorded"];

/// Those in Python, which have a program each.
pub const PYTHON: [&str; 2] = ["asyncio", "trio"];

/// Runs a workload. `None`: not with this peer.
pub fn measure(peer: &str, workload: &str, meter: Meter, n: u64) -> Option<Measured> {
    macro_rules! peer {
        ($peer:ty: $($kind:ident),*) => { None$(.or_else(|| peer!(@$kind $peer)))* };
        (@tasks $peer:ty) => { tasks::<$peer>(workload, meter, n) };
        (@timers $peer:ty) => { timers::<$peer>(workload, meter, n) };
        (@reactors $peer:ty) => { reactors::<$peer>(workload, meter) };
    }
    match peer {
        "taskgroup" => peer!(Taskgroup: tasks, timers, reactors),
        "heard" => peer!(Taskgroup<Counter>: tasks),
        "recorded" => peer!(Taskgroup<Recording>: tasks),
        "tokio" => peer!(TokioHandles: tasks, timers, reactors),
        "tokio-joinset" => peer!(TokioJoinSet: tasks, timers),
        "smol" => peer!(Smol: tasks, timers, reactors),
        "monoio" => peer!(Monoio<LegacyDriver>: tasks, timers, reactors),
        "monoio-uring" => peer!(Monoio<IoUringDriver>: tasks, timers, reactors),
        "unordered" => peer!(Unordered: tasks),
        "buffered" => peer!(Buffered: tasks),
        "moro" => peer!(Moro: tasks),
        "raw" => peer!(Raw: tasks, timers, reactors),
        _ => None,
    }
}
