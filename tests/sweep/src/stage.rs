//! The stage on which one run of a program takes place: what is counted, what goes wrong, what was seen.
//!
//! Before: `injection.rs`, `losses.rs`. After: `probe.rs` and `guard.rs`, which report here.
//!
//! One stage for each thread. Probes and guards keep a reference of their own: what a forgotten future does too late
//! is still seen.

use crate::foreign::Alive;
use crate::injection::{Counted, Kind, Plan};
use crate::losses::Losses;
use crate::program::Boxed;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;
use taskgroup::{CancelScope, Runtime, Task, advance, node_count};

thread_local! {
    static STAGE: RefCell<Option<Rc<Stage>>> = const { RefCell::new(None) };
}

/// What an injected panic carries.
pub(crate) struct Injected;

/// Two days: longer than every program.
pub(crate) const TWO_DAYS: Duration = Duration::from_secs(2 * 24 * 3600);

/// What a future held when it was dropped or forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) nodes: usize,
    pub(crate) timers: usize,
    pub(crate) sources: usize,
    pub(crate) guards: usize,
}

/// How far the sweep went to end a program.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Rescue {
    NotYet,
    ByCancel,
    ByGrace,
}

/// What a probe is to do at a poll.
pub(crate) enum Action {
    Poll,
    /// Nothing, now.
    Wait,
    Twice,
    WithAnotherWaker,
    /// With one that panics when it is woken.
    WithPanickingWaker,
    Abandon,
    DropPart,
    ForgetPart,
}

pub(crate) struct Stage {
    plan: Plan,
    /// Polls after which a run is given up: a loop without an end.
    budget: u32,
    pub(crate) polls: Cell<u32>,
    pub(crate) turns: Cell<u32>,
    pub(crate) drops: Cell<u32>,
    /// Which polls were of the whole program, by their number. Kept for what is counted over inner polls.
    pub(crate) whole_polls: RefCell<Vec<u32>>,
    /// The program's own destructors may panic.
    pub(crate) may_panic: Cell<bool>,
    /// By how much the sweep moved the clock.
    pub(crate) leaped: Cell<Duration>,
    /// How many injections of the plan have happened.
    pub(crate) fired: Cell<usize>,
    /// The sweep had to cancel the program, which would have waited for ever.
    pub(crate) rescued: Cell<Rescue>,
    /// The scope around the program.
    pub(crate) scope: RefCell<Option<CancelScope>>,
    /// The kind for which the world stands still.
    pub(crate) halted: Cell<Option<Kind>>,
    /// The program's task, for cancelling.
    pub(crate) task: RefCell<Option<Rc<Task<crate::observed::Ended>>>>,
    /// The runtime; taken out to be dropped.
    pub(crate) runtime: RefCell<Option<Rc<Runtime<'static>>>>,
    /// Guards, by number: whether each was dropped.
    guards: RefCell<Vec<bool>>,
    dropped: Cell<usize>,
    /// Who is inside what was forgotten.
    pub(crate) losses: Losses,
    /// A future that was put away until its runtime is gone.
    pub(crate) put_away: Cell<Option<Boxed>>,
    /// What went wrong during the run.
    violations: RefCell<Vec<String>>,
    /// What the future that was dropped held.
    pub(crate) held: Cell<Option<Held>>,
    /// Foreign wakers that are alive.
    pub(crate) alive: Alive,
}

impl Stage {
    /// Sets the stage of this thread.
    pub(crate) fn set(plan: Plan, budget: u32) -> Rc<Self> {
        let stage = Rc::new(Self {
            plan,
            budget,
            polls: Cell::new(0),
            turns: Cell::new(0),
            drops: Cell::new(0),
            whole_polls: RefCell::default(),
            may_panic: Cell::new(false),
            leaped: Cell::new(Duration::ZERO),
            fired: Cell::new(0),
            rescued: Cell::new(Rescue::NotYet),
            scope: RefCell::default(),
            halted: Cell::new(None),
            task: RefCell::default(),
            runtime: RefCell::default(),
            guards: RefCell::default(),
            dropped: Cell::new(0),
            losses: Losses::default(),
            put_away: Cell::new(None),
            violations: RefCell::default(),
            held: Cell::new(None),
            alive: Alive::default(),
        });
        STAGE.set(Some(stage.clone()));
        stage
    }

    /// The stage of this thread, if a run takes place on it.
    pub(crate) fn current() -> Option<Rc<Self>> {
        STAGE.with_borrow(Clone::clone)
    }

