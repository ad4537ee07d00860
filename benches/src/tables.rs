//! The tables of `docs/PERFORMANCE.md`.
//!
//! Before: `table.rs`, `targets.rs`. After: `report.rs`.

use crate::numbers::{digits, with_unit};
use crate::peers::{HEARD, OURS, PYTHON, RUST};
use crate::plan::{HTTP, Row, SCALED, SIZES, Unit, grouped, rows};
use crate::results::{Results, libraries};
use crate::table::Table;
use crate::targets::{OF_ASYNCIO, TARGETS, worst_of_asyncio};

/// The table of that name in `docs/PERFORMANCE.md`. `None`: there is none.
pub fn named(results: &Results, name: &str) -> Option<String> {
    let all = rows();
    let of = |workloads: &[&str]| -> Vec<Row> {
        let wanted = |row: &&Row| workloads.contains(&row.workload) && row.peers.len() > 2;
        all.iter().filter(wanted).cloned().collect()
    };
    const TASKS: [&str; 10] = [
        "spawn-join",
        "spawn-sum",
        "yield",
        "ping-pong-cell",
        "ping-pong-channel",
        "wake-by-ref",
        "wake-by-clone",
        "nested",
        "tree",
        "cancel",
    ];
    Some(match name {
        "machine" => machine(results),
        "targets" => targets(results).markdown(),
        "tasks" => side_by_side(results, &of(&TASKS)),
        "timers" => side_by_side(results, &of(&["sleeps", "timeout", "lateness"])),
        "loop" => side_by_side(results, &of(&["cross-thread", "start", "start-socket"])),
        "memory" => side_by_side(results, &of(&["memory", "idle", "idle-readable"])),
        "echo" => side_by_side(results, &of(&["echo"])),
        "http" => http(results),
        "heard" => heard(results, &all),
        "instructions" => counts(results, &all, "instructions"),
        "allocations" => counts(results, &all, "allocations"),
        "peak" => {
            let rows: Vec<_> = all.iter().filter(|row| row.n == 1_000_000).cloned().collect();
            counts(results, &rows, "peak_bytes")
        }
        "system-calls" => system_calls(results),
        "small" => small(results, crate::small::ECHO),
        "small-minimal" => small(results, crate::small::MINIMAL),
        "small-full" => small(results, crate::small::FULL),
        "python" => python(results, &all),
        "scaling" => scaling(results),
        _ => return None,
    })
}

fn side_by_side(results: &Results, rows: &[Row]) -> String {
    let mut table = Table::new(["", OURS, "of tokio", "of the best library"].into_iter().chain(others()));
    for row in rows {
        for metric in row.metrics {
            let median = |peer: &str| results.median(&row.name(), peer, metric);
            let cell = |peer: &str| median(peer).map(|value| with_unit(value, row.unit));
            let of = |theirs: Option<f64>| Some(format!("{} x", digits(median(OURS)? / theirs?)));
            let best = results.best(&row.name(), metric, &libraries());
            let ours = [cell(OURS).map(|cell| format!("**{cell}**")), of(median("tokio")), of(best.map(|best| best.1))];
            table.line(titled(row, metric), ours.into_iter().chain(others().map(cell)));
        }
    }
    table.markdown()
}

/// The title of a row, and which of its metrics it is.
fn titled(row: &Row, metric: &str) -> String {
    if row.metrics.len() > 1 { format!("{}, {metric}", row.title) } else { row.title.clone() }
}

fn others() -> impl Iterator<Item = &'static str> {
    RUST.into_iter().skip(1)
}

fn counts(results: &Results, rows: &[Row], metric: &str) -> String {
    let mut table = Table::new([""].into_iter().chain(RUST));
    for row in rows {
        let cell = |peer| results.median(&row.name(), peer, metric).map(|value| digits(value.max(0.0)));
        table.line(&row.title, RUST.map(cell));
    }
    table.markdown()
}

fn heard(results: &Results, rows: &[Row]) -> String {
    let mut table = Table::new(["", OURS, HEARD[0], "", HEARD[1], ""]);
    for row in rows.iter().filter(|row| row.peers.contains(&HEARD[0])) {
        let metric = row.metrics[0];
        let median = |peer: &str| results.median(&row.name(), peer, metric);
        let cell = |peer: &str| median(peer).map(|value| with_unit(value, row.unit));
        let of = |peer: &str| Some(format!("{} x", digits(median(peer)? / median(OURS)?)));
        let [heard, recorded] = HEARD;
        table.line(titled(row, metric), [cell(OURS), cell(heard), of(heard), cell(recorded), of(recorded)]);
    }
    table.markdown()
}

fn http(results: &Results) -> String {
    let mut table = Table::new(["", OURS, "tokio", "ours / tokio"]);
    for n in HTTP {
        let name = format!("http/{n}");
        let median = |peer: &str, metric| results.median(&name, peer, metric);
        let rate = |peer| median(peer, "cpu").map(|nanos| 1e9 / nanos);
        let cell = |peer| rate(peer).map(|rate| grouped(rate.round() as u64));
        let ratio = || Some(digits(rate(OURS)? / rate("tokio")?));
        table.line(format!("{n} connections, requests per CPU second"), [cell(OURS), cell("tokio"), ratio()]);
        for metric in ["p50", "p99"] {
            let cell = |peer| median(peer, metric).map(|value| with_unit(value, Unit::Nanos));
            let ratio = || Some(digits(median(OURS, metric)? / median("tokio", metric)?));
            table.line(format!("{n} connections, {metric}"), [cell(OURS), cell("tokio"), ratio()]);
        }
    }
    table.markdown()
}

