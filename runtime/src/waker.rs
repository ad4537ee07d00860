//! The waker of a slot: which runtime, which slot, and nothing else.
//!
//! Before: `current.rs`. After: `raw.rs`, which makes wakers; `slots.rs`, where slots live; `remote.rs`, where a wake
//! from elsewhere goes.
//!
//! A waker may outlive what it wakes, and may be cloned and dropped on any thread. So it owns nothing of the runtime:
//! it carries two numbers, and looks for their owner when it is woken. A runtime that is gone is not found; a slot that
//! has another tenant by now costs that tenant one needless poll, which a future has to bear anyway.
#![forbid(unsafe_code)]

use crate::local::Local;
use crate::remote;

/// Where a wake goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// The number of the runtime, in this process.
    pub(crate) runtime: u32,
    pub(crate) slot: u32,
}

impl Address {
    /// What all wakers of this address do. On the loop's own thread, and in its turn, it marks the slot; from anywhere
    /// else it sends a letter.
    pub(crate) fn wake(self) {
        if !Local::wake_here(self) {
            remote::send(self);
        }
    }
}