    pub(crate) fn leave() {
        STAGE.set(None);
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// A poll is about to be made. What is to be done?
    pub(crate) fn poll(&self, is_whole: bool) -> Action {
        if self.halted.get().is_some() {
            return Action::Wait;
        }
        let n = self.polls.get() + 1;
        self.polls.set(n);
        if is_whole {
            self.whole_polls.borrow_mut().push(n);
        }
        if n > self.budget {
            self.violate(format!("gave up after {n} polls"));
            resume_unwind(Box::new(Injected));
        }
        let mut action = Action::Poll;
        for injection in self.plan.0.iter().filter(|injection| injection.k == n) {
            let counted = injection.kind.counted();
            let is_due = counted == Counted::Polls || counted == Counted::InnerPolls && !is_whole;
            if !is_due {
                continue;
            }
            self.note_fired();
            match injection.kind {
                Kind::Cancel => self.cancel(),
                Kind::Panic => resume_unwind(Box::new(Injected)),
                Kind::Spurious => action = Action::Twice,
                Kind::PanicInWake => action = Action::WithPanickingWaker,
                Kind::Waker => action = Action::WithAnotherWaker,
                Kind::Leap => self.advance(Duration::from_secs(3600)),
                Kind::Deadline => self.advance(TWO_DAYS),
                Kind::Abandon => action = Action::Abandon,
                Kind::DropPart => action = Action::DropPart,
                Kind::ForgetPart => action = Action::ForgetPart,
                kind => {
                    self.halted.set(Some(kind));
                    action = Action::Wait;
                }
            }
        }
        action
    }

    /// A turn is about to be made. Whether the plan has this kind for it.
    pub(crate) fn is_due_before_turn(&self, kind: Kind) -> bool {
        let n = self.turns.get();
        let due = self.plan.0.iter().any(|injection| injection.kind == kind && injection.k == n);
        if due {
            self.note_fired();
        }
        due
    }

    /// Asks the program to end. Whether it had not.
    pub(crate) fn cancel(&self) {
        let task = self.task.borrow().clone();
        if let Some(task) = task {
            task.cancel(REASON);
        }
    }

    /// Ends a program in which somebody waits for ever, by the next means. False: there is none left.
    pub(crate) fn rescue(&self) -> bool {
        match self.rescued.get() {
            Rescue::NotYet => {
                self.rescued.set(Rescue::ByCancel);
                self.cancel();
            }
            Rescue::ByCancel => {
                self.rescued.set(Rescue::ByGrace);
                if let Some(scope) = &*self.scope.borrow() {
                    scope.cancel(REASON);
                }
            }
            Rescue::ByGrace => return false,
        }
        true
    }

    fn advance(&self, by: Duration) {
        self.leaped.set(self.leaped.get() + by);
        if let Err(error) = advance(by) {
            self.violate(error.to_string());
        }
    }

    fn note_fired(&self) {
        self.fired.set(self.fired.get() + 1);
    }

    pub(crate) fn violate(&self, what: String) {
        self.violations.borrow_mut().push(what);
    }

    pub(crate) fn take_violations(&self) -> Vec<String> {
        self.violations.take()
    }

    pub(crate) fn make_guard(&self, is_value: bool) -> u32 {
        if is_value {
            self.losses.note_value();
        }
        let mut guards = self.guards.borrow_mut();
        guards.push(false);
        (guards.len() - 1) as u32
    }

    /// A guard is dropped. Whether it is to panic.
    pub(crate) fn drop_guard(&self, number: u32) -> bool {
        if std::mem::replace(&mut self.guards.borrow_mut()[number as usize], true) {
            self.violate(format!("guard {number} was dropped twice"));
        }
        self.dropped.set(self.dropped.get() + 1);
        let n = self.drops.get() + 1;
        self.drops.set(n);
        self.plan.0.iter().any(|injection| injection.kind == Kind::PanicInDrop && injection.k == n)
    }

    pub(crate) fn note_panic_in_drop(&self) {
        self.note_fired();
    }

    /// Guards made and dropped.
    pub(crate) fn guards(&self) -> (usize, usize) {
        (self.guards.borrow().len(), self.dropped.get())
    }

    /// What is held by the program as a whole, for differences.
    pub(crate) fn count(&self) -> Held {
        let census = self.runtime.borrow().as_ref().map(|runtime| runtime.census());
        let (made, dropped) = self.guards();
        Held {
            nodes: node_count(),
            timers: census.map_or(0, |census| census.timers),
            sources: census.map_or(0, |census| census.sources),
            guards: made - dropped,
        }
    }

    /// Drops something, and adds up what it held.
    pub(crate) fn weigh(&self, drop: impl FnOnce()) {
        let before = self.count();
        let dropped = catch_unwind(AssertUnwindSafe(drop));
        let after = self.count();
        let sum = self.held.get().unwrap_or_default();
        self.held.set(Some(Held {
            nodes: sum.nodes + before.nodes.saturating_sub(after.nodes),
            timers: sum.timers + before.timers.saturating_sub(after.timers),
            sources: sum.sources + before.sources.saturating_sub(after.sources),
            guards: sum.guards + before.guards.saturating_sub(after.guards),
        }));
        if let Err(payload) = dropped {
            resume_unwind(payload);
        }
    }
}

/// With which words the sweep cancels.
pub(crate) const REASON: &str = "the sweep";
