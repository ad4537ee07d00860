//! A supervisor at work: three days of a weather station on a mountain, in virtual time and so in no time.
//!
//! Shows: supervision as a program over task groups, under the supervise policy. Children that fail are started again,
//! alone or with others, after delays that grow; they clean up when they are stopped; one of them is a supervisor of
//! its own. If they fail too often, the supervisor gives up, and its end is an error tree. Only in virtual time can one
//! look at this: the program is the same on the real clock, and takes three days.
//!
//! Run: `cargo run --bin supervisor -- --strategy rest --seed 3`
//!
//! Look at: the lanes, drawn from what the run noted down, a column for each hour, and how they differ between the
//! three strategies. In the source, `station.rs`, where the children are described; then `supervision/`, which knows
//! nothing of the station.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]

#[path = "../support/run_options.rs"]
mod run_options;
mod station;
#[allow(dead_code, reason = "it is for other programs too")]
mod supervision;
mod timeline;

use lexopt::prelude::*;
use run_options::RunOptions;
use station::Station;
use std::process::ExitCode;
use std::time::Duration;
use supervision::{BadPlan, Strategy};
use taskgroup::{BoxError, CancelScope, Clock, ExceptionGroup, Runtime};
use timeline::Timeline;

const HELP: &str = "\
Three days of a weather station whose parts fail, and of the supervisor that starts them again.

Usage: supervisor [OPTIONS]

  --strategy WHOM  who is started again when a part fails: one (it alone), all, or
                   rest (it and those that were started after it) [default: one]
  --seed N         other weather, other failures; the same number, the same run [default: 1]
  --trace FILE     write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree           print the task tree as it was when most tasks lived
  --help           print this

It runs in virtual time and contacts nothing.

Exit status: 0 if the station ran until it was stopped, 1 if the supervisor gave up, 2 if the arguments are wrong.
";

const DAYS: u32 = 3;

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("supervisor: {error} (see --help)");
            return ExitCode::from(2);
        }
    };
    let runtime = Runtime::with_clock(Clock::Autojump);
    if let Err(error) = options.run.begin(&runtime) {
        eprintln!("supervisor: {error}");
        return ExitCode::from(2);
    }
    let ended = runtime.block_on(three_days(&options));
    if let Err(error) = options.run.finish() {
        eprintln!("supervisor: {error}");
        return ExitCode::from(2);
    }
    match ended {
        Ok(End::Stopped) => ExitCode::SUCCESS,
        Ok(End::GaveUp) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("supervisor: {error}");
            ExitCode::from(2)
        }
    }
}

struct Options {
    strategy: Strategy,
    seed: u64,
    run: RunOptions,
}

impl Options {
    /// `None`: help was asked for.
    fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let (mut strategy, mut seed) = (Strategy::OneForOne, 1);
        let mut run = RunOptions::default();
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("strategy") => strategy = parse_strategy(&parser.value()?.string()?)?,
                Long("seed") => seed = parser.value()?.parse()?,
                Long("trace") => run.trace(&mut parser)?,
                Long("tree") => run.tree(),
                Long("help") | Short('h') => return Ok(None),
                _ => return Err(arg.unexpected()),
            }
        }
        Ok(Some(Self { strategy, seed, run }))
    }
}

fn parse_strategy(text: &str) -> Result<Strategy, String> {
    match text {
        "one" => Ok(Strategy::OneForOne),
        "all" => Ok(Strategy::OneForAll),
        "rest" => Ok(Strategy::RestForOne),
        _ => Err(format!("--strategy takes one, all or rest, not {text:?}")),
    }
}

enum End {
    Stopped,
    GaveUp,
}

async fn three_days(&Options { strategy, seed, .. }: &Options) -> Result<End, BadPlan> {
    let timeline = Timeline::new(&station::PARTS);
    let station = Station::new(seed);
    let technician = CancelScope::new();
    technician.set_timeout(DAYS * Duration::from_secs(24 * 3600));
    let ended = technician.run(station.run(strategy, &timeline)).await;

    println!("{DAYS} days of a weather station, seed {seed}. {}\n", in_words(strategy));
    timeline.print_lanes();
    println!();
    timeline.print_failures();
    match ended {
        Err(_) | Ok(Ok(Ok(()))) => {
            println!("\nThe technician came after {DAYS} days and stopped the station.");
            Ok(End::Stopped)
        }
        Ok(Ok(Err(errors))) => {
            let errors: ExceptionGroup<BoxError> = errors;
            println!("\nThe supervisor gave up {}:\n\n{errors:#}", timeline.clock());
            Ok(End::GaveUp)
        }
        Ok(Err(error)) => Err(error),
    }
}

fn in_words(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::OneForOne => "A part that fails is started again alone.",
        Strategy::OneForAll => "If a part fails, all are started again.",
        Strategy::RestForOne => "A part that fails is started again with those below it.",
    }
}
