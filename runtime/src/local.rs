//! The part of a runtime that its tasks can reach: everything but their futures.
//!
//! Before: `ready.rs`, `remote.rs`, `clock.rs`, `timers.rs`, `reactor.rs`, of which this is the sum. After:
//! `runtime.rs`, which owns the futures.
//!
//! A thread-local table names the runtimes of this thread, so that a waker, which may hold nothing but numbers, finds
//! its own; a second thread-local names the one that is in its turn. The futures are *not* here: they live in the
//! [`Runtime`](crate::Runtime) value, which is why that may own tasks that borrow.
#![forbid(unsafe_code)]

use crate::background::Background;
use crate::clock::{Clock, Time};
use crate::current::{Current, NONE, Restore};
use crate::dropped_waits::DroppedWaits;
use crate::raw;
use crate::reactor::Reactor;
use crate::ready::{Batch, Woken};
use crate::remote::{NOBODY, Remote};
use crate::slots::{Outside, Slots};
use crate::sync::{Arc, per_thread};
use crate::task::Spawned;
use crate::telling::Telling;
use crate::timers::Timers;
use crate::waker::Address;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

per_thread! {
    /// The runtimes that live on this thread, by number.
    static RUNTIMES: RefCell<BTreeMap<u32, Rc<Local>>> = const { RefCell::new(BTreeMap::new()) };
    /// The one that is in its turn (the innermost, if a task turns another).
    static IN_TURN: RefCell<Option<Rc<Local>>> = const { RefCell::new(None) };
    /// Its number, or [`NOBODY`].
    static IN_TURN_ID: Cell<u32> = const { Cell::new(NOBODY) };
    /// Turns ever begun on this thread.
    static TURNS: Cell<u64> = const { Cell::new(0) };
}

/// Polls after which a turn looks at sockets and timers again. Checked between batches.
const POLLS_A_TURN: u32 = 64;

/// The part of a runtime that its tasks can reach. Opaque: the methods are those of what is built on it.
pub struct Local {
    /// Its number in this process.
    id: u32,
    slots: Slots,
    remote: Arc<Remote>,
    time: Time,
    timers: Timers,
    reactor: Reactor,
    /// Tasks that were spawned while the runtime's own table of futures is out of reach.
    spawned: RefCell<VecDeque<Spawned>>,
    /// Polls ever made, wrapping; children's count. What bounds a turn, and what one task may do in it.
    polls: Cell<u32>,
    /// How many there were when the loop began to run what is ready, in this turn.
    polls_before: Cell<u32>,
    /// How many there may be until it looks at sockets and timers again: [`POLLS_A_TURN`], and none once somebody is
    /// [out of breath](Self::out_of_breath).
    polls_allowed: Cell<u32>,
    /// Sets whose owners are in a batch of them and have an end to act on, after it; see [`Local::end`].
    unsettled: Cell<u32>,
    /// The number of the turn; see [`Local::turn_number`].
    turn: Cell<u64>,
    /// Between the start and the end of a turn. A wake from this thread need not disturb a sleeper then.
    in_turn: Cell<bool>,
    /// The runtime is being dropped: nothing is spawned any more.
    closed: Cell<bool>,
    background: Background,
    /// In which turn the clock was read last, and the tick that it was; see [`Local::turn_tick`].
    looked: Cell<(u64, u64)>,
    /// What is told of this runtime, and to whom.
    pub(crate) telling: Telling,
    pub(crate) dropped_waits: DroppedWaits,
    #[cfg(feature = "signal")]
    pub(crate) tree_reports: crate::signal::TreeReports,
    #[cfg(feature = "process")]
    pub(crate) orphans: crate::process::Orphans,
}

