//! How a process ended, in words, and as an exit status of ours.
//!
//! Before: nothing. After: `process.rs`.

use std::io::{self, ErrorKind};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use taskgroup::signal::SignalKind;

/// Why a process counts as failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{}", in_words(*.0))]
    Ended(ExitStatus),
    /// It was not started, or could not be waited for.
    #[error("{0}")]
    Process(io::Error),
    #[error("cannot read the items: {0}")]
    Items(io::Error),
}

impl Failure {
    /// As a shell has it: the status, or 128 and the number of the signal; 127 for a program that does not exist, 126
    /// for one that cannot be run.
    pub(crate) fn as_shell(&self) -> u8 {
        match self {
            Self::Ended(status) => {
                let code = status.code().or(status.signal().map(|signal| 128 + signal));
                code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
            }
            Self::Process(error) if error.kind() == ErrorKind::NotFound => 127,
            Self::Process(_) => 126,
            Self::Items(_) => 1,
        }
    }

    /// As `xargs` has it, and whether no further item is to be taken.
    pub(crate) fn as_xargs(&self) -> (u8, bool) {
        match self {
            Self::Ended(status) if status.signal().is_some() => (125, true),
            Self::Ended(status) if status.code() == Some(255) => (124, true),
            Self::Ended(_) => (123, false),
            Self::Process(_) | Self::Items(_) => (self.as_shell(), true),
        }
    }
}

pub(crate) fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("killed by {}", SignalKind::from_raw(signal)),
        (None, None) => status.to_string(),
    }
}
