//! What was measured, as it is kept in `target/bench`.
//!
//! Before: `sample.rs`, `statistics.rs`. After: `rounds.rs`, which fills it; `targets.rs` and `tables.rs`, which read.

use crate::machine::Machine;
use crate::peers::{OURS, RAW, RUST};
use crate::sample::Sample;
use crate::statistics::{median, minimum};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A sample, and where it belongs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    pub row: String,
    pub pass: Pass,
    #[serde(flatten)]
    pub sample: Sample,
}

/// What kind of run a sample comes from. One that counts is not also timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pass {
    Timed,
    Instructions,
    Allocations,
    SystemCalls,
    Small,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Results {
    pub machine: Machine,
    pub entries: Vec<Entry>,
}

/// A median, and the best that was seen.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    pub median: f64,
    pub minimum: f64,
}

impl Results {
    /// Where the file of a run is.
    pub fn file(quick: bool) -> PathBuf {
        crate::machine::target().join(if quick { "quick.json" } else { "results.json" })
    }

    /// Those of the last run; none if there was none.
    pub fn load(quick: bool) -> io::Result<Self> {
        match fs::read(Self::file(quick)) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    pub fn save(&self, file: &Path) -> io::Result<()> {
        fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
        fs::write(file, serde_json::to_vec_pretty(self)?)
    }

    /// Forgets what is about to be measured again.
    pub fn forget(&mut self, row: &str, pass: Pass) {
        self.entries.retain(|entry| entry.row != row || entry.pass != pass);
    }

    pub fn add(&mut self, row: &str, pass: Pass, sample: Sample) {
        self.entries.push(Entry { row: row.to_string(), pass, sample });
    }

    pub fn figure(&self, row: &str, peer: &str, metric: &str) -> Option<Figure> {
        let of_peer = self.entries.iter().filter(|entry| entry.row == row && entry.sample.peer == peer);
        let values: Vec<_> = of_peer.filter_map(|entry| entry.sample.values.get(metric).copied()).collect();
        (!values.is_empty()).then(|| Figure { median: median(&values), minimum: minimum(&values) })
    }

    pub fn median(&self, row: &str, peer: &str, metric: &str) -> Option<f64> {
        self.figure(row, peer, metric).map(|figure| figure.median)
    }

    /// The size that was really measured, if it is not that of the row.
    pub fn size(&self, row: &str, peer: &str) -> Option<u64> {
        let entry = self.entries.iter().find(|entry| entry.row == row && entry.sample.peer == peer)?;
        Some(entry.sample.n)
    }

    /// Whoever of `peers` has the lowest median.
    pub fn best<'a>(&self, row: &str, metric: &str, peers: &[&'a str]) -> Option<(&'a str, f64)> {
        let medians = peers.iter().filter_map(|peer| Some((*peer, self.median(row, peer, metric)?)));
        medians.min_by(|one, other| one.1.total_cmp(&other.1))
    }
}

/// Every library but ours: neither what is written by hand, nor Python.
pub fn libraries() -> Vec<&'static str> {
    RUST.into_iter().filter(|peer| ![OURS, RAW].contains(peer)).collect()
}
