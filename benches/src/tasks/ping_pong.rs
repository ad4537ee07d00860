//! Two tasks that wake each other in turn.
//!
//! Before: `../bell.rs`. After: the other workloads.

use crate::bell::Bell;
use crate::meter::{Meter, Reading};
use crate::peer::{Either, Peer};
use std::iter::once;

/// Between two looks of the meter.
const ROUNDS: u64 = 1_000;

/// Through two bells. An operation is a round trip: two wakes, two polls.
pub fn cell<P: Peer>(meter: Meter) -> Reading {
    let (there, back) = (Bell::leaked(), Bell::leaked());
    let echo = async move {
        loop {
            there.wait().await;
            back.ring();
        }
    };
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
    P::block_on(P::beside(once(alone(echo)), caller))
}

/// Through two `async-channel`s for one message each.
pub fn channel<P: Peer>(meter: Meter) -> Reading {
    let ((to_echo, there), (to_caller, back)) = (async_channel::bounded(1), async_channel::bounded(1));
    let echo = async move {
        while let Ok(message) = there.recv().await {
            if to_caller.send(message).await.is_err() {
                return;
            }
        }
    };
    let caller = async move {
        meter
            .each(ROUNDS, async || {
                for round in 0..ROUNDS {
                    to_echo.send(round).await.expect("the echo listens");
                    assert_eq!(back.recv().await, Ok(round));
                }
            })
            .await
    };
    P::block_on(P::beside(once(alone(echo)), caller))
}

/// A group of a single child still has a type for the second kind.
fn alone<F>(child: F) -> Either<F, std::future::Ready<()>> {
    Either::Left(child)
}
