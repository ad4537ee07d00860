//! An event: awaited in a task, set from any thread. Part of the programs of steps 2 and 3.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

// ANCHOR: event
/// Is set once; one task may wait for that.
#[derive(Clone, Default)]
pub(crate) struct Event(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    is_set: bool,
    /// Whom to wake when it is set.
    waiter: Option<Waker>,
}

impl Event {
    pub(crate) fn set(&self) {
        let waiter = {
            let mut state = self.lock();
            state.is_set = true;
            state.waiter.take()
        };
        if let Some(waker) = waiter {
            waker.wake(); // after the lock is gone: what a waker does is not our affair
        }
    }

    pub(crate) fn wait(&self) -> Wait {
        Wait(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The future of [`Event::wait`].
pub(crate) struct Wait(Event);

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.is_set {
            return Poll::Ready(());
        }
        state.waiter = Some(cx.waker().clone()); // the promise: this will be woken
        Poll::Pending
    }
}
// ANCHOR_END: event
