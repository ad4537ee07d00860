//! Step 4: a task is woken once, however often it is woken.
//!
//! Run: `cargo run --bin step04_wake_once`
#![allow(clippy::print_stdout, reason = "a program prints")]

#[path = "programs/storm.rs"]
mod storm;
mod yield_now;

pub(crate) use yield_now::yield_now;

use slab::Slab;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// What wakers reach, from whatever thread: the queue of those to be polled, and who sleeps.
struct Ready {
    queue: Mutex<VecDeque<usize>>,
    thread: Thread,
}

impl Ready {
    fn lock(&self) -> MutexGuard<'_, VecDeque<usize>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// ANCHOR: flag
/// What the waker of a task holds: its place in the slab, and the queue.
struct TaskWaker {
    key: usize,
    /// Woken and not polled since. Stays set when the task has ended: nobody is to be queued then.
    is_queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_queued.swap(true, Ordering::SeqCst) {
            self.ready.lock().push_back(self.key);
            self.ready.thread.unpark();
        }
    }
}
// ANCHOR_END: flag

pub(crate) struct EventLoop {
    /// `None`: the task is being polled.
    tasks: RefCell<Slab<Option<Task>>>,
    ready: Arc<Ready>,
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    own: Arc<TaskWaker>,
}

impl EventLoop {
    fn run(&self) {
        while !self.tasks.borrow().is_empty() {
            let woken = self.ready.lock().pop_front();
            match woken {
                Some(key) => self.poll(key),
                None => thread::park(),
            }
        }
    }

    // ANCHOR: poll
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
    // ANCHOR_END: poll
}

thread_local! {
    /// The loop that runs on this thread.
    static CURRENT: RefCell<Option<Rc<EventLoop>>> = const { RefCell::new(None) };
}

pub(crate) fn current() -> Rc<EventLoop> {
    CURRENT.with_borrow(Clone::clone).expect("call this inside block_on")
}

/// Starts a task. It is polled when those have been that were woken before it.
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    let this = current();
    let mut tasks = this.tasks.borrow_mut();
    let place = tasks.vacant_entry();
    let (key, ready) = (place.key(), this.ready.clone());
    let own = Arc::new(TaskWaker { key, is_queued: AtomicBool::new(false), ready });
    own.wake_by_ref(); // everybody's first poll
    place.insert(Some(Task { future: Box::pin(future), own }));
}

/// Runs a future as the first task, until the last one has ended.
pub(crate) fn block_on<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
    let ready = Arc::new(Ready { queue: Mutex::default(), thread: thread::current() });
    let this = Rc::new(EventLoop { tasks: RefCell::default(), ready });
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
    storm::storm();
}
