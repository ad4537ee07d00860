//! Why a task has no value to give.
//!
//! Before: `reason.rs`, `info.rs`. After: `handle.rs`.

use crate::info::TaskInfo;
use crate::reason::Reason;
use std::fmt;
use std::sync::Arc;

/// Why awaiting a task gave no value: which task, and what became of it.
///
/// It does not contain the task's error, which went to its group;
/// [`ExceptionGroup::error_of`](crate::ExceptionGroup::error_of) finds it there.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinError {
    pub(crate) task: Arc<TaskInfo>,
    kind: JoinErrorKind,
    /// It was polled at least once.
    started: bool,
    cut_off: bool,
}

/// What became of a task that has no value to give.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum JoinErrorKind {
    /// It was cancelled, and why.
    Cancelled(Reason),
    /// It failed; its group has the error.
    Failed,
    /// It panicked; the panic goes on in the owner of its group.
    Panicked,
    /// Its group was closing when it was spawned: it never ran.
    Refused,
    /// The value was taken before.
    Taken,
}

impl JoinError {
    pub(crate) fn new(task: Arc<TaskInfo>, kind: JoinErrorKind, started: bool, cut_off: bool) -> Self {
        Self { task, kind, started, cut_off }
    }

    /// Which task.
    #[must_use]
    pub fn task(&self) -> &TaskInfo {
        &self.task
    }

    /// What became of it.
    #[must_use]
    pub fn kind(&self) -> &JoinErrorKind {
        &self.kind
    }

    /// Whether it was cancelled, or never started because its group was.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.kind, JoinErrorKind::Cancelled(_) | JoinErrorKind::Refused)
    }

    /// Whether it ran at all: false for a task that was refused, or cancelled before its first poll, as one that still
    /// waited for a place under a [`limit`](crate::TaskGroup::limit).
    #[must_use]
    pub fn was_started(&self) -> bool {
        self.started
    }

    /// Whether it took longer over its cleanups than its [`grace`](crate::TaskGroup::grace), and was dropped with them
    /// half-way.
    #[must_use]
    pub fn was_cut_off(&self) -> bool {
        self.cut_off
    }
}

impl fmt::Display for JoinErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled(reason) => write!(f, "cancelled: {reason}"),
            Self::Failed => f.write_str("failed"),
            Self::Panicked => f.write_str("panicked"),
            Self::Refused => f.write_str("never started: its group was closing"),
            Self::Taken => f.write_str("already taken"),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} ", self.task)?;
        match &self.kind {
            JoinErrorKind::Cancelled(reason) if !self.started => write!(f, "was cancelled before it started: {reason}"),
            JoinErrorKind::Cancelled(reason) if self.cut_off => write!(f, "was cancelled and cut off: {reason}"),
            JoinErrorKind::Cancelled(reason) => write!(f, "was cancelled: {reason}"),
            JoinErrorKind::Failed => f.write_str("failed"),
            JoinErrorKind::Panicked => f.write_str("panicked"),
            JoinErrorKind::Refused => f.write_str("was never started: its group was closing"),
            JoinErrorKind::Taken => f.write_str("has given its value away already"),
        }
    }
}

impl std::error::Error for JoinError {}
