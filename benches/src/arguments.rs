//! The command line.
//!
//! Before: nothing. After: `main.rs`.

use crate::one::Order;
use lexopt::prelude::*;

pub const HELP: &str = "\
taskgroup beside other runtimes.

Usage: taskgroup-benches [OPTIONS]               measures, prints tables and targets, draws the plots
       taskgroup-benches report [--quick]        the same without measuring: from the results of the last run
       taskgroup-benches report --only A,B       writes only the tables of docs/PERFORMANCE.md whose name contains A or B
       taskgroup-benches list                    rows and peers
       taskgroup-benches one WORKLOAD PEER [N]   a single sample, as a line of JSON

  --quick          small sizes, few repeats, a smoke run; its results are kept apart
  --only A,B       only rows whose name contains A or B (list shows the names); the others keep their results
  --repeats N      rounds [default: 7; quick: 2]

for one:
  --exactly B      B batches, however long they take, instead of as many as take long enough
  --count          count allocations, and the most bytes at once
  --quick          shorter

Everything goes to target/bench. PYTHON names the Python to use [default: python3].
";

pub enum Command {
    Help,
    List,
    Drive(Options),
    Report(Options),
    One(Order),
    /// An echo server, which `one echo` starts.
    Serve {
        peer: String,
        workload: String,
    },
}

/// How to measure.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub quick: bool,
    pub only: Option<String>,
    pub repeats: Option<u64>,
}

impl Command {
    pub fn from_args() -> Result<Self, lexopt::Error> {
        let mut parser = lexopt::Parser::from_env();
        let (mut words, mut options) = (Vec::new(), Options::default());
        let (mut exactly, mut count, mut strace) = (None, false, false);
        while let Some(arg) = parser.next()? {
            match arg {
                Long("quick") => options.quick = true,
                Long("only") => options.only = Some(parser.value()?.string()?),
                Long("repeats") => options.repeats = Some(parser.value()?.parse()?),
                Long("exactly") => exactly = Some(parser.value()?.parse()?),
                Long("count") => count = true,
                Long("strace") => strace = true,
                Long("help") | Short('h') => return Ok(Self::Help),
                Value(word) => words.push(word.string()?),
                _ => return Err(arg.unexpected()),
            }
        }
        match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => Ok(Self::Drive(options)),
            ["report"] => Ok(Self::Report(options)),
            ["list"] => Ok(Self::List),
            ["serve", peer, workload] => Ok(Self::Serve { peer: peer.to_string(), workload: workload.to_string() }),
            ["one", workload, peer, ref n @ ..] if n.len() < 2 => Ok(Self::One(Order {
                workload: workload.to_string(),
                peer: peer.to_string(),
                n: n.first().map_or(Ok(1), |n| n.parse().map_err(|_| format!("{n:?} is not a number")))?,
                exactly,
                count,
                quick: options.quick,
                strace,
            })),
            [other, ..] => Err(format!("no such command: {other:?}").into()),
        }
    }
}
