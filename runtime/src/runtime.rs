//! A runtime as a value: what it owns, and how it begins and ends.
//!
//! Before: `local.rs`, which its tasks can reach. After: `event_loop.rs`, which turns it, and `block_on.rs`.
#![forbid(unsafe_code)]

use crate::clock::Clock;
use crate::current::{Current, NONE};
use crate::error::ClockIsReal;
use crate::first_panic::FirstPanic;
use crate::instrument::{Event, HowEnded, Instrument};
use crate::local::Local;
use crate::ready::ReadySet;
use crate::remote::Hold;
use crate::seed::Seed;
use crate::task::{JoinHandle, Root, RootFuture, prepare};
use slab::Slab;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

/// An event loop: root tasks, timers, sockets, a clock.
///
/// A value like any other: several can live on one thread, one after the other or each in its turn. It is not `Send`.
/// It owns its tasks, so with a lifetime `'env` they may borrow what outlives the runtime. Dropping it drops every
/// task. Making one makes no system call; the poller (three descriptors on Linux) comes with the first socket.
///
/// ```
/// use taskgroup_runtime::Runtime;
///
/// let words = vec!["a", "b"];
/// let runtime = Runtime::new();
/// let count = runtime.spawn(async { words.len() }); // borrows
/// assert_eq!(runtime.block_on(count).ok(), Some(2));
/// ```
pub struct Runtime<'env> {
    pub(crate) local: Rc<Local>,
    pub(crate) roots: ReadySet,
    /// The futures of the root tasks, by their key in `roots`; a task that is being polled has left its place empty.
    pub(crate) tasks: RefCell<Slab<Option<RootTask<'env>>>>,
    pub(crate) stall_is_an_error: Cell<bool>,
    /// What to say of the order of the tasks, if it is not the usual one.
    pub(crate) seed: Seed,
}

/// How a root task ends that did not by itself.
pub(crate) const CANCELLED: HowEnded<'static> =
    HowEnded::Cancelled { reason: None, was_started: true, was_cut_off: false };

pub(crate) struct RootTask<'env> {
    pub(crate) future: RootFuture<'env>,
    pub(crate) slot: u32,
    pub(crate) root: Rc<Root>,
}

impl<'env> Runtime<'env> {
    /// A runtime on the real clock. Makes no system call but a look at the clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Clock::Real)
    }

    /// A runtime on the clock of your choice.
    #[must_use]
    pub fn with_clock(clock: Clock) -> Self {
        let local = Local::new(clock);
        let roots = ReadySet::of_roots(&local);
        Self {
            local,
            roots,
            tasks: RefCell::default(),
            stall_is_an_error: Cell::new(clock != Clock::Real),
            seed: Seed::default(),
        }
    }

    /// Chooses whether a stall ends `block_on` with an error: everything waits, and no timer, socket or
    /// [`Hold`] can ever wake it. The default is yes on virtual clocks and no on the real one, where a thread that
    /// cannot be seen may hold a waker: there it is reported once and waited out.
    #[must_use]
    pub fn stall_is_an_error(self, yes: bool) -> Self {
        self.stall_is_an_error.set(yes);
        self
    }

    /// Runs what is ready in an order that is shuffled from `seed`, so that tests find programs that depend on it. On a
    /// virtual clock the same seed gives the same run.
    ///
    /// Each batch of each group (and of the root tasks) is shuffled by itself: who in it was woken first no longer comes
    /// first. What is promised stays: tasks start in the order of their spawning, a body runs before its tasks do, what was
    /// not ready when a batch began is not in it, and a group acts on its failures after the batch. If a run ends in a
    /// panic or a stall, the reporter is told the seed.
    ///
    /// Not shuffled, this costs a look at each batch, at none of the tasks; shuffled, an allocation for each batch.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    /// use std::time::Duration;
    /// use taskgroup_runtime::{Clock, Runtime, sleep};
    ///
    /// let second = Duration::from_secs(1);
    /// let winner = |seed| {
    ///     let runtime = Runtime::with_clock(Clock::Autojump).shuffled(seed);
    ///     let first = Rc::new(Cell::new(None));
    ///     for name in ["a", "b"] {
    ///         let first = first.clone();
    ///         runtime.spawn(async move {
    ///             sleep(second).await; // both come at the same instant: who is first must not matter
    ///             first.set(first.get().or(Some(name)));
    ///         });
    ///     }
    ///     runtime.block_on(sleep(2 * second));
    ///     first.get()
    /// };
    /// let won = |name| (0..20).any(|seed| winner(seed) == Some(name));
    /// assert!(won("a") && won("b"));
    /// ```
    #[must_use]
    pub fn shuffled(self, seed: u64) -> Self {
        self.local.slots().shuffle(seed);
        self.seed.set(seed);
        self
    }

    /// Starts a root task that may borrow for `'env`. It runs in `block_on` and in [`turn`](Self::turn).
    pub fn spawn<T: 'env>(&self, future: impl Future<Output = T> + 'env) -> JoinHandle<T> {
        let (future, handle) = prepare(&self.local, future);
        let (root, slot) = (handle.root().clone(), self.roots.join(NONE));
        root.slot.set(Some(slot));
        self.keep(RootTask { future, slot, root });
        self.local.start_root(slot, None);
        handle
    }

    /// Gives a task its place among the futures, and its slot the key of that place.
    pub(crate) fn keep(&self, task: RootTask<'env>) -> usize {
        let mut tasks = self.tasks.borrow_mut();
        let place = tasks.vacant_entry();
        let key = place.key();
        self.roots.set_key(task.slot, key as u32);
        place.insert(Some(task));
        key
    }

    /// Drops a task's future, then says that the task is over, and how it ended.
    pub(crate) fn bury(&self, task: RootTask<'env>, panic: Option<Box<dyn Any + Send>>, how: HowEnded<'_>) {
        let RootTask { future, slot, root } = task;
        let back = self.local.step_back(&root);
        let dropped = {
            let _task = Current::new(slot, NONE).enter();
            catch_unwind(AssertUnwindSafe(|| drop(future)))
        };
        self.local.tell(|| Event::Ended { task: slot, how });
        if back.is_some() {
            self.local.forget_in_background(slot);
        }
        drop(back);
        self.roots.leave(slot);
        root.finish(&self.local, panic.or(dropped.err()));
    }

    /// Says that something the runtime cannot see may still wake it. See [`Hold`].
    pub fn hold(&self) -> Hold {
        Hold::new(self.local.remote().clone())
    }

    /// Moves a virtual clock; timers that are due by then run in the next turn.
    ///
    /// # Errors
    ///
    /// On the real clock, which nobody moves.
    pub fn advance(&self, by: Duration) -> Result<(), ClockIsReal> {
        advance_clock_of(&self.local, by)
    }

    /// Tells `instrument` what happens in this runtime, from now on and beside those that hear it already. What was there
    /// before is not told: begin with it.
    pub fn instrument(&self, instrument: Rc<dyn Instrument>) {
        self.local.telling.add(instrument);
    }

    /// What time it is on this runtime's clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.local.time().now()
    }

    /// What is in the runtime: root tasks, armed timers, registered sources. For tests that count.
    #[must_use]
    pub fn census(&self) -> Census {
        Census {
            tasks: self.tasks.borrow().len() + self.local.spawned().borrow().len(),
            timers: self.local.timers().len(),
            sources: self.local.reactor().len(),
        }
    }

    #[cfg(test)]
    pub(crate) fn local(&self) -> &Rc<Local> {
        &self.local
    }
}

