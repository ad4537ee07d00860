//! Sleeps and timeouts.
//!
//! Before: `../peer.rs`. After: the other workloads.

use super::Measured;
use crate::meter::{Clock, Meter, Reading};
use crate::peer::{Either, Timed};
use crate::statistics::quantile;
use std::time::Duration;

/// From so many on, they are done once.
const MANY: u64 = 100_000;

/// n tasks sleep, of which one wakes every microsecond: a million for up to a second. An operation is a task that is
/// started, sleeps and ends; measured is the CPU of the process, since a peer may have a thread for timers.
pub fn sleeps<P: Timed>(meter: Meter, n: u64) -> Reading {
    let child = move |i: u64| {
        let time = Duration::from_micros(1 + (i * 7_919) % n);
        match i % 2 {
            0 => Either::Left(P::sleep(time)),
            _ => Either::Right(async move { P::sleep(time).await }),
        }
    };
    let meter = Meter { clock: Clock::Process, ..if n < MANY { meter } else { meter.once() } };
    P::block_on_timed(async move { meter.each(n, async || P::all((0..n).map(child)).await).await })
}

/// Something that is done in the next turn, with a timeout that does not fire.
pub fn timeout<P: Timed>(meter: Meter) -> Reading {
    const ROUNDS: u64 = 100;
    let round = async || {
        for _ in 0..ROUNDS {
            assert!(P::timeout(Duration::from_secs(10), P::yield_now()).await.is_some());
        }
    };
    P::block_on_timed(async move { meter.each(ROUNDS, round).await })
}

/// How late n sleeps are, one after the other, of 1 to 5 ms and odd microseconds. In nanoseconds.
pub fn lateness<P: Timed>(n: u64) -> Measured {
    let mut late = P::block_on_timed(async move {
        let mut late = Vec::new();
        for i in 0..n {
            let time = Duration::from_micros(1_001 + (i * 2_718) % 4_000);
            let start = Clock::Wall.now();
            P::sleep(time).await;
            late.push(Clock::Wall.now() - start - time.as_nanos() as f64);
        }
        late
    });
    late.sort_by(f64::total_cmp);
    assert!(late.first() >= Some(&0.0), "a sleep was too short by {:?} ns", late.first());
    Measured { operations: n, ..Measured::default() }
        .with("p50", quantile(&late, 0.5))
        .with("p99", quantile(&late, 0.99))
}
