//! Root tasks: `spawn` as asyncio has it, with nobody to wait for them.
//!
//! Before: `ready.rs`. After: `runtime.rs`, which keeps them, and `event_loop.rs`, which polls them.
//!
//! ```text
//!            (1) spawn            (2) first poll              (3) ended, (4) cancelled
//!   nothing ----------> Spawned --------------> Running ----------------------------> Over
//!                          |                                                           ^
//!                          +----- (4) cancelled, or the runtime dropped ---------------+
//! ```
//! (1) [`spawn`], (2) and (3) `Runtime::poll_root`, (4) [`JoinHandle::cancel`]; a running one is dropped in its turn.
#![forbid(unsafe_code)]

use crate::event_loop::SPAWNED;
use crate::freeze::is_frozen;
use crate::instrument::WaitsFor;
use crate::local::Local;
use crate::ready::{ROOTS, Wait};
use crate::wakeup::Wakeup;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

pub(crate) type RootFuture<'env> = Pin<Box<dyn Future<Output = ()> + 'env>>;

/// A task that waits for the runtime to take it over.
pub(crate) struct Spawned {
    pub(crate) future: RootFuture<'static>,
    pub(crate) root: Rc<Root>,
    pub(crate) slot: u32,
}

/// What the executor and the handle share of a task.
pub(crate) struct Root {
    /// To be dropped in its next turn instead of polled.
    pub(crate) cancelled: Cell<bool>,
    /// Where to wake it. `None` before the runtime has taken it over and after its end.
    pub(crate) slot: Cell<Option<u32>>,
    pub(crate) over: Cell<bool>,
    /// It is no part of the program; see `background.rs`.
    pub(crate) is_in_background: Cell<bool>,
    panic: Cell<Option<Box<dyn Any + Send>>>,
    joiner: RefCell<Option<Wakeup>>,
}

impl Root {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self {
            cancelled: Cell::new(false),
            slot: Cell::new(None),
            over: Cell::new(false),
            is_in_background: Cell::new(false),
            panic: Cell::new(None),
            joiner: RefCell::new(None),
        })
    }

    pub(crate) fn take_panic(&self) -> Option<Box<dyn Any + Send>> {
        self.panic.take()
    }

    /// Marks the end and tells the joiner. Runs user code: hold no borrow.
    pub(crate) fn finish(&self, local: &Rc<Local>, panic: Option<Box<dyn Any + Send>>) {
        self.slot.set(None);
        self.over.set(true);
        self.panic.set(panic);
        let joiner = self.joiner.borrow_mut().take();
        if let Some(wakeup) = joiner {
            wakeup.wake(local);
        }
    }
}

/// Starts a task on the current runtime. It runs from the next batch on, until it ends or the runtime is dropped.
///
/// This is asyncio's `create_task`, with its troubles: nobody waits for the task, nobody hears of its failure, and it
/// can borrow nothing. It is here for the book and for building on; programs use the `taskgroup` crate, which does not
/// export it.
///
/// # Panics
///
/// Outside a runtime.
///
/// ```
/// use taskgroup_runtime::{block_on, spawn};
///
/// let five = block_on(async { spawn(async { 2 + 3 }).await });
/// assert_eq!(five.ok(), Some(5));
/// ```
#[track_caller]
pub fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    let local = Local::current().unwrap_or_else(|| panic!("`spawn` was called outside a runtime: call it in a task"));
    let place = Location::caller();
    enlist(&local, future, |_, slot| local.start_root(slot, Some(place)))
}

/// Makes a task of a future and puts it on the list from which the runtime takes it over; `start` wakes it.
pub(crate) fn enlist<T: 'static>(
    local: &Rc<Local>,
    future: impl Future<Output = T> + 'static,
    start: impl FnOnce(&Root, u32),
) -> JoinHandle<T> {
    let (future, handle) = prepare(local, future);
    if local.is_closed() {
        handle.root.finish(local, None); // born cancelled: the runtime is going
        drop(future);
    } else {
        // In the queue at once, before whatever the spawner wakes next; a place among the futures comes later.
        let (root, slot) = (handle.root.clone(), local.occupy(ROOTS, SPAWNED));
        root.slot.set(Some(slot));
        local.spawned().borrow_mut().push_back(Spawned { future, root, slot });
        start(&handle.root, slot);
    }
    handle
}

/// Boxes a future so that its output goes to a handle.
pub(crate) fn prepare<'env, T: 'env>(
    local: &Rc<Local>,
    future: impl Future<Output = T> + 'env,
) -> (RootFuture<'env>, JoinHandle<T>) {
    let value = Rc::new(Cell::new(None));
    let handle = JoinHandle { local: local.clone(), root: Root::new(), value: value.clone(), taken: false };
    (Box::pin(async move { value.set(Some(future.await)) }), handle)
}

/// Awaits to the output of a task that was [spawned](spawn). Dropping it lets the task run on.
pub struct JoinHandle<T> {
    local: Rc<Local>,
    root: Rc<Root>,
    value: Rc<Cell<Option<T>>>,
    /// The value, or the panic, has been given out.
    taken: bool,
}

/// Why a [`JoinHandle`] has no value to give.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The task was cancelled, or its runtime dropped, before it ended.
    #[error("the task was cancelled")]
    Cancelled,
    /// The task panicked; here is what it panicked with.
    #[error("the task panicked")]
    Panicked(Box<dyn Any + Send>),
    /// The value was taken by an earlier await.
    #[error("the task's value was taken before")]
    Taken,
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T> JoinHandle<T> {
    /// Asks the task to end: in its next turn its future is dropped. False if it had ended.
    pub fn cancel(&self) -> bool {
        if self.root.over.get() {
            return false;
        }
        self.root.cancelled.set(true);
        if let Some(slot) = self.root.slot.get() {
            self.local.wake(slot);
        }
        true
    }

    pub(crate) fn root(&self) -> &Rc<Root> {
        &self.root
    }

    /// Whether the task has ended, in whatever way.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.root.over.get()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    /// # Cancel
    ///
    /// A cancellation point. Dropping the handle while it waits leaves the task alone.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if is_frozen() {
            return Poll::Pending;
        }
        let wakeup = (!self.root.over.get()).then(|| Wakeup::new(&self.local, cx));
        // It may be over by now: to clone somebody else's waker is their code.
        if let Some(wakeup) = wakeup
            && !self.root.over.get()
        {
            if let (Wakeup::Slot(waiter), Some(task)) = (&wakeup, self.root.slot.get()) {
                self.local.set_wait(*waiter, Wait::Member(task));
            }
            let before = self.root.joiner.replace(Some(wakeup));
            drop(before);
            if let Some(task) = self.root.slot.get() {
                self.local.tell_wait(WaitsFor::Task(task));
            }
            return Poll::Pending;
        }
        let output = match (self.value.take(), self.root.panic.take()) {
            (Some(value), _) => Ok(value),
            (None, Some(payload)) => Err(JoinError::Panicked(payload)),
            (None, None) if self.taken => Err(JoinError::Taken),
            (None, None) => return Poll::Ready(Err(JoinError::Cancelled)),
        };
        self.taken = true;
        Poll::Ready(output)
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.is_finished()).finish()
    }
}
