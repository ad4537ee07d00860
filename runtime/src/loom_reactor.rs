//! The stand-in for `reactor.rs` in the models of `tests/models`: a poller that watches nothing, and can be made while the
//! loop runs, as the real one is with the first source.
//!
//! Before: `loom_sync.rs`. After: nothing. Compiled with `--cfg taskgroup_loom` and nowhere else.
#![forbid(unsafe_code)]

use crate::instrument::WaitsFor;
use crate::local::Local;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::wakeup::Wakeup;
use loom::sync::{Condvar, Mutex};
use std::cell::OnceCell;
use std::io;
use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// What of `polling::Poller` has to do with threads, step by step as its version 3.11 does it: a counter in the kernel
/// that ends a wait (an eventfd), and a flag before it, which is cleared after the counter is.
#[derive(Debug, Default)]
pub(crate) struct Sleeper {
    notified: AtomicBool,
    counter: Mutex<bool>,
    counted: Condvar,
}

impl Sleeper {
    pub(crate) fn notify(&self) -> io::Result<()> {
        if self.notified.compare_exchange(false, true, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            *self.counter.lock().expect("nobody panics with it") = true;
            self.counted.notify_one();
        }
        Ok(())
    }

    fn wait(&self, timeout: Option<Duration>) {
        let mut counter = self.counter.lock().expect("nobody panics with it");
        while !*counter && timeout != Some(Duration::ZERO) {
            counter = self.counted.wait(counter).expect("nobody panics with it");
        }
        if mem::take(&mut *counter) {
            drop(counter);
            self.notified.swap(false, Ordering::SeqCst);
        }
    }
}

#[derive(Default)]
pub(crate) struct Reactor(OnceCell<Arc<Sleeper>>);

/// Makes the poller of the current runtime, as its first socket does.
///
/// # Panics
///
/// Outside a runtime.
pub fn make_poller() {
    let local = Local::expect_current("a poller");
    local.reactor().0.get_or_init(|| {
        let sleeper = Arc::new(Sleeper::default());
        local.remote().sleep_in(Arc::downgrade(&sleeper));
        sleeper
    });
}

impl Reactor {
    pub(crate) fn is_sleepable(&self) -> bool {
        self.0.get().is_some()
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

    pub(crate) fn wait(&self, timeout: Option<Duration>) -> io::Result<()> {
        if let Some(sleeper) = self.0.get() {
            sleeper.wait(timeout);
        }
        Ok(())
    }

    pub(crate) fn dispatch(&self, _local: &Rc<Local>) {}
}
