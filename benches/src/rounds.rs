//! The timed pass: in each round every peer once in every row, each time in another order.
//!
//! Before: `plan.rs`, `one.rs`, `results.rs`. After: `driver.rs`.
//!
//! What drifts on a machine (heat, neighbours) drifts for all peers alike when they take turns; their ratio stays. A
//! peer that were measured seven times in a row would have a good or a bad minute of its own.

use crate::machine::{has, python, repository};
use crate::peers::PYTHON;
use crate::plan::Row;
use crate::process;
use crate::progress::Progress;
use crate::results::{Pass, Results};
use crate::sample::Sample;
use std::collections::HashSet;
use std::env::current_exe;
use std::io;
use std::process::{Command, ExitStatus};

/// Says that the peer has no such workload.
pub const NOT_WITH_THIS_PEER: u8 = 3;

/// What came of one process.
pub enum Outcome {
    Sample(Sample),
    /// The peer has no such workload.
    Absent,
    Failed(String),
}

/// Runs this program for one sample.
pub fn sample(workload: &str, peer: &str, n: u64, options: &[&str]) -> io::Result<Outcome> {
    let mut command = Command::new(current_exe()?);
    finish(command.args(["one", workload, peer, &n.to_string()]).args(options))
}

/// The same with something before the program: valgrind, strace.
pub fn sample_under(tool: &[&str], order: &[&str]) -> io::Result<process::Ended> {
    process::run(Command::new(tool[0]).args(&tool[1..]).arg(current_exe()?).arg("one").args(order))
}

fn python_sample(workload: &str, peer: &str, n: u64) -> io::Result<Outcome> {
    let program = repository().join(format!("benches/python/{peer}_bench.py"));
    finish(Command::new(python()).arg(program).arg(workload).arg(n.to_string()))
}

fn finish(command: &mut Command) -> io::Result<Outcome> {
    let ended = process::run(command)?;
    Ok(match serde_json::from_str(&ended.stdout) {
        Ok(sample) => Outcome::Sample(sample),
        Err(_) if is_absent(ended.status) => Outcome::Absent,
        Err(_) => Outcome::Failed(format!("{command:?}: {}\n{}{}", ended.status, ended.stdout, ended.stderr)),
    })
}

pub fn is_absent(status: ExitStatus) -> bool {
    status.code() == Some(NOT_WITH_THIS_PEER.into())
}

/// Measures `rows` so many times, and says which peers cannot be measured here.
pub fn measure(rows: &[Row], repeats: u64, quick: bool, results: &mut Results) -> io::Result<()> {
    let missing = missing_pythons();
    let mut absent = HashSet::new();
    for peer in &missing {
        eprintln!("SKIPPED {peer}: {} cannot import it (PYTHON names another Python)", python());
    }
    for row in rows {
        results.forget(&row.name(), Pass::Timed);
    }
    let rounds = |row: &Row| row.at_most.min(repeats);
    let total = rows.iter().map(|row| row.peers.len() as u64 * rounds(row)).sum();
    let mut progress = Progress::new("measuring", total);
    for round in 0..repeats {
        for (place, row) in rows.iter().enumerate().filter(|(_, row)| round < rounds(row)) {
            for turn in 0..row.peers.len() {
                let peer = row.peers[(turn + place + round as usize) % row.peers.len()];
                progress.step(format!("{} {peer}", row.name()));
                if missing.contains(&peer) || absent.contains(&(place, peer)) {
                    continue;
                }
                let n = row.size(peer, quick);
                let outcome = match PYTHON.contains(&peer) {
                    true => python_sample(row.workload, peer, n)?,
                    false => sample(row.workload, peer, n, if quick { &["--quick"] } else { &[] })?,
                };
                match outcome {
                    Outcome::Sample(sample) => results.add(&row.name(), Pass::Timed, sample),
                    Outcome::Absent => drop(absent.insert((place, peer))),
                    Outcome::Failed(why) => {
                        progress.say(&format!("FAILED {why}"));
                        absent.insert((place, peer));
                    }
                }
            }
        }
        results.save(&Results::file(quick))?; // a run that is broken off has its rounds
    }
    Ok(())
}

/// The peers in Python that this machine has not.
fn missing_pythons() -> Vec<&'static str> {
    let import = |peer: &str| has(&python(), &format!("-cimport {peer}"));
    // A nursery in the standard library came with 3.11.
    let is_there = |peer: &&str| import(peer) && (**peer != *"asyncio" || import("asyncio; asyncio.TaskGroup"));
    PYTHON.into_iter().filter(|peer| !is_there(peer)).collect()
}
