//! Who has been woken: ready sets and their members.
//!
//! Before: `slots.rs`, the table underneath. After: `remote.rs` for wakes from other threads, `runtime.rs` for the set
//! of root tasks.
//!
//! **One machine, twice.** The executor and a task group are the same thing: some futures, and a set of woken keys.
//! Each future is a *member* of one set and has a *slot*. A wake climbs, a poll descends:
//!
//! ```text
//!   leaf's waker (1)                     turn of the loop (4)
//!        |  names a slot                      |  takes a batch of the root set
//!        v                                    v
//!   slot queued in its set (2)           task polled: it takes a batch of its group's set (5)
//!        |  first since last batch?           |
//!        v                                    v
//!   owner of the set told (3), which     child polled (6): the leaf
//!   is a slot itself: climb on
//! ```
//!
//! (1) [`Waker::wake`], (2) and (3) `Slots::mark`, (4) `Runtime::run`, (5) [`Local::begin`], (6) [`Batch::next`].
//! The climb ends at the first set that has been told already, so a thousand wakes in one group cost the owner one. A set
//! that is being polled counts as told: its owner is up already, and is told again at the end if members are woken; or
//! polls them at once, where to go up and to come down again would lead right back ([`Local::end`]).
//!
//! No lock, no atomic, no allocation on the way.
#![forbid(unsafe_code)]

use crate::current::{Current, NONE};
use crate::freeze::is_quiet;
use crate::local::Local;
use crate::slots::{After, BEGIN, FOR_FIRST_POLL, FOR_JOB, FOR_PLACE, FOREIGN};
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::task::{Context, Waker};

/// What a member waits for, as far as it has said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// It has not said.
    Unknown,
    /// To be polled for the first time.
    FirstPoll,
    /// For leave to be polled for the first time: others have to end before.
    Place,
    /// For a blocking job.
    Job,
    /// For another member of the same runtime, which has this slot.
    Member(u32),
}

impl Wait {
    fn number(self) -> u32 {
        match self {
            Self::Unknown => NONE,
            Self::FirstPoll => FOR_FIRST_POLL,
            Self::Place => FOR_PLACE,
            Self::Job => FOR_JOB,
            Self::Member(slot) => slot,
        }
    }

    pub(crate) fn of(number: u32) -> Self {
        match number {
            NONE => Self::Unknown,
            FOR_FIRST_POLL => Self::FirstPoll,
            FOR_PLACE => Self::Place,
            FOR_JOB => Self::Job,
            slot => Self::Member(slot),
        }
    }
}

/// A member that comes up in a [`Batch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Woken {
    /// Its slot.
    pub slot: u32,
    /// Its key, as its set names it.
    pub key: u32,
    /// Whether it came up before.
    pub has_run: bool,
}

/// The set of a runtime's root tasks.
pub(crate) const ROOTS: u32 = 0;

/// A set of members of which some are woken; see the head of this module.
///
/// Not a collection of futures: whoever owns the set keeps those, and names each by a key of its choice. A member is
/// known by its *slot*, a number that nobody else in its runtime has until it [leaves](Self::leave).
pub struct ReadySet {
    local: Rc<Local>,
    /// Its number, until it is closed.
    set: Cell<u32>,
}

impl ReadySet {
    /// A set without members, polled by the loop itself until [`owned_by`](Self::owned_by) says otherwise.
    #[must_use]
    pub fn new(local: &Rc<Local>) -> Self {
        Self { local: local.clone(), set: Cell::new(local.slots().open()) }
    }

    /// The set of a new runtime's root tasks: its first.
    pub(crate) fn of_roots(local: &Rc<Local>) -> Self {
        let roots = Self::new(local);
        debug_assert_eq!(roots.number(), ROOTS);
        roots
    }

    /// The set's number in its runtime; see [`Local::begin`].
    #[inline(always)]
    #[must_use]
    pub fn number(&self) -> u32 {
        self.set.get()
    }

    /// The runtime in which the members have their slots.
    #[inline(always)]
    #[must_use]
    pub fn local(&self) -> &Rc<Local> {
        &self.local
    }

    /// Adds a member under `key`, and gives its slot. It is not woken yet.
    #[inline(always)]
    #[must_use]
    pub fn join(&self, key: u32) -> u32 {
        self.local.occupy(self.number(), key)
    }

    /// Keeps a number of the caller's beside the set; see [`Local::note_above`].
    pub fn set_note(&self, note: u32) {
        self.local.slots().set_note(self.number(), note);
    }

    /// Gives a member another key. A batch that is under way names it by the new one.
    pub fn set_key(&self, slot: u32, key: u32) {
        self.local.slots().set_key(slot, key);
    }

    /// Takes a member out; wakes that are under way find nobody, or its slot's next tenant, once. To be called once
    /// for each member.
    #[inline(always)]
    pub fn leave(&self, slot: u32) {
        self.local.slots().vacate(slot);
    }

    /// Marks a member as woken, as its waker would.
    #[inline(always)]
    pub fn wake(&self, slot: u32) {
        self.local.wake(slot);
    }

