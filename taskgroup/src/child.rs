//! A child as its group keeps it: its future, and the place of its value.
//!
//! Before: `tasks.rs`, which has all the rest. After: `group.rs`, `spawner.rs`, which make children, and `join.rs`, which
//! polls them.

use crate::drive::{Payload, discard, discard_second_panic};
use crate::failures::Failure;
use crate::ledger::Ledger;
use crate::outcome::Outcome;
use crate::tree::Verdict;
use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use taskgroup_runtime::{Beside, Report, report};

/// A child of a group: a future, of whatever type and with whatever value.
pub(crate) trait Child {
    /// Polls the future. Its value goes to where the handle finds it, its error to `failure`. (Not as what comes back:
    /// that would cost each poll that ends in neither.)
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, failure: &mut Option<Failure>) -> Poll<()>;

    /// Ends the child in the books: drops the future, then a value that nobody can ask for, and writes down what came
    /// of it.
    fn bury(self: Pin<Box<Self>>, ledger: &Ledger, key: u32, fate: Fate);
}

pub(crate) type BoxedChild<'scope> = Pin<Box<dyn Child + 'scope>>;

/// Where a value goes: shared with the handle.
type Place<T> = Rc<Cell<Option<T>>>;

/// The value of a task, as its handle has it.
pub(crate) enum Value<T> {
    Kept(Place<T>),
    /// It is made when it is asked for; once.
    Made(Cell<Option<fn() -> T>>),
}

impl<T> Value<T> {
    /// Of a task that has none.
    pub(crate) fn none() -> Self {
        Self::Made(Cell::new(None))
    }

    /// The value of a task that has ended with one, unless it was taken before.
    #[inline(always)]
    pub(crate) fn take(&self) -> Option<T> {
        match self {
            Self::Kept(place) => place.take(),
            Self::Made(make) => make.take().map(|make| make()),
        }
    }
}

/// How a child comes to its end.
pub(crate) enum Fate {
    /// Its future has ended: with an error, or with a value, which is in its place.
    Done(Option<Failure>),
    Panicked(Payload),
    /// Its future is to be dropped, for the sake of a cancel.
    Cancelled {
        verdict: Verdict,
        was_started: bool,
    },
}

/// What a child keeps beside its future. `finish` turns what the future ends in into what the handle and the group
/// keep.
pub(crate) struct Companion<T, Fin> {
    /// `None`: the handle makes the value.
    place: Option<Place<T>>,
    finish: Fin,
}

/// A child of `future`, and its value; that has no place if it can be `made`.
#[inline(always)]
pub(crate) fn child<'scope, F, T, Fin>(
    future: F,
    finish: Fin,
    made: Option<fn() -> T>,
) -> (BoxedChild<'scope>, Value<T>)
where
    F: Future + 'scope,
    T: 'scope,
    Fin: Fn(F::Output) -> Result<T, Failure> + Unpin + 'scope,
{
    let place = if made.is_some() { None } else { Some(Place::default()) };
    let value = place.clone().map_or_else(|| Value::Made(Cell::new(made)), Value::Kept);
    (Box::pin(Beside::new(future, Companion { place, finish })), value)
}

impl<F, T, Fin> Child for Beside<F, Companion<T, Fin>>
where
    F: Future,
    Fin: Fn(F::Output) -> Result<T, Failure> + Unpin,
{
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, failure: &mut Option<Failure>) -> Poll<()> {
        let (future, Companion { place, finish }) = self.project();
        match finish(ready!(future.poll(cx))) {
            Ok(value) => {
                if let Some(place) = place {
                    place.set(Some(value));
                }
            }
            Err(error) => *failure = Some(error),
        }
        Poll::Ready(())
    }

    fn bury(self: Pin<Box<Self>>, ledger: &Ledger, key: u32, fate: Fate) {
        let place = self.companion().place.clone();
        let mut fate = drop_as_part_of(fate, || drop(self));
        if let Some(place) = place
            && Rc::strong_count(&place) == 1
        {
            fate = drop_as_part_of(fate, || drop(place)); // nobody wants it
        }
        ledger.ended(key, fate);
    }
}

/// Runs a destructor that is the task's: its panic is the task's panic.
#[inline(always)]
fn drop_as_part_of(fate: Fate, destructor: impl FnOnce()) -> Fate {
    match catch_unwind(AssertUnwindSafe(destructor)) {
        Ok(()) => fate,
        Err(payload) => panicked(fate, payload),
    }
}

#[cold]
fn panicked(fate: Fate, payload: Payload) -> Fate {
    match fate {
        Fate::Panicked(first) => {
            discard_second_panic(payload);
            Fate::Panicked(first)
        }
        Fate::Done(Some(failure)) => {
            report(&Report::Displaced(&"the error of a task whose destructor panicked"));
            discard(failure);
            Fate::Panicked(payload)
        }
        Fate::Done(None) | Fate::Cancelled { .. } => Fate::Panicked(payload),
    }
}

/// What a task's future ended in, without the types that the group does not know.
pub(crate) fn erase_outcome<E: 'static, O: Outcome<E>>(output: O) -> Result<O::Value, Failure> {
    output.into_result().map_err(erase)
}

pub(crate) fn erase<X: 'static>(error: X) -> Failure {
    Box::new(error)
}
