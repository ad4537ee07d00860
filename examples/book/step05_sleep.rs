//! Step 5: sleeping. Who waits for a time is in a map sorted by it, and the thread sleeps until the
//! first.
//!
//! Run: `cargo run --bin step05_sleep`
#![allow(clippy::print_stdout, reason = "a program prints")]
#![allow(dead_code, unused_imports, reason = "it can do more than its program asks for")]

#[path = "programs/breakfast.rs"]
mod breakfast;
mod tasks;
mod yield_now;

pub(crate) use yield_now::yield_now;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};
use tasks::Tasks;

// ANCHOR: loop
pub(crate) struct EventLoop {
    tasks: Tasks,
    /// Whom to wake, by when. The number tells apart what is due at one instant, first come first.
    timers: RefCell<BTreeMap<(Instant, u64), Waker>>,
    next_number: Cell<u64>,
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
        let first = self.timers.borrow().first_key_value().map(|((deadline, _), _)| *deadline);
        match first {
            Some(deadline) => {
                thread::park_timeout(deadline.saturating_duration_since(Instant::now()))
            }
            None => thread::park(),
        }
    }

    /// Wakes those whose time has come.
    fn expire(&self) {
        let due = {
            let mut timers = self.timers.borrow_mut();
            let later = timers.split_off(&(Instant::now(), u64::MAX));
            mem::replace(&mut *timers, later)
        };
        due.into_values().for_each(Waker::wake); // nothing is borrowed now
    }
}
// ANCHOR_END: loop

// ANCHOR: sleep
pub(crate) fn sleep(duration: Duration) -> Sleep {
    sleep_until(Instant::now() + duration)
}

pub(crate) fn sleep_until(deadline: Instant) -> Sleep {
    let number = &current().next_number;
    Sleep { deadline, number: number.replace(number.get() + 1), is_armed: false }
}

pub(crate) struct Sleep {
    deadline: Instant,
    number: u64,
    is_armed: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let (this, key) = (current(), (self.deadline, self.number));
        if self.is_armed && !this.timers.borrow().contains_key(&key) {
            return Poll::Ready(()); // the loop has taken it out
        }
        let before = this.timers.borrow_mut().insert(key, cx.waker().clone());
        drop(before);
        self.is_armed = true;
        Poll::Pending
    }
}
// ANCHOR_END: sleep

pub(crate) fn now() -> Instant {
    Instant::now()
}

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

// ANCHOR: block_on
/// Runs a future as the first task, until the last one has ended.
pub(crate) fn block_on<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
    let thread = thread::current();
    let tasks = Tasks::new(move || thread.unpark());
    let this = Rc::new(EventLoop { tasks, timers: RefCell::default(), next_number: Cell::new(0) });
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
// ANCHOR_END: block_on

fn main() {
    breakfast::breakfast();
}
