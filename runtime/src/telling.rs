//! How a runtime tells its instruments what happens.
//!
//! Before: `instrument.rs`, the words. After: `local.rs`, `slots.rs`, and whoever tells.
//!
//! An instrument is somebody else's code. So nothing is told while anything of ours is borrowed; wakes, of which some
//! happen inside a borrow of the layer above, are noted down there and told with the next event.
#![forbid(unsafe_code)]

use crate::current::Current;
use crate::freeze::{count_instrument_in, count_instrument_out, is_quiet};
use crate::instrument::{Event, Instrument, TaskNumber, WaitsFor, WokenBy};
use crate::local::Local;
use crate::ready::ROOTS;
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;

/// What is told of a runtime, and to whom.
#[derive(Default)]
pub(crate) struct Telling {
    /// Somebody listens, and nobody who is not to be heard is being polled.
    is_on: Cell<bool>,
    is_hushed: Cell<bool>,
    instruments: RefCell<Vec<Rc<dyn Instrument>>>,
    /// Who wakes, where that is not the task that is being polled.
    by: Cell<Option<WokenBy>>,
    /// Wakes that are not told yet.
    noted: RefCell<Vec<(TaskNumber, WokenBy)>>,
}

impl Telling {
    #[inline(always)]
    pub(crate) fn is_on(&self) -> bool {
        self.is_on.get()
    }

    /// One instrument more.
    pub(crate) fn add(&self, instrument: Rc<dyn Instrument>) {
        let mut instruments = self.instruments.borrow_mut();
        if instruments.is_empty() {
            count_instrument_in();
        }
        instruments.push(instrument);
        self.is_on.set(!self.is_hushed.get());
    }

    /// One less: the same that was added.
    fn remove(&self, instrument: &Rc<dyn Instrument>) {
        let mut instruments = self.instruments.borrow_mut();
        let place = instruments.iter().position(|own| Rc::ptr_eq(own, instrument));
        let gone = place.map(|place| instruments.remove(place));
        if gone.is_some() && instruments.is_empty() {
            self.is_on.set(false);
            count_instrument_out();
        }
        drop(instruments);
        drop(gone); // outside the borrow: it may be the last
    }

    /// Says whether what happens is to be told.
    pub(crate) fn hush(&self, yes: bool) {
        self.is_hushed.set(yes);
        self.is_on.set(!yes && !self.instruments.borrow().is_empty());
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        if !self.instruments.borrow().is_empty() {
            count_instrument_out();
        }
    }
}

/// Tells the instruments of the current runtime, if there are any. For who has no runtime at hand.
#[inline(always)]
pub fn tell<'a>(event: impl FnOnce() -> Event<'a>) {
    if !is_quiet()
        && let Some(local) = Local::current()
    {
        local.tell(event);
    }
}

impl Local {
    /// Tells the instruments, if there are any: only then is the event made. Not to be called while anything is
    /// borrowed.
    #[inline(always)]
    pub fn tell<'a>(&self, event: impl FnOnce() -> Event<'a>) {
        if self.telling.is_on() {
            self.tell_noted();
            self.hand_out(&event());
        }
    }

    /// Tells `instrument` what happens from now on; see [`Runtime::instrument`](crate::Runtime::instrument).
    pub fn add_instrument(&self, instrument: Rc<dyn Instrument>) {
        self.telling.add(instrument);
    }

    /// Tells it nothing more. When the last one has gone, to tell is free again.
    pub fn remove_instrument(&self, instrument: &Rc<dyn Instrument>) {
        self.telling.remove(instrument);
    }

    /// Whether anybody listens: for who has to look something up before it can be told.
    #[inline(always)]
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.telling.is_on()
    }

    /// Tells what the task that is being polled waits for.
    #[inline(always)]
    pub fn tell_wait(&self, wait: WaitsFor) {
        self.tell(|| Event::Waits { task: Current::get().slot(), wait });
    }

    /// Tells of a new root task, and wakes it for the first time.
    pub(crate) fn start_root(&self, task: u32, place: Option<&'static Location<'static>>) {
        self.tell(|| Event::Spawned { task, group: ROOTS, number: 0, place });
        self.waking(WokenBy::Spawn, || self.wake(task));
    }

    /// Runs something that wakes, in the name of `by`.
    #[inline(always)]
    pub fn waking<R>(&self, by: impl FnOnce(Option<TaskNumber>) -> WokenBy, wake: impl FnOnce() -> R) -> R {
        if !self.telling.is_on() {
            return wake();
        }
        let before = self.telling.by.replace(Some(by(Current::get().task())));
        let result = wake();
        self.telling.by.set(before);
        result
    }

    /// Tells who is woken by the wake of a slot that is about to follow.
    #[inline(always)]
    pub(crate) fn tell_wakes(&self, slot: u32) {
        if self.telling.is_on() {
            self.note_wakes_of(slot);
            self.tell_noted();
        }
    }

    /// The same for who holds a borrow: it is told with the next event.
    #[inline(always)]
    pub(crate) fn note_wakes(&self, slot: u32) {
        if self.telling.is_on() {
            self.note_wakes_of(slot);
        }
    }

    /// Tells that who polls a set is woken again.
    #[inline(always)]
    pub(crate) fn tell_owner(&self, set: u32) {
        if self.telling.is_on() {
            self.note_down(self.slots().would_tell(set), WokenBy::Group);
            self.tell_noted();
        }
    }

    #[cold]
    fn note_wakes_of(&self, slot: u32) {
        let by = self.telling.by.get().or_else(|| Current::get().task().map(WokenBy::Task)).unwrap_or(WokenBy::Host);
        self.note_down(self.slots().would_wake(slot), by);
    }

    /// The first is woken by somebody, and those above it because it is in their groups.
    fn note_down(&self, woken: Vec<TaskNumber>, by: WokenBy) {
        let by = std::iter::once(by).chain(std::iter::repeat(WokenBy::Group));
        if self.background().len() > 0
            && woken.first().is_some_and(|slot| self.background().has(self.slots().root_of(*slot)))
        {
            return;
        }
        let woken = woken.into_iter().zip(by);
        self.telling.noted.borrow_mut().extend(woken);
    }

    #[cold]
    fn tell_noted(&self) {
        let noted = self.telling.noted.take();
        for (task, by) in noted {
            self.hand_out(&Event::Woken { task, by });
        }
    }

    #[cold]
    fn hand_out(&self, event: &Event<'_>) {
        let at = self.time().elapsed();
        let instruments = self.telling.instruments.borrow().clone();
        for instrument in instruments {
            instrument.hear(at, event);
        }
    }
}
