//! The books of a group: who lives, what failed, which phase it is in. It knows no lifetimes.
//!
//! Before: `promise.rs`, `child.rs`, `books.rs`. After: `group.rs`, where the futures are, and `join.rs`, which polls
//! them.

use crate::books::Books;
use crate::child::{Fate, GivenAway};
use crate::drive::{discard, report_loss};
use crate::failures::Failed;
use crate::info::TaskInfo;
use crate::limit::Queued;
use crate::news::News;
use crate::policy::Policy;
use crate::promise::{Failure, How, State};
use crate::reason::Reason;
use crate::task_local;
use crate::tree::{self, Kind, NodeId, Spot, TaskSpot, Verdict, Wakeup};
use std::cell::{Cell, OnceCell};
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use taskgroup_runtime::current::{Current, NONE};
use taskgroup_runtime::ready::{Origin, ReadySet, Wait};
use taskgroup_runtime::{Report, report};

/// The key of the body among the members of a group. It comes up like a child; it is the owner's turn.
pub(crate) const BODY: u32 = NONE - 1;

/// From here on, keys are those of children in the inbox. Others are numbered from 0 on.
pub(crate) const NEWCOMERS: u32 = 1 << 31;

/// Added to the key of a child that has no place yet. So those that have one need not be asked whenever they come up.
pub(crate) const QUEUED: u32 = 1 << 30;

/// ```text
///   Open --(1) close--> Closing --(2) over--> Over
///     +---------------- (2) ------------------^
/// ```
/// (1) [`Ledger::close`]: a failure, a cancelled owner, `cancel()`; (2) [`Ledger::over`]: the last child has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Takes children.
    Open,
    /// Children have been asked to end; no more are taken.
    Closing,
    /// Nobody is left.
    Over,
}

pub(crate) struct Ledger {
    pub(crate) set: ReadySet,
    /// The group's node. What the body opens hangs below it.
    pub(crate) node: NodeId,
    pub(crate) body_slot: u32,
    /// Children that have not ended.
    live: Cell<u32>,
    /// Children ever spawned, wrapping: the number of the last.
    spawned: Cell<u32>,
    phase: Cell<Phase>,
    body_lives: Cell<bool>,
    /// What the failure of a task does that is spawned now.
    policy: Cell<Policy>,
    /// Who waits for children that ended: told after the group has acted.
    pub(crate) news: News,
    /// Who the group is in, once somebody wanted to know; at the latest when its node goes and a handle stays.
    owner: OnceCell<Option<Arc<TaskInfo>>>,
    /// Why the children were asked to end.
    closing: OnceCell<Reason>,
    /// What most groups do without.
    books: OnceCell<Box<Books>>,
}

impl Ledger {
    /// Opens the books. The group's node is not placed yet: that happens where it is polled.
    pub(crate) fn open(set: ReadySet, place: &'static Location<'static>) -> Rc<Self> {
        let body_slot = set.join(BODY, Origin { number: 0, place });
        let node = tree::insert(Kind::Group, Wakeup::Slot(set.local().clone(), body_slot));
        set.set_note(node);
        Rc::new(Self {
            set,
            node,
            body_slot,
            live: Cell::new(0),
            spawned: Cell::new(0),
            phase: Cell::new(Phase::Open),
            body_lives: Cell::new(true),
            policy: Cell::new(Policy::FailFast),
            news: News::default(),
            owner: OnceCell::new(),
            closing: OnceCell::new(),
            books: OnceCell::new(),
        })
    }

    /// What to name as current while the body is polled or dropped.
    #[inline(always)]
    pub(crate) fn body_current(&self) -> Current {
        Current::new(self.body_slot, self.node)
    }

    #[inline(always)]
    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    pub(crate) fn live(&self) -> usize {
        self.live.get() as usize
    }

    /// Why the children were asked to end, if they were.
    pub(crate) fn closing(&self) -> Option<Reason> {
        self.closing.get().cloned()
    }

