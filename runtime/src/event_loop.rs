//! The loop: one turn of a runtime.
//!
//! Before: `ready.rs`, `timers.rs`, `reactor.rs`, and `runtime.rs` for the value that turns. After: `block_on.rs`.
//!
//! Three principles explain every choice here:
//!
//! 1. **Only what was ready when a batch began is run in it.** A task that wakes itself costs one poll a batch, and
//!    after 64 polls sockets and timers are looked at again, whoever shouts; or after the batch in which a task did 64
//!    operations on sockets without a wait.
//! 2. **Never sleep on work.** The wait has a timeout of zero while anything is ready, and is left out altogether
//!    while no descriptor is watched.
//! 3. **No borrow is held while somebody else's code runs**: a poll, a drop, a wake. Take out, let go, call.
#![forbid(unsafe_code)]

use crate::current::{Current, NONE};
use crate::error::BlockOnError;
use crate::instrument::{Event, HowEnded, Phase, WokenBy};
use crate::runtime::{CANCELLED, RootTask, Runtime};
use crate::sync::{park, park_timeout};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The key under which `block_on`'s future is a member of the root set.
pub(crate) const MAIN: u32 = NONE - 1;
/// The key of a task that was spawned from inside and has no place among the futures yet: the first of those.
pub(crate) const SPAWNED: u32 = NONE - 2;

/// `block_on`'s future: a member of the root set whose future stays on the caller's stack.
pub(crate) trait MainTask {
    fn poll(&mut self);
}

/// What one [turn](Runtime::turn) did, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Turn {
    /// Polls made, those of tasks inside groups included.
    pub polled: u32,
    /// Root tasks that have not ended.
    pub live: usize,
    /// Whether something is ready already: turn again without waiting.
    pub ready: bool,
    /// When the next timer is due. May be a little early if timers were cancelled, never late.
    pub next_deadline: Option<Instant>,
}

impl<'env> Runtime<'env> {
    /// One turn of the loop, for hosts with a loop of their own: waits at most `limit` (`None`: until something
    /// happens) for events, then runs what is ready.
    ///
    /// A turn polls what is ready in batches until 64 polls were made, a task has done 64 operations on sockets in one, or
    /// nothing is left. With a limit of zero it neither waits nor moves a virtual clock.
    ///
    /// # Errors
    ///
    /// [`BlockOnError::Nested`] when this runtime is in its turn already; [`BlockOnError::Io`] when the poller fails.
    ///
    /// ```
    /// use std::time::Duration;
    /// use taskgroup_runtime::Runtime;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let runtime = Runtime::new();
    /// let task = runtime.spawn(async { 7 });
    /// let turn = runtime.turn(Some(Duration::ZERO))?;
    /// assert_eq!((turn.polled, turn.live), (1, 0));
    /// assert!(task.is_finished());
    /// # Ok(())
    /// # }
    /// ```
    pub fn turn(&self, limit: Option<Duration>) -> Result<Turn, BlockOnError> {
        let polled = self.turn_once(limit, None)?;
        let deadline = self.local.timers().next_deadline();
        let now = self.local.time().now();
        Ok(Turn {
            polled,
            live: self.live(),
            ready: self.is_ready(),
            next_deadline: deadline.and_then(|tick| now.checked_add(self.local.time().until(tick))),
        })
    }

    /// Root tasks that have not ended, without `block_on`'s future and what is in the background.
    pub(crate) fn live(&self) -> usize {
        let tasks = self.tasks.borrow().len() + self.local.spawned().borrow().len();
        tasks - self.local.background().len()
    }

    /// The turn itself: five steps, each with a name.
    pub(crate) fn turn_once(
        &self,
        limit: Option<Duration>,
        mut main: Option<&mut dyn MainTask>,
    ) -> Result<u32, BlockOnError> {
        let _in_turn = self.local.enter().ok_or(BlockOnError::Nested)?;
        let timeout = self.timeout(limit);
        self.wait(timeout)?;
        self.dispatch();
        self.expire();
        let polls = self.run(&mut main);
        if polls > 0 {
            self.local.reactor().has_run();
        }
        Ok(polls)
    }

    /// How long the wait may last.
    fn timeout(&self, limit: Option<Duration>) -> Option<Duration> {
        if self.is_ready() {
            return Some(Duration::ZERO);
        }
        let (time, timers) = (self.local.time(), self.local.timers());
        let deadline = timers.next_deadline();
        if time.is_real() {
            let timer = deadline.map(|tick| time.until(tick));
            return [limit, timer].into_iter().flatten().min();
        }
        match deadline {
            Some(tick) if tick <= time.tick() || time.until(tick).is_zero() => Some(Duration::ZERO),
            Some(tick) if time.jumps() && limit != Some(Duration::ZERO) && !self.may_be_woken_from_outside() => {
                if !self.local.reactor().looks_first() {
                    time.jump_to(tick);
                }
                Some(Duration::ZERO)
            }
            _ => limit,
        }
    }

