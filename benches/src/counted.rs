//! The passes that count: instructions with valgrind, allocations with our own allocator, system calls with strace.
//!
//! Before: `plan.rs`, `rounds.rs`, `results.rs`, where the counts go. After: `driver.rs`.
//!
//! A count hardly differs between two runs, so each is made once; but it is made at two lengths, and what one more
//! operation adds is the result. Starting the process and setting up cancel out.

use crate::machine::has;
use crate::peers::RUST;
use crate::plan::{Row, counted};
use crate::progress::Progress;
use crate::results::{Pass, Results};
use crate::rounds::{Outcome, is_absent, sample, sample_under};
use crate::sample::Sample;
use crate::statistics::slope;
use std::env::temp_dir;
use std::fs;
use std::io;

/// Operations, and what they took in a whole process.
type Point = (f64, f64);

/// Instructions for each operation.
pub fn instructions(rows: &[Row], results: &mut Results) -> io::Result<()> {
    if !has("valgrind", "--version") {
        eprintln!("SKIPPED instructions: valgrind is not installed");
        return Ok(());
    }
    let rows: Vec<_> = rows.iter().filter(|row| row.workload != "memory").cloned().collect(); // it is `cancel`'s spawning
    const TOOL: [&str; 3] = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"];
    pass("instructions", Pass::Instructions, &rows, results, |row, peer, (n, exactly)| {
        let (n, exactly) = (n.to_string(), exactly.to_string());
        let ended = sample_under(&TOOL, &[row.workload, peer, &n, "--exactly", &exactly])?;
        let Ok(sample) = serde_json::from_str::<Sample>(&ended.stdout) else {
            return Ok(if is_absent(ended.status) { None } else { Some(Err(ended.stderr)) });
        };
        let collected = ended.stderr.lines().find_map(|line| line.split_once("Collected : ")?.1.parse().ok());
        Ok(collected.map(|collected| Ok([("instructions", (sample.operations as f64, collected))].into())))
    })
}

/// Allocations for each operation, and the bytes that it adds to the most that are allocated at once.
pub fn allocations(rows: &[Row], results: &mut Results) -> io::Result<()> {
    pass("allocations", Pass::Allocations, rows, results, |row, peer, (n, exactly)| {
        Ok(match sample(row.workload, peer, n, &["--count", "--exactly", &exactly.to_string()])? {
            Outcome::Absent => None,
            Outcome::Failed(why) => Some(Err(why)),
            Outcome::Sample(sample) => {
                let point = |metric| Some((metric, (sample.operations as f64, *sample.values.get(metric)?)));
                Some(Ok(["allocations", "peak_bytes"].into_iter().filter_map(point).collect()))
            }
        })
    })
}

type Counted = Option<Result<Vec<(&'static str, Point)>, String>>;

/// Counts both lengths of every row that has two, with every peer, and keeps the slopes.
fn pass(
    what: &'static str,
    kind: Pass,
    rows: &[Row],
    results: &mut Results,
    count: impl Fn(&Row, &str, (u64, u64)) -> io::Result<Counted>,
) -> io::Result<()> {
    let rows: Vec<_> = rows.iter().filter_map(|row| Some((row, counted(row)?))).collect();
    let mut progress = Progress::new(what, (rows.len() * RUST.len()) as u64);
    for (row, [short, long]) in rows {
        results.forget(&row.name(), kind);
        for peer in RUST {
            progress.step(format!("{} {peer}", row.name()));
            match (count(row, peer, short)?, count(row, peer, long)?) {
                (Some(Ok(short)), Some(Ok(long))) => {
                    let slopes = short.iter().zip(&long).map(|(short, long)| (short.0, slope(short.1, long.1)));
                    results.add(&row.name(), kind, counts(row.workload, peer, row.n, slopes));
                }
                (Some(Err(why)), _) | (_, Some(Err(why))) => {
                    let why = why.lines().take(12).collect::<Vec<_>>().join("\n");
                    progress.say(&format!("FAILED {what} of {} {peer}: {why}", row.name()));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn counts(workload: &str, peer: &str, n: u64, values: impl Iterator<Item = (&'static str, f64)>) -> Sample {
    let values = values.map(|(metric, value)| (metric.to_string(), value)).collect();
    Sample { workload: workload.to_string(), peer: peer.to_string(), n, operations: 1, values }
}

/// The two lengths of a row whose calls are counted, as in [`counted`].
fn traced(row: &Row) -> Option<[(u64, u64); 2]> {
    Some(match row.workload {
        "ping-pong-cell" => [(1, 1), (1, 11)],
        "lateness" => [(20, 1), (120, 1)],
        "echo" => [(row.n, 4_000), (row.n, 12_000)],
        _ => return None,
    })
}

/// System calls for each request of an echo server, for each sleep, and for each round trip of two local wakes.
pub fn system_calls(rows: &[Row], results: &mut Results) -> io::Result<()> {
    if !has("strace", "-V") {
        eprintln!("SKIPPED system calls: strace is not installed");
        return Ok(());
    }
    let rows: Vec<_> = rows.iter().filter_map(|row| Some((row, traced(row)?))).collect();
    let mut progress = Progress::new("system calls", (rows.len() * RUST.len()) as u64);
    for (row, [short, long]) in rows {
        results.forget(&row.name(), Pass::SystemCalls);
        for peer in RUST {
            progress.step(format!("{} {peer}", row.name()));
            let (short, long) = (trace(row.workload, peer, short)?, trace(row.workload, peer, long)?);
            if let (Some(short), Some(long)) = (short, long) {
                let calls = [("calls", slope(short, long))];
                results.add(&row.name(), Pass::SystemCalls, counts(row.workload, peer, row.n, calls.into_iter()));
            }
        }
    }
    Ok(())
}

/// Operations and calls of one process. Of an echo, the server's.
fn trace(workload: &str, peer: &str, (n, exactly): (u64, u64)) -> io::Result<Option<Point>> {
    let (n_text, exactly) = (n.to_string(), exactly.to_string());
    if workload == "echo" {
        return Ok(match sample(workload, peer, n, &["--strace", "--exactly", &exactly])? {
            Outcome::Sample(sample) => sample.values.get("calls").map(|calls| (sample.operations as f64, *calls)),
            _ => None,
        });
    }
    let file = temp_dir().join(format!("taskgroup-benches-{}.strace", std::process::id()));
    let tool = ["strace", "-c", "-f", "-o", &file.to_string_lossy()];
    let ended = sample_under(&tool, &[workload, peer, &n_text, "--exactly", &exactly])?;
    let Ok(sample) = serde_json::from_str::<Sample>(&ended.stdout) else { return Ok(None) };
    let summary = fs::read_to_string(&file)?;
    fs::remove_file(&file)?;
    Ok(total_calls(&summary).map(|calls| (sample.operations as f64, calls)))
}

/// The last line of what `strace -c` writes: `100.00 0.001 12 345 6 total`, the errors left out if there were none.
pub fn total_calls(summary: &str) -> Option<f64> {
    let line = summary.lines().rfind(|line| line.ends_with(" total"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strace_says_how_many_calls_there_were() {
        let summary = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.000600           2       300           recvfrom
------ ----------- ----------- --------- --------- ----------------
100.00    0.001000           2       412         1 total
";
        assert_eq!(total_calls(summary), Some(412.0));
        assert_eq!(total_calls(""), None);
    }
}
