//! A server of static files over HTTP/1.1.
//!
//! ```text
//! cargo run --release --bin httpd -- --root docs
//! curl -i http://127.0.0.1:8080/ARCHITECTURE.md
//! ```
//!
//! Shows a server that behaves: it takes no more connections than it has room for, and lets the others wait where they come
//! from; a client that is slow, silent or malicious costs it a task for a bounded time; files are read on other threads, so
//! that a slow disk holds nobody up; and Ctrl-C ends it when what has begun is done.
//!
//! Look at `connection.rs`, where a connection is a loop from top to bottom, and what is shielded in it; at `server.rs`, where
//! the limit of the group and `Acceptor` are all that overload takes; and at `request/`, which is given whatever comes.
//!
//! `--threads N` is how one uses several processors here: N runtimes that share nothing, and the system between them.

mod answer;
mod connection;
mod descriptors;
mod log;
mod options;
mod request;
#[path = "../support/run_options.rs"]
mod run_options;
mod server;

use connection::Site;
use log::Log;
use options::{HELP, Options};
use run_options::RunOptions;
use server::{Server, listeners};
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::net::TcpListener;
use std::process::ExitCode;
use std::thread;
use taskgroup::signal::SignalKind;
use taskgroup::{BoxError, Runtime};

/// How many connections there may be at once, if nobody says.
const MANY: usize = 10_000;

/// It cannot begin.
const CANNOT: u8 = 2;

fn main() -> ExitCode {
    let mut run = RunOptions::default();
    let options = match Options::from_args(&mut run) {
        Ok(Some(options)) => options,
        Ok(None) => {
            say(HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            complain(format_args!("{error} (httpd --help tells more)"));
            return ExitCode::from(CANNOT);
        }
    };
    let runtime = Runtime::new();
    let begun = begin(&options)
        .and_then(|begun| Ok(run.begin(&runtime).map(|()| begun)?))
        .and_then(|begun| Ok(runtime.report_tree_on(SignalKind::USER_DEFINED1).map(|()| begun)?));
    let (site, listeners) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            complain(error);
            return ExitCode::from(CANNOT);
        }
    };
    let served = serve(&runtime, &options, &site, listeners);
    match served.and_then(|signal| Ok(run.finish().map(|()| signal)?)) {
        Ok(signal) => {
            say(format_args!("ended by {signal}\n"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(error);
            ExitCode::FAILURE
        }
    }
}

/// Whatever can be wrong from the start.
fn begin(options: &Options) -> Result<(Site, Vec<TcpListener>), BoxError> {
    let Options { listen, threads, head_timeout, idle_timeout, .. } = *options;
    let folder = options.root.display();
    let root = options.root.canonicalize().map_err(|error| format!("cannot serve {folder}: {error}"))?;
    if !root.is_dir() {
        let error = io::Error::from(ErrorKind::NotADirectory);
        return Err(format!("cannot serve {folder}: {error}").into());
    }
    let listeners = listeners(listen, threads).map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    Ok((Site { root: root.into(), head_timeout, idle_timeout }, listeners))
}

/// Serves on so many threads, this one among them, until a signal ends them.
fn serve(
    runtime: &Runtime<'_>,
    options: &Options,
    site: &Site,
    listeners: Vec<TcpListener>,
) -> Result<SignalKind, BoxError> {
    let threads = listeners.len();
    let connections = descriptors::make_room(options.connections.unwrap_or(MANY), threads);
    if let Some(wanted) = options.connections.filter(|wanted| connections < *wanted) {
        complain(format_args!("not {wanted} connections at once, as asked, but {connections}: see `ulimit -n`"));
    }
    let (log, written) = Log::new(options.is_quiet);
    if let Some(address) = listeners.first().and_then(|listener| listener.local_addr().ok()) {
        say(format_args!("listening on {address}\n"));
    }
    let servers = listeners.into_iter().enumerate().map(|(n, listener)| {
        let connections = connections / threads + usize::from(n < connections % threads);
        Server { listener, site, connections, drain: options.drain, log: &log }
    });
    let served = thread::scope(|scope| {
        let mut servers = servers;
        let first = servers.next();
        let others: Vec<_> = servers
            .map(|server| {
                scope.spawn(move || {
                    // One that fails alone is told at once; the others go on.
                    server
                        .run(&Runtime::new())
                        .inspect_err(|error| complain(format_args!("a thread has failed: {error}")))
                })
            })
            .collect();
        let first = first.map_or_else(|| Err("no thread".into()), |server| server.run(runtime));
        others.into_iter().fold(first, |so_far, other| {
            let other = other.join().unwrap_or_else(|_| Err("a thread has panicked".into()));
            so_far.and(other)
        })
    });
    match log.finish(&written) {
        0 => {}
        dropped => complain(format_args!("{dropped} lines of the log were dropped: its reader is too slow")),
    }
    served
}

/// To standard output. If that is closed, nobody wants to know.
fn say(text: impl Display) {
    let mut output = io::stdout();
    _ = write!(output, "{text}").and_then(|()| output.flush());
}

fn complain(text: impl Display) {
    _ = writeln!(io::stderr(), "httpd: {text}"); // if that is gone too, nobody is left to tell
}
