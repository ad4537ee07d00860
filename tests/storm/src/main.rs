//! Storms over the real examples: two processes on loopback, each bounded in number and time.
//!
//! ```text
//! cargo build --release --bin echo --bin httpd     # the servers
//! cargo run --release -p taskgroup-storm           # all storms, in about a minute
//! cargo run --release -p taskgroup-storm -- --deep hold churn
//! ```
//!
//! A storm says what it found, line by line, and which of it is out of bounds; then the exit status is 1. Bounds are on
//! counts: what is left over, what was lost. Times are told, and bound nothing: a machine may be busy.
//!
//! Before: nothing. After: `server.rs`, then a storm, `hold.rs` for instance.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

mod churn;
mod day;
mod exhaust;
mod findings;
mod firehose;
mod hold;
mod peers;
mod server;
mod slow;

use findings::Findings;
use lexopt::prelude::*;
use std::process::ExitCode;
use taskgroup::BoxError;

const HELP: &str = "\
Storms over the real examples: echo and httpd, built beside this program.

Usage: storm [--deep] [--seed N] [STORM..]

  hold      10,000 connections are held, and nothing happens
  churn     connects and drops: five rounds of 20,000
  exhaust   a server that may have 64 open files, and 200 clients
  slow      2,000 clients that send a byte now and then, and one that is good
  firehose  one peer at full speed beside ten that ask and wait
  day       24 hours of virtual time, with faults drawn by the seed

  --deep    longer: 10 minutes for hold, 100 rounds of churn, thirty days
  --seed N  of what is drawn [default: 1]

Exit status: 0 if all is within its bounds, 1 if not, 2 if it cannot begin.
";

/// How much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Longer.
    pub(crate) deep: bool,
    /// Of what is drawn.
    pub(crate) seed: u64,
}

type Storm = fn(Size) -> Result<Findings, BoxError>;

const STORMS: [(&str, Storm); 6] = [
    ("hold", hold::hold),
    ("churn", churn::churn),
    ("exhaust", exhaust::exhaust),
    ("slow", slow::slow),
    ("firehose", firehose::firehose),
    ("day", day::day),
];

fn from_args() -> Result<Option<(Size, Vec<String>)>, lexopt::Error> {
    let (mut size, mut names) = (Size { deep: false, seed: 1 }, Vec::new());
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("deep") => size.deep = true,
            Long("seed") => size.seed = parser.value()?.parse()?,
            Long("help") | Short('h') => return Ok(None),
            Value(name) => {
                let name = name.string()?;
                if !STORMS.iter().any(|(known, _)| *known == name) {
                    return Err(format!("no such storm: {name:?}").into());
                }
                names.push(name);
            }
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some((size, names)))
}

fn main() -> ExitCode {
    let (size, names) = match from_args() {
        Ok(Some(asked)) => asked,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("storm: {error} (storm --help tells more)");
            return ExitCode::from(2);
        }
    };
    let mut within = true;
    for (name, storm) in STORMS {
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        println!("{name}");
        match storm(size) {
            Ok(findings) => {
                print!("{findings}");
                within &= findings.within();
            }
            Err(error) => {
                eprintln!("storm: {name}: {error}");
                return ExitCode::from(2);
            }
        }
    }
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
