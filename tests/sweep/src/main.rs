//! The sweep: every program of the corpus, replayed with something going wrong at every poll.
//!
//! ```sh
//! cargo run --release -p taskgroup-sweep                              # quick: every kind at every poll
//! cargo run --release -p taskgroup-sweep -- deep                      # besides, pairs of injections
//! cargo run --release -p taskgroup-sweep -- replay PROGRAM cancel@17  # one run again, with what was wrong
//! ```
//!
//! A line for each program and a table of totals go to standard output; the exit code is 1 if a run was not as it has
//! to be. Before: `sweep.rs`, `corpus.rs`. After: nothing.

use std::process::ExitCode;
use taskgroup_sweep::{Form, Plan, Report, Row, corpus, replay, sweep};

/// The deep form, with so many pairs of places for any two kinds in any program.
const DEEP: Form = Form::Deep { pairs: 12 };
/// Failures that are printed of each program.
const SHOWN: usize = 5;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] | ["quick"] => all(Form::Quick, ""),
        ["deep"] => all(DEEP, ""),
        ["quick", name] => all(Form::Quick, name),
        ["deep", name] => all(DEEP, name),
        ["replay", name, plan] => again(name, plan),
        _ => fail("taskgroup-sweep [quick|deep] [PROGRAMS THAT BEGIN SO]\ntaskgroup-sweep replay PROGRAM PLAN"),
    }
}

/// Sweeps the programs whose names begin so.
#[allow(clippy::print_stdout, reason = "what it is for")]
fn all(form: Form, name: &str) -> ExitCode {
    let mut programs = corpus::programs(form);
    programs.retain(|program| program.name().starts_with(name));
    let report = sweep(&programs, form, show);
    println!("\n{report}");
    finish(&report)
}

/// Runs one plan.
fn again(name: &str, plan: &str) -> ExitCode {
    let programs = corpus::programs(DEEP);
    let Some(program) = programs.iter().find(|program| program.name() == name) else {
        return fail(&format!("there is no program `{name}`"));
    };
    match plan.parse::<Plan>() {
        Ok(plan) => {
            let row = replay(program, &plan);
            show(&row);
            finish(&Report { rows: vec![row] })
        }
        Err(error) => fail(&error),
    }
}

#[allow(clippy::print_stdout, reason = "what it is for")]
fn show(row: &Row) {
    let Row { program, polls, turns, .. } = row;
    let (injections, failures) = (row.injections(), row.failures.len());
    println!("{program:<40} polls {polls:>5}  turns {turns:>4}  injections {injections:>7}  failures {failures}");
    for failure in row.failures.iter().take(SHOWN) {
        println!("  {failure}");
    }
}

fn finish(report: &Report) -> ExitCode {
    if report.failures().next().is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[allow(clippy::print_stderr, reason = "a program's error")]
fn fail(what: &str) -> ExitCode {
    eprintln!("{what}");
    ExitCode::from(2)
}