    /// What most groups do without; this one has it from now on.
    #[cold]
    pub(crate) fn books(&self) -> &Books {
        self.books.get_or_init(Box::default)
    }

    /// The same, if it is there.
    #[inline(always)]
    pub(crate) fn books_if_any(&self) -> Option<&Books> {
        self.books.get().map(|books| &**books)
    }

    /// Takes a child in, under a key of the caller's choice. It is in the books before it can be woken for the first
    /// time: see [`start`](Self::start).
    #[inline]
    pub(crate) fn admit(self: &Rc<Self>, key: u32, place: &'static Location<'static>) -> State {
        let number = self.count();
        let slot = self.set.join(key, Origin { number, place });
        self.live.set(self.live.get() + 1);
        let task = TaskSpot::new(self.set.local(), slot);
        task_local::inherit(task);
        if let Some(books) = self.books_if_any() {
            self.admit_by_the_books(books, Queued { slot, key }, number);
        }
        State::live(Rc::clone(self), slot, self.policy.get())
    }

    #[cold]
    fn admit_by_the_books(&self, books: &Books, task: Queued, number: u32) {
        if let Some(grace) = books.grace.get() {
            tree::set_grace(TaskSpot::new(self.set.local(), task.slot).node(), grace);
        }
        if !books.limit.enter(task, number) {
            self.set.local().set_wait(task.slot, Wait::Place);
            if task.key < QUEUED {
                self.set.set_key(task.slot, task.key | QUEUED);
            }
        }
    }

    /// The number of the next child: never 0, which is the body's.
    fn count(&self) -> u32 {
        let number = self.spawned.get().wrapping_add(1).max(1);
        self.spawned.set(number);
        number
    }

    /// A newcomer has left the inbox, for a key like the others'.
    pub(crate) fn rekey(&self, slot: u32, key: u32) {
        let is_queued = !self.has_place(slot);
        self.set.set_key(slot, if is_queued { key | QUEUED } else { key });
        self.books().limit.rekey(self.number(slot), key);
    }

    /// How many were spawned after a child.
    pub(crate) fn age(&self, slot: u32) -> u32 {
        self.spawned.get().wrapping_sub(self.number(slot))
    }

    fn number(&self, slot: u32) -> u32 {
        self.set.local().origin(slot).map_or(0, |origin| origin.number)
    }

    /// Wakes a child for the first time, unless it has to wait for a place. Its future has been stored by now.
    #[inline]
    pub(crate) fn start(&self, slot: u32) {
        if self.books_if_any().is_none() || self.has_place(slot) {
            self.set.wake(slot);
        }
    }

    /// Whether a limit lets a child run.
    fn has_place(&self, slot: u32) -> bool {
        self.books_if_any().is_none_or(|books| books.limit.has_place(self.number(slot)))
    }

    /// Whether a child that comes up has no place yet: something held the waker of its slot's last tenant. It waits on.
    pub(crate) fn is_to_wait(&self, slot: u32) -> bool {
        let waits = !self.has_place(slot) && !TaskSpot::new(self.set.local(), slot).is_cancelled();
        if waits {
            self.set.local().set_wait(slot, Wait::Place);
        }
        waits
    }

    pub(crate) fn set_limit(&self, places: usize) {
        let limit = &self.books().limit;
        limit.set(places, self.live(), self.spawned.get());
        self.start_queued();
        limit.tell_admitting();
    }

    fn start_queued(&self) {
        let limit = &self.books().limit;
        while let Some(task) = limit.next() {
            if task.key < QUEUED {
                self.set.set_key(task.slot, task.key);
            }
            self.set.local().set_wait(task.slot, Wait::FirstPoll);
            self.set.wake(task.slot);
        }
    }

    pub(crate) fn set_policy(&self, policy: Policy) {
        self.policy.set(policy);
    }

