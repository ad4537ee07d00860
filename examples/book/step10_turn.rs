//! Step 10: the whole turn. Wait, hand on what came from outside, expire timers, and run, but not
//! for ever.
//!
//! Run: `cargo run --bin step10_turn`
#![allow(clippy::print_stdout, reason = "a program prints")]
#![allow(dead_code, unused_imports, reason = "it can do more than its program asks for")]

#[path = "programs/fair.rs"]
mod fair;
mod reactor;
mod timers;
mod yield_now;

pub(crate) use reactor::Async;
pub(crate) use timers::{Clock, sleep};
pub(crate) use yield_now::yield_now;

use concurrent_queue::ConcurrentQueue;
use reactor::Reactor;
use slab::Slab;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use timers::Timers;

// ANCHOR: waker
/// What other threads reach of a loop.
struct Remote {
    /// Tasks that were woken elsewhere.
    inbox: ConcurrentQueue<usize>,
    /// Somebody has roused the loop since it looked into the inbox last.
    has_rung: AtomicBool,
    rouse: Box<dyn Fn() + Send + Sync>,
}

struct TaskWaker {
    key: usize,
    is_queued: AtomicBool,
    remote: Arc<Remote>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_queued.swap(true, Ordering::SeqCst) {
            return;
        }
        let here = CURRENT.try_with(|current| current.borrow().clone()).ok().flatten();
        if let Some(this) = here.filter(|this| Arc::ptr_eq(&this.remote, &self.remote)) {
            this.ready.borrow_mut().push_back(self.key); // the short way: no lock, no system call
            return;
        }
        _ = self.remote.inbox.push(self.key); // an unbounded queue takes everything
        if !self.remote.has_rung.swap(true, Ordering::SeqCst) {
            (self.remote.rouse)(); // once, however many are woken
        }
    }
}
// ANCHOR_END: waker

// ANCHOR: loop
pub(crate) struct EventLoop {
    tasks: RefCell<Slab<Option<Task>>>,
    ready: RefCell<VecDeque<usize>>,
    timers: Rc<Timers>,
    reactor: Rc<Reactor>,
    remote: Arc<Remote>,
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    own: Arc<TaskWaker>,
}

/// So many polls, and then sockets and timers are looked at.
const POLLS_A_TURN: usize = 64;

impl EventLoop {
    fn turn(&self) -> io::Result<()> {
        let timeout = self.timeout()?;
        self.reactor.wait(timeout)?;
        self.dispatch();
        self.timers.expire();
        self.run();
        Ok(())
    }

    /// How long to sleep. `None`: until something happens.
    fn timeout(&self) -> io::Result<Option<Duration>> {
        if !self.ready.borrow().is_empty() {
            return Ok(Some(Duration::ZERO)); // never sleep on work
        }
        match (self.timers.clock(), self.timers.next()) {
            (Clock::Real, next) => Ok(next),
            (Clock::Virtual, _) if self.reactor.is_waited_on() => Ok(None),
            (Clock::Virtual, Some(time)) => {
                self.timers.advance(time);
                Ok(Some(Duration::ZERO))
            }
            (Clock::Virtual, None) => {
                Err(io::Error::other("stalled: everybody waits, for nothing"))
            }
        }
    }

    /// Takes over those whom other threads have woken until now.
    fn dispatch(&self) {
        let waiting = self.remote.inbox.len();
        self.ready.borrow_mut().extend(self.remote.inbox.try_iter().take(waiting));
    }

    /// Polls those who are ready, in batches: who is woken in one is in the next.
    fn run(&self) {
        let mut polls = 0;
        while polls < POLLS_A_TURN {
            let batch = self.ready.borrow().len();
            if batch == 0 {
                return;
            }
            for _ in 0..batch {
                let key = self.ready.borrow_mut().pop_front();
                self.poll(key.expect("only here one is taken out"));
            }
            polls += batch;
        }
    }
    // ANCHOR_END: loop

    fn poll(&self, key: usize) {
        let Some(mut task) = self.tasks.borrow_mut().get_mut(key).and_then(Option::take) else {
            return;
        };
        task.own.is_queued.store(false, Ordering::SeqCst); // first: a wake from now on is news
        let waker = Waker::from(task.own.clone());
        match task.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => self.tasks.borrow_mut()[key] = Some(task),
            Poll::Ready(()) => {
                task.own.is_queued.store(true, Ordering::SeqCst); // for good
                drop(self.tasks.borrow_mut().remove(key));
            }
        }
    }
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
    let this = current();
    let mut tasks = this.tasks.borrow_mut();
    let place = tasks.vacant_entry();
    let (key, remote) = (place.key(), this.remote.clone());
    let own = Arc::new(TaskWaker { key, is_queued: AtomicBool::new(false), remote });
    own.wake_by_ref(); // everybody's first poll
    place.insert(Some(Task { future: Box::pin(future), own }));
}

// ANCHOR: block_on
/// Runs a future as the first task, until the last one has ended.
pub(crate) fn block_on<T: 'static>(
    clock: Clock,
    main: impl Future<Output = T> + 'static,
) -> io::Result<T> {
    let reactor = Rc::new(Reactor::new()?);
    let (inbox, rouse) = (ConcurrentQueue::unbounded(), Box::new(reactor.rouser()));
    let remote = Arc::new(Remote { inbox, has_rung: AtomicBool::new(false), rouse });
    let (tasks, ready, timers) =
        (RefCell::default(), RefCell::default(), Rc::new(Timers::new(clock)));
    let this = Rc::new(EventLoop { tasks, ready, timers, reactor, remote });
    CURRENT.set(Some(this.clone()));
    let output = Rc::new(Cell::new(None));
    spawn({
        let output = output.clone();
        async move { output.set(Some(main.await)) }
    });
    let mut end = Ok(());
    while end.is_ok() && !this.tasks.borrow().is_empty() {
        end = this.turn();
    }
    CURRENT.set(None);
    end.map(|()| output.take().expect("all tasks have ended, and this was one"))
}
// ANCHOR_END: block_on

fn main() -> io::Result<()> {
    fair::fair()
}
