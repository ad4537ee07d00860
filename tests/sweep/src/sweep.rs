//! All the runs of a program.
//!
//! Before: `verdict.rs`. After: `report.rs`.

use crate::hook;
use crate::injection::{Counted, Injection, Kind, Plan};
use crate::observed::{Bounds, Observed};
use crate::program::Program;
use crate::report::{Failure, Report, Row};
use crate::run::run;
use crate::stage::Held;
use crate::verdict::judge;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use taskgroup::set_reporter;

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Every kind at every k.
    Quick,
    /// Besides, pairs: this many for any two kinds in any program, at random but always the same.
    Deep {
        /// Pairs of places for two kinds.
        pairs: u32,
    },
}

/// How many futures with descriptors are forgotten in the sweep of a program: what they hold stays open.
const DESCRIPTORS: u32 = 40;

/// Sweeps programs on two threads. `progress` hears of each that is done.
#[must_use]
pub fn sweep(programs: &[Program], form: Form, progress: impl Fn(&Row) + Sync) -> Report {
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(program) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let row = sweep_one(program, form);
                    progress(&row);
                    rows.lock().unwrap_or_else(|error| error.into_inner()).push(row);
                }
            });
        }
    });
    Report::new(rows.into_inner().unwrap_or_else(|error| error.into_inner()))
}

/// Sweeps one program, on this thread.
#[must_use]
pub fn sweep_one(program: &Program, form: Form) -> Row {
    listening(|| {
        let mut sweep = match Sweep::begin(program) {
            Ok(sweep) => sweep,
            Err(row) => return *row,
        };
        sweep.singles();
        if let Form::Deep { pairs } = form {
            sweep.pairs(pairs);
        }
        sweep.row
    })
}

/// Runs one plan, and gives what is wrong with it.
#[must_use]
pub fn replay(program: &Program, plan: &Plan) -> Row {
    listening(|| match Sweep::begin(program) {
        Ok(mut sweep) => {
            sweep.attempt(plan);
            sweep.row
        }
        Err(row) => *row,
    })
}

/// With the panics and the reports of this thread kept silent.
fn listening<T>(act: impl FnOnce() -> T) -> T {
    hook::listen();
    let before = set_reporter(Some(hook::report));
    let result = act();
    set_reporter(before);
    hook::stop();
    result
}

struct Sweep<'a> {
    program: &'a Program,
    usual: Observed,
    bounds: Bounds,
    row: Row,
}

impl<'a> Sweep<'a> {
    /// Runs the program as it is, twice: it has to leave nothing, and to be deterministic.
    fn begin(program: &'a Program) -> Result<Self, Box<Row>> {
        let nothing = Plan::default();
        let first = run(program, &nothing, Bounds::FIRST);
        let second = run(program, &nothing, Bounds::FIRST);
        let mut row = Row::new(program.name(), first.polls, first.turns);
        let mut wrong = judge(&nothing, program.traits(), None, None, &first);
        let facts = |run: &Observed| (run.outcome.clone(), run.polls, run.turns, run.drops);
        if facts(&first) != facts(&second) {
            wrong.push(format!("it is not deterministic: {:?} and then {:?}", facts(&first), facts(&second)));
        }
        if !wrong.is_empty() {
            row.failures.push(Failure { program: program.name().to_owned(), plan: nothing, wrong });
            return Err(Box::new(row));
        }
        Ok(Self { program, bounds: Bounds::after(&first), usual: first, row })
    }

    /// How many k a kind has.
    fn count(&self, kind: Kind) -> u32 {
        match kind.counted() {
            Counted::Polls | Counted::InnerPolls => self.usual.polls,
            Counted::Turns => self.usual.turns,
            Counted::Drops => self.usual.drops,
        }
    }

    fn is_place(&self, injection: Injection) -> bool {
        injection.kind.counted() != Counted::InnerPolls || !self.usual.whole_polls.contains(&injection.k)
    }

    fn singles(&mut self) {
        for kind in Kind::ALL {
            let count = self.count(kind);
            let stride = self.stride(kind, count);
            for k in (1..=count).step_by(stride as usize) {
                if self.is_place(Injection { kind, k }) {
                    self.attempt(&Plan::one(kind, k));
                }
            }
        }
    }

    /// What is forgotten with descriptors in it stays open, so not every k is tried.
    fn stride(&self, kind: Kind, count: u32) -> u32 {
        let leaks = matches!(kind, Kind::Forget | Kind::ForgetPart) && self.program.traits().sockets;
        if leaks { count.div_ceil(DESCRIPTORS).max(1) } else { 1 }
    }

    fn pairs(&mut self, pairs: u32) {
        let seed = self.program.name().bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte));
        let mut random = fastrand::Rng::with_seed(seed);
        for first in Kind::ALL {
            for second in Kind::ALL {
                let leaks = self.stride(first, u32::MAX) > 1 || self.stride(second, u32::MAX) > 1;
                for _ in 0..if leaks { pairs.min(2) } else { pairs } {
                    let plan = Plan(vec![self.place(first, &mut random), self.place(second, &mut random)]);
                    let [a, b] = [plan.0[0], plan.0[1]];
                    let same = a.kind.counted() == b.kind.counted() && a.k >= b.k;
                    let forgets = |kind| matches!(kind, Kind::Forget | Kind::ForgetPart | Kind::Outlive);
                    let twice = forgets(a.kind) && forgets(b.kind);
                    if !same && !twice && self.is_place(a) && self.is_place(b) {
                        self.attempt(&plan);
                    }
                }
            }
        }
    }

    /// A place for a kind; a first injection may make a program longer.
    fn place(&self, kind: Kind, random: &mut fastrand::Rng) -> Injection {
        let count = self.count(kind);
        Injection { kind, k: random.u32(1..=count + count / 4 + 1) }
    }

    /// One run, judged.
    fn attempt(&mut self, plan: &Plan) {
        let allowed = self.allowed(plan);
        let seen = run(self.program, plan, self.bounds);
        if seen.fired < plan.0.len() {
            self.row.missed += 1;
        } else {
            self.row.note(plan);
        }
        let wrong = judge(plan, self.program.traits(), Some(&self.usual.outcome), allowed, &seen);
        if !wrong.is_empty() {
            self.row.failures.push(Failure { program: self.program.name().to_owned(), plan: plan.clone(), wrong });
        }
    }

    /// What a forgotten future may leave: what it gives back when it is dropped at the same place instead.
    fn allowed(&self, plan: &Plan) -> Option<Held> {
        if !plan.has(|kind| matches!(kind, Kind::Forget | Kind::ForgetPart | Kind::Outlive)) {
            return None;
        }
        let twin =
            Plan(plan.0.iter().map(|injection| Injection { kind: twin(injection.kind), ..*injection }).collect());
        run(self.program, &twin, self.bounds).held
    }
}

fn twin(kind: Kind) -> Kind {
    match kind {
        Kind::Forget | Kind::Outlive => Kind::Drop,
        Kind::ForgetPart => Kind::DropPart,
        kind => kind,
    }
}
