//! The programs of "Using it", each by its name.
//!
//! ```text
//! cargo run --bin using -- results
//! cargo run --bin using -- results --trace results.svg
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "programs print")]

use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;
use taskgroup::trace::Recorder;
use taskgroup::{BoxError, Clock, Runtime};

thread_local! {
    static RECORDER: RefCell<Option<Rc<Recorder>>> = const { RefCell::new(None) };
}

// ANCHOR: block_on
/// As `taskgroup::block_on`, but in virtual time, and it writes down what happens.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let recorder = Recorder::new();
    runtime.instrument(recorder.clone());
    let output = runtime.block_on(future);
    RECORDER.set(Some(recorder));
    output
}
// ANCHOR_END: block_on

macro_rules! programs {
    ($($name:ident)*) => {
        $(mod $name;)*

        fn program(name: &str) -> Option<fn() -> Result<(), BoxError>> {
            match name {
                $(stringify!($name) => Some($name::main),)*
                _ => None,
            }
        }

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

programs! {
    results fail_fast partial timeouts gathered settled cleanup dynamic in_turn by_kind awaiting parent lanes
    deadlines shielded
    borrowing forgotten
    racing futurelock
    embedded
    seeds stalled
    journey_wake journey_error journey_cancel
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (name, file) = match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [name] => (*name, None),
        [name, "--trace", file] => (*name, Some(*file)),
        _ => ("", None),
    };
    let Some(main) = program(name) else {
        eprintln!("using NAME [--trace FILE], where NAME is one of {}", NAMES.join(", "));
        return ExitCode::from(2);
    };
    let ended = main().and_then(|()| match (file, RECORDER.take()) {
        (Some(file), Some(recorder)) => Ok(recorder.trace().write(file)?),
        (Some(_), None) => Err("this one records nothing".into()),
        (None, _) => Ok(()),
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
