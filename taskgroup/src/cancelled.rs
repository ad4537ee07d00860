//! What a cancel leaves behind.
//!
//! Before: `reason.rs`. After: `drive.rs`, which makes one; `scope.rs`, which gives it.

use crate::reason::Reason;
use std::fmt;

/// Something was cancelled: why, and whether its cleanups had the time to end.
///
/// The error of [`CancelScope::run`](crate::CancelScope::run). (A task's is
/// [`JoinErrorKind::Cancelled`](crate::JoinErrorKind::Cancelled), a timeout's [`Elapsed`](crate::Elapsed).)
#[derive(Clone, Debug, PartialEq)]
pub struct Cancelled {
    reason: Reason,
    cut_off: bool,
}

impl Cancelled {
    pub(crate) fn new(reason: Reason, cut_off: bool) -> Self {
        Self { reason, cut_off }
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// Whether it took longer over its cleanups than its grace, and was dropped with them half-way.
    #[must_use]
    pub fn was_cut_off(&self) -> bool {
        self.cut_off
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut_off = if self.cut_off { ", and cut off before its cleanups had ended" } else { "" };
        write!(f, "cancelled: {}{cut_off}", self.reason)
    }
}

impl std::error::Error for Cancelled {}