    /// Whether no member is woken.
    #[inline(always)]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.local.slots().is_empty(self.number())
    }

    /// From now on the set is polled by what is current, with the waker in `cx`.
    pub fn owned_by(&self, cx: &Context<'_>) {
        let (owner, foreign) = match self.local.slot_for(cx) {
            Some(slot) => (slot, None),
            None => (FOREIGN, Some(Rc::new(cx.waker().clone()))),
        };
        let before = self.local.slots().set_owner(self.number(), owner, foreign);
        drop(before); // a foreign waker's drop is user code: not while the table is borrowed
        self.polled_here();
    }

    /// Says that the set is polled by what is current, whoever owns it: for the [`TaskTree`](crate::TaskTree), where the
    /// owner is somebody else's waker.
    pub fn polled_here(&self) {
        self.local.slots().set_within(self.number(), Current::get().slot());
    }

    /// Whether the set is owned by somebody else's waker, and by which.
    pub fn is_owned_through(&self, waker: &Waker) -> bool {
        self.local.slots().foreign(self.number()).is_some_and(|own| own.will_wake(waker))
    }

    /// Starts a batch: the members that are woken now. Members woken during the batch are for the next one.
    #[inline(always)]
    #[must_use]
    pub fn begin(&self) -> Batch<'_> {
        self.local.begin(self.number())
    }

    /// Ends a batch. If members are woken, the owner is told again.
    #[inline(always)]
    pub fn end(&self) {
        self.local.end(self.number(), false);
    }

    /// Gives the set's number back, for another set. Nothing but [`local`](Self::local) may be asked from then on.
    ///
    /// Members should have left. One that has not is never woken again, and its slot is lost. Dropping the set closes it
    /// too.
    pub fn close(&self) {
        match self.set.replace(NONE) {
            NONE => {}
            set => drop(self.local.slots().close(set)), // after the borrow: a foreign waker's drop is user code
        }
    }
}

impl Drop for ReadySet {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for ReadySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadySet").field("number", &self.number()).finish_non_exhaustive()
    }
}

/// The members that were woken when the first was asked for, in the order of their wakes.
#[derive(Debug)]
pub struct Batch<'a> {
    local: &'a Local,
    set: u32,
    /// The next, or [`NONE`]. They are out of the set's queue, and count as queued until they come up.
    first: u32,
}

impl Iterator for Batch<'_> {
    type Item = Woken;

    /// The next member, which from now on may be woken again.
    #[inline(always)]
    fn next(&mut self) -> Option<Woken> {
        self.local.slots().next(self.set, &mut self.first)
    }
}

impl Drop for Batch<'_> {
    /// Who has not come up is still woken.
    #[inline(always)]
    fn drop(&mut self) {
        if self.first < BEGIN {
            self.local.slots().put_back(self.set, self.first);
        }
    }
}

/// What can be asked of the members of all sets of a runtime, and what is kept beside them.
impl Local {
    /// Ends a batch. If members are woken, the owner is told again; or else another batch may follow at once, in the same
    /// poll, and then the answer is true: that is if `may_stay`, and to return to the loop would lead right back, since
    /// nobody else is woken. Not in a turn that has made its polls; not while a cancel is in force, which may have changed
    /// what is done on the way; not while somebody on the way is [unsettled](Self::unsettled); and not while an instrument
    /// listens, which shall see the way.
    #[inline(always)]
    pub fn end(&self, set: u32, may_stay: bool) -> bool {
        let is_quiet = is_quiet();
        if !is_quiet {
            self.tell_owner(set);
        }
        match self.slots().end(set, || may_stay && is_quiet && self.is_settled() && self.may_run_on()) {
            After::Over => false,
            After::Stay => true,
            After::Wake(set) => {
                self.wake_foreign(set);
                false
            }
        }
    }

    /// What [`ReadySet::begin`] does, for who has only the set's number at hand.
    #[inline(always)]
    #[must_use]
    pub fn begin(&self, set: u32) -> Batch<'_> {
        Batch { local: self, set, first: BEGIN }
    }

    /// The key of a member. `None`: nobody has that slot.
    #[must_use]
    pub fn key(&self, member: u32) -> Option<u32> {
        self.slots().key(member)
    }

    /// The number that the layer above keeps beside a member, or [`NONE`]. A new member has none.
    #[inline(always)]
    #[must_use]
    pub fn note(&self, member: u32) -> u32 {
        self.slots().look(member, |slot| slot.note.get()).unwrap_or(NONE)
    }

    /// Keeps a number beside a member.
    pub fn set_note(&self, member: u32, note: u32) {
        self.slots().look(member, |slot| slot.note.set(note));
    }

    /// The number that the layer above keeps beside the member's set, or [`NONE`].
    #[must_use]
    pub fn note_above(&self, member: u32) -> u32 {
        self.slots().note_above(member).unwrap_or(NONE)
    }

    /// Says what a member waits for, until it comes up the next time.
    #[inline(always)]
    pub fn set_wait(&self, member: u32, wait: Wait) {
        self.slots().look(member, |slot| slot.wait.set(wait.number()));
    }

    /// What a member waits for.
    #[must_use]
    pub fn wait(&self, member: u32) -> Wait {
        self.slots().look(member, |slot| Wait::of(slot.wait.get())).unwrap_or(Wait::Unknown)
    }

    /// Every member of every set.
    #[must_use]
    pub fn members(&self) -> Vec<u32> {
        self.slots().all()
    }

    /// Whether a member is woken and was not polled since.
    #[must_use]
    pub fn is_queued(&self, member: u32) -> bool {
        self.slots().look(member, |slot| slot.is_queued()).unwrap_or(false)
    }

    /// Whether somebody in a member's set is woken and was not polled since.
    #[must_use]
    pub fn is_told(&self, member: u32) -> bool {
        self.slots().is_told(member)
    }
}
