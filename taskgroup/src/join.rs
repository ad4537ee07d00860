//! One poll of a group: the body and the children, in the order in which they were woken.
//!
//! Before: `group.rs`, `drive.rs`, `ledger.rs`. After: nothing. This is where the order of things is decided:
//!
//! 1. The body has a key and a turn like a child. It comes first, and children start in spawn order, because that is
//!    the order in which they were woken.
//! 2. A batch runs what was ready when it began. A child that was ready beside a failing one still gets its poll, so
//!    errors of one instant are all kept.
//! 3. A child's failure acts after the batch: siblings are cancelled in spawn order, then the body, once; then those
//!    who wait for the ended ones are told. The body's own end acts in its turn.
//! 4. A cancel from outside takes the owner's turn: the body ends first, then the children are asked.
//!
//! `poll` is one stack frame on a level: everything in it is inlined, and what is rare is not.

use crate::child::{BoxedChild, Fate};
use crate::drive::{End, drive};
use crate::group::TaskGroup;
use crate::info::TaskInfo;
use crate::ledger::{BODY, Ledger, QUEUED};
use crate::policy::Policy;
use crate::reason::Reason;
use crate::tree::{self, Place, TaskSpot, Verdict};
use std::future::Future;
use std::mem::{self, ManuallyDrop};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use taskgroup_runtime::current::{Current, NONE};
use taskgroup_runtime::instrument::{Event, Part, WaitsFor};
use taskgroup_runtime::ready::Woken;
use taskgroup_runtime::{Local, is_quiet};

/// The future of a group, beside the group itself. Nothing in it is pinned but the body, which is elsewhere.
pub(crate) struct Join<'a, 'scope, 'env, B: Future, E: 'static> {
    group: &'a TaskGroup<'scope, 'env, E>,
    ledger: &'a Rc<Ledger>,
    /// The group's runtime and its set: what every poll needs, without a way through the books.
    local: &'a Rc<Local>,
    set: u32,
    body: Pin<&'a mut Option<B>>,
    state: BodyState<B::Output>,
    /// Where the group was placed in the tree, if its waker was the task's own then.
    seen: Option<Place>,
    /// In whose name the group was polled last.
    owner: Current,
    /// A cancel from above was seen, and is to go on if there are no errors.
    cancelled: bool,
    /// Something ended in this batch: the slow half of the poll has work to do.
    changed: bool,
}

/// What a [`Join`] ends in.
pub(crate) struct Ended<R> {
    /// What the body ended in. `None`: it was cancelled, or it panicked.
    pub(crate) body: Option<R>,
    /// Something around the group is cancelled, and that is to go on.
    pub(crate) cancelled: bool,
}

/// Where the body is.
enum BodyState<R> {
    /// Not polled yet, or suspended.
    Running { suspended: bool },
    /// Over. `waited`: the group has been pending since, that is, it waits for children.
    Over { output: Option<R>, waited: bool },
}

