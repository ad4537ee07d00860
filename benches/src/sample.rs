//! One measurement: what `one` prints, what the driver keeps.
//!
//! Before: nothing. After: `one.rs`, `results.rs`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a process has measured, as a line of JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sample {
    pub workload: String,
    pub peer: String,
    /// The size that was really measured. Python's are smaller where ours are very large.
    pub n: u64,
    /// How many operations were measured: what `values` are divided by where they are per operation.
    pub operations: u64,
    /// By the name of the metric. `ns`, `rss` and the like are per operation; `allocations`, `peak_bytes`, `calls` and
    /// `instructions` of a whole process, until the driver has made a slope of two.
    pub values: BTreeMap<String, f64>,
}
