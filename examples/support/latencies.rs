//! How long things took, many of them: a histogram of `Cell`s. Part of `echo`.
//!
//! Each step is a sixteenth wider than where it starts, so a figure is wrong by less than that, and the memory is the
//! same after a second and after a day.

use std::cell::Cell;
use std::time::Duration;

/// How often each latency was seen.
pub(crate) struct Latencies(Vec<Cell<u64>>);

impl Latencies {
    pub(crate) fn new() -> Self {
        Self(vec![Cell::new(0); step(u64::MAX) + 1])
    }

    pub(crate) fn add(&self, latency: Duration) {
        let count = &self.0[step(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX))];
        count.set(count.get() + 1);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(Cell::get).sum()
    }

    /// What so many per cent of all do not exceed, but for a step. Zero if there are none.
    pub(crate) fn percentile(&self, percent: u64) -> Duration {
        let wanted = (self.count() * percent).div_ceil(100);
        let mut seen = 0;
        let step = self.0.iter().position(|count| {
            seen += count.get();
            seen >= wanted && seen > 0
        });
        step.map_or(Duration::ZERO, start_of)
    }
}

/// 16 steps for each power of two; what is below 16 ns counts as 16.
fn step(nanos: u64) -> usize {
    let nanos = nanos.max(16);
    let power = nanos.ilog2() - 4;
    (power * 16) as usize + (nanos >> power) as usize - 16
}

fn start_of(step: usize) -> Duration {
    Duration::from_nanos((16 + step as u64 % 16) << (step / 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_starts_less_than_a_sixteenth_below_what_it_counts() {
        for nanos in [16, 17, 31, 32, 33, 999, 1_000_000, 123_456_789, u64::MAX] {
            let start = start_of(step(nanos)).as_nanos() as u64;
            assert!(start <= nanos && nanos - start <= nanos / 16, "{nanos} is counted at {start}");
        }
    }

    #[test]
    fn percentiles_count_from_the_smallest() {
        let latencies = Latencies::new();
        assert_eq!(latencies.percentile(50), Duration::ZERO);
        for (nanos, times) in [(16, 98), (1 << 20, 2)] {
            (0..times).for_each(|_| latencies.add(Duration::from_nanos(nanos)));
        }
        assert_eq!(latencies.percentile(98), Duration::from_nanos(16));
        assert_eq!(latencies.percentile(99), Duration::from_nanos(1 << 20));
    }
}
