//! What was forgotten, and who is inside it: nobody may touch that again.
//!
//! Before: nothing. After: `stage.rs`, which has one for each run.
//!
//! A probe gets its number at its first poll, inside the probe that is polled then; so the probes are a tree, and what
//! is inside a forgotten one is what is below it.

use std::cell::{Cell, RefCell};

/// Nobody: what is polled by no probe.
pub(crate) const NOBODY: u32 = u32::MAX;

pub(crate) struct Losses {
    /// The probe that is polled or dropped right now.
    path: Cell<u32>,
    /// Probes by number: who is around each.
    probes: RefCell<Vec<u32>>,
    /// Probes whose future was forgotten or put away.
    lost: RefCell<Vec<u32>>,
    /// Guards made so far that may be handed on, and how many there were when a future was forgotten.
    values: Cell<usize>,
    values_at_loss: Cell<Option<usize>>,
}

impl Default for Losses {
    fn default() -> Self {
        Self {
            path: Cell::new(NOBODY),
            probes: RefCell::default(),
            lost: RefCell::default(),
            values: Cell::new(0),
            values_at_loss: Cell::new(None),
        }
    }
}

impl Losses {
    /// A new probe, inside the one that is polled now.
    pub(crate) fn add_probe(&self) -> u32 {
        let mut probes = self.probes.borrow_mut();
        probes.push(self.path.get());
        (probes.len() - 1) as u32
    }

    /// Makes `probe` the one that is polled or dropped now. Gives back who was.
    pub(crate) fn enter(&self, probe: u32) -> u32 {
        self.path.replace(probe)
    }

    /// The probe that is polled or dropped now.
    pub(crate) fn path(&self) -> u32 {
        self.path.get()
    }

    /// Notes that the future of a probe was forgotten or put away.
    pub(crate) fn lose(&self, probe: u32) {
        self.lost.borrow_mut().push(probe);
        self.values_at_loss.set(Some(self.values.get()));
    }

    /// Futures that were put away are dropped now, which is no touch.
    pub(crate) fn find_again(&self) {
        self.lost.borrow_mut().clear();
    }

    /// Whether a probe is in what was forgotten.
    pub(crate) fn is_lost(&self, mut probe: u32) -> bool {
        let lost = self.lost.borrow();
        if lost.is_empty() {
            return false;
        }
        let probes = self.probes.borrow();
        while probe != NOBODY {
            if lost.contains(&probe) {
                return true;
            }
            probe = probes[probe as usize];
        }
        false
    }

    /// A guard was made that may be handed on.
    pub(crate) fn note_value(&self) {
        self.values.set(self.values.get() + 1);
    }

    /// Values made since a future was forgotten: they may have been handed to it.
    pub(crate) fn values_later(&self) -> usize {
        self.values_at_loss.get().map_or(0, |before| self.values.get() - before)
    }
}
