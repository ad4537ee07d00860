//! Tasks and their wakers: finished in step 4, used by steps 5 to 9.

use slab::Slab;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

// ANCHOR: ready
/// What wakers reach, from whatever thread.
struct Ready {
    queue: Mutex<VecDeque<usize>>,
    /// Ends the sleep of the loop, or its next one.
    rouse: Box<dyn Fn() + Send + Sync>,
}
// ANCHOR_END: ready

impl Ready {
    fn lock(&self) -> MutexGuard<'_, VecDeque<usize>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
            (self.ready.rouse)();
        }
    }
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    own: Arc<TaskWaker>,
}

// ANCHOR: tasks
pub(crate) struct Tasks {
    /// `None`: the task is being polled.
    slab: RefCell<Slab<Option<Task>>>,
    ready: Arc<Ready>,
}

impl Tasks {
    /// No tasks. Whoever is woken, `rouse` is called.
    pub(crate) fn new(rouse: impl Fn() + Send + Sync + 'static) -> Self {
        let ready = Arc::new(Ready { queue: Mutex::default(), rouse: Box::new(rouse) });
        Self { slab: RefCell::default(), ready }
    }

    /// How many have not ended.
    pub(crate) fn len(&self) -> usize {
        self.slab.borrow().len()
    }

    /// Polls whoever is woken, until nobody is.
    pub(crate) fn run(&self) {
        while let Some(key) = self.next_ready() {
            self.poll(key);
        }
    }
    // ANCHOR_END: tasks

    fn next_ready(&self) -> Option<usize> {
        self.ready.lock().pop_front()
    }

    fn poll(&self, key: usize) {
        let Some(mut task) = self.slab.borrow_mut().get_mut(key).and_then(Option::take) else {
            return;
        };
        task.own.is_queued.store(false, Ordering::SeqCst); // first: a wake from now on is news
        let waker = Waker::from(task.own.clone());
        match task.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => self.slab.borrow_mut()[key] = Some(task),
            Poll::Ready(()) => {
                task.own.is_queued.store(true, Ordering::SeqCst); // for good
                drop(self.slab.borrow_mut().remove(key));
            }
        }
    }

    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        let mut slab = self.slab.borrow_mut();
        let place = slab.vacant_entry();
        let (key, ready) = (place.key(), self.ready.clone());
        let own = Arc::new(TaskWaker { key, is_queued: AtomicBool::new(false), ready });
        own.wake_by_ref(); // everybody's first poll
        place.insert(Some(Task { future: Box::pin(future), own }));
    }
}
