//! A process that was started here.
//!
//! Before: `command.rs`, `handle.rs`, `orphans.rs`. After: nothing.
#![forbid(unsafe_code)]

use crate::io::Async;
use crate::local::Local;
use crate::process::handle::Handle;
use crate::process::orphans;
use crate::signal::SignalKind;
use rustix::process::Signal;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read};
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::process::{self, ExitStatus, Output};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

/// The end of a pipe from which a process reads.
pub type ChildStdin = Async<PipeWriter>;
/// The end of a pipe to which a process writes.
pub type ChildStdout = Async<PipeReader>;
/// The end of a pipe to which a process complains.
pub type ChildStderr = Async<PipeReader>;

/// A process that was started here. Dropped before its end, it is killed; see the [module](super).
///
/// ```
/// use futures_io::AsyncWrite;
/// use std::io::Write;
/// use std::process::Stdio;
/// use taskgroup_runtime::block_on;
/// use taskgroup_runtime::process::Command;
///
/// # fn main() -> std::io::Result<()> {
/// block_on(async {
///     let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
///     if let Some(stdin) = child.stdin.take() {
///         stdin.write_with(|mut pipe| pipe.write(b"hello")).await?;
///     } // dropped: for the process that is the end of its input
///     let output = child.wait_with_output().await?;
///     assert_eq!(output.stdout, b"hello");
///     Ok(())
/// })
/// # }
/// ```
#[must_use = "the process is killed when this is dropped"]
pub struct Child {
    /// Its standard input, if that is a pipe. Take it to write; drop it to say that nothing follows.
    pub stdin: Option<ChildStdin>,
    /// Its standard output, if that is a pipe. A process that writes much stands still until somebody reads.
    pub stdout: Option<ChildStdout>,
    /// Its standard error, if that is a pipe.
    pub stderr: Option<ChildStderr>,
    /// `None` only when it was let go, or left to be reaped.
    process: Option<Handle>,
    local: Rc<Local>,
}

impl Child {
    pub(super) fn new(spawn: impl FnOnce() -> io::Result<process::Child>, leads: bool) -> io::Result<Self> {
        let local = Local::current().ok_or_else(|| {
            io::Error::new(
                ErrorKind::NotConnected,
                "there is no runtime here to wait with: start processes inside `block_on(async { .. })`",
            )
        })?;
        orphans::look_after();
        let mut child = spawn()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let process = Some(Handle::new(child, leads)?);
        let mut this = Self { stdin: None, stdout: None, stderr: None, process, local };
        // What fails from here on kills it.
        this.stdin = stdin.map(|pipe| Async::new(OwnedFd::from(pipe).into())).transpose()?;
        this.stdout = stdout.map(|pipe| Async::new(OwnedFd::from(pipe).into())).transpose()?;
        this.stderr = stderr.map(|pipe| Async::new(OwnedFd::from(pipe).into())).transpose()?;
        Ok(this)
    }

    fn process(&mut self) -> &mut Handle {
        self.process.as_mut().expect("it is let go by value only")
    }

