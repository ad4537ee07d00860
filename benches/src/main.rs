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
mod counted;
mod counting;
mod driver;
mod echo;
mod heard;
mod machine;
mod meter;
mod numbers;
mod one;
mod peer;
mod peers;
mod plan;
mod plots;
mod process;
mod progress;
mod report;
mod results;
mod rounds;
mod sample;
mod small;
mod statistics;
mod table;
mod tables;
mod targets;
mod tasks;
mod terminal;

use arguments::{Command, HELP};
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = match Command::from_args() {
        Ok(command) => command,
        Err(error) => {
            eprintln!("taskgroup-benches: {error} (--help tells more)");
            return ExitCode::from(2);
        }
    };
    run(command).unwrap_or_else(|error| {
        eprintln!("taskgroup-benches: {error}");
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> Result<ExitCode, Box<dyn Error>> {
    match command {
        Command::Help => print!("{HELP}"),
        Command::List => {
            for row in plan::rows() {
                println!("{:20} {}", row.name(), row.title);
            }
            for (row, title) in small::ROWS {
                println!("{row:20} {title}");
            }
            println!(
                "
peers: {} {}",
                peers::RUST.join(" "),
                peers::PYTHON.join(" ")
            );
        }
        Command::Drive(options) => driver::drive(&options)?,
        Command::Report(options) => report::again(options.quick, options.only.as_deref())?,
        Command::Serve { peer, workload } => echo::serve(&peer, &workload)?,
        Command::One(order) => match one::run(order) {
            Some(sample) => println!("{}", serde_json::to_string(&sample)?),
            None => return Ok(ExitCode::from(rounds::NOT_WITH_THIS_PEER)),
        },
    }
    Ok(ExitCode::SUCCESS)
}
