//! Step 6: timers in a wheel, which are disarmed when nobody waits for them any more.
//!
//! Run: `cargo run --bin step06_wheel`
#![allow(clippy::print_stdout, reason = "a program prints")]
#![allow(dead_code, unused_imports, reason = "it can do more than its program asks for")]

#[path = "programs/requests.rs"]
mod requests;
mod tasks;
mod yield_now;

pub(crate) use yield_now::yield_now;

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};
use taskgroup_timer::{Key, Wheel};
use tasks::Tasks;

// ANCHOR: loop
/// The length of a tick is a millisecond.
const TICK_NANOS: u128 = 1_000_000;

pub(crate) struct EventLoop {
    tasks: Tasks,
    /// When tick 0 began.
    start: Instant,
    /// Whom to wake, by tick.
    timers: RefCell<Wheel<Waker>>,
}

impl EventLoop {
    fn run(&self) {
        loop {
            self.tasks.run();
            if self.tasks.len() == 0 {
                return;
            }
            self.wait();
            self.expire();
        }
    }

    /// Sleeps until somebody wakes a task, or the first timer is due.
    fn wait(&self) {
        let first = self.timers.borrow().next_deadline();
        match first {
            Some(tick) => thread::park_timeout(
                Duration::from_millis(tick).saturating_sub(self.start.elapsed()),
            ),
            None => thread::park(),
        }
    }

    /// Wakes those whose time has come. The present is rounded down to a tick: nobody is early.
    fn expire(&self) {
        let now = (self.start.elapsed().as_nanos() / TICK_NANOS) as u64;
        loop {
            let due = self.timers.borrow_mut().pop(now);
            match due {
                Some(waker) => waker.wake(), // nothing is borrowed now
                None => return,
            }
        }
    }
}
// ANCHOR_END: loop

// ANCHOR: sleep
pub(crate) fn sleep(duration: Duration) -> Sleep {
    let owner = current();
    let nanos = (owner.start.elapsed() + duration).as_nanos();
    let deadline = nanos.div_ceil(TICK_NANOS) as u64; // up to a whole tick
    Sleep { owner, deadline, key: None }
}

pub(crate) struct Sleep {
    owner: Rc<EventLoop>,
    /// In ticks.
    deadline: u64,
    /// The name of its timer, once that is armed.
    key: Option<Key>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(key) = self.key else {
            let key = self.owner.timers.borrow_mut().insert(self.deadline, cx.waker().clone());
            self.key = Some(key);
            return Poll::Pending;
        };
        match self.owner.timers.borrow_mut().get_mut(key) {
            Some(waker) => waker.clone_from(cx.waker()),
            None => return Poll::Ready(()), // the wheel has let go of it
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let timer = self.key.and_then(|key| self.owner.timers.borrow_mut().cancel(key));
        drop(timer); // a waker is dropped when nothing is borrowed
    }
}
// ANCHOR_END: sleep

/// How many timers are armed.
pub(crate) fn armed() -> usize {
    current().timers.borrow().len()
}

thread_local! {
    /// The loop that runs on this thread.
    static CURRENT: RefCell<Option<Rc<EventLoop>>> = const { RefCell::new(None) };
}

pub(crate) fn current() -> Rc<EventLoop> {
    CURRENT.with_borrow(Clone::clone).expect("call this inside block_on")
}

/// Starts a task.
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    current().tasks.spawn(future);
}

/// Runs a future as the first task, until the last one has ended.
pub(crate) fn block_on<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
    let thread = thread::current();
    let tasks = Tasks::new(move || thread.unpark());
    let this =
        Rc::new(EventLoop { tasks, start: Instant::now(), timers: RefCell::new(Wheel::new(0)) });
    CURRENT.set(Some(this.clone()));
    let output = Rc::new(Cell::new(None));
    spawn({
        let output = output.clone();
        async move { output.set(Some(main.await)) }
    });
    this.run();
    CURRENT.set(None);
    output.take().expect("all tasks have ended, and this was one")
}

fn main() {
    requests::requests();
}
