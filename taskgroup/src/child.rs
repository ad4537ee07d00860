//! A child as its group keeps it.
//!
//! Before: `promise.rs`, what it shares with its handle. After: `group.rs`, `spawner.rs`, which make children, and
//! `join.rs`, which polls them.

use crate::failures::Failed;
use crate::outcome::Outcome;
use crate::promise::{Anything, Failure, Promise, State, TypedPromise};
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::rc::Rc;

/// A child of a group. Nothing in it has drop glue, so that the group has none that mentions `'scope`; whoever takes a
/// child out of the group takes it apart.
pub(crate) struct Child<'scope> {
    /// Out while it is polled; then the `Option` is empty.
    pub(crate) future: ManuallyDrop<Option<ChildFuture<'scope>>>,
    pub(crate) promise: ManuallyDrop<Rc<Promise<dyn Anything + 'scope>>>,
    /// Who gets the error, if its group does not.
    pub(crate) handler: ManuallyDrop<Option<Handler<'scope>>>,
}

pub(crate) type ChildFuture<'scope> = Pin<Box<dyn Future<Output = ()> + 'scope>>;

/// What a supervising group does with the error of a task.
pub(crate) type Handler<'scope> = Rc<dyn Fn(Failed) + 'scope>;

impl<'scope> Child<'scope> {
    /// A child that runs `future`, and what its handle will look at. `finish` turns what the future ends in into what
    /// the two keep.
    pub(crate) fn new<F, T>(
        future: F,
        finish: impl FnOnce(F::Output) -> Result<T, Failure> + 'scope,
        state: State,
        handler: Option<Handler<'scope>>,
    ) -> (Self, Rc<TypedPromise<T>>)
    where
        F: Future + 'scope,
        T: 'scope,
    {
        let promise = TypedPromise::new(state);
        let settled = promise.clone();
        let future: ChildFuture<'scope> = Box::pin(async move {
            settled.state.begin();
            // The future's locals are gone when `await` returns: before the handle knows.
            settled.settle(finish(future.await));
        });
        let shared = promise.clone() as Rc<Promise<dyn Anything + 'scope>>;
        let (future, promise_of_group) = (ManuallyDrop::new(Some(future)), ManuallyDrop::new(shared));
        (Self { future, promise: promise_of_group, handler: ManuallyDrop::new(handler) }, promise)
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
