//! The safe stand-in for `raw.rs`: a waker that is a closure, behind a reference count; and a future in a box beside what
//! belongs to it.
//!
//! Before: `waker.rs`. After: `slots.rs`. Used where pointers have no room for an address, and with the feature `plain`,
//! so that every test can be run over it. A waker costs an allocation for each task, and two atomic operations for each
//! clone.
#![forbid(unsafe_code)]

use crate::local::Local;
use crate::slots::Slots;
use crate::waker::Address;
use std::ops::Deref;
use std::pin::Pin;
use std::task::Waker;

/// What a slot keeps of its waker: the waker.
#[derive(Debug)]
pub(crate) struct SlotWaker(Waker);

impl SlotWaker {
    pub(crate) fn new(address: Address) -> Self {
        Self(waker_fn::waker_fn(move || address.wake()))
    }
}

/// The waker of a slot.
pub(crate) fn waker(address: Address, slots: &Slots) -> impl Deref<Target = Waker> {
    struct Own(Waker);

    impl Deref for Own {
        type Target = Waker;

        fn deref(&self) -> &Waker {
            &self.0
        }
    }

    Own(slots.look(address.slot, |slot| slot.waker.0.clone()).expect("a member has a slot"))
}

/// Whether a waker is the one of this slot.
pub(crate) fn is_of(waker: &Waker, address: Address) -> bool {
    // it is the current one's that is asked for
    Local::current()
        .and_then(|local| local.slots().look(address.slot, |slot| slot.waker.0.will_wake(waker)))
        .unwrap_or(false)
}

/// What a waker wakes: a closure does not say.
pub(crate) fn address_of(_: &Waker) -> Option<Address> {
    None
}

/// A future, and what its keeper needs beside it; the future in a box of its own.
#[derive(Debug)]
pub struct Beside<F, C> {
    future: Pin<Box<F>>,
    companion: C,
}

impl<F, C> Beside<F, C> {
    /// Puts the two together.
    pub fn new(future: F, companion: C) -> Self {
        Self { future: Box::pin(future), companion }
    }

    /// The companion, to look at.
    pub fn companion(&self) -> &C {
        &self.companion
    }

    /// The future, pinned, and the companion.
    pub fn project(self: Pin<&mut Self>) -> (Pin<&mut F>, &mut C)
    where
        C: Unpin,
    {
        let this = self.get_mut();
        (this.future.as_mut(), &mut this.companion)
    }
}
