//! Making a runtime and dropping it.
//!
//! Before: `../peer.rs`. After: the other workloads.
//!
//! smol has one reactor for the process, which is made with the first source and never dropped: in its row only the
//! first of many start-ups pays for that.

use crate::meter::{Meter, Reading};
use futures_lite::future::block_on;

pub fn each(meter: Meter, start_up: impl Fn()) -> Reading {
    block_on(meter.each(1, async || start_up()))
}
