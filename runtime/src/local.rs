//! The part of a runtime that its tasks can reach: everything but their futures.
//!
//! Before: `ready.rs`, `remote.rs`, `clock.rs`, `timers.rs`, `reactor.rs`, of which this is the sum. After:
//! `runtime.rs`, which owns the futures.
//!
//! A thread-local table names the runtimes of this thread, so that a waker, which may hold nothing but numbers, finds
//! its own; a second thread-local names the one that is in its turn. The futures are *not* here: they live in the
//! [`Runtime`](crate::Runtime) value, which is why that may own tasks that borrow.
#![forbid(unsafe_code)]

use crate::clock::{Clock, Time};
use crate::current::{Current, Restore};
use crate::reactor::Reactor;
use crate::remote::Remote;
use crate::slots::{Outside, Set, Slots};
use crate::task::Spawned;
use crate::timers::Timers;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};

thread_local! {
    /// The runtimes that live on this thread.
    static RUNTIMES: RefCell<Vec<Option<Rc<Local>>>> = const { RefCell::new(Vec::new()) };
    /// The serial number of the one that is in its turn (the innermost, if a task turns another), or [`NOBODY`].
    static IN_TURN: Cell<u64> = const { Cell::new(NOBODY) };
    /// Turns ever begun on this thread.
    static TURNS: Cell<u64> = const { Cell::new(0) };
}

/// The serial number that no runtime has.
const NOBODY: u64 = u64::MAX;

/// Operations on descriptors that a task may do without a wait in between.
const OPERATIONS_A_POLL: u32 = 64;

/// A place in the thread's table, and a number that is never used again: places are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RuntimeId {
    index: u32,
    serial: u64,
}

/// The part of a runtime that its tasks can reach. Opaque: the methods are those of what is built on it.
pub struct Local {
    id: RuntimeId,
    slots: Slots,
    /// The set of root tasks.
    roots: Rc<Set>,
    remote: Arc<Remote>,
    time: Time,
    timers: Timers,
    reactor: Reactor,
    /// Tasks that were spawned while the runtime's own table of futures is out of reach.
    spawned: RefCell<VecDeque<Spawned>>,
    /// Polls ever made, wrapping; children's count. What bounds a turn, and what one task may do in it.
    polls: Cell<u32>,
    /// The number of the turn; see [`Local::turn_number`].
    turn: Cell<u64>,
    /// At which poll operations were last counted, and how many there were in it.
    operations: Cell<(u32, u32)>,
    /// Between the start and the end of a turn. A wake from this thread need not disturb a sleeper then.
    in_turn: Cell<bool>,
    /// The runtime is being dropped: nothing is spawned any more.
    closed: Cell<bool>,
}

impl Local {
    pub(crate) fn new(clock: Clock) -> Rc<Self> {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        RUNTIMES.with_borrow_mut(|runtimes| {
            let index = runtimes.iter().position(Option::is_none).unwrap_or(runtimes.len());
            let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
            let local = Rc::new(Self {
                id: RuntimeId { index: index as u32, serial },
                slots: Slots::default(),
                roots: Rc::default(),
                remote: Arc::new(Remote::new()),
                time: Time::new(clock),
                timers: Timers::default(),
                reactor: Reactor::default(),
                spawned: RefCell::default(),
                polls: Cell::new(0),
                turn: Cell::new(0),
                operations: Cell::new((0, 0)),
                in_turn: Cell::new(false),
                closed: Cell::new(false),
            });
            match runtimes.get_mut(index) {
                Some(place) => *place = Some(local.clone()),
                None => runtimes.push(Some(local.clone())),
            }
            local
        })
    }

    /// The runtime in whose turn we are, if we are in one.
    #[must_use]
    pub fn current() -> Option<Rc<Self>> {
        let serial = IN_TURN.get();
        if serial == NOBODY {
            return None;
        }
        let find = |runtimes: &RefCell<Vec<Option<Rc<Self>>>>| {
            runtimes.borrow().iter().flatten().find(|local| local.id.serial == serial).cloned()
        };
        RUNTIMES.try_with(find).ok().flatten()
    }

    /// The same, for a wait that cannot go on without one.
    ///
    /// # Panics
    ///
    /// Outside a runtime; `what` names the wait.
    #[track_caller]
    #[must_use]
    pub fn expect_current(what: impl fmt::Display) -> Rc<Self> {
        Self::current().unwrap_or_else(|| {
            panic!("{what} was polled outside a runtime: await it inside `block_on(async {{ .. }})`")
        })
    }

    /// Whether we are in this runtime's turn, and not in that of a runtime which it turned or which turns it.
    #[inline(always)]
    #[must_use]
    pub fn is_current(&self) -> bool {
        IN_TURN.get() == self.id.serial
    }

    /// The slot of the current task, if it lives in this runtime and the waker in hand is its own: the slot can then
    /// stand for the waker.
    #[must_use]
    pub(crate) fn slot_for(&self, cx: &Context<'_>) -> Option<u32> {
        let current = Current::get();
        (current.owns(cx) && self.is_current()).then(|| current.slot())
    }

