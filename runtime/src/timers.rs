//! The timers of a runtime: the wheel, and who each of its timers wakes.
//!
//! Before: `clock.rs` and the `taskgroup-timer` crate. After: `sleep.rs`.
#![forbid(unsafe_code)]

use crate::local::Local;
use crate::wakeup::Wakeup;
use std::cell::RefCell;
use std::rc::Rc;
use std::task::Context;
use taskgroup_timer::{Key, Wheel};

/// The armed timers. What is taken out is dropped or woken by the caller, after the borrow.
#[derive(Default)]
pub(crate) struct Timers {
    wheel: RefCell<Wheel<Wakeup>>,
}

impl Timers {
    pub(crate) fn arm(&self, deadline: u64, wakeup: Wakeup) -> Key {
        self.wheel.borrow_mut().insert(deadline, wakeup)
    }

    /// Whether a timer is still armed; if so, it wakes whoever polls now, by what `make` makes of that.
    #[inline]
    pub(crate) fn is_armed(
        &self,
        local: &Local,
        key: Key,
        cx: &Context<'_>,
        make: impl FnOnce(&Local, &Context<'_>) -> Wakeup,
    ) -> bool {
        match self.wheel.borrow().get(key) {
            None => return false,
            Some(wakeup) if wakeup.is_for(local, cx) => return true,
            Some(_) => {}
        }
        let wakeup = make(local, cx);
        let before = self.wheel.borrow_mut().get_mut(key).map(|place| std::mem::replace(place, wakeup));
        drop(before);
        true
    }

    /// When a timer is due that is still armed.
    pub(crate) fn deadline(&self, key: Key) -> Option<u64> {
        self.wheel.borrow().deadline(key)
    }

    /// The same for a timer that somebody waits for: one that is no deadline over what they do.
    pub(crate) fn awaited(&self, key: Key) -> Option<u64> {
        let wheel = self.wheel.borrow();
        wheel.get(key).filter(|wakeup| !matches!(wakeup, Wakeup::Deadline(_))).and_then(|_| wheel.deadline(key))
    }

    pub(crate) fn cancel(&self, key: Key) {
        let wakeup = self.wheel.borrow_mut().cancel(key);
        drop(wakeup);
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.wheel.borrow().next_deadline()
    }

    /// Shows every timer: its tick, and who is woken by it. `look` runs nobody's code.
    pub(crate) fn each(&self, mut look: impl FnMut(u64, &Wakeup)) {
        self.wheel.borrow().iter().for_each(|(tick, wakeup)| look(tick, wakeup));
    }

    pub(crate) fn len(&self) -> usize {
        self.wheel.borrow().len()
    }

    /// Wakes all that is due at `tick`, one by one: a wake may cancel the next. It may also arm one for now: hence not
    /// more than were armed when we began.
    pub(crate) fn expire(&self, local: &Rc<Local>, tick: u64) {
        for _ in 0..self.len() {
            let due = self.wheel.borrow_mut().pop(tick);
            let Some(wakeup) = due else { return };
            wakeup.wake(local);
        }
    }
}
