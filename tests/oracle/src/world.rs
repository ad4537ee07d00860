//! What the tasks of one program share: the clock, the trace, who is who; and what can go wrong with a run.
//!
//! Before: `trace.rs`. After: `task.rs`.

use crate::program::Name;
use crate::recorded::Recorded;
use crate::task::ProgramTask;
use crate::trace::{Event, Record};
use crate::tree::Tree;
use crate::wakers::Wakers;
use serde_json::Value;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;
use taskgroup::{Spawner, now};

/// More than this nobody reads: leaves of error trees and events without one.
const MAX_TRACE: usize = 1_000_000;

/// Why a run of a valid program left no trace to compare.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Every task waits, and nothing will wake one: they join each other, or wait for ever.
    #[error("the program stands still: {0}")]
    Stalled(String),
    /// The runtime could not run it.
    #[error("the program could not be run: {0}")]
    NotRun(String),
    /// The program describes more than can be written down: see the limits in `tree.rs` and `world.rs`.
    #[error("an error tree or the trace grows too large")]
    TooLarge,
    /// A panic that no step asked for: a fault of the library or of the interpreter.
    #[error("a panic that is not the program's: {0}")]
    Panicked(String),
    /// A handle and the trace tell two stories: a fault of the library or of the interpreter.
    #[error("the handle of task {task:?} says {handle}, the trace says {trace}")]
    Disagree {
        /// Whose handle.
        task: String,
        /// What it said.
        handle: String,
        /// How the task ended.
        trace: String,
    },
    /// Something outlived the program: a fault of the library or of the interpreter.
    #[error(
        "left after the end: {nodes} nodes, {futures} futures, {tasks} root tasks, {timers} timers, {sources} sources"
    )]
    #[allow(missing_docs, reason = "the text says what they count")]
    Left { nodes: usize, futures: usize, tasks: usize, timers: usize, sources: usize },
}

/// What a step of the program panics with.
pub(crate) struct Panicked(pub(crate) String);

pub(crate) struct World {
    start: Instant,
    trace: RefCell<Vec<Record>>,
    /// How much of [`MAX_TRACE`] is used.
    size: Cell<usize>,
    /// What went wrong first.
    fault: RefCell<Option<Fault>>,
    pub(crate) wakers: Wakers,
    /// Tasks that were started, ended or not.
    pub(crate) tasks: RefCell<HashMap<Name, Rc<ProgramTask>>>,
    /// Groups that were entered, left or not.
    pub(crate) groups: RefCell<HashMap<Name, Spawner<Tree>>>,
}

impl World {
    pub(crate) fn new(start: Instant, wakers: Wakers) -> Self {
        Self {
            start,
            trace: RefCell::default(),
            size: Cell::new(0),
            fault: RefCell::default(),
            wakers,
            tasks: RefCell::default(),
            groups: RefCell::default(),
        }
    }

    pub(crate) fn note(&self, task: &Name, event: Event) {
        self.size.set(self.size.get() + event.size());
        if self.size.get() > MAX_TRACE {
            return self.fail(Fault::TooLarge);
        }
        let ms = u64::try_from((now() - self.start).as_millis()).unwrap_or(u64::MAX);
        self.trace.borrow_mut().push(Record { ms, task: task.clone(), event });
    }

    /// The run is worth nothing; the first fault says why. The program goes on to its end, which is near.
    pub(crate) fn fail(&self, fault: Fault) {
        self.fault.borrow_mut().get_or_insert(fault);
    }

    pub(crate) fn take_fault(&self) -> Option<Fault> {
        self.fault.take()
    }

    /// The name of a panic. One that no step asked for makes the run worthless.
    pub(crate) fn panic_name(&self, payload: &(dyn Any + Send)) -> Name {
        if let Some(Panicked(name)) = payload.downcast_ref() {
            return name.as_str().into();
        }
        let text = panic_text(payload);
        self.fail(Fault::Panicked(text.to_owned()));
        text.into()
    }

    pub(crate) fn task(&self, name: &Name) -> Option<Rc<ProgramTask>> {
        self.tasks.borrow().get(name).cloned()
    }

    /// How the main task ended, and the trace; or what went wrong.
    pub(crate) fn recorded(&self) -> Result<Recorded, Fault> {
        if let Some(fault) = self.take_fault() {
            return Err(fault);
        }
        let main = self.task(&"main".into());
        let outcome = serde_json::to_value(main.as_ref().and_then(|main| main.outcome.get()));
        let trace = self.trace.take().iter().map(line).collect::<serde_json::Result<_>>();
        match (outcome, trace) {
            (Ok(outcome), Ok(trace)) => Ok(Recorded { outcome, trace }),
            (Err(error), _) | (_, Err(error)) => Err(Fault::NotRun(error.to_string())),
        }
    }
}

fn line(record: &Record) -> serde_json::Result<(u64, String, String, Value)> {
    serde_json::from_value(serde_json::to_value(record)?)
}

/// What a panic of no step carries.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "not a text",
    }
}
