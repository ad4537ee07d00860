//! The tasks of a group: a row for each, without their futures and values.
//!
//! Before: `tree.rs`, `news.rs`. After: `ledger.rs`, which fills the rows in; `task.rs`, the handle, which reads them.
//!
//! ```text
//!            (1) spawn                 (2) the future ended or was dropped
//!   nothing ----------> Live (a slot) -----------------------------------> Ended
//!      |                                                                     ^
//!      +----------------- (3) the group is closing: refused -----------------+
//! ```
//! (1) `Ledger::admit`, (2) `Ledger::ended`, (3) `Tasks::refuse`.
//!
//! A row is there until the task has ended and its handle is gone; then it is free for another task. Its key is the
//! task's in everything that a group keeps: the same as the future's, and as that of the member of the ready set. Rows
//! are kept small: what a task may be called, and who may wait for it besides a task of the same runtime, is in an
//! [`Extra`] that most do without.

use crate::info::{Label, TaskInfo};
use crate::news::Joiner;
use crate::policy::Policy;
use crate::reason::Reason;
use crate::shelf;
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::mem;
use std::panic::Location;
use std::sync::Arc;
use taskgroup_runtime::current::NONE;

/// The rows of a group, by key.
pub(crate) struct Tasks {
    rows: RefCell<Rows>,
    /// The first of the free rows, which are linked; [`NONE`].
    free: Cell<u32>,
    /// Rows that are not free.
    taken: Cell<u32>,
    /// Those that are left when the group is over: for handles that stay. Then `rows` is empty.
    left: RefCell<BTreeMap<u32, Row>>,
    /// Tasks ever spawned or refused, wrapping: the number of the last.
    last: Cell<u32>,
}

pub(crate) type Rows = Vec<Row>;

/// A task.
pub(crate) struct Row {
    pub(crate) life: Life,
    /// Which child of its group it is, from 1 on.
    number: u32,
    /// Its handle is not gone.
    is_held: bool,
    /// What its failure does; that of the group when it was spawned.
    policy: Policy,
    /// Where it was spawned.
    place: &'static Location<'static>,
    /// (Of a free row: empty.)
    extra: Option<Box<Extra>>,
}

#[derive(Clone, Copy)]
pub(crate) enum Life {
    Live {
        /// Its place in the group's ready set.
        slot: u32,
        /// The slot of a task of the same runtime that awaits the handle, or [`NONE`]. Told after the group has acted on
        /// the end. One: a handle is polled by `&mut`.
        joiner: u32,
    },
    Ended {
        how: How,
        /// In which edition of the group's news the end is.
        edition: u64,
    },
    /// There is no task, and no handle.
    Free { next: u32 },
}

/// How a task ended.
#[derive(Clone, Copy)]
pub(crate) enum How {
    Value,
    Failed,
    Panicked,
    /// The reason is the task's own, if it had one; else its group's.
    Cancelled {
        was_started: bool,
        cut_off: bool,
    },
    Refused,
}

/// What most tasks never have.
#[derive(Default)]
pub(crate) struct Extra {
    /// What it was called.
    pub(crate) name: Option<Arc<str>>,
    /// Who waits for the end, if that is not a task of the same runtime.
    pub(crate) joiner: Option<Joiner>,
    /// Why the task itself was cancelled, once it has ended.
    pub(crate) reason: Option<Reason>,
    /// Who the task was, as its group has it too: by this, an error is known as the one of this task.
    pub(crate) info: Option<Arc<TaskInfo>>,
}

impl Tasks {
    /// None, with room in an empty table.
    pub(crate) fn new(rows: Rows) -> Self {
        let (free, taken, last) = (Cell::new(NONE), Cell::new(0), Cell::new(0));
        Self { rows: RefCell::new(rows), free, taken, left: RefCell::default(), last }
    }

    /// A row for a new task, with the slot that `join` gives it under its key. Gives both.
    #[inline(always)]
    pub(crate) fn add(
        &self,
        policy: Policy,
        place: &'static Location<'static>,
        join: impl FnOnce(u32) -> u32,
    ) -> (u32, u32) {
        let mut rows = self.rows.borrow_mut();
        let key = if self.free.get() == NONE { rows.len() as u32 } else { self.free.get() };
        let slot = join(key);
        self.put(&mut rows, key, Row::new(Life::Live { slot, joiner: NONE }, self.count(), policy, place));
        (key, slot)
    }

