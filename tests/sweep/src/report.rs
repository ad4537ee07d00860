//! What came of a sweep: rows of numbers, and failures with the command that shows each again.
//!
//! Before: `sweep.rs`. After: nothing.

use crate::injection::{Kind, Plan};
use std::fmt;

/// A run that was not as it has to be.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The program's name.
    pub program: String,
    /// What was done to it.
    pub plan: Plan,
    /// What was violated.
    pub wrong: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { program, plan, wrong } = self;
        writeln!(f, "{program}, {plan}: {}", wrong.join("; "))?;
        write!(f, "    cargo run --release -p taskgroup-sweep -- replay {program} {plan}")
    }
}

/// The numbers of one program.
#[derive(Clone, Debug)]
pub struct Row {
    /// The program's name.
    pub program: String,
    /// Polls in a run without injections, of the program and of what it probes.
    pub polls: u32,
    /// Turns of the loop in it.
    pub turns: u32,
    /// Single injections, by kind, in the order of [`Kind::ALL`].
    pub singles: [u32; Kind::ALL.len()],
    /// Runs with two injections.
    pub pairs: u32,
    /// Runs in which an injection had no occasion: an earlier one ended the program.
    pub missed: u32,
    /// What went wrong.
    pub failures: Vec<Failure>,
}

impl Row {
    pub(crate) fn new(program: &str, polls: u32, turns: u32) -> Self {
        let singles = [0; Kind::ALL.len()];
        Self { program: program.to_owned(), polls, turns, singles, pairs: 0, missed: 0, failures: Vec::new() }
    }

    pub(crate) fn note(&mut self, plan: &Plan) {
        match &plan.0[..] {
            [one] => self.singles[one.kind as usize] += 1,
            _ => self.pairs += 1,
        }
    }

    /// Runs in which everything planned happened.
    #[must_use]
    pub fn injections(&self) -> u64 {
        u64::from(self.singles.iter().sum::<u32>()) + u64::from(self.pairs)
    }
}

/// The numbers of all programs.
#[derive(Clone, Debug)]
pub struct Report {
    /// By name.
    pub rows: Vec<Row>,
}

impl Report {
    pub(crate) fn new(mut rows: Vec<Row>) -> Self {
        rows.sort_by(|a, b| a.program.cmp(&b.program));
        Self { rows }
    }

    /// Runs in which everything planned happened.
    #[must_use]
    pub fn injections(&self) -> u64 {
        self.rows.iter().map(Row::injections).sum()
    }

    /// Everything that went wrong.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.rows.iter().flat_map(|row| &row.failures)
    }
}

impl fmt::Display for Report {
    /// A line for each kind, and the totals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in Kind::ALL {
            let runs: u64 = self.rows.iter().map(|row| u64::from(row.singles[kind as usize])).sum();
            writeln!(f, "{kind:<16}{runs:>10}")?;
        }
        let pairs: u64 = self.rows.iter().map(|row| u64::from(row.pairs)).sum();
        writeln!(f, "{:<16}{pairs:>10}", "pairs")?;
        let (programs, failures) = (self.rows.len(), self.failures().count());
        let polls: u64 = self.rows.iter().map(|row| u64::from(row.polls)).sum();
        write!(f, "programs {programs}, polls {polls}, injections {}, failures = {failures}", self.injections())
    }
}
