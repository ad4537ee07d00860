//! Who waits for tasks that have ended, and has not been told.
//!
//! Before: `line.rs`. After: `tasks.rs`, `ledger.rs`.
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
use taskgroup_runtime::current::NONE;
use taskgroup_runtime::{Local, each_despite_panics};

/// The news of a group.
pub(crate) struct News {
    /// How often all was told.
    edition: Cell<u64>,
    /// The first to be told, if that is a member; else [`NONE`]. Most news have no other.
    first: Cell<u32>,
    joiners: RefCell<Vec<Joiner>>,
}

/// Who waits for the end of a task.
pub(crate) enum Joiner {
    /// A task of the group's runtime that awaits the handle, by its slot.
    Member(u32),
    /// Somebody else who awaits it.
    Waker(Waker),
    /// Somebody who takes many handles as they come, and the place of this one among them.
    Line(Rc<Line>, usize),
}

impl News {
    /// The number of what has not been told yet.
    #[inline(always)]
    pub(crate) fn edition(&self) -> u64 {
        self.edition.get()
    }

    /// A member of the group's runtime is to be told.
    #[inline(always)]
    pub(crate) fn add_member(&self, slot: u32) {
        if self.first.get() == NONE && self.joiners.borrow().is_empty() {
            self.first.set(slot);
        } else {
            self.add(Joiner::Member(slot));
        }
    }

    #[inline(never)]
    pub(crate) fn add(&self, joiner: Joiner) {
        self.joiners.borrow_mut().push(joiner);
    }

    /// Tells everybody.
    #[inline(always)]
    pub(crate) fn tell(&self, local: &Local) {
        self.edition.set(self.edition.get() + 1);
        match self.first.replace(NONE) {
            NONE => {}
            slot => local.wake(slot),
        }
        if !self.joiners.borrow().is_empty() {
            self.tell_the_others(local);
        }
    }

    #[inline(never)]
    fn tell_the_others(&self, local: &Local) {
        each_despite_panics(self.joiners.take(), |joiner| match joiner {
            Joiner::Member(slot) => local.wake(slot),
            Joiner::Waker(waker) => waker.wake(),
            Joiner::Line(line, place) => line.arrive(place),
        });
    }
}

impl Default for News {
    fn default() -> Self {
        Self { edition: Cell::new(0), first: Cell::new(NONE), joiners: RefCell::default() }
    }
}