    /// A row for a task that is not taken in.
    pub(crate) fn refuse(&self, place: &'static Location<'static>) -> u32 {
        let mut rows = self.rows.borrow_mut();
        let key = if self.free.get() == NONE { rows.len() as u32 } else { self.free.get() };
        self.put(&mut rows, key, self.refused(place));
        key
    }

    /// The same after the group is over: among the rows that are left, whose keys are not given twice.
    ///
    /// ```text
    /// g.supervise(move |_| { let _ = &guard; }); // and the guard's destructor, at the group's end, spawns
    /// ```
    #[cold]
    pub(crate) fn refuse_late(&self, place: &'static Location<'static>) -> u32 {
        let row = self.refused(place);
        let mut left = self.left.borrow_mut();
        let key = left.last_key_value().map_or(0, |(last, _)| last + 1);
        left.insert(key, row);
        key
    }

    fn refused(&self, place: &'static Location<'static>) -> Row {
        let life = Life::Ended { how: How::Refused, edition: 0 };
        Row::new(life, self.count(), Policy::FailFast, place)
    }

    #[inline(always)]
    fn put(&self, rows: &mut Rows, key: u32, row: Row) {
        self.taken.set(self.taken.get() + 1);
        match rows.get_mut(key as usize) {
            Some(free) => {
                let Life::Free { next } = free.life else { unreachable!("the row is free") };
                self.free.set(next);
                *free = row;
            }
            None => rows.push(row),
        }
    }

    /// Frees a row. What it held comes back, to be dropped when nothing is borrowed.
    #[inline(always)]
    fn vacate(&self, rows: &mut Rows, key: u32) -> Option<Box<Extra>> {
        self.taken.set(self.taken.get() - 1);
        let row = &mut rows[key as usize];
        row.life = Life::Free { next: self.free.replace(key) };
        row.extra.take()
    }

    /// The number of the next task: never 0, which is the body's.
    #[inline(always)]
    fn count(&self) -> u32 {
        let number = self.last.get().wrapping_add(1).max(1);
        self.last.set(number);
        number
    }

    /// The number of the last task.
    pub(crate) fn last(&self) -> u32 {
        self.last.get()
    }

    /// Looks at a row, or changes it. `change` runs nobody's code.
    #[inline(always)]
    pub(crate) fn with<R>(&self, key: u32, change: impl FnOnce(&mut Row) -> R) -> R {
        if let Some(row) = self.rows.borrow_mut().get_mut(key as usize) {
            return change(row);
        }
        self.with_left(key, change)
    }

    #[cold]
    fn with_left<R>(&self, key: u32, change: impl FnOnce(&mut Row) -> R) -> R {
        change(self.left.borrow_mut().get_mut(&key).expect("a row stays as long as its task and its handle"))
    }

    /// A task has ended. Gives its slot, and who waits for the end: a task by its slot, or [`NONE`], or somebody else.
    #[inline(always)]
    pub(crate) fn end(&self, key: u32, how: How, edition: u64) -> (u32, u32, Option<Joiner>) {
        let mut rows = self.rows.borrow_mut();
        let row = &mut rows[key as usize];
        let Life::Live { slot, joiner } = row.life else { unreachable!("a task ends once") };
        row.life = Life::Ended { how, edition };
        let other = if row.extra.is_some() { row.take_joiner() } else { None };
        let gone = if row.is_held { None } else { self.vacate(&mut rows, key) };
        drop(rows);
        drop(gone); // a foreign waker may be in it
        (slot, joiner, other)
    }

    /// A handle is gone. Gives the slot of the task if that lives and another task awaited it; else [`NONE`].
    #[inline(always)]
    pub(crate) fn release(&self, key: u32) -> u32 {
        let mut rows = self.rows.borrow_mut();
        let gone = match rows.get_mut(key as usize) {
            Some(row) if let Life::Live { slot, joiner } = row.life => {
                row.is_held = false;
                return if joiner == NONE { NONE } else { slot };
            }
            Some(_) => self.vacate(&mut rows, key),
            None => self.release_left(key),
        };
        drop(rows);
        drop(gone);
        NONE
    }

    #[cold]
    fn release_left(&self, key: u32) -> Option<Box<Extra>> {
        self.left.borrow_mut().remove(&key)?.extra
    }

