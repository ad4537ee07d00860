//! The one driver: polls a future in the name of a node, and drops it when the node is cancelled.
//!
//! Before: `tree.rs`. After: whatever polls somebody's future: `join.rs` (children and body), `timeout.rs`, `scope.rs`,
//! `cleanup.rs`.
//!
//! A cancelled future is dropped where it is suspended, in its own turn, after the regions inside it have ended. While
//! no cancel is in force on the thread all this costs a load before the poll and one after it.

use crate::cancelled::Cancelled;
use crate::info::{InTask, TaskInfo};
use crate::reason::Reason;
use crate::tree::{self, Kind, NodeId, Place, Spot, Verdict, Wakeup};
use std::any::Any;
use std::future::{Future, poll_fn};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use taskgroup_runtime::current::Current;
use taskgroup_runtime::instrument::Event;
use taskgroup_runtime::{Local, Report, is_frozen, is_quiet, report};

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// How a driven future ended. It has been dropped by then.
pub(crate) enum End<T> {
    /// With a value, which stands even if a cancel was in force already.
    Done(T),
    /// Dropped at the wait where it was suspended, or before its first poll.
    Cancelled(Cancelled),
    /// By a panic, of a poll or of a destructor.
    Panicked(Payload),
}

/// Polls `future` once, as `current`, in the name of `node`: that of a scope, or of a group for its body. A child is
/// driven by `join.rs`, which does the same with less.
///
/// `suspended` says whether it may be dropped without a poll: a scope runs to its first wait, since entering it is no
/// wait. True after the first poll.
#[inline(always)]
pub(crate) fn drive<F: Future>(
    node: NodeId,
    current: Current,
    suspended: &mut bool,
    mut future: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<End<F::Output>> {
    let before = Current::get();
    current.set();
    let verdict = if is_quiet() { Verdict::Keep } else { tree::verdict_before(node, cx) };
    let end = if *suspended && verdict != Verdict::Keep {
        drop_cancelled(node, verdict, future)
    } else {
        *suspended = true;
        let flagging = if is_quiet() { None } else { tree::flagging_waker(node, cx) };
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let future = future.as_mut().as_pin_mut().expect("nobody drives a future that has ended");
            match &flagging {
                None => future.poll(cx),
                Some(waker) => future.poll(&mut Context::from_waker(waker)),
            }
        }));
        match polled {
            Ok(Poll::Pending) => {
                let verdict = if is_quiet() { Verdict::Keep } else { tree::verdict_after(node) };
                if verdict == Verdict::Keep {
                    before.set();
                    return Poll::Pending;
                }
                drop_cancelled(node, verdict, future)
            }
            Ok(Poll::Ready(value)) => drop_ended(Ok(value), future),
            Err(payload) => drop_ended(Err(payload), future),
        }
    };
    before.set();
    Poll::Ready(end)
}

/// Drops a future that has ended by itself. Not inlined: what lives in the frame of `drive` is there once for each level
/// of nesting.
#[inline(never)]
fn drop_ended<F: Future>(ended: thread::Result<F::Output>, mut future: Pin<&mut Option<F>>) -> End<F::Output> {
    match (ended, catch_unwind(AssertUnwindSafe(|| future.set(None)))) {
        (Ok(value), Ok(())) => End::Done(value),
        (Err(payload), Ok(())) => End::Panicked(payload),
        (Err(first), Err(second)) => {
            discard_second_panic(second);
            End::Panicked(first)
        }
        (Ok(value), Err(payload)) => {
            discard(value);
            End::Panicked(payload)
        }
    }
}

/// Drops a future that was cancelled.
#[cold]
fn drop_cancelled<F: Future>(node: NodeId, verdict: Verdict, mut future: Pin<&mut Option<F>>) -> End<F::Output> {
    taskgroup_runtime::tell(|| Event::CancelSeen { task: Current::get().slot(), part: tree::part(node) });
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| future.set(None))) {
        return End::Panicked(payload);
    }
    let spot = Spot::Node(node);
    // one that was not asked to end was dropped with what is around it
    report_loss(verdict, || spot.info(), || spot.reason());
    End::Cancelled(Cancelled::new(spot.reason().unwrap_or(Reason::Dropped), verdict == Verdict::CutOff))
}

/// Tells the reporter what a cancel has cost.
#[inline(always)]
pub(crate) fn report_loss(
    verdict: Verdict,
    task: impl Fn() -> Option<Arc<TaskInfo>>,
    reason: impl Fn() -> Option<Reason>,
) {
    match verdict {
        Verdict::Keep | Verdict::Drop => {}
        Verdict::CutOff => report(&Report::CutOff(&format_args!(
            "{} or a part of it, which was cancelled: {}",
            InTask(task()),
            reason().unwrap_or(Reason::Dropped)
        ))),
        Verdict::Abandon => report(&Report::Abandoned(&format_args!(
            "a cleanup, shield or group that {} started and left alone",
            InTask(task())
        ))),
    }
}

