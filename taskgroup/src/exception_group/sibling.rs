//! Who was cancelled beside the errors: no errors themselves, but what a reader of the tree asks next.
//!
//! Before: `member.rs`. After: `report.rs`, which prints them.

use crate::info::TaskInfo;
use crate::reason::Reason;
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::time::Duration;
use taskgroup_runtime::Readable;

/// A task that was cancelled while its group ended with errors: see
/// [`ExceptionGroup::cancelled`](crate::ExceptionGroup::cancelled).
#[derive(Clone, Debug)]
pub struct CancelledSibling {
    pub(crate) task: Arc<TaskInfo>,
    pub(crate) reason: Reason,
    pub(crate) waited_for: Option<WaitedFor>,
    pub(crate) was_started: bool,
    pub(crate) was_cut_off: bool,
}

impl CancelledSibling {
    /// Who it was: name, path and place.
    #[must_use]
    pub fn task(&self) -> &TaskInfo {
        &self.task
    }

    /// Why it was cancelled: its own reason if it was asked by itself, else that of its group.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// What it was waiting for when the cancel reached it; of several things the one that it awaited innermost. `None`:
    /// that is not known. It was never started, or it waited for something of another crate (a channel, a lock), or for
    /// what came at the same instant as the cancel.
    #[must_use]
    pub fn waited_for(&self) -> Option<&WaitedFor> {
        self.waited_for.as_ref()
    }

    /// Whether it was polled at least once.
    #[must_use]
    pub fn was_started(&self) -> bool {
        self.was_started
    }

    /// Whether its cleanups were cut off, since its grace was over.
    #[must_use]
    pub fn was_cut_off(&self) -> bool {
        self.was_cut_off
    }
}

/// What a task was waiting for when it was cancelled. `Display` says it so that it can stand behind "waiting for".
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum WaitedFor {
    /// A time, and how far away that was. `None`: it would never have come.
    Timer(Option<Duration>),
    /// A descriptor that can be read.
    Readable(i32),
    /// A descriptor that can be written.
    Writable(i32),
    /// Another task to end.
    Task(Arc<TaskInfo>),
    /// The tasks of a group that it had opened, whose body was over.
    Group,
    /// A place under the limit of a group, to spawn into it.
    Admission,
    /// A signal of the system.
    Signal,
    /// A process to end, by its number.
    Process(u32),
    /// A blocking job, on another thread; it goes on there.
    Job,
}

impl Display for WaitedFor {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timer(Some(left)) => write!(f, "a timer ({} left)", Readable(*left)),
            Self::Timer(None) => f.write_str("a time that never comes"),
            Self::Readable(fd) => write!(f, "descriptor {fd} to be readable"),
            Self::Writable(fd) => write!(f, "descriptor {fd} to be writable"),
            Self::Task(task) => write!(f, "task {}", task.path()),
            Self::Group => f.write_str("the tasks of its group"),
            Self::Admission => f.write_str("leave to spawn into a group"),
            Self::Signal => f.write_str("a signal"),
            Self::Process(id) => write!(f, "process {id} to end"),
            Self::Job => f.write_str("a blocking job"),
        }
    }
}

/// The siblings that a group tells of: the first few, and how many there were.
#[derive(Debug, Default)]
pub(crate) struct Siblings {
    pub(crate) kept: Vec<CancelledSibling>,
    pub(crate) count: usize,
}

impl Display for CancelledSibling {
    /// `cancelled (db failed): task index (src/main.rs:20), waiting for a timer (300ms left)`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "cancelled ({}): task {}", self.reason, self.task)?;
        if !self.was_started {
            return f.write_str(", never started");
        }
        if let Some(wait) = &self.waited_for {
            write!(f, ", waiting for {wait}")?;
        }
        if self.was_cut_off {
            f.write_str(", its cleanup cut off")?;
        }
        Ok(())
    }
}