    /// The keys and slots of those that live, in the order of spawning.
    pub(crate) fn live(&self) -> Vec<(u32, u32)> {
        let rows = self.rows.borrow();
        let live = rows.iter().enumerate().filter_map(|(key, row)| match row.life {
            Life::Live { slot, .. } => Some((row.number, (key as u32, slot))),
            Life::Ended { .. } | Life::Free { .. } => None,
        });
        let mut live: Vec<_> = live.collect();
        let last = self.last.get();
        live.sort_unstable_by_key(|(number, _)| Reverse(last.wrapping_sub(*number))); // numbers differ
        live.into_iter().map(|(_, task)| task).collect()
    }

    /// The group is over. Rows that handles still point to are kept apart, so that one such handle does not keep a
    /// million rows.
    pub(crate) fn over(&self) {
        let rows = self.rows.take();
        if self.taken.get() == 0 {
            return shelf::keep_rows(rows);
        }
        let taken = (0..).zip(rows).filter(|(_, row)| !matches!(row.life, Life::Free { .. }));
        self.left.borrow_mut().extend(taken);
    }
}

impl Row {
    #[inline(always)]
    fn new(life: Life, number: u32, policy: Policy, place: &'static Location<'static>) -> Self {
        Self { life, number, is_held: true, policy, place, extra: None }
    }

    /// The slot of a task that lives; else [`NONE`].
    #[inline(always)]
    pub(crate) fn slot(&self) -> u32 {
        match self.life {
            Life::Live { slot, .. } => slot,
            Life::Ended { .. } | Life::Free { .. } => NONE,
        }
    }

    /// The slot of a task that awaits this one, which lives; else [`NONE`].
    pub(crate) fn joiner(&self) -> u32 {
        match self.life {
            Life::Live { joiner, .. } => joiner,
            Life::Ended { .. } | Life::Free { .. } => NONE,
        }
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    #[inline(always)]
    pub(crate) fn policy(&self) -> Policy {
        self.policy
    }

    pub(crate) fn extra(&self) -> Option<&Extra> {
        self.extra.as_deref()
    }

    /// The same, to put something in.
    pub(crate) fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    /// Whether the task can still be named and placed: it lives, or was never taken in.
    fn is_open(&self) -> bool {
        matches!(self.life, Life::Live { .. } | Life::Ended { how: How::Refused, .. })
    }

    pub(crate) fn set_name(&mut self, name: Arc<str>) {
        if self.is_open() {
            self.extra_mut().name = Some(name);
        }
    }

    pub(crate) fn set_place(&mut self, place: &'static Location<'static>) {
        if self.is_open() {
            self.place = place;
        }
    }

    /// What the task is called and where it was spawned.
    pub(crate) fn label(&self) -> Label {
        let name = self.extra().and_then(|extra| extra.name.clone());
        Label { name, number: self.number, place: self.place }
    }

    /// Notes who waits for the end of a task that lives, instead of whoever did. That one comes back, to be dropped.
    pub(crate) fn set_joiner(&mut self, by: Joiner) -> Option<Joiner> {
        let before = self.take_joiner();
        if let Life::Live { joiner, .. } = &mut self.life {
            match by {
                Joiner::Member(slot) => *joiner = slot,
                by => self.extra_mut().joiner = Some(by),
            }
        }
        before
    }

    #[inline(always)]
    fn take_joiner(&mut self) -> Option<Joiner> {
        match &mut self.life {
            Life::Live { joiner, .. } if *joiner != NONE => Some(Joiner::Member(mem::replace(joiner, NONE))),
            _ => self.extra.as_mut()?.joiner.take(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C11.
    #[test]
    fn tasks_are_in_the_order_of_their_spawning_over_the_end_of_their_numbers() {
        let tasks = Tasks::new(Vec::new());
        tasks.last.set(u32::MAX - 2);
        let slots: Vec<_> = (0..5)
            .map(|n| {
                let (key, slot) = tasks.add(Policy::FailFast, Location::caller(), |_| 10 * n);
                tasks.with(key, |row| assert_ne!(row.number(), 0, "that is the body's"));
                slot
            })
            .collect();
        assert_eq!(tasks.last(), 3);
        assert_eq!(tasks.live().into_iter().map(|(_, slot)| slot).collect::<Vec<_>>(), slots);
    }
}
