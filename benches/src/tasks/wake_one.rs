//! One of n sleeping tasks is woken, and wakes who woke it.
//!
//! Before: `../bell.rs`. After: the other workloads.
//!
//! What a peer does for each of its children rather than for each that was woken shows here. Which one is next jumps
//! about, so that no cache knows it.

use crate::bell::Bell;
use crate::meter::{Meter, Reading};
use crate::peer::{Either, Peer};

const ROUNDS: u64 = 1_000;

/// A prime far from any n: multiples of it visit everybody.
const STRIDE: u64 = 7_919;

/// Both wakers are kept, and called by reference.
pub fn by_ref<P: Peer>(meter: Meter, n: u64) -> Reading {
    measure::<P>(meter, n, Bell::ring)
}

/// For every wait a waker is cloned, and is used up by the wake.
pub fn by_clone<P: Peer>(meter: Meter, n: u64) -> Reading {
    measure::<P>(meter, n, Bell::ring_and_forget)
}

fn measure<P: Peer>(meter: Meter, n: u64, ring: impl Fn(&Bell) + Copy + 'static) -> Reading {
    let (bells, back) = (Bell::row(n), Bell::leaked());
    let sleeper = move |bell: &'static Bell| async move {
        loop {
            bell.wait().await;
            ring(back);
        }
    };
    let child = move |(i, bell)| match i % 2 {
        0 => Either::Left(sleeper(bell)),
        _ => Either::Right(async move { sleeper(bell).await }),
    };
    let caller = async move {
        let mut next = 0;
        let mut round = async |times| {
            for _ in 0..times {
                next = (next + STRIDE) % n;
                ring(&bells[next as usize]);
                back.wait().await;
            }
        };
        round(n).await; // everybody sleeps, and has slept
        meter.each(ROUNDS, async || round(ROUNDS).await).await
    };
    P::block_on(P::beside(bells.iter().enumerate().map(child), caller))
}
