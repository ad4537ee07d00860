//! A child as its group keeps it.
//!
//! Before: `promise.rs`, what it shares with its handle. After: `group.rs`, `spawner.rs`, which make children, and
//! `join.rs`, which polls them.

use crate::drive::{Payload, discard_second_panic};
use crate::failures::Failed;
use crate::ledger::Ledger;
use crate::outcome::Outcome;
use crate::promise::{Failure, State, TypedPromise};
use crate::tree::Verdict;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use taskgroup_runtime::Beside;

/// A child of a group: a future, and the promise that it will keep. Of whatever types: the group knows neither.
pub(crate) trait Child {
    /// Polls the future. When it ends, its value is in the promise, or its error.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;

    fn state(&self) -> &State;

    /// Ends the child in the books: drops the future, then a value that nobody can ask for, and writes down what came
    /// of it. What comes back is an error that its group does not keep.
    fn bury(self: Pin<Box<Self>>, ledger: &Ledger, fate: Fate) -> Option<Failed>;
}

pub(crate) type BoxedChild<'scope> = Pin<Box<dyn Child + 'scope>>;

/// How a child comes to its end.
pub(crate) enum Fate {
    /// Its future has ended.
    Done,
    Panicked(Payload),
    /// Its future is to be dropped, for the sake of a cancel.
    Cancelled {
        verdict: Verdict,
        was_started: bool,
    },
}

/// What a child keeps beside its future. `finish` turns what the future ends in into what the promise and the group
/// keep.
pub(crate) struct Companion<T, Fin> {
    promise: Rc<TypedPromise<T>>,
    finish: Fin,
}

impl<T, Fin> Companion<T, Fin> {
    pub(crate) fn new(promise: Rc<TypedPromise<T>>, finish: Fin) -> Self {
        Self { promise, finish }
    }
}

impl<F, T, Fin> Child for Beside<F, Companion<T, Fin>>
where
    F: Future,
    Fin: Fn(F::Output) -> Result<T, Failure> + Unpin,
{
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let (future, Companion { promise, finish }) = self.project();
        let output = ready!(future.poll(cx));
        promise.settle(finish(output));
        Poll::Ready(())
    }

    fn state(&self) -> &State {
        &self.companion().promise.state
    }

    fn bury(self: Pin<Box<Self>>, ledger: &Ledger, fate: Fate) -> Option<Failed> {
        let promise = Rc::clone(&self.companion().promise);
        let fate = drop_as_part_of(fate, || drop(self));
        let nobody_wants_it = Rc::strong_count(&promise) == 1;
        let fate = if nobody_wants_it { drop_as_part_of(fate, || drop(promise.take_value())) } else { fate };
        ledger.ended(&promise.state, fate)
    }
}

/// Runs a destructor that is the task's: its panic is the task's panic.
#[inline(always)]
fn drop_as_part_of(fate: Fate, destructor: impl FnOnce()) -> Fate {
    match (catch_unwind(AssertUnwindSafe(destructor)), fate) {
        (Ok(()), fate) => fate,
        (Err(second), Fate::Panicked(first)) => {
            discard_second_panic(second);
            Fate::Panicked(first)
        }
        (Err(payload), _) => Fate::Panicked(payload),
    }
}

/// What a task's future ended in, without the types that the group does not know.
pub(crate) fn erase_outcome<E: 'static, O: Outcome<E>>(output: O) -> Result<O::Value, Failure> {
    output.into_result().map_err(erase)
}

pub(crate) fn erase<X: 'static>(error: X) -> Failure {
    Box::new(error)
}

/// In the place of an error that somebody else has got.
pub(crate) struct GivenAway;
