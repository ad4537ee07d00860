//! Step 7: virtual time. When all wait for a timer, the clock jumps there.
//!
//! Run: `cargo run --bin step07_virtual_time`
#![allow(clippy::print_stdout, reason = "a program prints")]
#![allow(dead_code, unused_imports, reason = "it can do more than its program asks for")]

mod tasks;
#[path = "programs/three_days.rs"]
mod three_days;
mod timers;
mod yield_now;

pub(crate) use timers::{Clock, sleep};
pub(crate) use yield_now::yield_now;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::thread;
use std::time::Duration;
use tasks::Tasks;
use timers::Timers;

// ANCHOR: loop
pub(crate) struct EventLoop {
    tasks: Tasks,
    timers: Rc<Timers>,
}

/// Everybody waits, and there is no timer: nothing will ever happen.
#[derive(Debug)]
pub(crate) struct Stalled {
    pub(crate) tasks: usize,
}

impl EventLoop {
    fn run(&self) -> Result<(), Stalled> {
        loop {
            self.tasks.run();
            let tasks = self.tasks.len();
            if tasks == 0 {
                return Ok(());
            }
            match (self.timers.clock(), self.timers.next()) {
                (Clock::Real, Some(time)) => thread::park_timeout(time),
                (Clock::Real, None) => thread::park(),
                (Clock::Virtual, Some(time)) => self.timers.advance(time),
                (Clock::Virtual, None) => return Err(Stalled { tasks }),
            }
            self.timers.expire();
        }
    }
}
// ANCHOR_END: loop

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
pub(crate) fn block_on<T: 'static>(
    clock: Clock,
    main: impl Future<Output = T> + 'static,
) -> Result<T, Stalled> {
    let thread = thread::current();
    let tasks = Tasks::new(move || thread.unpark());
    let this = Rc::new(EventLoop { tasks, timers: Rc::new(Timers::new(clock)) });
    CURRENT.set(Some(this.clone()));
    let output = Rc::new(Cell::new(None));
    spawn({
        let output = output.clone();
        async move { output.set(Some(main.await)) }
    });
    let end = this.run();
    CURRENT.set(None);
    end.map(|()| output.take().expect("all tasks have ended, and this was one"))
}
// ANCHOR_END: block_on

/// The time since the loop began, on its clock.
pub(crate) fn now() -> Duration {
    current().timers.now()
}

fn main() {
    three_days::three_days();
}
