//! Why something was cancelled.
//!
//! Before: `info.rs`. After: `tree/node.rs`.

use crate::info::TaskInfo;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use taskgroup_runtime::Readable;

/// Why a task or a scope was cancelled. The first reason stands; later requests change nothing.
///
/// CPython has a message (`task.cancel(msg)`), Trio since 0.31 a reason; here it is a value, and says *who*.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// A task of the same group failed or panicked.
    SiblingFailed(Arc<TaskInfo>),
    /// The body of the group failed or panicked.
    BodyFailed,
    /// A deadline passed: how much time there was.
    Deadline(Duration),
    /// Somebody asked, in these words.
    Text(Cow<'static, str>),
    /// What the group was in was cancelled, for this reason.
    Parent(Arc<Reason>),
    /// The user asked the program to end, as by Ctrl-C. What `run` cancels with (feature `signal`), and programs that
    /// listen themselves.
    Interrupt,
    /// The future around it was dropped before its end: destructors only, no cleanups.
    Dropped,
}

impl Reason {
    /// The reason at the beginning: of a chain of parents, the first.
    #[must_use]
    pub fn root(&self) -> &Self {
        let mut reason = self;
        while let Self::Parent(of) = reason {
            reason = of;
        }
        reason
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SiblingFailed(task) => write!(f, "{} failed", task.name()),
            Self::BodyFailed => f.write_str("the body of the group failed"),
            Self::Deadline(after) => write!(f, "a deadline of {} passed", Readable(*after)),
            Self::Text(text) => f.write_str(text),
            Self::Parent(_) => write!(f, "{}", self.root()),
            Self::Interrupt => f.write_str("interrupted"),
            Self::Dropped => f.write_str("the future around it was dropped"),
        }
    }
}

impl<T: Into<Cow<'static, str>>> From<T> for Reason {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}
