//! No library: the loop that one would write by hand for just these workloads. It shows how far a library could go.
//!
//! Before: `../peer.rs`. After: `raw.rs`, the workloads' primitives on it.
//!
//! Boxed futures in a `Vec`, a queue of the indices of those that were woken, a counter for each group, timers in a
//! sorted map. A waker is an index in place of a pointer: cloning and dropping it do nothing. It knows no panics, no
//! errors, no handles, no nested cancels, and one loop per process.

use crate::peer::Boxed;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::mem;
use std::ptr::without_provenance;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

#[derive(Default)]
pub(super) struct Loop {
    tasks: RefCell<Vec<Task>>,
    free: RefCell<Vec<usize>>,
    ready: RefCell<VecDeque<usize>>,
    pub(super) timers: RefCell<BTreeMap<(Instant, usize), usize>>,
    pub(super) timers_made: Cell<usize>,
    /// The index of the task that is being polled.
    pub(super) current: Cell<usize>,
}

struct Task {
    future: Option<Boxed>,
    queued: bool,
    group: Option<Rc<Group>>,
}

/// Counts the tasks of a group that have not ended, and knows who waits for them.
#[derive(Default)]
pub(super) struct Group {
    left: Cell<usize>,
    parent: Cell<Option<usize>>,
}

thread_local! {
    static LOOP: Cell<Option<&'static Loop>> = const { Cell::new(None) };
}

/// Wakes from other threads.
static REMOTE: Mutex<Vec<usize>> = Mutex::new(Vec::new());
static REMOTE_RANG: AtomicBool = AtomicBool::new(false);
static THREAD: OnceLock<Thread> = OnceLock::new();

pub(super) fn here() -> &'static Loop {
    LOOP.get().expect("inside `block_on`")
}

fn wake(index: *const ()) {
    match LOOP.get() {
        Some(the_loop) => the_loop.wake(index.addr()),
        None => {
            REMOTE.lock().unwrap_or_else(PoisonError::into_inner).push(index.addr());
            REMOTE_RANG.store(true, Ordering::Release);
            if let Some(thread) = THREAD.get() {
                thread.unpark();
            }
        }
    }
}

static TABLE: RawWakerVTable = RawWakerVTable::new(|index| RawWaker::new(index, &TABLE), wake, wake, |_| {});

fn waker(index: usize) -> Waker {
    // SAFETY: the functions take an index that is never followed as a pointer, work on any thread, and own nothing.
    #[expect(unsafe_code, reason = "the safe way to make a waker allocates")]
    unsafe {
        Waker::new(without_provenance(index), &TABLE)
    }
}

impl Loop {
    pub(super) fn wake(&self, index: usize) {
        let task = &mut self.tasks.borrow_mut()[index];
        if !mem::replace(&mut task.queued, true) {
            self.ready.borrow_mut().push_back(index);
        }
    }

    pub(super) fn spawn(&self, future: Boxed, group: Option<Rc<Group>>) -> usize {
        let task = Task { future: Some(future), queued: true, group };
        let mut tasks = self.tasks.borrow_mut();
        let index = match self.free.borrow_mut().pop() {
            Some(index) => {
                tasks[index] = task;
                index
            }
            None => {
                tasks.push(task);
                tasks.len() - 1
            }
        };
        self.ready.borrow_mut().push_back(index);
        index
    }

    /// Drops a task and forgets it.
    pub(super) fn remove(&self, index: usize) {
        let future = self.tasks.borrow_mut()[index].future.take();
        drop(future);
        self.free.borrow_mut().push(index);
    }

    pub(super) fn run(&self, over: impl Fn() -> bool) {
        while !over() {
            let batch = self.ready.borrow().len();
            for _ in 0..batch {
                let next = self.ready.borrow_mut().pop_front();
                let Some(index) = next else { break };
                self.poll(index);
            }
            if REMOTE_RANG.load(Ordering::Relaxed) && REMOTE_RANG.swap(false, Ordering::AcqRel) {
                for index in mem::take(&mut *REMOTE.lock().unwrap_or_else(PoisonError::into_inner)) {
                    self.wake(index);
                }
            }
            let next = self.fire();
            if self.ready.borrow().is_empty() && !over() {
                next.map_or_else(thread::park, thread::park_timeout);
            }
        }
    }

    fn poll(&self, index: usize) {
        let taken = {
            let task = &mut self.tasks.borrow_mut()[index];
            task.queued = false;
            task.future.take()
        };
        let Some(mut future) = taken else { return };
        self.current.set(index);
        if future.as_mut().poll(&mut Context::from_waker(&waker(index))).is_pending() {
            self.tasks.borrow_mut()[index].future = Some(future);
            return;
        }
        drop(future);
        self.free.borrow_mut().push(index);
        let group = self.tasks.borrow_mut()[index].group.take();
        if let Some(group) = group {
            group.left.set(group.left.get() - 1);
            if group.left.get() == 0
                && let Some(parent) = group.parent.take()
            {
                self.wake(parent);
            }
        }
    }

    /// Wakes the sleepers whose time has come, and says how long until the next.
    fn fire(&self) -> Option<Duration> {
        let mut timers = self.timers.borrow_mut();
        if timers.is_empty() {
            return None;
        }
        let now = Instant::now();
        while let Some(first) = timers.first_entry() {
            if first.key().0 > now {
                return Some(first.key().0 - now);
            }
            self.wake(first.remove());
        }
        None
    }
}

impl Loop {
    /// The loop of this thread, from here on.
    pub(super) fn install() -> &'static Self {
        let the_loop: &'static Self = Box::leak(Box::default());
        LOOP.set(Some(the_loop));
        let _ = THREAD.set(thread::current());
        the_loop
    }
}

impl Group {
    pub(super) fn spawn(self: &Rc<Self>, child: Boxed) -> usize {
        self.left.set(self.left.get() + 1);
        here().spawn(child, Some(self.clone()))
    }

    pub(super) async fn join(&self) {
        poll_fn(|_| {
            if self.left.get() == 0 {
                return Poll::Ready(());
            }
            self.parent.set(Some(here().current.get()));
            Poll::Pending
        })
        .await
    }
}