/// Drops something of the user's that is of no use any more. A panic of its destructor goes to the reporter: there is
/// nobody else whose it is.
#[cold]
pub(crate) fn discard<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        mem::forget(payload); // its destructor may be the next to panic
        report(&Report::Displaced(&"a panic of a destructor, of an error or of what a panic carried"));
    }
}

/// The panic of a destructor in a future that has panicked already.
#[cold]
pub(crate) fn discard_second_panic(payload: Payload) {
    discard(payload);
    report(&Report::Displaced(&"a second panic, of a destructor in the same future"));
}

/// A scope inside a task: its node follows the future to wherever that is polled.
struct Scope {
    node: NodeId,
    kind: Kind,
    /// Where the node was placed, if the waker was the task's own then.
    seen: Option<Place>,
    suspended: bool,
}

impl Scope {
    fn new(kind: Kind) -> Self {
        Self { node: tree::insert(kind, Wakeup::Nobody), kind, seen: None, suspended: false }
    }

    #[inline(always)]
    fn poll<F: Future>(&mut self, future: Pin<&mut Option<F>>, cx: &mut Context<'_>) -> Poll<End<F::Output>> {
        let place = Place::here();
        let current = place.current;
        if self.seen != Some(place) || !Local::owns(cx) {
            self.seen = hang(self.node, cx).then_some(place);
            if !self.suspended {
                taskgroup_runtime::tell(|| Event::Entered { task: current.slot(), part: self.kind.part() });
            }
        }
        drive(self.node, current.with_node(self.node), &mut self.suspended, future, cx)
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if self.suspended {
            taskgroup_runtime::tell(|| Event::Left { task: Current::get().slot(), part: self.kind.part() });
        }
        tree::remove(self.node);
    }
}

/// A future in a scope of its own.
pub(crate) struct Driven<'a, F> {
    scope: Scope,
    future: Pin<&'a mut Option<F>>,
}

impl<'a, F> Driven<'a, F> {
    pub(crate) fn new(kind: Kind, future: Pin<&'a mut Option<F>>) -> Self {
        Self { scope: Scope::new(kind), future }
    }

    pub(crate) fn node(&self) -> NodeId {
        self.scope.node
    }
}

impl<F: Future> Future for Driven<'_, F> {
    type Output = End<F::Output>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.scope.poll(this.future.as_mut(), cx)
    }
}

impl<F> Drop for Driven<'_, F> {
    /// Dropped before its end: the future goes first, in its own name, so that its destructors find what its polls
    /// found.
    fn drop(&mut self) {
        if self.future.is_some() {
            let _scope = Current::get().with_node(self.scope.node).enter();
            self.future.set(None);
        }
    }
}

/// Hangs a scope where it is polled now, and notes how to wake it. Whether that is by the task's own waker.
#[cold]
fn hang(node: NodeId, cx: &Context<'_>) -> bool {
    tree::hang_here(node);
    if Local::owns(cx) {
        tree::set_wakeup(node, Wakeup::Slot(Local::expect_current("a scope"), Current::get().slot()));
        return true;
    }
    if !tree::is_woken_by(node, cx.waker()) {
        tree::set_wakeup(node, Wakeup::Waker(Rc::new(Waker::clone(cx.waker()))));
    }
    false
}

/// The end of something that only passes things on: a value and a panic go on in its caller, and a cancel in the scope
/// that was asked.
pub(crate) async fn settle<T>(end: End<T>) -> T {
    match end {
        End::Done(value) => value,
        End::Panicked(payload) => resume_unwind(payload),
        End::Cancelled(_) => park().await,
    }
}

/// The end of a scope that may be asked itself: its own cancel ends here, one from around goes on.
pub(crate) async fn absorb<T>(end: End<T>) -> Result<T, Cancelled> {
    match end {
        End::Done(value) => Ok(value),
        End::Panicked(payload) => resume_unwind(payload),
        End::Cancelled(_) if is_frozen() => park().await,
        End::Cancelled(cancelled) => Err(cancelled),
    }
}

/// The end of something that was cancelled and must not resume its caller: pending, until the scope that was
/// cancelled drops it, in this very poll.
///
/// # Panics
///
/// When it is polled though nothing around it is cancelled any more. The program that gets here took a future out of
/// the scope that cancelled it:
///
/// ```text
/// let mut work = pin!(task_group(..));
/// let _ = timeout(limit, &mut work).await; // cancelled here, by the deadline
/// work.await                               // there is nothing to go on with
/// ```
pub(crate) async fn park<T>() -> T {
    poll_fn(|_| {
        assert!(is_frozen(), "polled again after it was cancelled: this future ended with the scope that cancelled it");
        Poll::Pending
    })
    .await
}
