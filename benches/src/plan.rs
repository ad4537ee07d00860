//! What is measured: the rows of the tables.
//!
//! Before: `peers.rs`, `tasks.rs`. After: `rounds.rs`, `counted.rs`, `targets.rs`.

use crate::peers::{HEARD, OURS, PYTHON, RUST};

/// A workload at a size.
#[derive(Clone, Debug)]
pub struct Row {
    pub workload: &'static str,
    pub n: u64,
    /// For people.
    pub title: String,
    /// What the numbers are, in one unit for all metrics of the row.
    pub unit: Unit,
    pub metrics: &'static [&'static str],
    /// Who is asked; who has no such workload says so.
    pub peers: Vec<&'static str>,
    /// Of rows that take long, no more rounds than this.
    pub at_most: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Nanos,
    Bytes,
}

impl Row {
    /// As in results and in `--only`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.workload, self.n)
    }

    /// The size that a peer is given.
    pub fn size(&self, peer: &str, quick: bool) -> u64 {
        let mut size = self.n;
        if PYTHON.contains(&peer) {
            size = size.min(match self.workload {
                "lateness" => 300,
                "sleeps" => 10_000,
                _ => 100_000,
            });
        }
        match self.workload {
            _ if !quick => size,
            "tree" => 14,
            "lateness" => 50,
            "idle" | "idle-readable" => 1_000,
            "sleeps" => size.min(20_000),
            _ => size.min(100_000),
        }
    }

    /// Measured with somebody who listens, too.
    fn heard(mut self) -> Self {
        self.peers.extend(HEARD);
        self
    }

    fn at_most(self, rounds: u64) -> Self {
        Self { at_most: rounds, ..self }
    }
}

const NS: &[&str] = &["ns"];

fn row(workload: &'static str, n: u64, title: &str) -> Row {
    let peers = RUST.iter().chain(&PYTHON).copied().collect();
    Row { workload, n, title: title.to_string(), unit: Unit::Nanos, metrics: NS, peers, at_most: u64::MAX }
}

/// A size for the plot of cost against n, which is drawn for two.
fn scaling(workload: &'static str, n: u64, what: &str) -> Row {
    Row { peers: vec![OURS, "tokio"], ..row(workload, n, &format!("{what}, n = {}", grouped(n))) }.at_most(3)
}

/// The workloads that are also measured over three decades, with what they are called.
pub const SCALED: [(&str, &str); 5] = [
    ("spawn-join", "spawn and join"),
    ("yield", "yield, of n tasks"),
    ("wake-by-ref", "wake one of n"),
    ("cancel", "cancel n"),
    ("sleeps", "n sleeps"),
];

pub const SIZES: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// The depths of the plot.
pub const DEPTHS: [u64; 4] = [1, 10, 100, 1_000];

pub const CONNECTIONS: [u64; 3] = [1, 100, 1_000];

/// Connections of the HTTP servers.
pub const HTTP: [u64; 2] = [10, 100];

/// Every row, in the order of the tables.
pub fn rows() -> Vec<Row> {
    let mut rows = vec![
        row("spawn-join", 10, "spawn and join, groups of 10"),
        row("spawn-join", 1_000, "spawn and join, a group of 1,000").heard(),
        row("spawn-join", 1_000_000, "spawn and join, a group of 1,000,000").at_most(5),
        row("spawn-sum", 1_000, "the same with results, a group of 1,000"),
        row("yield", 1_000, "yield, 1,000 tasks").heard(),
        row("ping-pong-cell", 1, "ping-pong over a bare cell"),
        row("ping-pong-channel", 1, "ping-pong over async-channel"),
        row("wake-by-ref", 10_000, "wake one of 10,000, by reference"),
        row("wake-by-clone", 10_000, "wake one of 10,000, a clone each"),
        row("nested", 1, "wake a leaf under 1 group"),
        row("nested", 10, "wake a leaf under 10 groups"),
        row("nested", 100, "wake a leaf under 100 groups"),
        row("nested", 1_000, "wake a leaf under 1,000 groups"),
        row("tree", 20, "fork and join, a group for each node"),
        row("cancel", 1_000_000, "cancel 1,000,000 tasks").at_most(5),
        row("cross-thread", 1, "round trip to a thread and back"),
        row("start", 1, "start-up"),
        row("start-socket", 1, "start-up with a socket"),
        row("sleeps", 1_000_000, "a million sleeps, CPU").at_most(3),
        row("timeout", 1, "a timeout that does not fire"),
        Row { metrics: &["p50", "p99"], ..row("lateness", 2_000, "how late a sleep is") }.at_most(3),
        Row {
            unit: Unit::Bytes,
            metrics: &["rss", "allocator"],
            ..row("memory", 1_000_000, "memory of a pending task")
        }
        .at_most(3),
    ];
    for n in CONNECTIONS {
        let title = format!("echo, {} connection{}", grouped(n), if n == 1 { "" } else { "s" });
        rows.push(Row { metrics: &["cpu", "p50", "p99"], ..row("echo", n, &title).heard() });
    }
    for n in HTTP {
        let title = format!("HTTP by hyper, {n} connections");
        let peers = vec![OURS, "tokio"];
        rows.push(Row { metrics: &["cpu", "p50", "p99"], peers, ..row("http", n, &title) });
    }
    let idle = Row { unit: Unit::Bytes, metrics: &["rss"], ..row("idle", 10_000, "memory of an idle connection") };
    rows.push(idle.clone().at_most(3));
    rows.push(
        Row { workload: "idle-readable", title: "the same, waiting without a buffer".to_string(), ..idle }.at_most(3),
    );
    for (workload, what) in SCALED {
        for n in SIZES {
            if !rows.iter().any(|row| row.workload == workload && row.n == n) {
                rows.push(scaling(workload, n, what));
            }
        }
    }
    rows
}

/// The two lengths of a row that is counted: a size and so many batches each. What one operation more adds is the
/// count for each operation. `None`: nothing to be counted in this row.
pub fn counted(row: &Row) -> Option<[(u64, u64); 2]> {
    Some(match (row.workload, row.n) {
        ("spawn-join", 10) => [(10, 100), (10, 600)],
        ("spawn-join" | "spawn-sum", 1_000) => [(1_000, 2), (1_000, 12)],
        ("spawn-join" | "memory" | "cancel", 1_000_000) => [(10_000, 1), (40_000, 1)],
        ("yield", 1_000) => [(1_000, 5), (1_000, 35)],
        ("ping-pong-cell" | "ping-pong-channel", _) => [(1, 2), (1, 17)],
        ("wake-by-ref" | "wake-by-clone", 10_000) => [(10_000, 2), (10_000, 17)],
        ("nested", 1_000) => [(1_000, 1), (1_000, 3)],
        ("nested", n) => [(n, 2), (n, 22)],
        ("tree", _) => [(12, 1), (12, 6)],
        ("timeout", _) => [(1, 10), (1, 110)],
        ("start", _) => [(1, 20), (1, 120)],
        _ => return None,
    })
}

/// A number as people read it.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group)).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let names: Vec<_> = rows().iter().map(Row::name).collect();
        assert_eq!(names.len(), names.iter().collect::<HashSet<_>>().len(), "{names:?}");
    }

    #[test]
    fn large_numbers_are_grouped_by_three() {
        assert_eq!(["7", "1,000", "12,345,678"].map(str::to_string), [7, 1_000, 12_345_678].map(grouped));
    }
}
