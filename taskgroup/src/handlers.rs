//! Who gets the errors of the tasks that are supervised.
//!
//! Before: `policy.rs`. After: `group.rs`, which holds them, and `join.rs`, which calls them.
//!
//! A task keeps the handler that held when it was spawned, by number. A handler is dropped when it has been replaced and
//! the last such task has ended: a server may give each of its tasks one of its own.

use crate::failures::Failed;
use crate::policy::Policy;
use slab::Slab;
use std::cell::{Cell, RefCell};
use std::mem::{self, ManuallyDrop};
use std::rc::Rc;

/// What is done with the error of a task.
pub(crate) type Handler<'scope> = Rc<dyn Fn(Failed) + 'scope>;

/// The handlers of a group, by number. Without drop glue, as all that mentions `'scope`: the group
/// [takes](Self::take) them out at its end.
#[derive(Default)]
pub(crate) struct Handlers<'scope> {
    held: RefCell<ManuallyDrop<Slab<Held<'scope>>>>,
    /// The one that was set last.
    last: Cell<Option<u32>>,
}

struct Held<'scope> {
    handler: Handler<'scope>,
    /// Tasks that have it; and the group counts as one, until it is given another.
    holders: usize,
}

impl<'scope> Handlers<'scope> {
    /// Sets the handler of tasks that are spawned from now on, and gives its number. The one before comes back, to be
    /// dropped.
    pub(crate) fn set(&self, handler: Handler<'scope>) -> (u32, Option<Handler<'scope>>) {
        let number = self.held.borrow_mut().insert(Held { handler, holders: 1 }) as u32;
        let before = self.last.replace(Some(number));
        (number, before.map(|before| self.release(before)))
    }

    /// Somebody more has the handler that goes with a policy, if any.
    #[inline(always)]
    pub(crate) fn hold(&self, policy: Policy) {
        if let Policy::Supervise(number) = policy {
            self.held.borrow_mut()[number as usize].holders += 1;
        }
    }

    /// Somebody has it no more. It comes back: to be called, or to be dropped, which is the user's code as well.
    pub(crate) fn release(&self, number: u32) -> Handler<'scope> {
        let mut held = self.held.borrow_mut();
        let own = &mut held[number as usize];
        own.holders -= 1;
        if own.holders > 0 { own.handler.clone() } else { held.remove(number as usize).handler }
    }

    /// All of them, to be dropped.
    pub(crate) fn take(&self) -> impl Iterator<Item = Handler<'scope>> {
        let handlers = mem::take(&mut **self.held.borrow_mut());
        handlers.into_iter().map(|(_, held)| held.handler)
    }
}
