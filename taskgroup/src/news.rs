//! Who waits for tasks that have ended, and has not been told.
//!
//! Before: `line.rs`. After: `promise.rs`, `ledger.rs`.
//!
//! That a task has ended can be seen at once; but who awaits it goes on only after its group has acted on the end, that
//! is after the batch. Or this program would depend on who is polled first:
//!
//! ```text
//! g.spawn(async { Err("broken") });         // (1)
//! g.spawn(async { join_1_or_yield().await }) // polled in the batch in which (1) fails: cancelled, and not told
//! ```

use crate::line::Line;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;

/// The news of a group: shared by its ledger and its tasks.
#[derive(Default)]
pub(crate) struct News {
    /// How often all was told.
    edition: Cell<u64>,
    joiners: RefCell<Vec<Joiner>>,
}

/// Who waits for the end of a task.
pub(crate) enum Joiner {
    /// Somebody who awaits the handle.
    Task(Waker),
    /// Somebody who takes many handles as they come, and the place of this one among them.
    Line(Rc<Line>, usize),
}

impl News {
    /// The number of what has not been told yet.
    pub(crate) fn edition(&self) -> u64 {
        self.edition.get()
    }

    pub(crate) fn add(&self, joiner: impl IntoIterator<Item = Joiner>) {
        self.joiners.borrow_mut().extend(joiner);
    }

    /// Tells everybody.
    pub(crate) fn tell(&self) {
        self.edition.set(self.edition.get() + 1);
        let joiners = self.joiners.take();
        for joiner in joiners {
            match joiner {
                Joiner::Task(waker) => waker.wake(),
                Joiner::Line(line, place) => line.arrive(place),
            }
        }
    }
}
