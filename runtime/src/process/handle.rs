//! A process without its pipes: how it ended, and whether it may still be sent a signal.
//!
//! Before: `exit.rs`, `orphans.rs`. After: `child.rs`.
//!
//! **Facts.** A process that has ended keeps its number, and a group the number of its leader, until the leader is reaped.
//! Then both may be given to others; a group's only when it is empty.
//!
//! **Danger.** What a leader has started may live longer than it does. A signal to the group, to end them, may by then
//! hit another group.
//!
//! **Remedy.** A leader is not reaped before its group was killed: to wait for it only looks at how it ended. Whoever is
//! reaped is sent nothing.
//!
//! **Cost.** The leader of a group is a zombie as long as its handle lives.
#![forbid(unsafe_code)]

use crate::local::Local;
use crate::process::exit::Exit;
use crate::process::orphans;
use crate::sleep::sleep;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::future::{Future, poll_fn};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::{Child, ExitStatus};
use std::task::Poll;
use std::time::Duration;

pub(super) struct Handle {
    exit: Exit,
    pid: Pid,
    fate: Fate,
}

/// How a process ended, if it has.
struct Fate {
    child: Child,
    /// Whether it leads a group of its own.
    leads: bool,
    /// How it ended, once that is known.
    status: Option<ExitStatus>,
    /// Nothing may be sent to it any more.
    is_reaped: bool,
}

impl Handle {
    /// Takes over a process that has just been started. On an error it is killed: it would run, and nobody would know.
    pub(super) fn new(mut child: Child, leads: bool) -> io::Result<Self> {
        let pid = Pid::from_child(&child);
        match Exit::of(pid) {
            Ok(exit) => Ok(Self { exit, pid, fate: Fate { child, leads, status: None, is_reaped: false } }),
            Err(error) => {
                let _ = child.kill(); // it has this moment begun: it is ours to kill
                orphans::adopt(child, None);
                Err(error)
            }
        }
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// How it ended, if it has.
    pub(super) fn ask(&mut self) -> io::Result<Option<ExitStatus>> {
        self.fate.ask()
    }

    /// Waits for its end.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.exit.wait(|| self.fate.ask()).await
    }

    /// Sends a signal to it or to its group, if that is still its own.
    pub(super) fn send(&self, signal: Signal) -> io::Result<()> {
        if self.fate.is_reaped {
            return Ok(());
        }
        let sent = match self.fate.leads {
            true => kill_process_group(self.pid, signal).map_err(io::Error::from),
            false => self.exit.send(self.pid, signal),
        };
        match sent {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::SRCH) => Ok(()), // it has ended just now
            sent => sent,
        }
    }

    /// Asks it to end, waits, kills, reaps.
    pub(super) async fn end(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        if self.ask()?.is_none() {
            self.send(Signal::TERM)?;
            self.send(Signal::CONT)?; // a stopped process would not hear it
            let (mut ended, mut over) = (pin!(self.wait()), pin!(sleep(grace)));
            poll_fn(|cx| match ended.as_mut().poll(cx) {
                Poll::Ready(ended) => Poll::Ready(ended.map(drop)),
                Poll::Pending => over.as_mut().poll(cx).map(Ok),
            })
            .await?;
        }
        if self.fate.leads || self.ask()?.is_none() {
            self.send(Signal::KILL)?;
        }
        let status = self.wait().await?;
        self.fate.reap()?;
        Ok(status)
    }

    /// Kills it and its group, unless it has been reaped, and leaves it to be reaped. Does not wait.
    pub(super) fn abandon(self, local: &Local) {
        if !self.fate.is_reaped {
            let _ = self.send(Signal::KILL); // what may not be killed by us runs on, and is reaped when it ends
            orphans::adopt(self.fate.child, Some((self.exit, local)));
        }
    }

    pub(super) fn into_std(self) -> Child {
        self.fate.child
    }

    #[cfg(test)]
    fn hear_by_signal(&mut self) -> io::Result<()> {
        self.exit = Exit::by_signal()?;
        Ok(())
    }
}

impl Fate {
    /// How it ended, if it has. A leader is not reaped by that.
    fn ask(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = if self.leads { look(Pid::from_child(&self.child))? } else { self.child.try_wait()? };
            self.is_reaped = self.status.is_some() && !self.leads;
        }
        Ok(self.status)
    }

    /// Reaps a leader that has ended.
    fn reap(&mut self) -> io::Result<()> {
        self.is_reaped = true;
        self.child.try_wait().map(drop)
    }
}

/// How a process has ended, which is not reaped by that.
fn look(pid: Pid) -> io::Result<Option<ExitStatus>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let Some(ended) = waitid(WaitId::Pid(pid), options)? else { return Ok(None) };
    let raw = match (ended.exit_status(), ended.terminating_signal()) {
        (Some(code), _) => (code & 0xff) << 8,
        (None, Some(signal)) => signal | if ended.dumped() { 0x80 } else { 0 },
        (None, None) => return Ok(None),
    };
    Ok(Some(ExitStatus::from_raw(raw)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Runtime, spawn};
    use std::process::{Command, Stdio};

    fn start(command: &mut Command) -> io::Result<Handle> {
        let mut handle = Handle::new(command.spawn()?, false)?;
        handle.hear_by_signal()?;
        Ok(handle)
    }

    #[test]
    fn without_a_pidfd_sigchld_tells_of_the_end() -> io::Result<()> {
        Runtime::new().block_on(async {
            let mut early = start(&mut Command::new("true"))?;
            let mut late = start(Command::new("cat").stdin(Stdio::piped()))?;
            assert_eq!(late.ask()?, None);
            assert!(early.wait().await?.success());
            let stdin = late.fate.child.stdin.take();
            spawn(async move { drop(stdin) }); // while it is waited for
            assert!(late.wait().await?.success());
            let mut stuck = start(Command::new("sleep").arg("3600"))?;
            assert_eq!(stuck.end(Duration::from_secs(60)).await?.signal(), Some(Signal::TERM.as_raw()));
            Ok(())
        })
    }

    #[test]
    fn who_was_waited_for_is_sent_nothing_any_more() -> io::Result<()> {
        Runtime::new().block_on(async {
            let mut alone = Handle::new(Command::new("true").spawn()?, false)?;
            alone.wait().await?;
            assert!(alone.fate.is_reaped, "its number may be another's from now on");
            Ok(())
        })
    }
}
