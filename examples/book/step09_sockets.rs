//! Step 9: sockets. Many tasks may wait for one descriptor, for each direction.
//!
//! Run: `cargo run --bin step09_sockets`
#![allow(clippy::print_stdout, reason = "a program prints")]
#![allow(dead_code, unused_imports, reason = "it can do more than its program asks for")]

#[path = "programs/both_ways.rs"]
mod both_ways;
#[path = "programs/echo.rs"]
mod echo;
mod reactor;
mod tasks;
mod timers;
mod yield_now;

pub(crate) use reactor::Async;
pub(crate) use timers::{Clock, sleep};
pub(crate) use yield_now::yield_now;

use reactor::Reactor;
use std::cell::{Cell, RefCell};
use std::io;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;
use tasks::Tasks;
use timers::Timers;

// ANCHOR: loop
pub(crate) struct EventLoop {
    tasks: Tasks,
    timers: Rc<Timers>,
    reactor: Rc<Reactor>,
}

impl EventLoop {
    fn run(&self) -> io::Result<()> {
        loop {
            self.tasks.run();
            if self.tasks.len() == 0 {
                return Ok(());
            }
            self.reactor.wait(self.timeout()?)?;
            self.timers.expire();
        }
    }

    /// How long to sleep. `None`: until something happens.
    fn timeout(&self) -> io::Result<Option<Duration>> {
        match (self.timers.clock(), self.timers.next()) {
            (Clock::Real, next) => Ok(next),
            (Clock::Virtual, _) if self.reactor.is_waited_on() => Ok(None), // nobody knows how long
            (Clock::Virtual, Some(time)) => {
                self.timers.advance(time);
                Ok(Some(Duration::ZERO))
            }
            (Clock::Virtual, None) => {
                Err(io::Error::other("stalled: everybody waits, for nothing"))
            }
        }
    }
}
// ANCHOR_END: loop

/// A stream to be read and written in tasks.
pub(crate) type Stream = Async<UnixStream>;

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
pub(crate) fn block_on<T: 'static>(
    clock: Clock,
    main: impl Future<Output = T> + 'static,
) -> io::Result<T> {
    let reactor = Rc::new(Reactor::new()?);
    let tasks = Tasks::new(reactor.rouser());
    let this = Rc::new(EventLoop { tasks, timers: Rc::new(Timers::new(clock)), reactor });
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

/// The time since the loop began, on its clock.
pub(crate) fn now() -> Duration {
    current().timers.now()
}

fn main() -> io::Result<()> {
    both_ways::both_ways()?;
    echo::echo()
}
