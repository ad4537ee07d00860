//! The reactor of a runtime without descriptors, which parks its thread. It stands in the place of `reactor.rs` where the
//! feature `net` is off, and says to every question what is true then.
//!
//! Before: `reactor.rs`, for the questions. After: nothing.
#![forbid(unsafe_code)]

use crate::instrument::WaitsFor;
use crate::local::Local;
use crate::wakeup::Wakeup;
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// What a runtime sleeps in besides its thread: there is none.
#[derive(Debug)]
pub(crate) enum Sleeper {}

impl Sleeper {
    pub(crate) fn notify(&self) -> io::Result<()> {
        match *self {}
    }
}

#[derive(Default)]
pub(crate) struct Reactor(());

impl Reactor {
    pub(crate) fn is_sleepable(&self) -> bool {
        false
    }

    pub(crate) fn is_idle(&self) -> bool {
        true
    }

    pub(crate) fn is_waited_on(&self) -> bool {
        false
    }

    pub(crate) fn looks_first(&self) -> bool {
        false
    }

    pub(crate) fn has_run(&self) {}

    pub(crate) fn len(&self) -> usize {
        0
    }

    pub(crate) fn counted(&self) -> usize {
        0
    }

    pub(crate) fn each_waiter(&self, _look: impl FnMut(WaitsFor, &Wakeup)) {}

    pub(crate) fn wait(&self, _timeout: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn dispatch(&self, _local: &Rc<Local>) {}
}
