//! Reminders, in a program that has a loop of its own: `poll(2)` over standard input and the runtime's descriptor.
//!
//! ```text
//! printf '2 tea\n1 toast\n' | cargo run --bin embed_poll
//! ```
//!
//! Shows how a runtime lives in somebody else's loop. It is a value of the host's; the host hands in tasks between two
//! turns, waits for whatever comes first of its own input, the runtime's descriptor and the next deadline, and calls
//! `turn`. Nothing here is async but the tasks.
//!
//! Look at [`Host::run`], the loop; and at [`Host::wait`], which is all that the two have to agree on.
#![allow(clippy::print_stdout, reason = "a program prints")]

use lexopt::prelude::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::cell::Cell;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use taskgroup::{BlockOnError, Runtime, Turn, sleep};

const HELP: &str = "\
Reminders: an example of a host that has a loop of its own.

Usage: embed_poll < REMINDERS

A reminder is a line of standard input: seconds, a blank, and a text that is printed when they are over. The program ends
when standard input has ended and the last reminder was printed.

  --help  print this

Exit status: 0 if all lines were reminders, 1 if not, 2 if the arguments are wrong.
";

/// What the tasks of the runtime share with the host: they borrow it.
#[derive(Default)]
struct Board {
    printed: Cell<usize>,
}

impl Board {
    async fn remind(&self, after: Duration, text: String) {
        sleep(after).await;
        self.printed.set(self.printed.get() + 1);
        say(&format!("{}. {text}", self.printed.get()));
    }
}

/// Why the loop ends before its time.
#[derive(Debug, thiserror::Error)]
enum HostError {
    #[error("cannot read standard input: {0}")]
    Input(io::Error),
    #[error("cannot wait: {0}")]
    Wait(io::Error),
    #[error(transparent)]
    Turn(#[from] BlockOnError),
}

/// A loop, with a runtime in it.
struct Host<'env> {
    board: &'env Board,
    runtime: Runtime<'env>,
    input: Input,
    bad_lines: usize,
}

// ANCHOR: host
impl<'env> Host<'env> {
    fn run(&mut self) -> Result<(), HostError> {
        loop {
            // The host's own work.
            for line in self.input.lines().map_err(HostError::Input)? {
                match parse(&line) {
                    Ok((after, text)) => drop(self.runtime.spawn(self.board.remind(after, text))),
                    Err(why) => {
                        self.bad_lines += 1;
                        complain(&format!("line {}: {why}", line.number));
                    }
                }
            }
            // The runtime's. It never waits here.
            let turn = self.runtime.turn(Some(Duration::ZERO))?;
            if self.input.is_over && turn.live == 0 {
                return Ok(());
            }
            self.wait(&turn).map_err(HostError::Wait)?;
        }
    }

    /// Waits for whatever comes first.
    fn wait(&self, turn: &Turn) -> io::Result<()> {
        let timeout = match turn.next_deadline {
            _ if turn.ready => Some(Duration::ZERO),
            deadline => deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())),
        };
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok()); // longer than that is for ever
        let stdin = io::stdin();
        let mut wanted = vec![PollFd::from_borrowed_fd(self.runtime.poller()?, PollFlags::IN)];
        if !self.input.is_over {
            wanted.push(PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN));
        }
        match poll(&mut wanted, timeout.as_ref()) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error.into()),
            _ => Ok(()),
        }
    }
}
// ANCHOR_END: host

/// Standard input, line by line, as far as there is any.
#[derive(Default)]
struct Input {
    bytes: Vec<u8>,
    lines: usize,
    is_over: bool,
}

struct Line {
    /// From 1 on.
    number: usize,
    text: String,
}

impl Input {
    /// The lines that are there. Reads only what can be read at once.
    fn lines(&mut self) -> io::Result<Vec<Line>> {
        let mut buffer = [0; 4096];
        while !self.is_over && is_readable()? {
            match rustix::io::read(io::stdin(), &mut buffer) {
                Ok(0) => self.is_over = true,
                Ok(n) => self.bytes.extend_from_slice(&buffer[..n]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut lines = Vec::new();
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            lines.push(self.take(end + 1));
        }
        if self.is_over && !self.bytes.is_empty() {
            lines.push(self.take(self.bytes.len())); // a last one without an end
        }
        Ok(lines)
    }

    fn take(&mut self, length: usize) -> Line {
        self.lines += 1;
        let line: Vec<_> = self.bytes.drain(..length).collect();
        Line { number: self.lines, text: String::from_utf8_lossy(&line).trim().into() }
    }
}

fn is_readable() -> io::Result<bool> {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    match poll(&mut [PollFd::from_borrowed_fd(io::stdin().as_fd(), PollFlags::IN)], Some(&now)) {
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(false),
        readable => Ok(readable? > 0),
    }
}

/// `1.5 tea`
fn parse(Line { text, .. }: &Line) -> Result<(Duration, String), String> {
    let Some((seconds, text)) = text.split_once(' ') else {
        return Err(format!("{text:?} is not a number of seconds, a blank and a text"));
    };
    let after = seconds.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let after = after.ok_or_else(|| format!("{seconds:?} is not a number of seconds"))?;
    Ok((after, text.trim_start().into()))
}

fn main() -> ExitCode {
    let mut parser = lexopt::Parser::from_env();
    match parser.next() {
        Ok(None) => {}
        Ok(Some(Long("help") | Short('h'))) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Ok(Some(arg)) => {
            complain(&format!("{} (see --help)", arg.unexpected()));
            return ExitCode::from(2);
        }
        Err(error) => {
            complain(&format!("{error} (see --help)"));
            return ExitCode::from(2);
        }
    }
    let board = Board::default();
    let mut host = Host { board: &board, runtime: Runtime::new(), input: Input::default(), bad_lines: 0 };
    let ended = host.run();
    let bad_lines = host.bad_lines;
    if let Err(error) = ended {
        complain(&error.to_string());
        return ExitCode::FAILURE;
    }
    if bad_lines > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn say(text: &str) {
    let mut output = io::stdout().lock();
    _ = writeln!(output, "{text}").and_then(|()| output.flush()); // a reader that has gone is no error
}

fn complain(text: &str) {
    _ = writeln!(io::stderr(), "embed_poll: {text}");
}
