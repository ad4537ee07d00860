//! What to run.
//!
//! Before: nothing. After: `child.rs`, which runs.
#![forbid(unsafe_code)]

use crate::process::child::Child;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, ExitStatus, Output, Stdio};

/// A program, its arguments, and what it finds when it starts: as [`std::process::Command`], which is inside.
///
/// What has no method here is set through [`as_std_mut`](Self::as_std_mut), or before the conversion from std's.
pub struct Command {
    std: process::Command,
    /// Which of standard input, output and error were chosen. std would know, and does not tell.
    chosen: [bool; 3],
}

impl Command {
    /// Will run `program`, which is looked for along `PATH` unless it is a path.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        process::Command::new(program).into()
    }

    /// Adds an argument. It goes to the program as it is: no shell is involved.
    pub fn arg(&mut self, argument: impl AsRef<OsStr>) -> &mut Self {
        self.std.arg(argument);
        self
    }

    /// Adds arguments.
    pub fn args(&mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        self.std.args(arguments);
        self
    }

    /// Sets a variable of the environment.
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.std.env(name, value);
        self
    }

    /// Removes a variable of the environment.
    pub fn env_remove(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.std.env_remove(name);
        self
    }

    /// Begins with an empty environment.
    pub fn env_clear(&mut self) -> &mut Self {
        self.std.env_clear();
        self
    }

    /// Runs it there.
    pub fn current_dir(&mut self, directory: impl AsRef<Path>) -> &mut Self {
        self.std.current_dir(directory);
        self
    }

    /// Where it reads from. If not said: from where this process does; for [`output`](Self::output) from nowhere.
    pub fn stdin(&mut self, from: impl Into<Stdio>) -> &mut Self {
        self.chosen[0] = true;
        self.std.stdin(from);
        self
    }

    /// Where it writes to. If not said: to where this process does; for [`output`](Self::output) into a pipe.
    pub fn stdout(&mut self, to: impl Into<Stdio>) -> &mut Self {
        self.chosen[1] = true;
        self.std.stdout(to);
        self
    }

    /// Where it complains. If not said: as [`stdout`](Self::stdout).
    pub fn stderr(&mut self, to: impl Into<Stdio>) -> &mut Self {
        self.chosen[2] = true;
        self.std.stderr(to);
        self
    }

    /// Starts it, in the current runtime. Blocks until the program has been found and loaded, as std does.
    ///
    /// # Errors
    ///
    /// If there is no such program, or it cannot be run: of the kind that the system says, with the program's name. And
    /// outside a runtime, and without descriptors: then nothing is left running.
    pub fn spawn(&mut self) -> io::Result<Child> {
        self.start(false)
    }

    /// Starts it as the leader of a process group of its own, in which what it starts is too. All signals then go to the
    /// whole group, also the one with which it ends when the [`Child`] is dropped. The terminal's Ctrl-C does not reach
    /// it.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    pub fn spawn_group(&mut self) -> io::Result<Child> {
        self.std.process_group(0);
        self.start(true)
    }

    fn start(&mut self, leads: bool) -> io::Result<Child> {
        let explain = |error: io::Error, command: &process::Command| {
            io::Error::new(error.kind(), format!("cannot run {}: {error}", command.get_program().display()))
        };
        Child::new(|| self.std.spawn().map_err(|error| explain(error, &self.std)), leads)
    }

    /// Runs it to its end.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn), and as [`Child::wait`].
    ///
    /// # Cancel
    ///
    /// A cancellation point. Cancelled or dropped, the process is killed.
    pub async fn status(&mut self) -> io::Result<ExitStatus> {
        self.spawn()?.wait().await
    }

    /// Runs it to its end, and gives what it wrote.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn), and as [`Child::wait_with_output`]. That it failed is none: ask the status.
    ///
    /// # Cancel
    ///
    /// A cancellation point. Cancelled or dropped, the process is killed, and what it wrote is lost.
    pub async fn output(&mut self) -> io::Result<Output> {
        let [stdin, stdout, stderr] = self.chosen;
        if !stdin {
            self.std.stdin(Stdio::null());
        }
        if !stdout {
            self.std.stdout(Stdio::piped());
        }
        if !stderr {
            self.std.stderr(Stdio::piped());
        }
        self.spawn()?.wait_with_output().await
    }

    /// The command of std inside, for everything else. Streams that are set there are known to nobody here.
    pub fn as_std_mut(&mut self) -> &mut process::Command {
        &mut self.std
    }
}

impl From<process::Command> for Command {
    fn from(std: process::Command) -> Self {
        Self { std, chosen: [false; 3] }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.std, f)
    }
}
