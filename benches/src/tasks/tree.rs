//! Fork and join: fib(n) the slow way, where every node opens a group, starts both halves in it and adds their results.
//!
//! Before: `../peer.rs`. After: the other workloads.
//!
//! An operation is a node; the leaves (somewhat more than half of all) start nothing. The recursion needs a box at each
//! node, for all.

use crate::meter::{Meter, Reading};
use crate::peer::{Boxed, Peer, Value};

pub fn tree<P: Peer>(meter: Meter, n: u64) -> Reading {
    P::block_on(async move { meter.each(nodes(n), async || assert_eq!(fib::<P>(n).await, Ok(fibonacci(n)))).await })
}

fn fib<P: Peer>(n: u64) -> Boxed<Value<u64>> {
    Box::pin(async move {
        match n {
            0 | 1 => Ok(n),
            _ => Ok(P::pair(fib::<P>(n - 1), fib::<P>(n - 2)).await),
        }
    })
}

fn fibonacci(n: u64) -> u64 {
    (0..n).fold((0, 1), |(a, b), _| (b, a + b)).0
}

/// How many calls there are.
fn nodes(n: u64) -> u64 {
    2 * fibonacci(n + 1) - 1
}