impl Local {
    pub(crate) fn new(clock: Clock) -> Rc<Self> {
        let (id, remote) = Remote::register();
        let local = Rc::new(Self {
            id,
            slots: Slots::default(),
            remote,
            time: Time::new(clock),
            timers: Timers::default(),
            reactor: Reactor::default(),
            spawned: RefCell::default(),
            polls: Cell::new(0),
            polls_before: Cell::new(0),
            polls_allowed: Cell::new(POLLS_A_TURN),
            unsettled: Cell::new(0),
            turn: Cell::new(0),
            in_turn: Cell::new(false),
            closed: Cell::new(false),
            background: Background::default(),
            looked: Cell::new((0, 0)),
            telling: Telling::default(),
            dropped_waits: DroppedWaits::default(),
            #[cfg(feature = "signal")]
            tree_reports: Default::default(),
            #[cfg(feature = "process")]
            orphans: Default::default(),
        });
        RUNTIMES.with(|runtimes| runtimes.borrow_mut().insert(id, local.clone()));
        local
    }

    /// The runtime in whose turn we are, if we are in one.
    #[inline(always)]
    #[must_use]
    pub fn current() -> Option<Rc<Self>> {
        IN_TURN.try_with(|local| local.borrow().clone()).ok().flatten()
    }

    /// The number of the runtime in whose turn we are; the same for all who are in none. Two runtimes of a process have
    /// different ones.
    #[inline(always)]
    #[must_use]
    pub fn current_id() -> u32 {
        IN_TURN_ID.with(Cell::get)
    }