    /// Sleeps: in the poller once there is one, else parked.
    fn wait(&self, timeout: Option<Duration>) -> io::Result<()> {
        let reactor = self.local.reactor();
        let at_once = timeout == Some(Duration::ZERO);
        if reactor.is_sleepable() {
            if at_once && reactor.is_idle() {
                return Ok(());
            }
            self.local.tell(|| Event::Phase(Phase::Wait(timeout)));
            return reactor.wait(timeout);
        }
        if !at_once {
            self.local.tell(|| Event::Phase(Phase::Wait(timeout)));
        }
        match timeout {
            Some(Duration::ZERO) => {}
            Some(timeout) => park_timeout(timeout),
            None => park(),
        }
        Ok(())
    }

    /// Hands on what came from outside: events of sources, wakes from other threads.
    fn dispatch(&self) {
        self.local.tell(|| Event::Phase(Phase::Dispatch));
        self.local.waking(|_| WokenBy::Descriptor, || self.local.reactor().dispatch(&self.local));
        #[cfg(feature = "signal")]
        crate::signal::report_if_asked(&self.local);
        #[cfg(feature = "process")]
        self.local.orphans.reap();
        for slot in self.local.remote().take() {
            self.local.waking(|_| WokenBy::Thread, || self.local.wake(slot));
        }
    }

    /// Wakes who waits for a time that has come. The turn's one look at the clock, if there are timers.
    fn expire(&self) {
        if self.local.timers().len() > 0 {
            self.local.tell(|| Event::Phase(Phase::Expire));
            let tick = self.local.look();
            self.local.waking(|_| WokenBy::Timer, || self.local.timers().expire(&self.local, tick));
        }
    }

    /// Runs batches of what is ready. Gives the number of polls.
    fn run(&self, main: &mut Option<&mut dyn MainTask>) -> u32 {
        self.local.begin_run();
        self.local.tell(|| Event::Phase(Phase::Run));
        loop {
            let mut batch = self.roots.begin();
            while let Some(task) = self.local.next_root(&mut batch) {
                self.local.count_poll();
                match task.key {
                    MAIN => {
                        if let Some(main) = main {
                            main.poll();
                        }
                    }
                    SPAWNED => {
                        let task = self.next_spawned().expect("who joins as spawned is in the list");
                        self.poll_root(self.keep(task));
                    }
                    key => self.poll_root(key as usize),
                }
            }
            self.roots.end();
            if !self.local.may_run_on() || self.roots.is_empty() {
                return self.local.polls_of_run();
            }
        }
    }

    pub(crate) fn next_spawned(&self) -> Option<RootTask<'env>> {
        let spawned = self.local.spawned().borrow_mut().pop_front()?;
        Some(RootTask { future: spawned.future, slot: spawned.slot, root: spawned.root })
    }

    fn poll_root(&self, key: usize) {
        let Some(mut task) = self.tasks.borrow_mut().get_mut(key).and_then(Option::take) else { return };
        let polled = match task.root.cancelled.get() {
            true => Ok(Poll::Ready(())),
            false => {
                let back = self.local.step_back(&task.root);
                if back.is_some() {
                    self.local.background().count_poll();
                }
                let _task = Current::new(task.slot, NONE).enter();
                let waker = self.local.waker(task.slot);
                let mut cx = Context::from_waker(&waker);
                self.local.tell(|| Event::PollBegins { task: task.slot });
                let polled = catch_unwind(AssertUnwindSafe(|| task.future.as_mut().poll(&mut cx)));
                self.local.tell(|| Event::PollEnds { task: task.slot });
                polled
            }
        };
        if let Ok(Poll::Pending) = polled {
            self.tasks.borrow_mut()[key] = Some(task);
            return;
        }
        let gone = self.tasks.borrow_mut().remove(key);
        debug_assert!(gone.is_none(), "a task that is polled has left its place empty");
        let how = match &polled {
            Err(_) => HowEnded::Panicked(None), // the payload is the handle's
            Ok(_) if task.root.cancelled.get() => CANCELLED,
            Ok(_) => HowEnded::Value,
        };
        self.bury(task, polled.err(), how);
    }

    /// Whether there is work, or may be: then the loop does not sleep.
    pub(crate) fn is_ready(&self) -> bool {
        !self.roots.is_empty() || self.local.remote().has_rung()
    }

    pub(crate) fn may_be_woken_from_outside(&self) -> bool {
        // Letters last: a thread sends its letter before it drops its hold.
        self.local.reactor().is_waited_on() || self.local.remote().is_held() || self.local.remote().has_rung()
    }
}
