//! A waker of somebody else's: it hands the wake on.
//!
//! Before: `stage.rs`. After: `probe.rs`.

use crate::stage::Injected;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::thread;
use taskgroup::node_count;

/// How many foreign wakers of a run are alive.
#[derive(Clone, Default)]
pub(crate) struct Alive(Arc<AtomicUsize>);

impl Alive {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// A new waker that hands on to `inner`, as long as it is in force, and then may panic.
    pub(crate) fn waker(&self, inner: &Waker, panics: bool) -> (Waker, InForce) {
        self.0.fetch_add(1, Ordering::Relaxed);
        let in_force = InForce(Arc::new(AtomicBool::new(true)));
        let foreign = Foreign { alive: self.clone(), in_force: in_force.0.clone(), inner: inner.clone(), panics };
        (Waker::from(Arc::new(foreign)), in_force)
    }
}

/// A waker is in force until this is dropped: with the next poll only the next waker counts, so whoever keeps the one
/// before waits for ever.
pub(crate) struct InForce(Arc<AtomicBool>);

impl Drop for InForce {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

struct Foreign {
    in_force: Arc<AtomicBool>,
    alive: Alive,
    inner: Waker,
    panics: bool,
}

impl Wake for Foreign {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let _ = node_count(); // panics where the library holds a borrow
        if self.in_force.load(Ordering::Relaxed) {
            self.inner.wake_by_ref();
            if self.panics && !thread::panicking() {
                resume_unwind(Box::new(Injected));
            }
        }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = node_count();
        self.alive.0.fetch_sub(1, Ordering::Relaxed);
    }
}
