//! taskgroup beside other runtimes: every figure that the project quotes comes from here.
//!
//! ```text
//! cargo run --release -p taskgroup-benches              # everything, in about an hour
//! cargo run --release -p taskgroup-benches -- --quick   # a smoke run
//! ```
//!
//! `README.md` says what is measured and how to read it. To read the program: `peer.rs` (what a workload asks of a
//! peer), `tasks.rs` (the workloads), `one.rs` (a sample), `plan.rs` (what is measured), `rounds.rs` (how).

mod arguments;
mod bell;
mod counting;
mod echo;
mod meter;
mod one;
mod peer;
mod peers;
mod sample;
mod statistics;
mod system_calls;
mod tasks;

use arguments::{Command, HELP};
use std::process::ExitCode;

fn main() -> ExitCode {
    match Command::from_args() {
        Ok(command) => run(command),
        Err(error) => {
            eprintln!("taskgroup-benches: {error} (--help tells more)");
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> ExitCode {
    match command {
        Command::Help => print!("{HELP}"),
        Command::One(order) => match one::run(order) {
            Some(sample) => println!("{}", serde_json::to_string(&sample).expect("a sample is plain data")),
            None => {
                eprintln!("taskgroup-benches: not with this peer");
                return ExitCode::from(3);
            }
        },
        Command::Serve { peer, workload } => echo::serve(&peer, &workload).unwrap(),
        _ => {}
    }
    ExitCode::SUCCESS
}
