//! Processes that were killed and nobody waits for: they are to be reaped, or stay in the system's table as zombies.
//!
//! Before: `exit.rs`. After: `handle.rs`, which leaves them here; `event_loop.rs`, which looks in each turn.
//!
//! A runtime looks after its own: their pidfds wake the loop when they end. Those that are left when it ends, or came too
//! late, are in one list for the whole process, and are looked at whenever something is spawned or left here.
#![forbid(unsafe_code)]

use crate::local::Local;
use crate::process::exit::Exit;
use std::cell::RefCell;
use std::process::Child;
use std::sync::{Mutex, PoisonError};

/// Of runtimes that are gone.
static LEFT: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// Those of one runtime, and what wakes it when they end. Emptied when it ends, since they keep its [`Local`] alive.
#[derive(Default)]
pub(crate) struct Orphans(RefCell<Vec<(Child, Exit)>>);

impl Orphans {
    /// Reaps what has ended. Mostly there is nothing.
    pub(crate) fn reap(&self) {
        let mut orphans = self.0.take();
        if !orphans.is_empty() {
            orphans.retain_mut(|(child, _)| !reap(child)); // outside the borrow: it deregisters
            self.0.borrow_mut().append(&mut orphans);
        }
    }

    pub(crate) fn end(&self) {
        let orphans = self.0.take();
        orphans.into_iter().for_each(|(child, _)| leave(Some(child)));
    }
}

/// Takes a process in that was killed.
pub(super) fn adopt(mut child: Child, exit: Option<(Exit, &Local)>) {
    if reap(&mut child) {
        return;
    }
    match exit {
        Some((exit, local)) if !local.is_closed() => local.orphans.0.borrow_mut().push((child, exit)),
        _ => leave(Some(child)),
    }
}

/// Looks after those of runtimes that are gone.
pub(super) fn look_after() {
    leave(None);
}

fn leave(child: Option<Child>) {
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    left.extend(child);
    left.retain_mut(|child| !reap(child));
}

/// Whether it is gone. An error says that somebody else has reaped it.
fn reap(child: &mut Child) -> bool {
    !matches!(child.try_wait(), Ok(None))
}
