//! How a program's root group ends, if not with a value.
//!
//! Before: `exception_group.rs`. After: `run.rs`.

use crate::exception_group::ExceptionGroup;
use std::error::Error;
use std::fmt::{self, Debug, Display};
use std::io;
use std::process::ExitCode;
use taskgroup_runtime::BlockOnError;
use taskgroup_runtime::signal::SignalKind;

/// Why [`run`](crate::run()) has no value.
///
/// `Display` is one line, its alternate form (`{:#}`) and `Debug` show the error tree.
#[non_exhaustive]
pub enum RunError<E: 'static> {
    /// A signal asked the program to end, and it did: the cleanups have run, and none of them failed.
    Interrupted {
        /// Which.
        signal: SignalKind,
        /// Whether the cleanups took longer than the [`grace`](crate::Runner::grace), and were cut off.
        cut_off: bool,
    },
    /// The group has failed: its body or a task; or, after a signal, a cleanup.
    Failed {
        /// With these.
        errors: ExceptionGroup<E>,
        /// The signal that had asked the program to end, if one had.
        signal: Option<SignalKind>,
    },
    /// There are signals that cannot be listened to. Nothing was run.
    Signals(io::Error),
    /// The loop itself: it was run inside a task, has stalled, or its poller failed. What was running has been dropped.
    Loop(BlockOnError),
}

impl<E> RunError<E> {
    /// The exit status that shells and service managers expect: 130 if Ctrl-C ended the program and all was cleaned up
    /// (128 and the number of the signal), else 1.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.status())
    }

    fn status(&self) -> u8 {
        match self {
            Self::Interrupted { signal, .. } => u8::try_from(128 + signal.as_raw_value()).unwrap_or(1),
            _ => 1,
        }
    }

    /// The signal that asked the program to end, if one did.
    #[must_use]
    pub fn signal(&self) -> Option<SignalKind> {
        match self {
            Self::Interrupted { signal, .. } => Some(*signal),
            Self::Failed { signal, .. } => *signal,
            Self::Signals(_) | Self::Loop(_) => None,
        }
    }

    /// The errors of the group, if there are any.
    #[must_use]
    pub fn errors(&self) -> Option<&ExceptionGroup<E>> {
        match self {
            Self::Failed { errors, .. } => Some(errors),
            _ => None,
        }
    }

    /// Writes all but the errors of the group.
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted { signal, cut_off } => {
                let cut_off = if *cut_off { ", and cut off before its cleanups had ended" } else { "" };
                write!(f, "interrupted by {signal}{cut_off}")
            }
            Self::Failed { signal: Some(signal), .. } => write!(f, "interrupted by {signal}, and failed then: "),
            Self::Failed { signal: None, .. } => Ok(()),
            Self::Signals(error) => Display::fmt(error, f),
            Self::Loop(error) => Display::fmt(error, f),
        }
    }
}

impl<E: Display> Display for RunError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)?;
        self.errors().map_or(Ok(()), |errors| Display::fmt(errors, f))
    }
}

impl<E: Debug> Debug for RunError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)?;
        self.errors().map_or(Ok(()), |errors| Debug::fmt(errors, f))
    }
}

impl<E: Debug + Display> Error for RunError<E> {}
