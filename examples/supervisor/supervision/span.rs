//! Times in words.
//!
//! Before: nothing. After: `supervisor.rs`.

use std::fmt;
use std::time::Duration;

/// A time in the units that one would say it in: `1h 30m`, `45s`, and what is finer as it is.
#[derive(Clone, Copy)]
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let units = [("d", seconds / 86400), ("h", seconds / 3600 % 24), ("m", seconds / 60 % 60), ("s", seconds % 60)];
        let mut said = units.iter().filter(|(_, count)| *count > 0).take(2);
        match (said.next(), said.next()) {
            (None, _) => write!(f, "{:?}", self.0),
            (Some((unit, count)), None) => write!(f, "{count}{unit}"),
            (Some((unit, count)), Some((lesser, rest))) => write!(f, "{count}{unit} {rest}{lesser}"),
        }
    }
}
