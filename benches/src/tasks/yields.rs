//! The yield storm: n tasks, of which each does nothing but let the others run.
//!
//! Before: `../peer.rs`. After: the other workloads.
//!
//! Spawning is not in it: a further task, which yields like the others, looks at their count and at the clock.

use crate::meter::{Meter, Reading};
use crate::peer::{Either, Peer};
use std::cell::Cell;

pub fn yields<P: Peer>(meter: Meter, n: u64) -> Reading {
    P::block_on(async move {
        let count: &'static Cell<u64> = Box::leak(Box::default());
        let child = |i| match i % 2 {
            0 => Either::Left(storm::<P>(count)),
            _ => Either::Right(async { storm::<P>(count).await }),
        };
        let watch = async move {
            meter
                .counted(async || {
                    let goal = count.get() + n;
                    while count.get() < goal {
                        P::yield_now().await;
                    }
                    count.get()
                })
                .await
        };
        P::beside((0..n).map(child), watch).await
    })
}

async fn storm<P: Peer>(count: &Cell<u64>) {
    loop {
        P::yield_now().await;
        count.set(count.get() + 1);
    }
}
