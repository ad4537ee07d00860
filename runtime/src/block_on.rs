//! Running one future to its end.
//!
//! Before: `event_loop.rs`. After: nothing.
#![forbid(unsafe_code)]

use crate::current::{Current, NONE};
use crate::error::BlockOnError;
use crate::event_loop::{MAIN, MainTask};
use crate::instrument::{Event, HowEnded};
use crate::local::in_a_turn;
use crate::ready::ReadySet;
use crate::reporter::{Report, report};
use crate::runtime::{CANCELLED, Runtime};
use crate::stall::Stall;
use crate::watchdog::Watchdog;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// How long the real clock is given before a quiet loop is reported as stalled.
const STALLED_AFTER: Duration = Duration::from_secs(1);

/// How long a poll may take in a debug build before the watchdog barks that nobody asked for. Long, since a busy machine
/// may take the processor away for a while.
const UNASKED_LIMIT: Duration = Duration::from_secs(1);

/// Runs a future to its end on this thread, on the real clock, and gives its output back.
///
/// The runtime lives as long as the call: tasks that were spawned and have not ended by then are dropped. In debug builds
/// it has a [`Watchdog`], which barks at polls of over a second.
///
/// # Panics
///
/// When called inside a task of any runtime on this thread, where it would stop the outer loop: await the future
/// instead. And when the poller fails. [`Runtime::try_block_on`] returns both as errors. A panic of the future passes.
///
/// ```
/// let sum = taskgroup_runtime::block_on(async { 1 + 2 });
/// assert_eq!(sum, 3);
/// ```
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    match runtime_of_block_on().try_block_on(future) {
        Ok(output) => output,
        Err(error) => panic!("{error}"),
    }
}

/// The runtime of [`block_on`], for what runs a program in another way.
#[doc(hidden)]
#[must_use]
pub fn runtime_of_block_on<'env>() -> Runtime<'env> {
    let runtime = Runtime::new();
    if cfg!(debug_assertions) {
        runtime.instrument(Watchdog::with_limit(UNASKED_LIMIT));
    }
    runtime
}

impl Runtime<'_> {
    /// Runs a future to its end and gives its output back. Other root tasks run meanwhile; what is left of them stays
    /// in the runtime, for the next call.
    ///
    /// # Panics
    ///
    /// Where [`try_block_on`](Self::try_block_on) has an error. A panic of the future passes, and the runtime stays
    /// usable.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        match self.try_block_on(future) {
            Ok(output) => output,
            Err(error) => panic!("{error}"),
        }
    }

    /// The same, with errors.
    ///
    /// # Errors
    ///
    /// [`BlockOnError::Nested`] inside a task of any runtime on this thread; [`BlockOnError::Stalled`] when nothing
    /// can ever wake it (see [`stall_is_an_error`](Self::stall_is_an_error)); [`BlockOnError::Io`] when the poller
    /// fails. The future is dropped, the runtime stays usable.
    pub fn try_block_on<F: Future>(&self, future: F) -> Result<F::Output, BlockOnError> {
        if in_a_turn() {
            return Err(BlockOnError::Nested);
        }
        let _tell = self.seed.tell_if_it_panics();
        let future = pin!(Some(future));
        let mut main = Main::join(&self.roots, future);
        let mut reported = false;
        let mut quiet_since = None;
        loop {
            let quiet = self.is_stalled();
            let looks_first = quiet && self.local.reactor().looks_first();
            if quiet && !looks_first && self.stall_is_an_error.get() {
                self.seed.tell();
                return Err(BlockOnError::Stalled(self.stall()));
            }
            // Counted from when it became quiet: the wait may end early, and more than once.
            let since = (quiet && !reported).then(|| *quiet_since.get_or_insert_with(Instant::now));
            let limit = match looks_first {
                true => Some(Duration::ZERO),
                false => since.map(|since| STALLED_AFTER.saturating_sub(since.elapsed())),
            };
            let beside = self.local.background().polls();
            let polls = self.turn_once(limit, Some(&mut main))?;
            let beside = self.local.background().polls().wrapping_sub(beside);
            if let Some(output) = main.output.take() {
                return Ok(output);
            }
            if polls > beside || !self.is_stalled() {
                quiet_since = None;
            } else if since.is_some_and(|since| since.elapsed() >= STALLED_AFTER) {
                reported = true;
                report(&Report::Stalled(&self.stall()));
                self.seed.tell();
            }
        }
    }

    /// Everything waits, and nothing we know of will ever wake it.
    fn is_stalled(&self) -> bool {
        let time = self.local.time();
        let comes = |tick| time.is_real() || time.jumps() || time.until(tick).is_zero();
        let timer_comes = self.local.timers().next_deadline().is_some_and(comes);
        !self.is_ready() && !self.may_be_woken_from_outside() && !timer_comes
    }

    fn stall(&self) -> Stall {
        Stall::new(&self.local, self.live() + 1)
    }
}

/// `block_on`'s future, and its place among the root tasks.
struct Main<'a, F: Future> {
    slot: u32,
    roots: &'a ReadySet,
    /// Empty when it has ended.
    future: Pin<&'a mut Option<F>>,
    output: Option<F::Output>,
}

impl<'a, F: Future> Main<'a, F> {
    fn join(roots: &'a ReadySet, future: Pin<&'a mut Option<F>>) -> Self {
        let slot = roots.join(MAIN);
        roots.local().start_root(slot, None);
        Self { slot, roots, future, output: None }
    }
}

impl<F: Future> MainTask for Main<'_, F> {
    fn poll(&mut self) {
        let Some(future) = self.future.as_mut().as_pin_mut() else { return };
        let _task = Current::new(self.slot, NONE).enter();
        let local = self.roots.local();
        let waker = local.waker(self.slot);
        local.tell(|| Event::PollBegins { task: self.slot });
        let end = TellEnd(self.slot, self.roots); // also if it panics
        let polled = future.poll(&mut Context::from_waker(&waker));
        drop(end);
        if let Poll::Ready(output) = polled {
            self.output = Some(output);
            self.future.set(None);
            local.tell(|| Event::Ended { task: self.slot, how: HowEnded::Value });
        }
    }
}

impl<F: Future> Drop for Main<'_, F> {
    /// A future that did not end (a stall, a failing poller, a panic) is dropped in a turn, like every other.
    fn drop(&mut self) {
        let _rings = Rings(self.roots); // last, when the turn is over
        let _in_turn = self.roots.local().enter();
        let _task = Current::new(self.slot, NONE).enter();
        let _leave = Leave(self.slot, self.roots);
        if self.future.is_some() {
            self.future.set(None);
            self.roots.local().tell(|| Event::Ended { task: self.slot, how: CANCELLED });
        }
    }
}

/// Rings for what is ready when `block_on` returns: a host that turns the runtime afterwards waits for that.
struct Rings<'a>(&'a ReadySet);

impl Drop for Rings<'_> {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            self.0.local().ring();
        }
    }
}

/// Tells the instruments that a poll has ended.
struct TellEnd<'a>(u32, &'a ReadySet);

impl Drop for TellEnd<'_> {
    fn drop(&mut self) {
        self.1.local().tell(|| Event::PollEnds { task: self.0 });
    }
}

/// Leaves the root set, also if the future's destructors panic.
struct Leave<'a>(u32, &'a ReadySet);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.1.leave(self.0);
    }
}
