//! Standard input, read without blocking the loop. Part of the programs that read from it.
//!
//! **Facts.** `O_NONBLOCK` belongs to an open file, not to a descriptor, and who started us has the same file open: a
//! shell whose terminal we had set non-blocking would fail to read after us. To open `/dev/stdin` again gives, on Linux,
//! an open file of our own on the same pipe or terminal; elsewhere it gives the shared one. Sockets cannot be opened again;
//! regular files, and `/dev/null`, cannot be waited for.
//!
//! **Remedy.** A pipe or a terminal on Linux is opened again and waited for. Everything else is read on another thread.

use std::fs;
use std::io::{self, PipeReader, Read};
use std::os::unix::fs::FileTypeExt;
use taskgroup::{Async, unblock};

/// So much is read at once.
const CHUNK: usize = 64 * 1024;

pub(crate) enum Stdin {
    /// A pipe or a terminal, in an open file of our own.
    Waits(Async<PipeReader>),
    /// Anything else: read on a thread. What such a read gets after a cancel is lost.
    Blocks,
}

impl Stdin {
    /// To be called inside a runtime.
    pub(crate) fn open() -> Self {
        open_again().map_or(Self::Blocks, Self::Waits)
    }

    /// Waits for something, and appends it. Nothing: the input is at its end.
    pub(crate) async fn read(&self, to: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Self::Waits(pipe) => {
                let mut buffer = vec![0; CHUNK];
                let n = pipe.read_with(|mut pipe| pipe.read(&mut buffer)).await?;
                to.extend_from_slice(&buffer[..n]);
                Ok(n)
            }
            Self::Blocks => {
                let read = unblock(|| {
                    let mut buffer = vec![0; CHUNK];
                    let n = io::stdin().read(&mut buffer)?;
                    buffer.truncate(n);
                    io::Result::Ok(buffer)
                });
                let bytes = read.await?;
                to.extend_from_slice(&bytes);
                Ok(bytes.len())
            }
        }
    }
}

/// `None` if it cannot be waited for, for whatever reason.
fn open_again() -> Option<Async<PipeReader>> {
    use rustix::fs::{Mode, OFlags, open};
    if !cfg!(target_os = "linux") {
        return None;
    }
    let kind = fs::metadata("/dev/stdin").ok()?.file_type();
    if !kind.is_fifo() && !kind.is_char_device() {
        return None;
    }
    // Non-blocking from the start: to open a pipe of which all writers are gone would wait for another one.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = open("/dev/stdin", flags, Mode::empty()).ok()?;
    Async::new(PipeReader::from(file)).ok()
}
