//! What the project wants to reach, and whether it does.
//!
//! Before: `plan.rs`, `results.rs`. After: `tables.rs`.
//!
//! A target bounds the ratio of two medians of one run: ours over a peer's. Ratios outlive machines; times do not.

use crate::peers::{BORROWING, OURS, PYTHON, RAW};
use crate::results::{Results, libraries};

pub struct Target {
    pub row: &'static str,
    pub metric: &'static str,
    pub against: Against,
    pub bound: f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Against {
    Peer(&'static str),
    /// The best of the Rust peers, without what is written by hand.
    BestLibrary,
    /// The best whose children may borrow.
    BestBorrowing,
    /// The best whose `spawn` works through a shared reference and takes children of any type.
    BestSpawner,
}

/// What came of a target.
pub struct Verdict {
    /// Whoever was the best.
    pub peer: &'static str,
    pub ratio: f64,
    pub met: bool,
}

const SPAWNERS: [&str; 6] = ["tokio", "tokio-joinset", "smol", "monoio", "monoio-uring", "moro"];

/// Row, metric, against whom, at most.
pub const TARGETS: &[Target] = {
    use Against::*;
    const TOKIO: Against = Peer("tokio");
    const HAND: Against = Peer(RAW);
    const fn target(row: &'static str, metric: &'static str, against: Against, bound: f64) -> Target {
        Target { row, metric, against, bound }
    }
    &[
        target("spawn-join/10", "ns", TOKIO, 0.30),
        target("spawn-join/10", "ns", BestSpawner, 1.0),
        target("spawn-join/1000000", "ns", TOKIO, 0.45),
        target("spawn-join/1000000", "ns", Peer("unordered"), 1.0),
        target("memory/1000000", "rss", TOKIO, 0.45),
        target("yield/1000", "ns", TOKIO, 0.45),
        target("yield/1000", "ns", BestLibrary, 0.7),
        target("ping-pong-cell/1", "ns", BestLibrary, 0.7),
        target("wake-by-ref/10000", "ns", BestLibrary, 0.7),
        target("wake-by-clone/10000", "ns", BestLibrary, 1.0),
        target("nested/10", "ns", TOKIO, 2.0),
        target("nested/10", "ns", BestBorrowing, 0.35),
        target("nested/100", "ns", BestBorrowing, 0.3),
        target("nested/1000", "ns", BestBorrowing, 0.3),
        target("tree/20", "ns", TOKIO, 0.3),
        target("tree/20", "ns", BestBorrowing, 1.5),
        target("cancel/1000000", "ns", TOKIO, 0.3),
        target("sleeps/1000000", "ns", TOKIO, 0.7),
        target("timeout/1", "ns", BestLibrary, 0.8),
        target("lateness/2000", "p50", TOKIO, 0.15),
        target("lateness/2000", "p50", BestLibrary, 2.0),
        target("echo/1", "cpu", HAND, 1.10),
        target("echo/1", "p50", BestLibrary, 1.1),
        target("echo/100", "cpu", HAND, 1.10),
        target("echo/100", "cpu", TOKIO, 1.0),
        target("echo/1000", "cpu", HAND, 1.10),
        target("echo/1000", "cpu", TOKIO, 1.0),
        target("http/100", "cpu", TOKIO, 1.0),
        target("idle/10000", "rss", TOKIO, 0.9),
        target("idle-readable/10000", "rss", TOKIO, 0.9),
        target("start/1", "ns", TOKIO, 0.3),
        target("start-socket/1", "ns", TOKIO, 0.3),
        target("small/1", "over_std", TOKIO, 0.6),
        target("small/1", "wall", TOKIO, 0.9),
    ]
};

/// What we take of asyncio's time, at most, in any row.
pub const OF_ASYNCIO: f64 = 0.05;

impl Target {
    pub fn whom(&self) -> &'static str {
        match self.against {
            Against::Peer(peer) => peer,
            Against::BestLibrary => "best library",
            Against::BestBorrowing => "best borrowing peer",
            Against::BestSpawner => "best with `&self` spawn and mixed children",
        }
    }

    /// `None`: not measured.
    pub fn judge(&self, results: &Results) -> Option<Verdict> {
        let peers = match self.against {
            Against::Peer(peer) => vec![peer],
            Against::BestLibrary => libraries(),
            Against::BestBorrowing => BORROWING.to_vec(),
            Against::BestSpawner => SPAWNERS.to_vec(),
        };
        let ours = results.median(self.row, OURS, self.metric)?;
        let (peer, theirs) = results.best(self.row, self.metric, &peers)?;
        Some(Verdict { peer, ratio: ours / theirs, met: ours <= self.bound * theirs })
    }
}

/// The row in which we take most of asyncio's time, and how much. Without the nested groups: asyncio's tasks are flat,
/// and the depth has targets of its own.
pub fn worst_of_asyncio(results: &Results) -> Option<(String, f64)> {
    let entries = results.entries.iter().filter(|entry| entry.sample.peer == PYTHON[0]);
    let rows = entries.filter(|entry| entry.sample.workload != "nested").map(|entry| &entry.row);
    let ratios = rows.filter_map(|row| {
        let (ours, theirs) = (results.median(row, OURS, "ns")?, results.median(row, PYTHON[0], "ns")?);
        Some((row.clone(), ours / theirs))
    });
    ratios.max_by(|one, other| one.1.total_cmp(&other.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rows;
    use crate::results::Pass;
    use crate::sample::Sample;

    fn results(values: &[(&str, f64)]) -> Results {
        let mut results = Results::default();
        for (peer, ns) in values {
            let (workload, peer) = ("yield".to_string(), peer.to_string());
            let values = [("ns".to_string(), *ns)].into();
            results.add("yield/1000", Pass::Timed, Sample { workload, peer, n: 1_000, operations: 1, values });
        }
        results
    }

    fn target(against: Against, bound: f64) -> Target {
        Target { row: "yield/1000", metric: "ns", against, bound }
    }

    #[test]
    fn a_target_compares_medians_with_the_best_of_its_peers() {
        let results = results(&[(OURS, 9.0), (OURS, 7.0), (OURS, 50.0), ("tokio", 30.0), ("moro", 10.0), (RAW, 1.0)]);
        let verdict = target(Against::BestLibrary, 0.9).judge(&results).expect("it was measured");
        assert_eq!((verdict.peer, verdict.ratio, verdict.met), ("moro", 0.9, true));
        let verdict = target(Against::Peer("tokio"), 0.2).judge(&results).expect("it was measured");
        assert_eq!((verdict.peer, verdict.ratio, verdict.met), ("tokio", 0.3, false));
    }

    #[test]
    fn a_target_without_samples_is_neither_met_nor_missed() {
        assert!(target(Against::BestLibrary, 1.0).judge(&results(&[("tokio", 30.0)])).is_none());
        assert!(target(Against::BestBorrowing, 1.0).judge(&results(&[(OURS, 1.0), ("tokio", 1.0)])).is_none());
    }

    #[test]
    fn asyncio_is_compared_in_our_worst_row() {
        let results = results(&[(OURS, 30.0), (PYTHON[0], 900.0)]);
        assert_eq!(worst_of_asyncio(&results), Some(("yield/1000".to_string(), 30.0 / 900.0)));
    }

    #[test]
    fn every_target_has_a_row() {
        for target in TARGETS.iter().filter(|target| !target.row.starts_with("small")) {
            let row = rows().into_iter().find(|row| row.name() == target.row);
            assert!(row.is_some_and(|row| row.metrics.contains(&target.metric)), "{} {}", target.row, target.metric);
        }
    }
}
