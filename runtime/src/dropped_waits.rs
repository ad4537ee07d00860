//! What a future was waiting for when it was dropped, as its waits say themselves.
//!
//! Before: `instrument.rs`, the words. After: `sleep.rs`, `io.rs`, which speak; and the layer above, which asks.
//!
//! Who waits for what is not written down anywhere but in the waits: a [`TaskTree`](crate::TaskTree) looks at every timer
//! and descriptor, which would be too dear for each task that is cancelled. But a cancelled future is dropped, and its waits
//! with it. So who drops one may ask them to say what they were. Where nobody asks, a wait that is dropped looks at one
//! flag.
//!
//! The first that is dropped is the one that counts: a suspended `async` block drops first what it awaits.
#![forbid(unsafe_code)]

use crate::instrument::WaitsFor;
use crate::local::Local;
use std::cell::Cell;

/// What was said, if somebody asks.
#[derive(Default)]
pub(crate) struct DroppedWaits {
    is_asked: Cell<bool>,
    first: Cell<Option<WaitsFor>>,
}

/// Who asked before, and what they were told so far. From [`Local::ask_dropped`], for [`Local::dropped`].
#[derive(Debug)]
pub struct Asked {
    is_asked: bool,
    first: Option<WaitsFor>,
}

impl Local {
    /// From now on every wait of this runtime that is dropped says what it was. Followed by [`dropped`](Self::dropped);
    /// pairs may nest.
    #[must_use = "who asked before is asked for again"]
    pub fn ask_dropped(&self) -> Asked {
        let waits = &self.dropped_waits;
        Asked { is_asked: waits.is_asked.replace(true), first: waits.first.take() }
    }

    /// The first wait that was dropped since. It counts also for who had asked before.
    pub fn dropped(&self, before: Asked) -> Option<WaitsFor> {
        let waits = &self.dropped_waits;
        let first = waits.first.take();
        waits.is_asked.set(before.is_asked);
        if before.is_asked {
            waits.first.set(before.first.or(first));
        }
        first
    }

    /// A wait is dropped, or given up for the sake of a cancel. What it was is found out only if somebody asks. `wait` runs
    /// nobody's code.
    #[inline(always)]
    pub fn drops_wait(&self, wait: impl FnOnce() -> Option<WaitsFor>) {
        if self.dropped_waits.is_asked.get() {
            self.note_dropped(wait);
        }
    }

    #[cold]
    fn note_dropped(&self, wait: impl FnOnce() -> Option<WaitsFor>) {
        let waits = &self.dropped_waits;
        if waits.first.get().is_none() {
            waits.first.set(wait());
        }
    }
}
