//! Guarded objects: each has to be dropped exactly once.
//!
//! Before: `stage.rs`. After: `corpus`, which puts one into everything.

use crate::losses::NOBODY;
use crate::stage::{Injected, Stage};
use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;
use taskgroup::{hold, node_count, sleep};

/// An object whose making and dropping is counted. Made by [`guard`] and [`value`].
///
/// Its destructor looks at the library from inside, as any destructor may: it counts nodes, and arms and disarms a
/// timer. So a borrow that the library held across somebody else's drop would be found.
pub struct Guard {
    stage: Option<Rc<Stage>>,
    number: u32,
    /// The probe in whose poll it was made, if it may not leave it.
    home: u32,
}

/// A guard for a local variable: when the future that made it is forgotten, it is never dropped.
#[must_use]
pub fn guard() -> Guard {
    let stage = Stage::current();
    let home = stage.as_ref().map_or(NOBODY, |stage| stage.losses.path());
    made(stage, home)
}

/// A guard that may be handed on: a result, something captured.
#[must_use]
pub fn value() -> Guard {
    made(Stage::current(), NOBODY)
}

fn made(stage: Option<Rc<Stage>>, home: u32) -> Guard {
    let number = stage.as_ref().map_or(0, |stage| stage.make_guard(home == NOBODY));
    Guard { stage, number, home }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("guard")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(stage) = self.stage.take() else { return };
        let is_to_panic = stage.drop_guard(self.number);
        if stage.losses.is_lost(self.home) {
            stage.violate(format!("guard {} of a forgotten future was dropped later", self.number));
        }
        if thread::panicking() {
            return; // a panic here would abort the process
        }
        look_at_the_library();
        if is_to_panic {
            stage.note_panic_in_drop();
            resume_unwind(Box::new(Injected));
        }
    }
}

/// What code that is not the library's may do at any time. It panics where a borrow is held.
pub(crate) fn look_at_the_library() {
    let _ = node_count();
    if hold().is_some() {
        let sleep = pin!(sleep(Duration::from_secs(1)));
        let _ = sleep.poll(&mut Context::from_waker(Waker::noop()));
    }
}