    /// Its number. It stays the same when the process has ended, and may be another's by then: for messages.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("it is let go by value only").pid().as_raw_nonzero().get().unsigned_abs()
    }

    /// Waits for its end, and says how it ended; also when asked again. Closes its standard input first, so that it does
    /// not wait for more of it.
    ///
    /// # Errors
    ///
    /// If somebody else in this program has reaped it; when awaited under another runtime.
    ///
    /// # Cancel
    ///
    /// A cancellation point. The process runs on, as long as this lives.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        drop(self.stdin.take());
        self.process().wait().await
    }

    /// How it ended, if it has. No wait.
    ///
    /// # Errors
    ///
    /// If somebody else in this program has reaped it.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.process().ask()
    }

    /// Waits for its end, and reads meanwhile what it writes into pipes: from both, so that it never stands still. The ends
    /// of both pipes are waited for too, which what it has started may hold open.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait), and those of reading.
    ///
    /// # Cancel
    ///
    /// A cancellation point. Cancelled or dropped, the process is killed.
    pub async fn wait_with_output(mut self) -> io::Result<Output> {
        drop(self.stdin.take());
        let (stdout, stderr) = (self.stdout.take(), self.stderr.take());
        let (mut out, mut err) = (pin!(read_to_end(stdout)), pin!(read_to_end(stderr)));
        let (mut stdout, mut stderr) = (None, None);
        poll_fn(|cx| {
            if stdout.is_none()
                && let Poll::Ready(read) = out.as_mut().poll(cx)
            {
                stdout = Some(read?);
            }
            if stderr.is_none()
                && let Poll::Ready(read) = err.as_mut().poll(cx)
            {
                stderr = Some(read?);
            }
            if stdout.is_some() && stderr.is_some() { Poll::Ready(io::Result::Ok(())) } else { Poll::Pending }
        })
        .await?;
        let status = self.wait().await?;
        Ok(Output { status, stdout: stdout.unwrap_or_default(), stderr: stderr.unwrap_or_default() })
    }

    /// Kills it (`SIGKILL`), or its group. It is not waited for. Nothing happens if it has ended.
    ///
    /// # Errors
    ///
    /// What the system says: that it may not be killed by us, since it has become another user's.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process().send(Signal::KILL)
    }

    /// Asks it (`SIGTERM`), or its group, to end. Nothing happens if it has ended.
    ///
    /// # Errors
    ///
    /// As [`kill`](Self::kill).
    pub fn terminate(&mut self) -> io::Result<()> {
        self.process().send(Signal::TERM)
    }

    /// Sends it, or its group, a signal. Nothing happens if it has ended.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a signal that does not exist or has no name, and as
    /// [`kill`](Self::kill).
    pub fn signal(&mut self, kind: SignalKind) -> io::Result<()> {
        let signal = Signal::from_named_raw(kind.as_raw_value())
            .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, format!("{kind} cannot be sent: it has no name")))?;
        self.process().send(signal)
    }

    /// Ends it: asks it to (`SIGTERM`, and `SIGCONT` in case it was stopped), waits for at most `grace`, kills it, and
    /// reaps it. Says how it ended.
    ///
    /// With a group: its leader is waited for, and what is left of the group then is killed at once.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait) and [`kill`](Self::kill).
    ///
    /// # Cancel
    ///
    /// A cancellation point. Cancelled half-way, the process has been asked, and is killed when this is dropped.
    ///
    /// ```
    /// use std::os::unix::process::ExitStatusExt;
    /// use std::time::Duration;
    /// use taskgroup_runtime::block_on;
    /// use taskgroup_runtime::process::Command;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// block_on(async {
    ///     let mut child = Command::new("sleep").arg("3600").spawn()?;
    ///     let status = child.shutdown(Duration::from_secs(5)).await?;
    ///     assert_eq!(status.signal(), Some(15)); // it has listened to SIGTERM
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub async fn shutdown(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        drop(self.stdin.take());
        self.process().end(grace).await
    }

    /// Lets it go: it runs on, and to wait for it, or to reap it, is up to you. The pipes that were not taken stay
    /// non-blocking at this end, and are closed.
    #[must_use = "it is never reaped if nobody waits for it"]
    pub fn into_std(mut self) -> process::Child {
        self.process.take().expect("it is let go once").into_std()
    }
}

async fn read_to_end(pipe: Option<Async<PipeReader>>) -> io::Result<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    if let Some(pipe) = pipe {
        loop {
            match pipe.read_with(|mut pipe| pipe.read(&mut buffer)).await? {
                0 => break,
                n => bytes.extend_from_slice(&buffer[..n]),
            }
        }
    }
    Ok(bytes)
}

impl Drop for Child {
    /// Kills it, and its group, unless it has been reaped. Does not wait.
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.abandon(&self.local);
        }
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("id", &self.process.as_ref().map(Handle::pid)).finish_non_exhaustive()
    }
}
