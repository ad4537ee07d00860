//! [`Recorder`]: hears what happens and writes it down.
//!
//! Before: `translate.rs`, `kept.rs`. After: `model.rs`.

use super::Trace;
use super::kept::Kept;
use super::translate::{Translator, text_of};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;
use taskgroup_runtime::instrument::{Event, Instrument};

/// How many events a recorder keeps unless told otherwise.
const EVENTS: usize = 1_000_000;

/// Writes down what happens in one runtime; its [`trace`](Recorder::trace) is drawn or written to a file.
///
/// Memory is bounded: of a long run it keeps the first and the last events (half a million each, some 60 bytes an
/// event, names and reasons besides) and says in each output how many it left out between. Who is whose child, names,
/// places and ends stay right also then, for all tasks of which anything is shown. Names and messages are cut after
/// 4096 bytes.
///
/// An event costs a look at the clock and a few hundred nanoseconds at most.
pub struct Recorder {
    inner: RefCell<Inner>,
}

struct Inner {
    translator: Translator,
    kept: Kept,
}

impl Recorder {
    /// For [`Runtime::instrument`](taskgroup_runtime::Runtime::instrument). A recorder is for one runtime.
    #[must_use]
    pub fn new() -> Rc<Self> {
        Self::with_limit(EVENTS)
    }

    /// One that keeps so many events, two at least. Memory grows as they come.
    #[must_use]
    pub fn with_limit(events: usize) -> Rc<Self> {
        let inner = Inner { translator: Translator::default(), kept: Kept::new(events) };
        Rc::new(Self { inner: RefCell::new(inner) })
    }

    /// What was written down so far. It goes on writing.
    ///
    /// Copies the records: linear, about a tenth of a second for a million.
    #[must_use]
    pub fn trace(&self) -> Trace {
        let inner = self.inner.borrow();
        Trace::new(inner.kept.records(), inner.kept.left_out())
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Instrument for Recorder {
    fn hear(&self, at: Duration, event: &Event<'_>) {
        let text = text_of(event);
        let inner = &mut *self.inner.borrow_mut();
        if let Some(record) = inner.translator.record(at, event, text) {
            inner.kept.push(record);
        }
    }
}
