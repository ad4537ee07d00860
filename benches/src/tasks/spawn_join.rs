//! Starting n tasks in a group and waiting for all of them.
//!
//! Before: `../peer.rs`. After: the other workloads.

use crate::meter::{Meter, Reading};
use crate::peer::{Either, Peer, Value};
use std::cell::Cell;

/// From so many on, the group is made once, in fresh memory.
const MANY: u64 = 100_000;

/// Tasks without results: each adds something to a counter and ends. Two types in turn, of two sizes.
pub fn units<P: Peer>(meter: Meter, n: u64) -> Reading {
    P::block_on(async move {
        let counter: &'static Cell<u64> = Box::leak(Box::default());
        let child = |i: u64| {
            let (one, other) =
                (async move { counter.set(counter.get() + i) }, async move { counter.set(counter.get() + (i ^ n)) });
            if i.is_multiple_of(2) { Either::Left(one) } else { Either::Right(other) }
        };
        measure(meter, n, async || P::all((0..n).map(child)).await).await
    })
}

/// Tasks with results, which are added up.
pub fn values<P: Peer>(meter: Meter, n: u64) -> Reading {
    let child = |i: u64| async move { Value::Ok(i) };
    P::block_on(async move {
        let sum = async || assert_eq!(P::sum((0..n).map(child)).await, n * n.saturating_sub(1) / 2);
        measure(meter, n, sum).await
    })
}

async fn measure(meter: Meter, n: u64, group: impl AsyncFnMut()) -> Reading {
    let meter = if n < MANY { meter } else { meter.once() };
    meter.each(n, group).await
}