/// Moves the virtual clock of the current runtime, from inside a task.
///
/// # Errors
///
/// On the real clock, and outside a runtime, where the system's clock is the only one.
pub fn advance(by: Duration) -> Result<(), ClockIsReal> {
    match Local::current() {
        Some(local) => advance_clock_of(&local, by),
        None => Err(ClockIsReal),
    }
}

fn advance_clock_of(local: &Local, by: Duration) -> Result<(), ClockIsReal> {
    if local.time().is_real() {
        return Err(ClockIsReal);
    }
    local.time().advance(by);
    local.slots().disturb(); // a deadline may be over now without a wake
    Ok(())
}

/// Says that something the current runtime cannot see may still wake it. `None` outside a runtime. See [`Hold`].
#[must_use]
pub fn hold() -> Option<Hold> {
    Local::current().map(|local| Hold::new(local.remote().clone()))
}

/// What is in a runtime; see [`Runtime::census`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Census {
    /// Root tasks that have not ended.
    pub tasks: usize,
    /// Armed timers.
    pub timers: usize,
    /// Registered descriptors.
    pub sources: usize,
}

impl Default for Runtime<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Runtime<'_> {
    /// Drops every task. A destructor that spawns finds the runtime closed. The first panic of a destructor, or of a
    /// joiner's waker, goes on when all is dropped (unless we are unwinding already).
    fn drop(&mut self) {
        if thread::panicking() {
            self.seed.tell(); // an assertion after `block_on`, say
        }
        self.local.close();
        let mut panic = FirstPanic::default();
        {
            let _in_turn = self.local.enter();
            while let Some(task) = self.next_spawned() {
                self.keep(task);
            }
            loop {
                let tasks = mem::take(&mut *self.tasks.borrow_mut());
                if tasks.is_empty() {
                    break;
                }
                for task in tasks.into_iter().filter_map(|(_, task)| task) {
                    let root = task.root.clone();
                    panic.catch(|| self.bury(task, None, CANCELLED)); // it wakes the joiner
                    root.take_panic().into_iter().for_each(|payload| panic.add(payload));
                }
            }
        }
        self.local.retire();
        panic.go_on();
    }
}

impl fmt::Debug for Runtime<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("census", &self.census()).finish_non_exhaustive()
    }
}
