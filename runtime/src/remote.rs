//! The letter box for wakes from elsewhere: another thread, a runtime that is not in its turn, a thread that is ending.
//!
//! Before: `ready.rs`, which handles every wake on the loop's own thread. After: `event_loop.rs`, which empties
//! the box.
//!
//! **Protocol.** A sender pushes, then swaps `notified`; only who swaps false to true disturbs the sleeper. The loop
//! swaps `notified` back to false *before* it empties the box: a push that finds it true happened before that swap, so
//! the emptying sees it. (Emptied first and swapped after, a push between the two would disturb nobody, and be found
//! only because the loop looks into the box once more before it sleeps.)
//!
//! **How the sleeper is disturbed** changes once: until the first source is registered the loop parks, from then on it
//! waits in the poller. A sender who still saw no poller unparks; the loop, after it has set the poller, looks at
//! `notified` and into the box once more before it waits. A fence on each side makes one of the two see the other.
#![forbid(unsafe_code)]

use crate::local::{Local, RuntimeId};
use concurrent_queue::ConcurrentQueue;
use polling::Poller;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::{Arc, OnceLock, Weak};
use std::task::Waker;
use std::thread::{self, Thread};

/// What other threads can reach of a runtime.
#[derive(Debug)]
pub(crate) struct Remote {
    /// Slots to be woken, each at most once (`Address::sent`). Closed when the runtime is dropped.
    inbox: ConcurrentQueue<u32>,
    /// The sleeper has been disturbed since it last looked.
    notified: AtomicBool,
    /// Set once, when the first source is registered. Weak: a waker that outlives the runtime holds no descriptors.
    poller: OnceLock<Weak<Poller>>,
    /// Who parks while there is no poller.
    thread: Thread,
    /// Guards that say "work is under way elsewhere"; see [`Hold`].
    holds: AtomicUsize,
}

impl Remote {
    pub(crate) fn new() -> Self {
        Self {
            inbox: ConcurrentQueue::unbounded(),
            notified: AtomicBool::new(false),
            poller: OnceLock::new(),
            thread: thread::current(),
            holds: AtomicUsize::new(0),
        }
    }

    fn send(&self, slot: u32) {
        if self.inbox.push(slot).is_ok() {
            self.notify();
        }
    }

    /// Ends the loop's wait, or its next one. Coalesced until the loop has looked.
    pub(crate) fn notify(&self) {
        if self.notified.swap(true, Ordering::SeqCst) {
            return;
        }
        fence(Ordering::SeqCst);
        match self.poller.get().map(Weak::upgrade) {
            // An error here means a poller that cannot be written to; the loop meets it in its own wait.
            Some(Some(poller)) => drop(poller.notify()),
            Some(None) => {} // the runtime is gone
            None => self.thread.unpark(),
        }
    }

    /// From now on the loop sleeps in `poller`.
    pub(crate) fn sleep_in(&self, poller: Weak<Poller>) {
        let first = self.poller.set(poller).is_ok();
        debug_assert!(first, "a runtime has one poller");
        fence(Ordering::SeqCst);
    }

    /// Whether somebody has rung, or left a letter, since the loop last looked. To be asked before every sleep, and not
    /// only for letters: while `notified` is set nobody rings again, and the ring itself may have been lost (to the
    /// poller that was not there yet, or to somebody else who parked on this thread).
    pub(crate) fn has_rung(&self) -> bool {
        self.notified.load(Ordering::SeqCst) || !self.inbox.is_empty()
    }

    /// The slots that were in the box when this was called; later ones wait for the next turn, so that a thread that
    /// floods the box starves nobody.
    pub(crate) fn take(&self) -> impl Iterator<Item = u32> + '_ {
        self.notified.swap(false, Ordering::SeqCst);
        let waiting = self.inbox.len();
        self.inbox.try_iter().take(waiting)
    }

    pub(crate) fn close(&self) {
        self.inbox.close();
    }

    pub(crate) fn is_held(&self) -> bool {
        self.holds.load(Ordering::SeqCst) > 0
    }
}

/// What a waker knows: its runtime and its slot.
#[derive(Debug)]
pub(crate) struct Address {
    runtime: RuntimeId,
    slot: u32,
    /// The slot is in the box. Cleared by the loop before it acts on it, so that the box holds each slot once.
    sent: AtomicBool,
    remote: Arc<Remote>,
}

impl Address {
    pub(crate) fn new(runtime: RuntimeId, slot: u32, remote: Arc<Remote>) -> Arc<Self> {
        Arc::new(Self { runtime, slot, sent: AtomicBool::new(false), remote })
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        let address = self.clone();
        waker_fn::waker_fn(move || address.wake())
    }

    fn wake(&self) {
        if Local::wake_here(self.runtime, self.slot) {
            return;
        }
        if !self.sent.swap(true, Ordering::SeqCst) {
            self.remote.send(self.slot);
        }
    }

    pub(crate) fn received(&self) {
        self.sent.store(false, Ordering::SeqCst);
    }
}

/// Says that something the runtime cannot see may still wake it: a thread with a waker, a blocking job. While one
/// lives, virtual time does not jump and a quiet loop is not taken for a stall. Made by [`Runtime::hold`].
///
/// [`Runtime::hold`]: crate::Runtime::hold
#[derive(Debug)]
#[must_use = "the hold ends when this is dropped"]
pub struct Hold(Arc<Remote>);

impl Hold {
    pub(crate) fn new(remote: Arc<Remote>) -> Self {
        remote.holds.fetch_add(1, Ordering::SeqCst);
        Self(remote)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.holds.fetch_sub(1, Ordering::SeqCst);
        self.0.notify();
    }
}
