//! The books of a group: who lives, what failed, which phase it is in. It knows no lifetimes.
//!
//! Before: `tasks.rs`, `child.rs`, `books.rs`. After: `group.rs`, where the futures are, and `join.rs`, which polls
//! them.

use crate::books::Books;
use crate::child::Fate;
use crate::drive::report_loss;
use crate::failures::{Failed, Failure, GivenAway, in_words, panic_in_words, type_of};
use crate::info::TaskInfo;
use crate::limit::{Limit, Queued};
use crate::news::News;
use crate::policy::Policy;
use crate::reason::Reason;
use crate::task_local;
use crate::tasks::{How, Rows, Tasks};
use crate::tree::{self, NodeId, Spot, TaskSpot, Verdict, Wakeup};
use std::any::Any;
use std::cell::{Cell, OnceCell};
use std::fmt::Display;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use taskgroup_runtime::current::{Current, NONE};
use taskgroup_runtime::instrument::{Event, HowEnded, WaitsFor, WokenBy};
use taskgroup_runtime::ready::{ReadySet, Wait};
use taskgroup_runtime::{Local, is_quiet};

/// The key of the body among the members of a group. It comes up like a child; it is the owner's turn.
pub(crate) const BODY: u32 = NONE - 1;

/// Added to the key of a child that has no place yet. So those that have one need not be asked whenever they come up.
pub(crate) const QUEUED: u32 = 1 << 31;

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
    /// Where the group was opened.
    pub(crate) place: &'static Location<'static>,
    /// When, in ticks.
    opened: u64,
    pub(crate) tasks: Tasks,
    /// Children that have not ended.
    live: Cell<u32>,
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
    pub(crate) fn open(set: ReadySet, rows: Rows, place: &'static Location<'static>) -> Rc<Self> {
        let (body_slot, opened) = (set.join(BODY), set.local().turn_tick());
        Rc::new_cyclic(|ledger| {
            let node = tree::insert_group(ledger.clone(), Wakeup::Slot(set.local().clone(), body_slot));
            set.set_note(node);
            Self {
                set,
                node,
                body_slot,
                place,
                opened,
                tasks: Tasks::new(rows),
                live: Cell::new(0),
                phase: Cell::new(Phase::Open),
                body_lives: Cell::new(true),
                policy: Cell::new(Policy::FailFast),
                news: News::default(),
                owner: OnceCell::new(),
                closing: OnceCell::new(),
                books: OnceCell::new(),
            }
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

    #[inline]
    pub(crate) fn live(&self) -> usize {
        self.live.get() as usize
    }

    pub(crate) fn body_lives(&self) -> bool {
        self.body_lives.get()
    }

    /// How long the group is open, on the clock of its runtime.
    pub(crate) fn elapsed(&self) -> Duration {
        let local = self.set.local();
        local.start_of_tick(local.turn_tick().saturating_sub(self.opened))
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

    /// Takes a child in, and gives its key and its slot. It is in the books before it can be woken for the first time:
    /// see [`start`](Self::start).
    #[inline(always)]
    pub(crate) fn admit(&self, place: &'static Location<'static>) -> (u32, u32) {
        let (key, slot) = self.tasks.add(self.policy.get(), place, |key| self.set.join(key));
        self.live.set(self.live.get() + 1);
        if !is_quiet() {
            self.tell_spawned(slot, place);
        }
        task_local::inherit(TaskSpot::new(self.set.local(), slot));
        if let Some(books) = self.books_if_any() {
            self.admit_by_the_books(books, Queued { slot, key });
        }
        (key, slot)
    }

    #[cold]
    fn tell_spawned(&self, task: u32, place: &'static Location<'static>) {
        let (group, number) = (self.set.number(), self.tasks.last());
        self.set.local().tell(|| Event::Spawned { task, group, number, place: Some(place) });
    }

    #[cold]
    fn admit_by_the_books(&self, books: &Books, task: Queued) {
        if let Some(grace) = books.grace.get() {
            tree::set_grace(TaskSpot::new(self.set.local(), task.slot).node(), grace);
        }
        if let Policy::Supervise(handler) = self.policy.get() {
            books.holders.hold(handler);
        }
        if !books.limit.enter(task, self.tasks.last()) {
            self.set.local().set_wait(task.slot, Wait::Place);
            self.set.set_key(task.slot, task.key | QUEUED);
            self.set.local().tell(|| Event::Waits { task: task.slot, wait: WaitsFor::Place });
        }
    }

    /// A row for a task that is not taken in: the group is closing, or over.
    pub(crate) fn refuse(&self, place: &'static Location<'static>) -> u32 {
        match self.phase() {
            Phase::Open | Phase::Closing => self.tasks.refuse(place),
            Phase::Over => self.tasks.refuse_late(place),
        }
    }

    /// Wakes a child for the first time, unless it has to wait for a place. Its future has been stored by now.
    #[inline(always)]
    pub(crate) fn start(&self, key: u32, slot: u32) {
        if self.books_if_any().is_none_or(|books| books.limit.has_place(self.number(key))) {
            match is_quiet() {
                true => self.set.wake(slot),
                false => self.set.local().waking(WokenBy::Spawn, || self.set.wake(slot)),
            }
        }
    }

    /// Whether a child that comes up has no place yet: something held the waker of its slot's last tenant. It waits on.
    pub(crate) fn is_to_wait(&self, key: u32, slot: u32) -> bool {
        let has_place = self.books().limit.has_place(self.number(key));
        let waits = !has_place && !TaskSpot::new(self.set.local(), slot).is_cancelled();
        if waits {
            self.set.local().set_wait(slot, Wait::Place);
        }
        waits
    }

    pub(crate) fn set_limit(&self, places: usize) {
        let limit = &self.books().limit;
        limit.set(places, self.live(), self.tasks.last());
        self.start_queued(limit);
        limit.tell_admitting();
    }

    fn start_queued(&self, limit: &Limit) {
        while let Some(task) = limit.next() {
            self.set.set_key(task.slot, task.key);
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

    fn slot(&self, key: u32) -> u32 {
        self.tasks.with(key, |row| row.slot())
    }

    /// Which of the group's tasks one is.
    fn number(&self, key: u32) -> u32 {
        self.tasks.with(key, |row| row.number())
    }

    /// The task that the group is in.
    pub(crate) fn owner(&self) -> Option<Arc<TaskInfo>> {
        self.owner.get_or_init(|| Spot::Node(self.node).info()).clone()
    }

    /// Who a task is.
    pub(crate) fn info(&self, key: u32) -> Arc<TaskInfo> {
        let (kept, label) = self.tasks.with(key, |row| (row.extra().and_then(|extra| extra.info.clone()), row.label()));
        kept.unwrap_or_else(|| Arc::new(TaskInfo::new(label, self.owner())))
    }

    /// The same, and from now on the same one for everybody who asks.
    #[cold]
    fn keep_info(&self, key: u32) -> Arc<TaskInfo> {
        let info = self.info(key);
        self.tasks.with(key, |row| row.extra_mut().info = Some(info.clone()));
        info
    }

    /// A child has ended and its future is gone: writes it down. What follows from it, follows after the batch; but the
    /// failure of a supervised child is for [`Books::supervised`].
    #[inline(always)]
    pub(crate) fn ended(&self, key: u32, fate: Fate) {
        self.live.set(self.live.get() - 1);
        match fate {
            Fate::Done(None) if is_quiet() => self.end_row(key, How::Value),
            fate => self.ended_badly(key, fate),
        }
    }

    /// The task's place goes, and who waits for its end is noted.
    #[inline(always)]
    fn end_row(&self, key: u32, how: How) {
        if let Some(books) = self.books_if_any() {
            self.end_by_the_books(books, key);
        }
        let (slot, joiner, other) = self.tasks.end(key, how, self.news.edition());
        TaskSpot::new(self.set.local(), slot).end();
        self.set.leave(slot);
        if joiner != NONE {
            self.news.add_member(joiner);
        } else if let Some(joiner) = other {
            self.news.add(joiner);
        }
    }

    /// A child has not ended with a value: how, then. Its node is still in the tree, and its row says that it lives.
    #[inline(never)]
    fn ended_badly(&self, key: u32, fate: Fate) {
        let how = how(&fate);
        let _end = EndRow { ledger: self, key, how };
        let (local, slot) = (self.set.local(), self.slot(key));
        let task = TaskSpot::new(local, slot);
        if local.is_heard() {
            tell_end(local, task, slot, &fate);
        }
        let waited_for = self.heard_last(key);
        match fate {
            Fate::Done(None) => {}
            Fate::Done(Some(failure)) => self.failed(key, task, failure),
            Fate::Cancelled { verdict, .. } => {
                self.note_cancelled(key, task, how, waited_for);
                if let Some(reason) = task.own_reason() {
                    self.tasks.with(key, |row| row.extra_mut().reason = Some(reason));
                }
                report_loss(verdict, || Some(self.info(key)), || task.reason());
            }
            Fate::Panicked(payload) => self.books().failures.panicked(payload, Some(&self.keep_info(key))),
        }
    }

    #[cold]
    fn end_by_the_books(&self, books: &Books, key: u32) {
        books.limit.leave(self.number(key));
        self.start_queued(&books.limit);
    }

    fn failed(&self, key: u32, task: TaskSpot<'_>, failure: Failure) {
        let (info, policy) = (self.keep_info(key), self.tasks.with(key, |row| row.policy()));
        if !(&*failure as &dyn Any).is::<GivenAway>() {
            let books = self.books();
            let failed = Failed { failure, task: info, cancelled: task.reason(), elapsed: self.elapsed() };
            books.supervised.set(books.failures.failed(failed, policy));
        }
    }

    /// No more children; those that live are asked to end, in the order of their spawning. Once.
    pub(crate) fn close(&self, reason: &Reason) {
        if self.phase.get() != Phase::Open {
            return;
        }
        self.phase.set(Phase::Closing);
        drop(self.closing.set(reason.clone()));
        self.set.local().tell(|| Event::GroupClosing { group: self.set.number(), reason });
        if let Some(books) = self.books_if_any() {
            books.limit.clear();
        }
        if self.live.get() > 0 {
            let live = self.tasks.live();
            self.note_joins(&live);
            tree::cancel_tasks(self.node, self.set.local(), &live, reason);
        }
        if let Some(books) = self.books_if_any() {
            books.limit.admitting.wake();
        }
    }

    pub(crate) fn over(&self) {
        debug_assert_eq!(self.live.get(), 0);
        self.phase.set(Phase::Over);
        self.tasks.over();
    }

    /// The body has ended, or is gone: what was asked of it is over.
    pub(crate) fn body_ended(&self) {
        tree::end_body(self.node);
        self.body_lives.set(false);
        self.set.local().tell(|| Event::BodyEnded { group: self.set.number() });
    }

    /// Tells those who wait for children that ended.
    pub(crate) fn tell_joiners(&self) {
        self.news.tell(self.set.local());
        if let Some(books) = self.books_if_any() {
            books.limit.tell_admitting();
        }
    }

    /// The group's node goes, and its set: handles that stay keep neither. They may ask who the group was in.
    pub(crate) fn leave_the_tree(self: &Rc<Self>) {
        if Rc::strong_count(self) > 1 {
            self.owner();
        }
        tree::remove(self.node);
        let errors = self.books_if_any().map_or(0, |books| books.failures.count());
        self.set.local().tell(|| Event::GroupEnded { group: self.set.number(), errors });
        self.set.leave(self.body_slot); // here, since a body that panics when it is called has no future to leave with
        self.set.close();
    }
}

fn how(fate: &Fate) -> How {
    match fate {
        Fate::Done(None) => How::Value,
        Fate::Done(Some(_)) => How::Failed,
        Fate::Panicked(_) => How::Panicked,
        Fate::Cancelled { verdict, was_started } => {
            How::Cancelled { was_started: *was_started, cut_off: *verdict == Verdict::CutOff }
        }
    }
}

/// Ends a row when its failure has been dealt with; also if that unwinds, since a reporter is somebody else's code.
struct EndRow<'a> {
    ledger: &'a Ledger,
    key: u32,
    how: How,
}

impl Drop for EndRow<'_> {
    fn drop(&mut self) {
        self.ledger.end_row(self.key, self.how);
    }
}

/// Tells the instruments how a task has ended that has not ended with a value.
#[cold]
fn tell_end(local: &Local, task: TaskSpot<'_>, slot: u32, fate: &Fate) {
    let (reason, text);
    let how = match fate {
        Fate::Done(None) => HowEnded::Value,
        Fate::Done(Some(failure)) => {
            text = in_words(failure);
            let error = text.as_ref().map(|text| text as &dyn Display);
            HowEnded::Failed { error, type_name: type_of(failure) }
        }
        Fate::Panicked(payload) => {
            text = panic_in_words(payload);
            HowEnded::Panicked(text.as_ref().map(|text| text as &dyn Display))
        }
        Fate::Cancelled { verdict, was_started } => {
            reason = task.reason();
            let reason = reason.as_ref().map(|reason| reason as &dyn Display);
            HowEnded::Cancelled { reason, was_started: *was_started, was_cut_off: *verdict == Verdict::CutOff }
        }
    };
    local.tell(|| Event::Ended { task: slot, how });
}
