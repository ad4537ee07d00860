//! Step 8: descriptors. The thread sleeps in epoll (or kqueue), which knows when there is something
//! to read.
//!
//! Run: `cargo run --bin step08_epoll`
#![allow(clippy::print_stdout, reason = "a program prints")]
#![allow(dead_code, unused_imports, reason = "it can do more than its program asks for")]

#[path = "programs/pair.rs"]
mod pair;
mod tasks;
mod timers;
mod watched;
mod yield_now;

pub(crate) use timers::{Clock, sleep};
pub(crate) use yield_now::yield_now;

use polling::{Event, Events, Poller};
use slab::Slab;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;
use tasks::Tasks;
use timers::Timers;
use watched::Watched;

// ANCHOR: loop
pub(crate) struct EventLoop {
    tasks: Tasks,
    timers: Rc<Timers>,
    poller: Arc<Poller>,
    /// Who waits for a descriptor, by the key under which the poller knows it.
    waiters: RefCell<Slab<Option<Waker>>>,
}

impl EventLoop {
    fn run(&self) -> io::Result<()> {
        let mut events = Events::new();
        loop {
            self.tasks.run();
            if self.tasks.len() == 0 {
                return Ok(());
            }
            let timeout = self.timeout()?;
            events.clear();
            self.poller.wait(&mut events, timeout)?;
            self.dispatch(&events);
            self.timers.expire();
        }
    }

    /// How long to sleep. `None`: until something happens.
    fn timeout(&self) -> io::Result<Option<Duration>> {
        let is_waited_on = self.waiters.borrow().iter().any(|(_, waiter)| waiter.is_some());
        match (self.timers.clock(), self.timers.next()) {
            (Clock::Real, next) => Ok(next),
            (Clock::Virtual, _) if is_waited_on => Ok(None), // nobody knows how long
            (Clock::Virtual, Some(time)) => {
                self.timers.advance(time);
                Ok(Some(Duration::ZERO))
            }
            (Clock::Virtual, None) => {
                Err(io::Error::other("stalled: everybody waits, for nothing"))
            }
        }
    }

    /// Wakes those who wait for the descriptors that have news.
    fn dispatch(&self, events: &Events) {
        for event in events.iter() {
            let waiter = self.waiters.borrow_mut().get_mut(event.key).and_then(Option::take);
            if let Some(waker) = waiter {
                waker.wake();
            }
        }
    }
}
// ANCHOR_END: loop

// ANCHOR: stream
/// A stream to be read and written in tasks.
pub(crate) struct Stream {
    owner: Rc<EventLoop>,
    watched: Watched<UnixStream>,
}

impl Stream {
    pub(crate) fn new(stream: UnixStream) -> io::Result<Self> {
        let owner = current();
        let key = owner.waiters.borrow_mut().insert(None);
        let watched = Watched::new(stream, owner.poller.clone(), key)?;
        Ok(Self { owner, watched })
    }

    pub(crate) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| match self.watched.get().read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(Event::readable, cx),
            done => Poll::Ready(done),
        })
        .await
    }

    pub(crate) async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        poll_fn(|cx| match self.watched.get().write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(Event::writable, cx),
            done => Poll::Ready(done),
        })
        .await
    }

    fn wait(&self, interest: fn(usize) -> Event, cx: &Context<'_>) -> Poll<io::Result<usize>> {
        let key = self.watched.key();
        let before = self.owner.waiters.borrow_mut()[key].replace(cx.waker().clone());
        drop(before);
        self.watched.arm(interest(key))?; // for one event
        Poll::Pending
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let waiter = self.owner.waiters.borrow_mut().remove(self.watched.key());
        drop(waiter);
    }
}
// ANCHOR_END: stream

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
) -> io::Result<T> {
    let poller = Arc::new(Poller::new()?);
    let tasks = Tasks::new({
        let (poller, own) = (poller.clone(), thread::current().id());
        move || {
            if thread::current().id() != own {
                _ = poller.notify(); // from its own thread the loop need not be roused: it is up
            }
        }
    });
    let timers = Rc::new(Timers::new(clock));
    let this = Rc::new(EventLoop { tasks, timers, poller, waiters: RefCell::default() });
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

fn main() -> io::Result<()> {
    pair::pair()
}
