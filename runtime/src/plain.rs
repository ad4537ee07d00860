//! The safe stand-in for `raw.rs`: a waker that is a closure, behind a reference count.
//!
//! Before: `waker.rs`. After: `slots.rs`. Used where pointers have no room for an address, and with the feature `plain`,
//! so that every test can be run over it. A waker costs an allocation for each task, and two atomic operations for each
//! clone.
#![forbid(unsafe_code)]

use crate::local::Local;
use crate::slots::Slots;
use crate::waker::Address;
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
pub(crate) fn waker(address: Address, slots: &Slots) -> Waker {
    slots.waker(address.slot, |waker| waker.0.clone()).expect("a member has a slot")
}

/// Whether a waker is the one of this slot.
pub(crate) fn is_of(waker: &Waker, address: Address) -> bool {
    // it is the current one's that is asked for
    Local::current().and_then(|local| local.slots().waker(address.slot, |own| own.0.will_wake(waker))).unwrap_or(false)
}
