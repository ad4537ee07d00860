//! What is asked for on the command line.
//!
//! Before: nothing. After: `main.rs`.

use crate::run_options::RunOptions;
use lexopt::prelude::*;
use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

pub(crate) const HELP: &str = "\
Serves the files of a folder over HTTP/1.1.

Usage: httpd --root DIR [OPTIONS]

  --root DIR          the folder; a folder in it is answered with its index.html
  --listen ADDR       where to listen; port 0 chooses one [default: 127.0.0.1:8080]
  --threads N         so many servers side by side, which share nothing but the port; from 1 to 256 [default: 1]
  --connections N     at most so many at once, in all threads together; more wait
                      [default: 10000, or as many as fit into the limit of open files]
  --header-timeout S  a request's head must be complete so many seconds after its first byte [default: 10]
  --idle-timeout S    so long a connection may be silent, or take nothing of what is sent [default: 60]
  --drain S           so long after Ctrl-C answers may still be sent [default: 30]
  --quiet             no access log
  --trace FILE        write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree              print the task tree as it was when most tasks lived
  --inspect SOCKET    show the tasks while they run: `top SOCKET` draws them
  --help              print this

GET and HEAD, kept connections, pipelined requests, one byte range a request, ETag and Last-Modified. Everything below DIR
is served, hidden files too; symbolic links are followed if they stay below it, and what is outside is not found. The log
has a line for each answer on standard output: peer, request, status, bytes of body sent, time, and what went wrong.

Each connection needs two open files: `ulimit -n` bounds their number. --trace, --tree, --inspect and SIGUSR1, at
which is written what each task waits for, look at the first thread.

Ctrl-C or SIGTERM ends it in order: no more connections are taken, silent ones are closed, and answers that have begun are
sent to the end. A second one ends it at once.

Exit status: 0 if it was ended in order, 1 if answers were cut off then or it failed while it ran, 2 if the arguments are
wrong or it cannot begin: no such folder, the port is taken.
";

pub(crate) struct Options {
    pub(crate) root: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) threads: usize,
    /// `None`: many.
    pub(crate) connections: Option<usize>,
    pub(crate) head_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) drain: Duration,
    pub(crate) is_quiet: bool,
}

impl Options {
    /// `None`: help was asked for.
    pub(crate) fn from_args(run: &mut RunOptions) -> Result<Option<Self>, lexopt::Error> {
        let mut options = Self {
            root: PathBuf::new(),
            listen: (Ipv4Addr::LOCALHOST, 8080).into(),
            threads: 1,
            connections: None,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            drain: Duration::from_secs(30),
            is_quiet: false,
        };
        let mut root = None;
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("root") => root = Some(PathBuf::from(parser.value()?)),
                Long("listen") => options.listen = address(&parser.value()?.string()?)?,
                Long("threads") => options.threads = number(&mut parser, "--threads", 1..=256)?,
                Long("connections") => {
                    options.connections = Some(number(&mut parser, "--connections", 1..=10_000_000)?)
                }
                Long("header-timeout") => options.head_timeout = seconds(&mut parser, "--header-timeout")?,
                Long("idle-timeout") => options.idle_timeout = seconds(&mut parser, "--idle-timeout")?,
                Long("drain") => options.drain = seconds(&mut parser, "--drain")?,
                Long("quiet") => options.is_quiet = true,
                Long("trace") => run.trace(&mut parser)?,
                Long("tree") => run.tree(),
                Long("inspect") => run.inspect(&mut parser)?,
                Long("help") | Short('h') => return Ok(None),
                _ => return Err(arg.unexpected()),
            }
        }
        options.root = root.ok_or("which folder? --root DIR")?;
        if let Some(connections) = options.connections
            && connections < options.threads
        {
            return Err(
                format!("--connections {connections} leaves none to some of {} threads", options.threads).into()
            );
        }
        Ok(Some(options))
    }
}

fn seconds(parser: &mut lexopt::Parser, name: &str) -> Result<Duration, lexopt::Error> {
    number(parser, name, 0.001..=86_400.0).map(Duration::from_secs_f64)
}

fn number<T>(parser: &mut lexopt::Parser, name: &str, range: RangeInclusive<T>) -> Result<T, lexopt::Error>
where
    T: FromStr<Err: Display> + PartialOrd + Display,
{
    let text = parser.value()?.string()?;
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        Ok(_) => Err(format!("{name} {text}: not from {} to {}", range.start(), range.end()).into()),
        Err(error) => Err(format!("{name} {text:?}: {error}").into()),
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{text:?} is not an address like 127.0.0.1:8080 or [::1]:8080"))
}
