//! A view into a running program: its task tree and its events, on a Unix socket.
//!
//! An [`Inspector`] listens under a path of the program's choice, for this user only. Whoever connects asks in lines:
//!
//! | line | answer |
//! | --- | --- |
//! | `tree` | the task tree in text, as [`TaskTree`](crate::TaskTree) draws it, then an empty line |
//! | `json` | the task tree and figures of the loop: one JSON object, one line |
//! | `events` | what there is, and what happens from then on: a JSON object a line, until you hang up |
//! | `help` | these, then an empty line |
//!
//! So `echo tree | nc -NU PATH` does, and so does a program that draws it live.
//!
//! **Cost.** Nothing while nobody asks. From the first `json` on, and as long as that connection lives, polls are counted
//! and timed: two looks at the clock for each. While somebody hears `events`, each is written down, which costs about a
//! microsecond, and those that a slow reader leaves are counted and left out once 1 MiB of them waits.
//!
//! **What is in `json`.** Times are in nanoseconds since the runtime was made, on its clock.
//!
//! - `at`, `pid`, `program`; `sockets` and `timers`, how many there are.
//! - `loop`: since this connection counts: `since`; `turns`, `polls`, `wakes`; `asleep`, nanoseconds of the real clock.
//! - `groups`: each with `group` (its number), `owner` (a task's), `around` (the group in whose body it was opened),
//!   `place`, `closing` (why).
//! - `tasks`, at most 10,000 of them, in the order in which they are drawn: `task`, `group` (0: a root task), `name`,
//!   `place`, `state` (`not_started`, `queued`, `polled`, `waiting`), `words` (what it does), `waits` (each with `for`),
//!   `deadline`, `reason`; and while polls are counted, `polls`, `busy` (nanoseconds of the real clock in its own polls,
//!   without those of its tasks), `polled_at` (when the last one ended). `left_out` says how many more there are.
//!
//! **What is in `events`.** The lines of [`Trace::json_lines`](crate::trace::Trace::json_lines), without the phases of the
//! turn. It begins with what lives: `spawned`, `named` and `group_opened` for each, as if that had happened just now. Numbers
//! are used once, so they are not those of `json`. Whoever says that they send no more is answered with an empty line, and
//! goes on to be told.
//!
//! ```
//! use futures_core::Stream;
//! # use std::error::Error;
//! use std::time::Duration;
//! use taskgroup::inspect::Inspector;
//! use taskgroup::net::UnixStream;
//! use taskgroup::{BoxError, block_on, sleep, task_group};
//!
//! # fn main() -> Result<(), Box<dyn Error>> {
//! # let path = std::env::temp_dir().join(format!("taskgroup-doc-inspect-{}.socket", std::process::id()));
//! block_on(async {
//!     let inspector = Inspector::listen(&path)?;
//!     task_group::<BoxError, _, _>(async |g| {
//!         g.spawn(sleep(Duration::from_millis(50))).named("tea");
//!         // Mostly this is another program:
//!         let client = UnixStream::connect(inspector.path()).await?;
//!         client.write_all(b"tree\n").await?;
//!         let mut answer = vec![0; 4096];
//!         let n = client.read(&mut answer).await?;
//!         assert!(String::from_utf8_lossy(&answer[..n]).contains("task tea"));
//!         Ok(())
//!     })
//!     .await?;
//!     Ok(())
//! })
//! # }
//! ```

mod connection;
mod figures;
mod live;
mod snapshot;

use connection::Connections;
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use taskgroup_runtime::net::UnixListener;
use taskgroup_runtime::{JoinHandle, Local};

/// Shows the program to whoever connects; see [the module](self).
///
/// It is no task of the program: the tree does not show it, and neither a stall nor virtual time takes notice of it.
///
/// Dropping it removes the socket and hangs up on everybody. Nothing else does: if the program is killed, the file is left.
pub struct Inspector {
    path: PathBuf,
    /// Device and inode of the socket: what may be removed.
    file: Option<(u64, u64)>,
    serving: JoinHandle<()>,
    connections: Rc<Connections>,
}

/// Why nobody can look at the program. It names the path and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// A program answers under that path.
    #[error("cannot listen under {}: a program answers there already; choose another path", .path.display())]
    InUse {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// There is a socket, and nobody answers.
    #[error(
        "cannot listen under {}: a socket is there, left by a program that did not end in order; remove it, or choose \
         another path",
        .path.display()
    )]
    LeftOver {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// There is something, and it is no socket.
    #[error("cannot listen under {}: that is a file, and no socket; choose another path", .path.display())]
    NoSocket {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// What else the system says.
    #[error("cannot listen under {}: {source}", .path.display())]
    Io {
        /// The path that was asked for.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Inspector {
    /// Listens under `path`, which must not exist, on the current runtime. The file is for this user only (mode 0600); to
    /// keep others from even seeing it, choose a path in a directory of your own, such as that of `XDG_RUNTIME_DIR`.
    ///
    /// Does not wait.
    ///
    /// # Errors
    ///
    /// When there is something under that path; when it is too long for a socket (some 100 bytes) or cannot be written
    /// to; and outside a runtime.
    pub fn listen(path: impl AsRef<Path>) -> Result<Self, InspectError> {
        let path = path.as_ref();
        let local = Local::current().ok_or_else(|| no_runtime(path))?;
        let listener =
            local.in_background(|| UnixListener::bind_private(path)).map_err(|source| explain(path, source))?;
        let file = fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()));
        let connections = Connections::new();
        let serving = local.spawn_in_background(connection::serve(listener, connections.clone()));
        Ok(Self { path: path.into(), file, serving, connections })
    }

    /// Where it listens.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn no_runtime(path: &Path) -> InspectError {
    let text = "there is no runtime here to look at: call it inside `block_on(async { .. })`";
    InspectError::Io { path: path.into(), source: io::Error::new(ErrorKind::NotConnected, text) }
}

fn explain(path: &Path, source: io::Error) -> InspectError {
    let path = PathBuf::from(path);
    if source.kind() != ErrorKind::AddrInUse {
        return InspectError::Io { path, source };
    }
    match fs::symlink_metadata(&path) {
        Ok(file) if file.file_type().is_socket() => match UnixStream::connect(&path) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => InspectError::LeftOver { path },
            _ => InspectError::InUse { path },
        },
        Ok(_) => InspectError::NoSocket { path },
        Err(_) => InspectError::Io { path, source }, // it has gone in between
    }
}

impl Drop for Inspector {
    fn drop(&mut self) {
        self.serving.cancel();
        self.connections.hang_up();
        let there = fs::symlink_metadata(&self.path).ok().map(|file| (file.dev(), file.ino()));
        if there.is_some() && there == self.file {
            _ = fs::remove_file(&self.path); // it may be gone already
        }
    }
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspector").field("path", &self.path).finish_non_exhaustive()
    }
}