impl<'a, 'scope, 'env, B, T, E> Join<'a, 'scope, 'env, B, E>
where
    B: Future<Output = Result<T, E>>,
    E: 'static,
{
    pub(crate) fn new(group: &'a TaskGroup<'scope, 'env, E>, body: Pin<&'a mut Option<B>>) -> Self {
        let ledger = &group.ledger;
        ledger.set.wake(ledger.body_slot);
        let state = BodyState::Running { suspended: false };
        Self {
            group,
            ledger,
            local: ledger.set.local(),
            set: ledger.set.number(),
            body,
            state,
            seen: None,
            owner: Current::NOBODY,
            cancelled: false,
            changed: false,
        }
    }

    /// Hangs the group where it is polled now, and says to its ready set who owns it.
    ///
    /// # Panics
    ///
    /// Under another runtime than the group's, where nobody would hear of its children's wakes.
    #[cold]
    fn place(&mut self, place: Place, cx: &Context<'_>) {
        let ledger = self.ledger;
        assert!(
            ledger.set.local().is_current(),
            "a task group was polled under another runtime than the one it was opened in: await it where it was opened"
        );
        tree::hang_here(ledger.node);
        let owns = Local::owns(cx);
        if !owns {
            self.local.disturbed();
        }
        if owns || !ledger.set.is_owned_through(cx.waker()) {
            ledger.set.owned_by(cx);
        } else {
            ledger.set.polled_here();
        }
        self.seen = owns.then_some(place);
    }

    /// The owner's turn.
    #[inline(always)]
    fn turn(&mut self) {
        if let BodyState::Running { suspended } = &mut self.state {
            let current = self.ledger.body_current();
            let waker = self.local.waker(current.slot());
            let mut cx = Context::from_waker(&waker);
            self.local.tell(|| Event::PollBegins { task: current.slot() });
            let polled = drive(self.ledger.node, current, suspended, self.body.as_mut(), &mut cx);
            self.local.tell(|| Event::PollEnds { task: current.slot() });
            match polled {
                Poll::Pending => return,
                Poll::Ready(end) => self.body_ended(end),
            }
        }
        if !is_quiet() {
            self.cancel_from_above();
        }
    }

    /// The body's end acts at once: unless it is a value, the children are asked to end.
    fn body_ended(&mut self, end: End<B::Output>) {
        self.ledger.body_ended();
        self.note_change();
        let output = match end {
            End::Done(result) => {
                if result.is_err() {
                    self.ledger.books().failures.body_failed(self.ledger.elapsed());
                    self.ledger.close(&Reason::BodyFailed);
                }
                Some(result)
            }
            End::Panicked(payload) => {
                self.ledger.books().failures.panicked(payload, None);
                self.ledger.close(&Reason::BodyFailed);
                None
            }
            End::Cancelled(_) => {
                self.cancelled = tree::is_cancelled_above(self.ledger.node);
                self.ledger.close(&self.reason_of_children());
                None
            }
        };
        self.state = BodyState::Over { output, waited: false };
    }

    /// The body is over and children are left: a cancel from above is theirs now.
    #[cold]
    fn cancel_from_above(&mut self) {
        if self.ledger.live() > 0 && tree::is_cancelled_above(self.ledger.node) {
            self.cancelled = true;
            self.local.drops_wait(|| Some(WaitsFor::Group(self.set)));
            self.ledger.close(&self.reason_of_children());
        }
    }

    fn reason_of_children(&self) -> Reason {
        match tree::reason_above(self.ledger.node) {
            Some(reason) => Reason::Parent(Arc::new(reason)),
            None => Reason::BodyFailed,
        }
    }

    /// Polls a child in its own name, as `drive` does with a scope. It has a slot of its own and may be dropped without a
    /// poll, so there is less to ask.
    #[inline(always)]
    fn poll_child(&mut self, local: &Rc<Local>, Woken { slot, key, has_run }: Woken) {
        let children = &self.group.children;
        let child = children.borrow_mut().get_mut(key as usize).and_then(|child| child.take());
        let Some(mut child) = child else { return self.look_for(slot, key, has_run) };
        Current::new(slot, NONE).set();
        let waker = local.waker(slot);
        let mut cx = Context::from_waker(&waker);
        let verdict = if is_quiet() { Verdict::Keep } else { before_poll(self.ledger, slot, key, &mut cx) };
        let fate = if verdict == Verdict::Keep {
            let mut failure = None;
            match catch_unwind(AssertUnwindSafe(|| child.as_mut().poll(&mut cx, &mut failure))) {
                Ok(Poll::Pending) => {
                    let verdict = if is_quiet() { Verdict::Keep } else { after_poll(self.ledger, slot, key) };
                    if verdict == Verdict::Keep {
                        children.borrow_mut()[key as usize] = ManuallyDrop::new(Some(child));
                        return;
                    }
                    Fate::Cancelled { verdict, was_started: true }
                }
                Ok(Poll::Ready(())) => Fate::Done(failure),
                Err(payload) => Fate::Panicked(payload),
            }
        } else {
            Fate::Cancelled { verdict, was_started: has_run }
        };
        self.child_ended(slot, key, child, fate);
    }

    /// A child comes up that is not in its place: it is in the inbox, or it is one that has no place in the limit yet
    /// and is cancelled, or was woken through its slot's last tenant.
    #[cold]
    fn look_for(&mut self, slot: u32, key: u32, has_run: bool) {
        self.group.receive();
        if key >= QUEUED && self.ledger.is_to_wait(key - QUEUED, slot) {
            return;
        }
        let key = key & !QUEUED;
        let is_there = self.group.children.borrow().get(key as usize).is_some_and(|child| child.is_some());
        if is_there {
            self.poll_child(self.local, Woken { slot, key, has_run });
        }
    }

    /// Not inlined, so that it takes no room in the frame of each level.
    #[inline(never)]
    fn child_ended(&mut self, slot: u32, key: u32, child: BoxedChild<'scope>, fate: Fate) {
        self.note_change();
        if !is_quiet() {
            tell_last_poll(self.local, slot, &fate);
        }
        if self.ledger.books_if_any().is_some()
            && let Policy::Supervise(handler) = self.ledger.tasks.with(key, |row| row.policy())
        {
            return self.supervised_ended(key, child, fate, handler);
        }
        child.bury(self.ledger, key, fate);
    }

    /// The handler is the user's, and so is what it holds. It runs in the name of the group's owner.
    #[cold]
    fn supervised_ended(&self, key: u32, child: BoxedChild<'scope>, fate: Fate, handler: u32) {
        let label = self.ledger.tasks.with(key, |row| row.label());
        child.bury(self.ledger, key, fate);
        let books = self.ledger.books();
        let (failed, handler) =
            (books.supervised.take(), self.group.handlers.get(handler, books.holders.release(handler)));
        let _owner = self.owner.enter();
        let handled = catch_unwind(AssertUnwindSafe(move || failed.into_iter().for_each(&*handler)));
        if let Err(payload) = handled {
            let task = TaskInfo::new(label, self.ledger.owner());
            books.failures.panicked(payload, Some(&Arc::new(task)));
        }
    }

    /// What follows from the ends of a batch.
    #[inline(never)]
    fn settle(&mut self) -> Poll<Ended<B::Output>> {
        self.note_settled();
        if let Some(task) = self.ledger.books_if_any().and_then(|books| books.failures.first()) {
            self.ledger.close(&Reason::SiblingFailed(task.clone()));
            if self.body_runs() && !tree::has_own_reason(self.ledger.node) {
                tree::cancel(self.ledger.node, &Reason::SiblingFailed(task));
            }
        }
        self.ledger.tell_joiners();
        let BodyState::Over { output, waited } = &mut self.state else { return Poll::Pending };
        if self.ledger.live() > 0 {
            *waited = true;
            let (task, group) = (self.owner.slot(), self.set);
            self.local.tell(|| Event::Waits { task, wait: WaitsFor::Group(group) });
            return Poll::Pending;
        }
        if *waited {
            // A cancel that came while the group waited beats the end of its last child at the same instant.
            self.cancelled |= tree::is_cancelled_above(self.ledger.node);
        }
        self.ledger.over();
        Poll::Ready(Ended { body: output.take(), cancelled: self.cancelled })
    }

    fn body_runs(&self) -> bool {
        matches!(self.state, BodyState::Running { .. })
    }
}

