//! Runs processes side by side: those of a Procfile, as foreman does, or a command for each item on standard input, as
//! `xargs -P` does.
//!
//! ```text
//! cargo run --bin procs -- examples/procs/Procfile
//! find . -type f | cargo run --bin procs -- -P4 -- wc -l
//! ```
//!
//! Shows child processes as tasks: one that fails cancels its siblings, and a task that is cancelled ends its process, with
//! all that this has started, before it is over. So when the program has ended, nothing is left running, whatever happened:
//! an error, Ctrl-C, a closed standard output.
//!
//! Look at `process.rs`, where a process goes on to be heard while it is being ended; at `foreman.rs`, where the policy of
//! the group is the whole difference between `--keep` and not; at `each.rs`, where an item is read only when there is a
//! place for it; and at `ending.rs`, for what a second Ctrl-C must do that `taskgroup::run` leaves to the system.

mod each;
mod ending;
mod foreman;
mod items;
#[path = "../support/lane.rs"]
mod lane;
mod options;
mod output;
mod printer;
mod process;
mod procfile;
mod progress;
#[path = "../support/run_options.rs"]
mod run_options;
mod status;
#[path = "../support/stdin.rs"]
mod stdin;

use each::{Each, Failures, Run};
use ending::{Ended, until_signalled};
use foreman::Foreman;
use options::{HELP, Job, Options};
use printer::{Printer, Writer};
use procfile::{BadProcfile, Entry};
use progress::Progress;
use std::env;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;
use taskgroup::signal::SignalKind;
use taskgroup::{BoxError, CancelScope, Runtime, task_group};

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => {
            let shown = io::stdout().write_all(HELP.as_bytes());
            return if shown.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        Err(error) => {
            complain(format_args!("{error} (procs --help tells more)"));
            return ExitCode::from(2);
        }
    };
    let work = match options.job {
        Job::Each(each) => Work::Each(each),
        Job::Procfile(file, when_one_ends) => match procfile::read(&file) {
            Ok(entries) => Work::Procfile(entries, when_one_ends),
            // `Procfile:3: ..` stands at the beginning of the line, where editors look for it.
            Err(error @ BadProcfile::Lines { .. }) => {
                let _ = writeln!(io::stderr(), "{error}");
                return ExitCode::from(2);
            }
            Err(error) => {
                complain(error);
                return ExitCode::from(2);
            }
        },
    };
    let runtime = Runtime::new();
    if let Err(error) = options.run.begin(&runtime) {
        complain(error);
        return ExitCode::from(2);
    }
    let status = run(&runtime, &work, options.grace);
    match status.and_then(|status| Ok(options.run.finish().map(|()| status)?)) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            complain(error);
            ExitCode::FAILURE
        }
    }
}

enum Work {
    Procfile(Vec<Entry>, foreman::WhenOneEnds),
    Each(Each),
}

/// Runs it, with a printer beside it that outlives it, and gives the exit status.
fn run(runtime: &Runtime<'_>, work: &Work, grace: Duration) -> Result<u8, BoxError> {
    runtime.report_tree_on(SignalKind::USER_DEFINED1)?;
    let scope = CancelScope::new();
    let program = async {
        let (printer, writer) = Printer::new();
        let program = task_group(async |g| {
            g.spawn(Writer::write(writer)).named("writer");
            // Of all this, a signal cancels only that: what processes say while they are being ended is still printed.
            let ended = scope.run(work.run(&printer, grace)).await;
            printer.close();
            Ok(ended.ok())
        });
        program.await.map_err(|errors| errors.single().map_or_else(BoxError::from, BoxError::from))
    };
    match runtime.try_block_on(until_signalled(&scope, program))?? {
        Ended { value: Some(Err(error)), .. } => Err(format!("cannot write to standard output: {error}").into()),
        Ended { value: Some(Ok(Some(end))), .. } => {
            if let Some(report) = end.report {
                complain(report);
            }
            Ok(end.status)
        }
        Ended { signal: Some(signal), .. } => Ok(u8::try_from(128 + signal.as_raw_value()).unwrap_or(1)),
        Ended { .. } => unreachable!("only a signal cancels the work"),
    }
}

/// How the work ended.
struct End {
    status: u8,
    report: Option<String>,
}

impl Work {
    async fn run(&self, printer: &Printer, grace: Duration) -> End {
        match self {
            Self::Procfile(entries, when_one_ends) => {
                let has_colours = has_colours(&io::stdout());
                let foreman = Foreman { entries, when_one_ends: *when_one_ends, grace, has_colours, printer };
                match foreman.run().await {
                    Ok(()) => End { status: 0, report: None },
                    Err(errors) => {
                        let status = errors.leaves().next().map_or(1, |first| first.error().as_shell());
                        End { status, report: Some(format!("{:#}", errors.with_message("Procfile"))) }
                    }
                }
            }
            Self::Each(plan) => {
                let progress = Progress::default();
                // Not where somebody types the items.
                let is_shown = io::stderr().is_terminal() && !io::stdin().is_terminal();
                let run = Run {
                    plan,
                    grace,
                    has_colours: [has_colours(&io::stdout()), has_colours(&io::stderr())],
                    printer,
                    progress: is_shown.then_some(&progress),
                    failures: Failures::default(),
                    feeding: CancelScope::new(),
                };
                let ended = run.beside_progress().await;
                let errors = ended.err().map(|errors| errors.with_message("items")).or_else(|| run.failures.take());
                End { status: run.failures.status(), report: errors.map(|errors| format!("{errors:#}")) }
            }
        }
    }
}

fn has_colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "procs: {text}"); // if that is gone too, nobody is left to tell
}
