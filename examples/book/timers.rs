//! Timers and clocks: finished in step 7, used by the steps after it.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use taskgroup_timer::{Key, Wheel};

/// The length of a tick is a millisecond.
const TICK_NANOS: u128 = 1_000_000;

// ANCHOR: clock
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    Real,
    /// Stands still while anybody runs.
    Virtual,
}

pub(crate) struct Timers {
    clock: Clock,
    /// When tick 0 began.
    start: Instant,
    /// Virtual time since then.
    elapsed: Cell<Duration>,
    /// Whom to wake, by tick.
    wheel: RefCell<Wheel<Waker>>,
}

impl Timers {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            start: Instant::now(),
            elapsed: Cell::default(),
            wheel: RefCell::new(Wheel::new(0)),
        }
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// The time since the start: the only place that looks at a clock.
    pub(crate) fn now(&self) -> Duration {
        match self.clock {
            Clock::Real => self.start.elapsed(),
            Clock::Virtual => self.elapsed.get(),
        }
    }

    /// Moves virtual time.
    pub(crate) fn advance(&self, time: Duration) {
        self.elapsed.set(self.elapsed.get() + time);
    }
    // ANCHOR_END: clock

    /// How long until the first timer; `None`: there is none.
    pub(crate) fn next(&self) -> Option<Duration> {
        let first = self.wheel.borrow().next_deadline();
        first.map(|tick| Duration::from_millis(tick).saturating_sub(self.now()))
    }

    /// Wakes those whose time has come.
    pub(crate) fn expire(&self) {
        let now = (self.now().as_nanos() / TICK_NANOS) as u64;
        loop {
            let due = self.wheel.borrow_mut().pop(now);
            match due {
                Some(waker) => waker.wake(),
                None => return,
            }
        }
    }
}

pub(crate) fn sleep(duration: Duration) -> Sleep {
    let owner = super::current().timers.clone();
    let nanos = (owner.now() + duration).as_nanos();
    Sleep { deadline: nanos.div_ceil(TICK_NANOS) as u64, owner, key: None }
}

pub(crate) struct Sleep {
    owner: Rc<Timers>,
    /// In ticks.
    deadline: u64,
    /// The name of its timer, once that is armed.
    key: Option<Key>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(key) = self.key else {
            let key = self.owner.wheel.borrow_mut().insert(self.deadline, cx.waker().clone());
            self.key = Some(key);
            return Poll::Pending;
        };
        match self.owner.wheel.borrow_mut().get_mut(key) {
            Some(waker) => waker.clone_from(cx.waker()),
            None => return Poll::Ready(()), // the wheel has let go of it
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let timer = self.key.and_then(|key| self.owner.wheel.borrow_mut().cancel(key));
        drop(timer); // a waker is dropped when nothing is borrowed
    }
}