impl<B: Future, E: 'static> Join<'_, '_, '_, B, E> {
    /// Something has ended: the group acts on it after the batch, and what is in the group does not run ahead of that.
    fn note_change(&mut self) {
        if !mem::replace(&mut self.changed, true) {
            self.local.unsettled();
        }
    }

    fn note_settled(&mut self) {
        if mem::replace(&mut self.changed, false) {
            self.local.settled();
        }
    }
}

impl<B, T, E> Future for Join<'_, '_, '_, B, E>
where
    B: Future<Output = Result<T, E>>,
    E: 'static,
{
    type Output = Ended<B::Output>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let place = Place::here();
        let has_moved = this.seen != Some(place) || !Local::owns(cx);
        if has_moved {
            this.place(place, cx);
        }
        this.owner = place.current;
        let local = this.local;
        loop {
            for woken in local.begin(this.set) {
                local.count_poll();
                match woken.key {
                    BODY => this.turn(),
                    _ => this.poll_child(local, woken),
                }
                place.current.set();
            }
            if this.changed
                && let Poll::Ready(ended) = this.settle()
            {
                return Poll::Ready(ended);
            }
            // Where the group is new, what is around it may have more to do in this poll than to wait for it.
            if !local.end(this.set, !has_moved) {
                return Poll::Pending;
            }
        }
    }
}

impl<B: Future, E: 'static> Unpin for Join<'_, '_, '_, B, E> {}

impl<B: Future, E: 'static> Drop for Join<'_, '_, '_, B, E> {
    /// Dropped before its end: the body goes first, in its own name. Then `Drain` drops the children.
    fn drop(&mut self) {
        if let BodyState::Running { .. } = self.state {
            let _body = self.ledger.body_current().enter();
            let _ended = EndOnDrop(self.ledger);
            self.body.set(None);
        }
        self.note_settled();
    }
}

/// Before a poll while a cancel is in force, or an instrument listens.
#[cold]
fn before_poll(ledger: &Ledger, slot: u32, key: u32, cx: &mut Context<'_>) -> Verdict {
    let local = ledger.set.local();
    let verdict = TaskSpot::new(local, slot).verdict_before(cx);
    ledger.listen(key);
    if verdict == Verdict::Keep {
        local.tell(|| Event::PollBegins { task: slot });
    }
    verdict
}

/// After a poll that is pending, likewise.
#[cold]
fn after_poll(ledger: &Ledger, slot: u32, key: u32) -> Verdict {
    let local = ledger.set.local();
    local.tell(|| Event::PollEnds { task: slot });
    let verdict = TaskSpot::new(local, slot).verdict_after();
    if verdict == Verdict::Keep {
        ledger.listened(key);
    }
    verdict
}

/// After the last poll, or a look that made one needless.
#[cold]
fn tell_last_poll(local: &Local, slot: u32, fate: &Fate) {
    local.tell(|| match fate {
        Fate::Done(_) | Fate::Panicked(_) => Event::PollEnds { task: slot },
        Fate::Cancelled { .. } => Event::CancelSeen { task: slot, part: Part::Task },
    });
}

/// The body's destructors may panic; it has ended all the same.
struct EndOnDrop<'a>(&'a Ledger);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.body_ended();
    }
}
