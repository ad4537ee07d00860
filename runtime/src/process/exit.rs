//! Hearing of the end of a process.
//!
//! Before: `signal.rs`. After: `handle.rs`.
//!
//! **Facts.** A pidfd becomes readable when its process ends, and stays so. Where the system has none, `SIGCHLD` says that
//! some process has ended, and not which. Neither reaps.
//!
//! **Danger.** The process may end before anybody listens.
//!
//! **Remedy.** Both are there before the process is asked about for the first time, and it is asked before each wait.
#![forbid(unsafe_code)]

use crate::freeze::is_frozen;
use crate::io::Async;
#[cfg(target_os = "linux")]
use crate::reactor::Meaning;
use crate::signal::{SignalKind, Signals};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;

#[cfg(target_os = "linux")]
use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

pub(super) enum Exit {
    #[allow(dead_code, reason = "made on Linux only")]
    Pidfd(Async<OwnedFd>),
    Sigchld(Signals),
}

impl Exit {
    /// For a process that has not been reaped.
    pub(super) fn of(pid: Pid) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) {
            let end = Meaning::Process(pid.as_raw_nonzero().get().unsigned_abs());
            return Ok(Self::Pidfd(Async::new(pidfd)?.meaning(end)));
        }
        let _ = pid;
        Self::by_signal()
    }

    /// Where there is no pidfd.
    pub(super) fn by_signal() -> io::Result<Self> {
        Ok(Self::Sigchld(Signals::new([SignalKind::CHILD])?))
    }

    /// Waits until `ask` has an answer, which it has when the process has ended.
    ///
    /// # Cancel
    ///
    /// A cancellation point; nothing is lost, as far as `ask` loses nothing.
    pub(super) async fn wait<T>(&self, mut ask: impl FnMut() -> io::Result<Option<T>>) -> io::Result<T> {
        match self {
            Self::Pidfd(pidfd) => pidfd.read_with(|_| ask()?.ok_or_else(|| ErrorKind::WouldBlock.into())).await,
            Self::Sigchld(signals) => loop {
                if !is_frozen()
                    && let Some(answer) = ask()?
                {
                    return Ok(answer);
                }
                signals.recv().await?;
            },
        }
    }

    /// Sends a signal to the process, which has not been reaped.
    pub(super) fn send(&self, pid: Pid, signal: Signal) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Pidfd(pidfd) => Ok(pidfd_send_signal(pidfd, signal)?),
            _ => Ok(kill_process(pid, signal)?),
        }
    }
}