    /// The same as [`current`](Self::current), for a wait that cannot go on without one.
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
        Self::current_id() == self.id
    }

    /// The slot of the current task, if it lives in this runtime and the waker in hand is its own: the slot can then
    /// stand for the waker.
    #[inline(always)]
    #[must_use]
    pub fn slot_for(&self, cx: &Context<'_>) -> Option<u32> {
        (self.is_current() && Self::owns(cx)).then(|| Current::get().slot())
    }

    /// Whether the waker in hand is that of the current task. False inside combinators that hand their children wakers
    /// of their own, and there only costs a clone.
    #[inline(always)]
    #[must_use]
    pub fn owns(cx: &Context<'_>) -> bool {
        raw::is_of(cx.waker(), Address { runtime: Self::current_id(), slot: Current::get().slot() })
    }

    /// The slot that a waker wakes, if it is one of this runtime's own and says so. (With the feature `plain` none does.)
    #[must_use]
    pub fn slot_of(&self, waker: &Waker) -> Option<u32> {
        raw::address_of(waker).filter(|address| address.runtime == self.id).map(|address| address.slot)
    }

    /// The waker of the member which has this slot, to look at.
    #[inline(always)]
    #[must_use]
    pub fn waker(&self, slot: u32) -> impl Deref<Target = Waker> {
        raw::waker(self.address(slot), &self.slots)
    }

    #[inline(always)]
    fn address(&self, slot: u32) -> Address {
        Address { runtime: self.id, slot }
    }

    #[inline(always)]
    pub(crate) fn occupy(&self, set: u32, key: u32) -> u32 {
        self.slots.occupy(self.id, set, key)
    }

    /// Makes this the current runtime until the guard is dropped. Nothing comes back while it is in a turn already.
    pub(crate) fn enter(self: &Rc<Self>) -> Option<InTurn> {
        if self.in_turn.replace(true) {
            return None;
        }
        self.turn.set(TURNS.with(|turns| turns.replace(turns.get() + 1)) + 1);
        IN_TURN_ID.with(|id| id.set(self.id));
        Some(InTurn { local: self.clone(), before: put_in_turn(Some(self.clone())), _nobody: Current::NOBODY.enter() })
    }

    /// A wake on this thread, of a runtime that is in its turn. False: it is not, or it does not live here (or
    /// thread-locals are gone): then it is to be rung for.
    #[inline(always)]
    pub(crate) fn wake_here(to: Address) -> bool {
        let innermost = IN_TURN.try_with(|local| match &*local.borrow() {
            Some(local) if local.id == to.runtime && !local.telling.is_on() => Some(local.slots.mark(to.slot)),
            _ => None,
        });
        match innermost {
            Ok(Some(NONE)) => true,
            Ok(Some(foreign)) => Self::wake_foreign_here(to.runtime, foreign),
            Ok(None) => Self::wake_outer(to),
            Err(_) => false,
        }
    }

    /// The same for a runtime that is in its turn, if it is, and has turned another, or has an instrument.
    #[cold]
    fn wake_outer(to: Address) -> bool {
        // Outside its own turn the loop may be asleep, in a host's poll(2) for instance: that takes a ring.
        let local = Self::find(to.runtime).filter(|local| local.in_turn.get());
        if let Some(local) = &local {
            local.wake(to.slot);
        }
        local.is_some()
    }

    #[cold]
    fn wake_foreign_here(runtime: u32, set: u32) -> bool {
        if let Some(local) = Self::find(runtime) {
            local.wake_foreign(set);
        }
        true
    }

    /// A runtime that lives on this thread.
    fn find(runtime: u32) -> Option<Rc<Self>> {
        RUNTIMES.try_with(|runtimes| runtimes.try_borrow().ok()?.get(&runtime).cloned()).ok()?
    }

    /// Marks a slot and wakes the foreign owner above it, if there is one.
    #[inline(always)]
    pub fn wake(&self, slot: u32) {
        self.ring();
        self.tell_wakes(slot);
        self.wake_foreign(self.slots.mark(slot));
    }

    /// Wakes who owns a set, where that is somebody else: [`NONE`] if it is not.
    #[inline(always)]
    pub(crate) fn wake_foreign(&self, set: u32) {
        if set != NONE
            && let Some(waker) = self.foreign(set)
        {
            waker.wake_by_ref();
        }
    }

    #[cold]
    fn foreign(&self, set: u32) -> Outside {
        self.slots.foreign(set)
    }

    /// Marks a slot, and gives the foreign owner above it back: for callers that hold a borrow of their own and may
    /// not run somebody else's `wake` yet.
    #[must_use]
    pub fn mark(&self, slot: u32) -> Option<Rc<Waker>> {
        self.ring();
        self.note_wakes(slot);
        match self.slots.mark(slot) {
            NONE => None,
            set => self.foreign(set),
        }
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

    /// Whoever polls a set has something to do after its batch, which what is in the set must not run ahead of. Followed
    /// by [`settled`](Self::settled).
    #[inline(always)]
    pub fn unsettled(&self) {
        self.unsettled.set(self.unsettled.get() + 1);
    }

    /// Something between the loop and what is being polled may have more to do in this poll than can be seen from here: a
    /// combinator of another crate. Nothing inside runs ahead of it.
    pub fn disturbed(&self) {
        self.slots.disturb();
    }

    /// That is done, or is void.
    #[inline(always)]
    pub fn settled(&self) {
        self.unsettled.set(self.unsettled.get() - 1);
    }

    #[inline(always)]
    pub(crate) fn is_settled(&self) -> bool {
        self.unsettled.get() == 0
    }

    /// The number of the turn that the loop is in; no other turn on this thread has it, of whatever runtime. For what
    /// may be done only so often in one turn.
    #[must_use]
    pub fn turn_number(&self) -> u64 {
        self.turn.get()
    }

    /// What time it is, in ticks, as far as this turn goes: on the real clock the same for all who ask in one turn, and the
    /// first of them reads it, unless the loop has. So who asks often pays little, and what happens in one turn takes no
    /// time. Between turns it is that of the last one.
    #[inline]
    #[must_use]
    pub fn turn_tick(&self) -> u64 {
        match self.looked.get() {
            (turn, tick) if turn == self.turn.get() && self.time.is_real() => tick,
            _ => self.look_now(),
        }
    }

    #[cold]
    fn look_now(&self) -> u64 {
        let tick = self.time.read();
        self.looked.set((self.turn.get(), tick));
        tick
    }

    /// The loop's own look at the clock in this turn.
    pub(crate) fn look(&self) -> u64 {
        let tick = self.time.look();
        self.looked.set((self.turn.get(), tick));
        tick
    }

    /// When a tick begins, counted from when the runtime was made.
    #[must_use]
    pub fn start_of_tick(&self, tick: u64) -> Duration {
        self.time.start_of(tick)
    }

    /// Polls ever made, wrapping: as long as it stays the same, one and the same thing is being polled.
    #[cfg(feature = "net")]
    pub(crate) fn polls(&self) -> u32 {
        self.polls.get()
    }

    #[inline(always)]
    pub(crate) fn slots(&self) -> &Slots {
        &self.slots
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

    pub(crate) fn background(&self) -> &Background {
        &self.background
    }

    /// The loop begins to run what is ready.
    pub(crate) fn begin_run(&self) {
        self.polls_before.set(self.polls.get());
        self.polls_allowed.set(POLLS_A_TURN);
    }

    /// What is being polled has done more than a poll should take. It is the last batch of this turn: others may be ready
    /// by now.
    #[cfg(feature = "net")]
    pub(crate) fn out_of_breath(&self) {
        self.polls_allowed.set(0);
    }

    /// The next root task of a batch.
    #[inline(always)]
    pub(crate) fn next_root(&self, batch: &mut Batch<'_>) -> Option<Woken> {
        self.slots.calm();
        batch.next()
    }

    /// Polls made since.
    pub(crate) fn polls_of_run(&self) -> u32 {
        self.polls.get().wrapping_sub(self.polls_before.get())
    }

    /// Whether another batch may follow in this turn.
    #[inline(always)]
    pub(crate) fn may_run_on(&self) -> bool {
        self.polls_of_run() < self.polls_allowed.get()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// No more tasks from now on.
    pub(crate) fn close(&self) {
        self.closed.set(true);
        #[cfg(feature = "signal")]
        self.tree_reports.end();
        #[cfg(feature = "process")]
        self.orphans.end();
    }

    /// Takes the runtime out of the tables: late wakes find it gone.
    pub(crate) fn retire(&self) {
        self.remote.retire(self.id);
        let place = RUNTIMES.try_with(|runtimes| runtimes.borrow_mut().remove(&self.id));
        drop(place); // outside the borrow
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A runtime is in its turn until this is dropped, also by a panic.
pub(crate) struct InTurn {
    local: Rc<Local>,
    before: Option<Rc<Local>>,
    /// No task is current until the turn polls one, also where a task turns another runtime.
    _nobody: Restore,
}

impl Drop for InTurn {
    fn drop(&mut self) {
        let before = self.before.take();
        IN_TURN_ID.with(|id| id.set(before.as_ref().map_or(NOBODY, |local| local.id)));
        put_in_turn(before);
        self.local.in_turn.set(false);
    }
}

/// While the thread ends there may be no place to put it: then nobody finds it, and wakes take the long way.
fn put_in_turn(local: Option<Rc<Local>>) -> Option<Rc<Local>> {
    IN_TURN.try_with(|place| place.replace(local)).ok().flatten()
}

/// Whether any runtime is in a turn on this thread.
pub(crate) fn in_a_turn() -> bool {
    IN_TURN_ID.with(Cell::get) != NOBODY
}

#[cfg(test)]
mod tests {
    use crate::{Clock, Runtime, yield_now};
    use std::time::Duration;

    /// C11: smol-rs/async-executor#99, a counter that overflowed in debug builds.
    #[test]
    fn polls_are_counted_over_the_end_of_their_numbers() {
        let runtime = Runtime::with_clock(Clock::Manual);
        runtime.local().polls.set(u32::MAX - 40);
        runtime.spawn(async {
            loop {
                yield_now().await;
            }
        });
        for _ in 0..2 {
            let turn = runtime.turn(Some(Duration::ZERO)).expect("a turn");
            assert_eq!((turn.polled, turn.ready), (64, true));
        }
    }
}
