//! The letter box for wakes from elsewhere: another thread, a runtime that is not in its turn, a thread that is ending.
//!
//! Before: `waker.rs`, which comes here with what it cannot do on the spot; `sync.rs`, `remote/sent.rs`. After:
//! `event_loop.rs`, which empties the box.
//!
//! A waker carries numbers, so there is a list of the process's runtimes by number, behind a lock. It is held to copy
//! one pointer, and only by wakes that have to go to another thread anyway.
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

mod sent;

use crate::reactor::Sleeper;
use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering, fence};
use crate::sync::{Arc, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard, Thread, current, shared};
use crate::waker::Address;
use concurrent_queue::ConcurrentQueue;
use sent::Sent;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{PoisonError, Weak};

shared! {
    /// Every runtime of the process, by its number.
    static RUNTIMES: RwLock<Runtimes> = RwLock::new(BTreeMap::new());

    /// The number of the next runtime, unless that is taken.
    static NEXT: AtomicU32 = AtomicU32::new(0);
}

/// The number that no runtime has.
pub(crate) const NOBODY: u32 = u32::MAX;

type Runtimes = BTreeMap<u32, Arc<Remote>>;

/// (Nothing that is done under the lock can panic half-way.)
fn read() -> RwLockReadGuard<'static, Runtimes> {
    RUNTIMES.read().unwrap_or_else(PoisonError::into_inner)
}

fn write() -> RwLockWriteGuard<'static, Runtimes> {
    RUNTIMES.write().unwrap_or_else(PoisonError::into_inner)
}

/// A wake from elsewhere.
pub(crate) fn send(to: Address) {
    let remote = read().get(&to.runtime).cloned();
    if let Some(remote) = remote {
        remote.send(to.slot);
    }
}

/// What other threads can reach of a runtime.
#[derive(Debug)]
pub(crate) struct Remote {
    /// Slots to be woken, each at most once (`sent`). Closed when the runtime is dropped.
    inbox: ConcurrentQueue<u32>,
    /// The slots that are in the box. Cleared by the loop before it acts on one: who finds it set may be sure that its
    /// wake is still to be acted on.
    sent: Sent,
    /// The sleeper has been disturbed since it last looked.
    notified: AtomicBool,
    /// Set once, when the first source is registered. Weak: a waker that outlives the runtime holds no descriptors.
    poller: OnceLock<Weak<Sleeper>>,
    /// Who parks while there is no poller.
    thread: Thread,
    /// Guards that say "work is under way elsewhere"; see [`Hold`].
    holds: AtomicUsize,
    /// What a host wants to be called by a ring; see [`Runtime::wake_hook`](crate::Runtime::wake_hook).
    hook: OnceLock<Hook>,
}

/// See [`Remote::hook`].
pub(crate) struct Hook(Box<dyn Fn() + Send + Sync>);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

impl Remote {
    /// Enters a new runtime into the list, under a number that no living one has. (The newest is the greatest, until
    /// four thousand million were made.)
    pub(crate) fn register() -> (u32, Arc<Self>) {
        let remote = Arc::new(Self {
            inbox: ConcurrentQueue::unbounded(),
            sent: Sent::default(),
            notified: AtomicBool::new(false),
            poller: OnceLock::new(),
            thread: current(),
            holds: AtomicUsize::new(0),
            hook: OnceLock::new(),
        });
        let runtimes = &mut *write();
        let mut id = NEXT.fetch_add(1, Ordering::Relaxed);
        while id == NOBODY || runtimes.contains_key(&id) {
            id = NEXT.fetch_add(1, Ordering::Relaxed);
        }
        runtimes.insert(id, remote.clone());
        (id, remote)
    }

    /// Takes a runtime out of the list and closes its box: wakes that are under way reach nobody.
    pub(crate) fn retire(&self, id: u32) {
        let gone = write().remove(&id);
        drop(gone); // outside the lock
        self.inbox.close();
    }

    fn send(&self, slot: u32) {
        if !self.sent.set(slot) && self.inbox.push(slot).is_ok() {
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
        if let Some(Hook(hook)) = self.hook.get() {
            hook();
        }
    }

    /// From now on a ring is told to `hook` too. The first one that is set stays.
    pub(crate) fn tell_rings_to(&self, hook: Box<dyn Fn() + Send + Sync>) {
        _ = self.hook.set(Hook(hook));
    }

    /// From now on the loop sleeps in `poller`.
    #[cfg_attr(not(any(feature = "net", taskgroup_loom)), expect(dead_code, reason = "there is no poller"))]
    pub(crate) fn sleep_in(&self, poller: Weak<Sleeper>) {
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
    ///
    /// Letters without a ring are from a sender that has not rung yet, or from a turn that was unwound half-way, and then
    /// nobody will ring for them.
    pub(crate) fn take(&self) -> impl Iterator<Item = u32> + '_ {
        let has_rung = self.notified.load(Ordering::SeqCst) && self.notified.swap(false, Ordering::SeqCst);
        let waiting = if has_rung || !self.inbox.is_empty() { self.inbox.len() } else { 0 };
        self.inbox.try_iter().take(waiting).inspect(|slot| self.sent.clear(*slot))
    }

    pub(crate) fn is_held(&self) -> bool {
        self.holds.load(Ordering::SeqCst) > 0
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// C11.
    #[test]
    fn numbers_of_runtimes_begin_anew_and_pass_over_those_that_live() {
        let (first, oldest) = Remote::register();
        NEXT.store(u32::MAX - 2, Ordering::Relaxed);
        let young: Vec<_> = (0..first + 8).map(|_| Remote::register()).collect();
        let numbers: BTreeSet<_> = young.iter().map(|(id, _)| *id).chain([first]).collect();
        assert_eq!(numbers.len(), young.len() + 1, "a number was given twice");
        assert!(numbers.contains(&(u32::MAX - 1)) && !numbers.contains(&NOBODY));
        send(Address { runtime: first, slot: 7 });
        assert_eq!(
            (oldest.take().collect::<Vec<_>>(), young.iter().any(|(_, remote)| remote.has_rung())),
            (vec![7], false)
        );
        oldest.retire(first);
        young.iter().for_each(|(id, remote)| remote.retire(*id));
    }

    /// A8: compio-rs/compio#489.
    #[test]
    fn a_retired_runtime_is_on_no_list_and_takes_no_letters() {
        let (id, remote) = Remote::register();
        remote.retire(id);
        assert_eq!((Arc::strong_count(&remote), read().contains_key(&id)), (1, false));
        remote.send(7); // one that was under way
        assert!(!remote.has_rung() && remote.take().next().is_none());
    }
}
