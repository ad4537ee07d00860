//! Programs of this package as child processes.

#![allow(dead_code, reason = "each test takes what it needs")]

use rustix::process::{Pid, Signal, kill_process};

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;
use taskgroup::BoxError;

pub(crate) type Test = Result<(), BoxError>;

/// Exit status, standard output, standard error.
pub(crate) fn run(program: &str, args: &[&str]) -> io::Result<(Option<i32>, String, String)> {
    let Output { status, stdout, stderr } = Command::new(program).args(args).stdin(Stdio::null()).output()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok((status.code(), text(stdout), text(stderr)))
}

/// A program that runs until it is told to end; killed if it is dropped before.
pub(crate) struct Program {
    process: Child,
    output: BufReader<ChildStdout>,
    /// The lines of its standard error.
    errors: Receiver<String>,
}

impl Program {
    pub(crate) fn start(program: &str, args: &[&str]) -> Result<Self, BoxError> {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn()?;
        let (stdout, stderr) = (process.stdout.take().ok_or("piped")?, process.stderr.take().ok_or("piped")?);
        let (report, errors) = mpsc::channel();
        thread::spawn(move || {
            BufReader::new(stderr).lines().map_while(Result::ok).try_for_each(|line| report.send(line))
        });
        Ok(Self { process, output: BufReader::new(stdout), errors })
    }

    /// The next line of its standard output.
    pub(crate) fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line)
    }

    /// The next line of its standard error.
    pub(crate) fn error(&self) -> Result<String, RecvTimeoutError> {
        self.errors.recv_timeout(Duration::from_secs(20))
    }

    pub(crate) fn interrupt(&self) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.process), Signal::INT)?)
    }

    /// Waits for its end: the exit status, the rest of its output, and that of its errors.
    pub(crate) fn end(mut self) -> io::Result<(ExitStatus, String, Vec<String>)> {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest)?;
        Ok((self.process.wait()?, rest, self.errors.iter().collect()))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}
