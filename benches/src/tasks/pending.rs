//! Very many tasks that wait: what they weigh, and what it takes to cancel them.
//!
//! Before: `../bell.rs`. After: the other workloads.

use super::Measured;
use crate::bell::Bell;
use crate::counting;
use crate::meter::{Meter, Reading};
use crate::peer::{Either, Peer};
use rustix::param::page_size;
use std::cell::Cell;
use std::fs;
use std::future::Future;

/// From so many on, the tasks are made once, in fresh memory.
const MANY: u64 = 100_000;

/// How far the tasks are.
#[derive(Default)]
struct Count {
    begun: Cell<u64>,
    dropped: Cell<u64>,
    /// Rung by the last that begins to wait.
    all_wait: Bell,
}

/// Counts a task when it goes.
struct Live(&'static Count);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.dropped.set(self.0.dropped.get() + 1);
    }
}

/// A task that waits for ever on a bell of its own.
async fn wait(count: &'static Count, n: u64) {
    let _live = Live(count);
    count.begun.set(count.begun.get() + 1);
    if count.begun.get() == n {
        count.all_wait.ring();
    }
    Bell::default().wait().await;
}

/// So many tasks of two types.
fn waiting(
    count: &'static Count,
    n: u64,
) -> impl Iterator<Item = Either<impl Future<Output = ()>, impl Future<Output = ()>>> {
    (0..n).map(move |i| match i % 2 {
        0 => Either::Left(wait(count, n)),
        _ => Either::Right(async move { wait(count, n).await }),
    })
}

/// Bytes for each task: of the process (`rss`), and asked of the allocator (`allocator`).
pub fn memory<P: Peer>(n: u64) -> Measured {
    let count: &'static Count = Box::leak(Box::default());
    let (rss, live) = P::block_on(async move {
        counting::start();
        let before = resident();
        P::keeping(waiting(count, n), async move {
            count.all_wait.wait().await;
            (resident() - before, counting::count().live)
        })
        .await
    });
    let each = |bytes: u64| bytes as f64 / n as f64;
    Measured { operations: n, ..Measured::default() }.with("rss", each(rss)).with("allocator", each(live))
}

/// Of this process, in bytes.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("/proc is mounted");
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("statm has a second number");
    pages * page_size() as u64
}

/// From the cancel until all are dropped and waited for. Spawning them is not in it.
pub fn cancel<P: Peer>(meter: Meter, n: u64) -> Reading {
    P::block_on(async move {
        let count: &'static Count = Box::leak(Box::default());
        let meter = if n < MANY { meter } else { meter.once() };
        meter
            .part(n, async || {
                count.begun.set(0);
                count.dropped.set(0);
                let start = P::beside(waiting(count, n), async move {
                    count.all_wait.wait().await;
                    meter.now()
                })
                .await;
                let took = meter.now() - start;
                assert_eq!(count.dropped.get(), n, "who has joined its tasks has none left");
                took
            })
            .await
    })
}