fn system_calls(results: &Results) -> String {
    let mut table = Table::new([""].into_iter().chain(RUST));
    let lines = [
        ("an echo, 1 connection", "echo/1", 1.0),
        ("an echo, 100 connections", "echo/100", 1.0),
        ("an echo, 1,000 connections", "echo/1000", 1.0),
        ("a sleep", "lateness/2000", 1.0),
        ("1,000 local wakes", "ping-pong-cell/1", 500.0), // a round trip has two
    ];
    for (title, row, times) in lines {
        table.line(title, RUST.map(|peer| Some(digits(results.median(row, peer, "calls")?.max(0.0) * times))));
    }
    table.markdown()
}

/// What was built with each peer: an echo server, the least there is, all that a tool needs.
fn small(results: &Results, row: &str) -> String {
    let what = ["crates", "clean build, s", "CPU, s", "stripped", "over bare std", "threads"];
    let mut table = Table::new(["built with"].into_iter().chain(what));
    for peer in ["std", "raw", OURS, "monoio", "tokio", "smol"] {
        let median = |metric| results.median(row, peer, metric);
        let Some(crates) = median("crates") else { continue };
        let size = |metric| median(metric).map(|bytes| format!("{} kB", digits(bytes / 1e3)));
        let count = |number: f64| Some(format!("{number:.0}"));
        let cells = [count(crates), median("wall").map(digits), median("cpu").map(digits), size("bytes")];
        let title = if peer == "std" { "nothing (a bare std program)" } else { peer };
        let threads = median("threads").and_then(count);
        table.line(title, cells.into_iter().chain([size("over_std"), threads]));
    }
    table.markdown()
}

fn python(results: &Results, rows: &[Row]) -> String {
    let mut table = Table::new(["", OURS, PYTHON[0], PYTHON[1], "ours / asyncio"]);
    for row in rows {
        for metric in row.metrics {
            let median = |peer: &str| results.median(&row.name(), peer, metric);
            let Some(asyncio) = median(PYTHON[0]) else { continue };
            let cell = |peer: &str| median(peer).map(|value| with_unit(value, row.unit));
            let ratio = median(OURS).map(|ours| digits(ours / asyncio));
            table.line(titled(row, metric), [cell(OURS), cell(PYTHON[0]), cell(PYTHON[1]), ratio]);
        }
    }
    table.markdown()
}

fn scaling(results: &Results) -> String {
    let mut table =
        Table::new([String::new(), "peer".into()].into_iter().chain(SIZES.map(|n| format!("n = {}", grouped(n)))));
    for (workload, what) in SCALED {
        for peer in [OURS, "tokio"] {
            let cell = |n| Some(with_unit(results.median(&format!("{workload}/{n}"), peer, "ns")?, Unit::Nanos));
            let cells = SIZES.map(cell);
            if cells.iter().any(Option::is_some) {
                table.line(what, [Some(peer.to_string())].into_iter().chain(cells));
            }
        }
    }
    table.markdown()
}

/// Every target that was measured: what, against whom, the ratio, its bound, met or missed.
pub fn targets(results: &Results) -> Table {
    let mut table = Table::new(["", "against", "ratio", "bound", ""]);
    let verdict = |met| if met { "met" } else { "missed" };
    for target in TARGETS {
        let Some(judged) = target.judge(results) else { continue };
        let row = rows().into_iter().find(|row| row.name() == target.row);
        let title = row.map_or("an echo server, built".to_string(), |row| row.title);
        let metric =
            if target.metric == "ns" { String::new() } else { format!(", {}", target.metric.replace('_', " ")) };
        let against = if target.whom() == judged.peer {
            judged.peer.into()
        } else {
            format!("{} ({})", target.whom(), judged.peer)
        };
        let cells = [against, digits(judged.ratio), digits(target.bound), verdict(judged.met).to_string()];
        table.line(title + &metric, cells.map(Some));
    }
    if let Some((row, ratio)) = worst_of_asyncio(results) {
        let cells = ["asyncio".into(), digits(ratio), digits(OF_ASYNCIO), verdict(ratio <= OF_ASYNCIO).into()];
        table.line(format!("every row but the nested groups; our worst is {row}"), cells.map(Some));
    }
    table
}

fn machine(results: &Results) -> String {
    let machine = &results.machine;
    let mut table = Table::new(["what", ""]);
    let versions = machine.versions.iter().map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>();
    table.line("CPU", [Some(format!("{}, {} cores", machine.cpu, machine.cores))]);
    table.line("system", [Some(machine.kernel.clone())]);
    table.line("compiler", [Some(format!("{}, `--release` as Cargo has it", machine.rustc))]);
    table.line("Python", [Some(machine.python.clone())]);
    table.line("peers", [Some(versions.join(", "))]);
    table.line("this repository", [Some(machine.commit.clone())]);
    table.line("measured on", [Some(machine.date.clone())]);
    table.markdown()
}
