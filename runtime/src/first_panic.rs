//! Of several panics the first goes on, and what comes after it is done all the same.
//!
//! Before: `reporter.rs`. After: `wakeup.rs`, `runtime.rs`; and whatever wakes or drops several things of other people.
//!
//! A `wake` is somebody's code, and may panic. Those behind it have to hear their news all the same:
//!
//! ```text
//! for waker in taken_out { waker.wake(); } // if the first panics, nobody will ever wake the others
//! ```
#![forbid(unsafe_code)]

use crate::reporter::{Report, report};
use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

/// What a panic carries.
type Payload = Box<dyn Any + Send>;

/// The first panic of several.
#[derive(Default)]
pub(crate) struct FirstPanic(Option<Payload>);

impl FirstPanic {
    /// Runs somebody's code.
    #[inline(always)]
    pub(crate) fn catch(&mut self, act: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(act)) {
            self.add(payload);
        }
    }

    /// A panic that was caught.
    #[cold]
    pub(crate) fn add(&mut self, payload: Payload) {
        match self.0 {
            None => self.0 = Some(payload),
            Some(_) => displace(payload),
        }
    }

    /// It goes on; but not in a thread that unwinds already, which that would abort.
    #[inline(always)]
    pub(crate) fn go_on(self) {
        if let Some(payload) = self.0 {
            go_on(payload);
        }
    }
}

#[cold]
fn go_on(payload: Payload) {
    if !thread::panicking() {
        resume_unwind(payload);
    }
    displace(payload);
}

/// Its destructor may be the next to panic: it is forgotten.
fn displace(payload: Payload) {
    mem::forget(payload);
    report(&Report::Displaced(&"a further panic, of a destructor or of somebody else's waker"));
}

/// Does something with each, also with those behind one where that panics. The first panic goes on when all is done, and
/// further ones are reported.
#[inline]
pub fn each_despite_panics<T>(all: impl IntoIterator<Item = T>, mut act: impl FnMut(T)) {
    let (mut rest, mut panic) = (all.into_iter(), FirstPanic::default());
    while let Err(payload) = catch_unwind(AssertUnwindSafe(|| rest.by_ref().for_each(&mut act))) {
        panic.add(payload);
    }
    drop(rest);
    panic.go_on();
}
