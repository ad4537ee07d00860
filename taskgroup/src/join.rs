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

use crate::child::Handler;
use crate::drive::{End, drive};
use crate::failures::Failed;
use crate::group::TaskGroup;
use crate::ledger::{BODY, Ledger, NEWCOMERS, QUEUED};
use crate::promise::{Anything, Promise, State};
use crate::reason::Reason;
use crate::tree::{self, Place};
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use taskgroup_runtime::{Local, is_quiet};

/// The future of a group, beside the group itself. Nothing in it is pinned but the body, which is elsewhere.
pub(crate) struct Join<'a, 'scope, 'env, B: Future, E: 'static> {
    group: &'a TaskGroup<'scope, 'env, E>,
    ledger: &'a Ledger,
    body: Pin<&'a mut Option<B>>,
    state: BodyState<B::Output>,
    /// Where the group was placed in the tree, if its waker was the task's own then.
    seen: Option<Place>,
    /// A cancel from above was seen, and is to go on if there are no errors.
    cancelled: bool,
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
        let ledger = &*group.ledger;
        ledger.set.wake(ledger.body_slot);
        let state = BodyState::Running { suspended: false };
        Self { group, ledger, body, state, seen: None, cancelled: false }
    }

    /// Hangs the group where it is polled now, and says to its ready set who owns it.
    ///
    /// # Panics
    ///
    /// Under another runtime than the group's, where nobody would hear of its children's wakes.
    #[cold]
    fn place(&mut self, place: Place, cx: &Context<'_>) {
        let (ledger, current) = (self.ledger, place.current);
        assert!(
            ledger.set.local().is_current(),
            "a task group was polled under another runtime than the one it was opened in: await it where it was opened"
        );
        tree::relink(ledger.node, current.node());
        let owns = Local::owns(cx);
        if owns || !ledger.set.is_owned_through(cx.waker()) {
            ledger.set.owned_by(cx);
        }
        self.seen = owns.then_some(place);
    }

    /// The owner's turn.
    #[inline(always)]
    fn turn(&mut self) {
        if let BodyState::Running { suspended } = &mut self.state {
            let current = self.ledger.body_current();
            let waker = self.ledger.set.local().waker(current.slot());
            let mut cx = Context::from_waker(&waker);
            match drive(self.ledger.body_node, current, suspended, self.body.as_mut(), &mut cx) {
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
        tree::remove(self.ledger.body_node);
        self.ledger.body_ended();
        let output = match end {
            End::Done(result) => {
                if result.is_err() {
                    self.ledger.close(&Reason::BodyFailed);
                }
                Some(result)
            }
            End::Panicked(payload) => {
                self.ledger.failures.panicked(payload, None);
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
            self.ledger.close(&self.reason_of_children());
        }
    }

    fn reason_of_children(&self) -> Reason {
        match tree::reason_above(self.ledger.node) {
            Some(reason) => Reason::Parent(Arc::new(reason)),
            None => Reason::BodyFailed,
        }
    }

    #[inline(always)]
    fn poll_child(&mut self, key: usize) {
        let (mut future, promise) = {
            let mut children = self.group.children.borrow_mut();
            let Some(child) = children.get_mut(key) else { return };
            (child.future.take(), Rc::clone(&child.promise))
        };
        let state = &promise.state;
        let waker = self.ledger.set.local().waker(state.slot());
        let mut cx = Context::from_waker(&waker);
        match drive(state.node(), state.current(), &mut true, Pin::new(&mut future), &mut cx) {
            Poll::Pending => *self.group.children.borrow_mut()[key].future = future,
            Poll::Ready(end) => self.child_ended(key, &promise, end),
        }
    }

    /// A child comes up that is in the inbox, or has no place yet: one that is cancelled, or was woken through its
    /// slot's last tenant. `None`: it is not to be polled.
    #[inline(never)]
    fn look_up(&self, key: u32) -> Option<usize> {
        let key = if key >= NEWCOMERS { self.group.receive(key)? } else { (key - QUEUED) as usize };
        let promise = Rc::clone(&self.group.children.borrow().get(key)?.promise);
        (!self.ledger.is_to_wait(&promise.state)).then_some(key)
    }

    /// Not inlined, so that it takes no room in the frame of each level.
    #[inline(never)]
    fn child_ended(&self, key: usize, promise: &Rc<Promise<dyn Anything + 'scope>>, end: End<()>) {
        let child = self.group.children.borrow_mut().remove(key);
        drop(ManuallyDrop::into_inner(child.promise));
        let nobody_wants_it = Rc::strong_count(promise) == 1;
        let end = if nobody_wants_it { promise.discard(end) } else { end };
        let failed = self.ledger.ended(&promise.state, end);
        if let Some(handler) = ManuallyDrop::into_inner(child.handler) {
            self.supervise(handler, failed, &promise.state);
        }
    }

    /// A supervised child has ended. The handler is the user's, and so is what it holds.
    fn supervise(&self, handler: Handler<'_>, failed: Option<Failed>, state: &State) {
        let handled = catch_unwind(AssertUnwindSafe(move || failed.into_iter().for_each(&*handler)));
        if let Err(payload) = handled {
            self.ledger.failures.panicked(payload, state.info().as_ref());
        }
    }

    /// What follows from the ends of a batch.
    #[inline(never)]
    fn settle(&mut self) -> Poll<Ended<B::Output>> {
        if let Some(task) = self.ledger.failures.first() {
            self.ledger.close(&Reason::SiblingFailed(task.clone()));
            if self.body_runs() && !tree::has_own_reason(self.ledger.body_node) {
                tree::cancel(self.ledger.body_node, &Reason::SiblingFailed(task));
            }
        }
        self.ledger.tell_joiners();
        let BodyState::Over { output, waited } = &mut self.state else { return Poll::Pending };
        if self.ledger.live() > 0 {
            *waited = true;
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
        if this.seen != Some(place) || !Local::owns(cx) {
            this.place(place, cx);
        }
        let set = &this.ledger.set;
        for (_, key) in set.begin() {
            set.local().count_poll();
            match key {
                BODY => this.turn(),
                QUEUED.. => {
                    if let Some(key) = this.look_up(key) {
                        this.poll_child(key);
                    }
                }
                key => this.poll_child(key as usize),
            }
        }
        if this.ledger.take_changed()
            && let Poll::Ready(ended) = this.settle()
        {
            return Poll::Ready(ended);
        }
        set.end();
        Poll::Pending
    }
}

impl<B: Future, E: 'static> Unpin for Join<'_, '_, '_, B, E> {}

impl<B: Future, E: 'static> Drop for Join<'_, '_, '_, B, E> {
    /// Dropped before its end: the body goes first, in its own name. Then `Drain` drops the children.
    fn drop(&mut self) {
        if let BodyState::Running { .. } = self.state {
            let _body = self.ledger.body_current().enter();
            let _remove = RemoveOnDrop(self.ledger);
            self.body.set(None);
        }
        self.ledger.set.leave(self.ledger.body_slot);
    }
}

/// The body's destructors may panic; its node goes all the same.
struct RemoveOnDrop<'a>(&'a Ledger);

impl Drop for RemoveOnDrop<'_> {
    fn drop(&mut self) {
        tree::remove(self.0.body_node);
    }
}
