//! Tasks beside the program: an inspector, say. They look at the others, and are not looked at.
//!
//! Before: `task.rs`, whose root tasks they are. After: whoever serves somebody outside from inside the loop.
//!
//! **Facts.** A task in the background is polled like every root task. But it is no part of the program: no instrument
//! hears of it, no task tree shows it, and what it waits for does not keep a stall from being one, nor virtual time from
//! moving. Its descriptors are those that it makes while it is polled.
//!
//! **Danger.** What it tells about would never end: to send an event away is a poll, a wake and a wait, three events.
//!
//! **Remedy.** While one is polled, nothing is told; and a wake of one is no event.
#![forbid(unsafe_code)]

use crate::local::Local;
use crate::runtime::Runtime;
use crate::task::{JoinHandle, Root, enlist};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The tasks of a runtime that are in the background.
#[derive(Default)]
pub(crate) struct Background {
    /// Few: found by looking through.
    slots: RefCell<Vec<u32>>,
    is_polled: Cell<bool>,
    /// How often they were polled, wrapping.
    polls: Cell<u32>,
}

impl Background {
    /// Whether one of them is being polled (or dropped).
    #[cfg(feature = "net")]
    #[inline(always)]
    pub(crate) fn is_polled(&self) -> bool {
        self.is_polled.get()
    }

    /// Whether the task of that slot is one.
    pub(crate) fn has(&self, slot: u32) -> bool {
        self.slots.borrow().contains(&slot)
    }

    pub(crate) fn count_poll(&self) {
        self.polls.set(self.polls.get().wrapping_add(1));
    }

    /// How often they were polled: a stall is one while an inspector answers.
    pub(crate) fn polls(&self) -> u32 {
        self.polls.get()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.borrow().len()
    }
}

impl Local {
    /// Starts a root task in the background, also between turns. It ends with the runtime, if not before.
    ///
    /// A task of no group: for what serves somebody outside, not for programs.
    pub fn spawn_in_background(self: &Rc<Self>, future: impl Future<Output = ()> + 'static) -> JoinHandle<()> {
        enlist(self, future, |root, slot| {
            root.is_in_background.set(true);
            self.background().slots.borrow_mut().push(slot);
            self.wake(slot);
        })
    }

    /// Does something as if a task in the background did it: what it registers does not count.
    pub fn in_background<T>(&self, act: impl FnOnce() -> T) -> T {
        let _back = SteppedBack::new(self);
        act()
    }

    /// How many timers are armed, and how many descriptors of the program are registered: without those of the
    /// background.
    #[must_use]
    pub fn armed_and_registered(&self) -> (usize, usize) {
        (self.timers().len(), self.reactor().counted())
    }

    /// Until the guard is dropped, a task in the background is polled: if this is one.
    #[inline(always)]
    pub(crate) fn step_back(&self, root: &Root) -> Option<SteppedBack<'_>> {
        root.is_in_background.get().then(|| SteppedBack::new(self))
    }

    /// A task in the background has left its slot.
    pub(crate) fn forget_in_background(&self, slot: u32) {
        self.background().slots.borrow_mut().retain(|other| *other != slot);
    }
}

impl Runtime<'_> {
    /// Starts a root task beside the program: one that serves somebody outside, such as an inspector or a page of figures.
    ///
    /// It is polled like every other, and ends with the runtime if not before; but it is not seen. No
    /// [instrument](Self::instrument) hears of it, no [tree](Self::tree) shows it, [`Turn::live`](crate::Turn::live) does
    /// not count it, and to wait for a descriptor that it has made is no reason for a virtual clock to stand still or for
    /// a stall not to be one. (Its timers count as all do.)
    ///
    /// ```
    /// use taskgroup_runtime::{Async, BlockOnError, Clock, Runtime};
    /// use std::future::pending;
    ///
    /// let runtime = Runtime::with_clock(Clock::Autojump);
    /// runtime.spawn_in_background(async {
    ///     let Ok(Ok(socket)) = std::net::UdpSocket::bind("127.0.0.1:0").map(Async::new) else { return };
    ///     _ = socket.read_with(|socket| socket.recv(&mut [0])).await; // for ever, but that is nobody's trouble
    /// });
    /// let stalled = runtime.try_block_on(pending::<()>());
    /// assert!(matches!(stalled, Err(BlockOnError::Stalled(stall)) if stall.tree.len() == 1));
    /// ```
    pub fn spawn_in_background(&self, future: impl Future<Output = ()> + 'static) -> JoinHandle<()> {
        self.local.spawn_in_background(future)
    }
}

/// See [`Local::step_back`].
pub(crate) struct SteppedBack<'a> {
    local: &'a Local,
    was_polled: bool,
}

impl<'a> SteppedBack<'a> {
    fn new(local: &'a Local) -> Self {
        local.telling.hush(true);
        Self { local, was_polled: local.background().is_polled.replace(true) }
    }
}

impl Drop for SteppedBack<'_> {
    fn drop(&mut self) {
        self.local.background().is_polled.set(self.was_polled);
        self.local.telling.hush(self.was_polled);
    }
}
