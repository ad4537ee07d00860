//! Who gets the errors of the tasks that are supervised.
//!
//! Before: `policy.rs`. After: `books.rs`, `group.rs`, which hold them, and `join.rs`, which calls them.
//!
//! A task keeps the handler that held when it was spawned, by number. A handler is dropped when it has been replaced and
//! the last such task has ended: a server may give each of its tasks one of its own.

use crate::failures::Failed;
use slab::Slab;
use std::cell::RefCell;
use std::mem::{self, ManuallyDrop};
use std::rc::Rc;

/// What is done with the error of a task.
pub(crate) type Handler<'scope> = Rc<dyn Fn(Failed) + 'scope>;

/// The handlers of a group, by number. Without drop glue, as all that mentions `'scope`: the group
/// [takes](Self::take) them out at its end.
#[derive(Default)]
pub(crate) struct Handlers<'scope>(RefCell<ManuallyDrop<Slab<Handler<'scope>>>>);

impl<'scope> Handlers<'scope> {
    /// Adds a handler, and gives its number.
    pub(crate) fn add(&self, handler: Handler<'scope>) -> u32 {
        self.0.borrow_mut().insert(handler) as u32
    }

    /// A handler, to be called; for the last time, if so it is. (Then what comes back is the handler itself, and what it
    /// holds is the user's: not to be dropped while anything is borrowed.)
    pub(crate) fn get(&self, number: u32, is_last: bool) -> Handler<'scope> {
        let mut handlers = self.0.borrow_mut();
        if is_last { handlers.remove(number as usize) } else { handlers[number as usize].clone() }
    }

    /// All of them, to be dropped.
    pub(crate) fn take(&self) -> impl Iterator<Item = Handler<'scope>> {
        let handlers = mem::take(&mut **self.0.borrow_mut());
        handlers.into_iter().map(|(_, handler)| handler)
    }
}

/// How many have each handler: tasks; and the group counts as one, until it is given another. It knows no lifetime.
#[derive(Default)]
pub(crate) struct Holders(RefCell<Vec<usize>>);

impl Holders {
    /// Somebody more has a handler.
    pub(crate) fn hold(&self, number: u32) {
        let mut holders = self.0.borrow_mut();
        let number = number as usize;
        if holders.len() <= number {
            holders.resize(number + 1, 0);
        }
        holders[number] += 1;
    }

    /// Somebody has it no more. Whether that was the last.
    pub(crate) fn release(&self, number: u32) -> bool {
        let holders = &mut self.0.borrow_mut()[number as usize];
        *holders -= 1;
        *holders == 0
    }
}