    pub(crate) fn set_grace(&self, limit: Duration) {
        self.books().grace.set(Some(limit));
        if self.body_lives.get() {
            tree::set_grace(self.node, limit);
        }
    }

    /// Who a child would have been that is not taken in.
    pub(crate) fn refuse(self: &Rc<Self>, place: &'static Location<'static>) -> State {
        State::refused(Rc::clone(self), Origin { number: self.count(), place })
    }

    /// The task that the group is in.
    pub(crate) fn owner(&self) -> Option<Arc<TaskInfo>> {
        self.owner.get_or_init(|| Spot::Node(self.node).info()).clone()
    }

    /// A child has ended and its future is gone: writes it down. What follows from it, follows after the batch; but the
    /// failure of a supervised child is given back.
    pub(crate) fn ended(&self, state: &State, fate: Fate) -> Option<Failed> {
        let (slot, local) = (state.slot(), self.set.local());
        self.live.set(self.live.get() - 1);
        if let Some(books) = self.books_if_any() {
            books.limit.leave(self.number(slot));
            self.start_queued();
        }
        let task = TaskSpot::new(local, slot);
        let label = task.label().expect("a child has a number and a place until it has ended");
        let mut supervised = None;
        let mut reason = None;
        let how = match fate {
            Fate::Done => match state.take_failure() {
                None => How::Value,
                Some(failure) => {
                    let info = state.keep_info();
                    supervised = self.failed(failure, info, task.reason(), state.policy());
                    How::Failed
                }
            },
            Fate::Cancelled { verdict, was_started } => {
                reason = task.own_reason();
                report_loss(verdict, || task.info(), || task.reason());
                How::Cancelled { was_started, cut_off: verdict == Verdict::CutOff }
            }
            Fate::Panicked(payload) => {
                if let Some(failure) = state.take_failure() {
                    report(&Report::Displaced(&"the error of a task whose destructor panicked"));
                    discard(failure);
                }
                self.books().failures.panicked(payload, Some(&state.keep_info()));
                How::Panicked
            }
        };
        task.end();
        self.set.leave(slot);
        state.finish(how, label, reason);
        supervised
    }

    /// A child has failed. The error comes back if it is a handler's.
    #[cold]
    fn failed(&self, failure: Failure, task: Arc<TaskInfo>, cancelled: Option<Reason>, policy: Policy) -> Option<Failed> {
        if failure.is::<GivenAway>() {
            return None;
        }
        self.books().failures.failed(Failed { failure, task, cancelled }, policy)
    }

    /// No more children; those that live are asked to end, in the order of their spawning. Once.
    pub(crate) fn close(&self, reason: &Reason) {
        if self.phase.get() != Phase::Open {
            return;
        }
        self.phase.set(Phase::Closing);
        drop(self.closing.set(reason.clone()));
        if let Some(books) = self.books_if_any() {
            books.limit.clear();
        }
        if self.live.get() > 0 {
            tree::cancel_tasks(self.node, &self.set, self.body_slot, reason);
        }
        if let Some(books) = self.books_if_any() {
            books.limit.admitting.wake();
        }
    }

    pub(crate) fn over(&self) {
        debug_assert_eq!(self.live.get(), 0);
        self.phase.set(Phase::Over);
    }

    /// The body has ended, or is gone: what was asked of it is over.
    pub(crate) fn body_ended(&self) {
        tree::end_body(self.node);
        self.body_lives.set(false);
    }

    /// Tells those who wait for children that ended.
    pub(crate) fn tell_joiners(&self) {
        self.news.tell(self.set.local());
        if let Some(books) = self.books_if_any() {
            books.limit.tell_admitting();
        }
    }

    /// The group's node goes. Handles that stay may ask who the group was in.
    pub(crate) fn leave_the_tree(self: &Rc<Self>) {
        if Rc::strong_count(self) > 1 {
            self.owner();
        }
        tree::remove(self.node);
    }
}
