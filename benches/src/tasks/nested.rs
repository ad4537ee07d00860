//! A leaf under so many groups, each inside the one before, is woken from outside, and wakes who woke it.
//!
//! Before: `../bell.rs`. After: the other workloads.
//!
//! The caller is the body of a group that holds the tower beside it, and that is not counted.
//!
//! What a level costs shows here: where children are polled inside their group, a wake climbs and a poll descends all
//! of them. The loops with flat tasks (tokio, smol, monoio) know no groups; there, each level is a task that awaits the
//! handle of the next, and a wake costs the same at any depth. The recursion needs a box at each level, for all.

use crate::bell::Bell;
use crate::meter::{Meter, Reading};
use crate::peer::{Boxed, Either, Peer};
use std::future::Ready;
use std::iter::once;

const ROUNDS: u64 = 100;

pub fn nested<P: Peer>(meter: Meter, depth: u64) -> Reading {
    let (there, back) = (Bell::leaked(), Bell::leaked());
    let leaf = async move {
        loop {
            there.wait().await;
            back.ring();
        }
    };
    let tower: Either<_, Ready<()>> = Either::Left(levels::<P>(depth, Box::pin(leaf)));
    let caller = async move {
        meter
            .each(ROUNDS, async || {
                for _ in 0..ROUNDS {
                    there.ring();
                    back.wait().await;
                }
            })
            .await
    };
    P::block_on(P::beside(once(tower), caller))
}

/// The leaf under so many groups of one.
fn levels<P: Peer>(depth: u64, leaf: Boxed) -> Boxed {
    match depth {
        0 => leaf,
        _ => Box::pin(async move { P::one(levels::<P>(depth - 1, leaf)).await }),
    }
}
