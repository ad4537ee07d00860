//! All of it, counted: which cases agree, by set and tier.
//!
//! Before: `cases.rs`, `differences.rs`. After: nothing; `tests/oracle.rs` and the program `oracle` use it.

use crate::cases::{Case, Tier};
use crate::interpret::run;
use crate::program::Program;
use crate::wakers::Wakers;
use std::collections::BTreeMap;
use std::fmt;

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The trace is the recorded one.
    Agrees,
    /// It is another; where, for people.
    Differs(String),
    /// There is no trace; why.
    Fails(String),
}

impl Case {
    /// Runs the case and compares.
    #[must_use]
    pub fn judge(&self, wakers: Wakers) -> Verdict {
        let program = match Program::parse(self.program.get()) {
            Ok(program) => program,
            Err(error) => return Verdict::Fails(error.to_string()),
        };
        match run(&program, wakers) {
            Err(fault) => Verdict::Fails(fault.to_string()),
            Ok(got) if self.want.agrees(&got) => Verdict::Agrees,
            Ok(got) => Verdict::Differs(self.want.difference(&got)),
        }
    }
}

/// Counts of verdicts. Displayed, it is a table.
#[derive(Clone, Debug, Default)]
pub struct Check {
    counts: BTreeMap<(String, Tier), Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    agree: usize,
    all: usize,
}

impl Check {
    /// Counts a case.
    pub fn add(&mut self, case: &Case, verdict: &Verdict) {
        let count = self.counts.entry((case.set.clone(), case.tier)).or_default();
        count.all += 1;
        count.agree += usize::from(*verdict == Verdict::Agrees);
    }

    /// How many cases of a tier agree, and how many there are.
    #[must_use]
    pub fn of_tier(&self, tier: Tier) -> (usize, usize) {
        let counts = self.counts.iter().filter(|((_, of), _)| *of == tier);
        counts.fold((0, 0), |(agree, all), (_, count)| (agree + count.agree, all + count.all))
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const TIERS: [Tier; 3] = [Tier::Robust, Tier::Fifo, Tier::Tick];
        let mut line = |set: &str, cells: [String; 4]| {
            let [robust, fifo, tick, all] = cells;
            writeln!(f, "{set:<12}{robust:>12}{fifo:>12}{tick:>12}{all:>14}")
        };
        let cells = |counts: [(usize, usize); 3]| {
            let all = counts.iter().fold((0, 0), |(agree, all), count| (agree + count.0, all + count.1));
            let [robust, fifo, tick] = counts;
            [robust, fifo, tick, all].map(|(agree, all)| format!("{agree}/{all}"))
        };
        line("", ["robust", "fifo", "tick", "all"].map(str::to_owned))?;
        let mut sets: Vec<_> = self.counts.keys().map(|(set, _)| set).collect();
        sets.dedup();
        for set in sets {
            let of = |tier| self.counts.get(&(set.clone(), tier)).copied().unwrap_or_default();
            line(set, cells(TIERS.map(of).map(|count| (count.agree, count.all))))?;
        }
        line("all", cells(TIERS.map(|tier| self.of_tier(tier))))
    }
}
