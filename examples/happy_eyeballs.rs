//! Connects to whichever address of a host answers first.
//!
//! ```text
//! cargo run --bin happy_eyeballs -- example.org:443 localhost:22
//! ```
//!
//! Shows `net::connect`, which is RFC 8305 as one task group: the addresses of both families are tried in turn, the next
//! one when the one before has failed or has taken a quarter of a second, and the first that answers cancels the others.
//! `--trace run.svg` draws who was tried when. If none answers, the tree has the error of each.
//!
//! Look at [`run`]; and at `taskgroup/src/net/connect.rs`, which has fewer lines of code than its RFC has pages.
#![allow(clippy::print_stdout, reason = "a program prints")]

#[path = "support/run_options.rs"]
mod run_options;

use lexopt::prelude::*;
use run_options::RunOptions;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use taskgroup::net::{ConnectError, connect};
use taskgroup::{BoxError, Elapsed, Runtime, now, timeout};

const HELP: &str = "\
Connects to whichever address of a host answers first.

Usage: happy_eyeballs [OPTIONS] HOST:PORT...

  --timeout S      seconds for each [default: 10]
  --trace FILE     write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree           print the task tree as it was when most tasks lived
  --inspect SOCKET show the tasks while they run: `top SOCKET` draws them
  --help           print this

Exit status: 0 if every host has answered, 1 if not, 2 if the arguments are wrong.
";

struct Options {
    hosts: Vec<String>,
    timeout: Duration,
    run: RunOptions,
}

impl Options {
    /// `None`: help was asked for.
    fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let mut options = Self { hosts: Vec::new(), timeout: Duration::from_secs(10), run: RunOptions::default() };
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("timeout") => {
                    let seconds = Duration::try_from_secs_f64(parser.value()?.parse()?).ok();
                    options.timeout = seconds.ok_or("--timeout takes seconds, such as 2.5")?;
                }
                Long("trace") => options.run.trace(&mut parser)?,
                Long("tree") => options.run.tree(),
                Long("inspect") => options.run.inspect(&mut parser)?,
                Long("help") | Short('h') => return Ok(None),
                Value(host) => options.hosts.push(host.string()?),
                _ => return Err(arg.unexpected()),
            }
        }
        match options.hosts.iter().find(|host| !host.contains(':')) {
            Some(host) => Err(format!("{host:?} has no port: give it as in example.org:443").into()),
            None if options.hosts.is_empty() => Err("name a host and a port, such as example.org:443".into()),
            None => Ok(Some(options)),
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum HostError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("no answer within {:?}", .0.limit())]
    Silent(#[from] Elapsed),
}

/// One after the other, or the times would say little. Whether all have answered.
async fn run(options: &Options) -> io::Result<bool> {
    let mut all = true;
    for host in &options.hosts {
        match connected(host, options.timeout).await {
            Ok(line) => writeln!(io::stdout(), "{line}")?,
            Err(error) => {
                all = false;
                writeln!(io::stderr(), "{}", in_words(host, &error))?;
            }
        }
    }
    Ok(all)
}

async fn connected(host: &str, limit: Duration) -> Result<String, HostError> {
    let start = now();
    let stream = timeout(limit, connect(host)).await??;
    let peer = stream.peer_addr().map_or_else(|_| "somebody".into(), |peer| peer.to_string());
    Ok(format!("{host}: {peer} has answered in {:.1} ms", (now() - start).as_secs_f64() * 1e3))
}

/// One line, or the tree if there were several addresses.
fn in_words(host: &str, error: &HostError) -> String {
    match error {
        HostError::Connect(ConnectError::Failed { errors, .. }) => format!("{host}: nobody has answered\n{errors:#}"),
        error => format!("{host}: {error}"),
    }
}

fn complain(text: &str) {
    _ = writeln!(io::stderr(), "happy_eyeballs: {text}");
}

fn start(options: &Options) -> Result<ExitCode, BoxError> {
    let runtime = Runtime::new();
    options.run.begin(&runtime)?;
    let all = runtime.try_block_on(run(options))??;
    options.run.finish()?;
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            complain(&format!("{error} (see --help)"));
            return ExitCode::from(2);
        }
    };
    start(&options).unwrap_or_else(|error| {
        complain(&error.to_string());
        ExitCode::FAILURE
    })
}