    /// Makes this the current runtime until the guard is dropped. Nothing comes back while it is in a turn already.
    pub(crate) fn enter(self: &Rc<Self>) -> Option<InTurn> {
        if self.in_turn.replace(true) {
            return None;
        }
        TURNS.set(TURNS.get() + 1);
        self.turn.set(TURNS.get());
        let before = IN_TURN.replace(self.id.serial);
        Some(InTurn { before, _nobody: Current::NOBODY.enter(), local: self.clone() })
    }

    /// A wake on this thread. False: the runtime does not live here (or thread-locals are gone), use its letter box.
    pub(crate) fn wake_here(id: RuntimeId, slot: u32) -> bool {
        let marked = RUNTIMES.try_with(|runtimes| {
            let runtimes = runtimes.try_borrow().ok()?;
            let local = runtimes.get(id.index as usize)?.as_ref().filter(|local| local.id.serial == id.serial)?;
            // Outside its own turn the loop may be asleep, in a host's poll(2) for instance: the letter box rings.
            local.in_turn.get().then(|| local.slots.mark(slot))
        });
        match marked {
            Ok(Some(outside)) => {
                if let Some(waker) = outside {
                    waker.wake_by_ref();
                }
                true
            }
            _ => false,
        }
    }

    /// Marks a slot and wakes the foreign owner above it, if there is one.
    #[inline(always)]
    pub fn wake(&self, slot: u32) {
        if let Some(waker) = self.mark(slot) {
            waker.wake_by_ref();
        }
    }

    /// Marks a slot, and gives the foreign owner above it back: for callers that hold a borrow of their own and may
    /// not run somebody else's `wake` yet.
    #[inline(always)]
    #[must_use]
    pub fn mark(&self, slot: u32) -> Option<Rc<Waker>> {
        self.ring();
        self.slots.mark(slot)
    }

    /// Whether a slot is woken and was not polled since.
    #[must_use]
    pub fn is_queued(&self, slot: u32) -> bool {
        self.slots.is_queued(slot)
    }

    /// Disturbs the sleeper, unless we are in this runtime's turn: then there is none.
    #[inline(always)]
    pub(crate) fn ring(&self) {
        if !self.in_turn.get() {
            self.remote.notify();
        }
    }

    /// Counts a poll; see [`Runtime::turn`](crate::Runtime::turn) on what bounds a turn.
    #[inline(always)]
    pub fn count_poll(&self) {
        self.polls.set(self.polls.get().wrapping_add(1));
    }

    /// The number of the turn that the loop is in; no other turn on this thread has it, of whatever runtime. For what
    /// may be done only so often in one turn.
    #[must_use]
    pub fn turn_number(&self) -> u64 {
        self.turn.get()
    }

    /// Whether what is being polled may do one more operation that does not wait. Counted from the last poll of
    /// anything; after [`OPERATIONS_A_POLL`] the answer is no, once, and the count begins anew.
    pub(crate) fn may_operate(&self) -> bool {
        let (poll, done) = self.operations.get();
        let done = if poll == self.polls.get() { done + 1 } else { 1 };
        let may = done <= OPERATIONS_A_POLL;
        self.operations.set((self.polls.get(), if may { done } else { 0 }));
        may
    }

    pub(crate) fn receive(&self, slot: u32) -> Outside {
        self.slots.receive(slot)
    }

    pub(crate) fn id(&self) -> RuntimeId {
        self.id
    }

    pub(crate) fn slots(&self) -> &Slots {
        &self.slots
    }

    pub(crate) fn roots(&self) -> &Rc<Set> {
        &self.roots
    }

    pub(crate) fn remote(&self) -> &Arc<Remote> {
        &self.remote
    }

    pub(crate) fn time(&self) -> &Time {
        &self.time
    }

    pub(crate) fn timers(&self) -> &Timers {
        &self.timers
    }

    pub(crate) fn reactor(&self) -> &Reactor {
        &self.reactor
    }

    pub(crate) fn spawned(&self) -> &RefCell<VecDeque<Spawned>> {
        &self.spawned
    }

    pub(crate) fn polls(&self) -> u32 {
        self.polls.get()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// No more tasks from now on.
    pub(crate) fn close(&self) {
        self.closed.set(true);
    }

    /// Takes the runtime out of the thread's table: late wakes find it gone.
    pub(crate) fn retire(&self) {
        self.remote.close();
        let place =
            RUNTIMES.try_with(|runtimes| runtimes.borrow_mut().get_mut(self.id.index as usize).and_then(Option::take));
        drop(place); // outside the borrow
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The runtime is in its turn until this is dropped, also by a panic.
pub(crate) struct InTurn {
    local: Rc<Local>,
    before: u64,
    /// No task is current until the turn polls one, also where a task turns another runtime.
    _nobody: Restore,
}

impl Drop for InTurn {
    fn drop(&mut self) {
        self.local.in_turn.set(false);
        IN_TURN.set(self.before);
    }
}

/// Whether any runtime is in a turn on this thread.
pub(crate) fn in_a_turn() -> bool {
    IN_TURN.get() != NOBODY
}
