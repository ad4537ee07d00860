//! What costs no allocation: a poll, a wake on the loop's thread, a timer, a yield, once the tables have grown.
//!
//! A file of its own, because the allocator is the process's. It counts on the
//! thread that asks.

mod common;

use allocation_counter::measure;
use common::{Gate, ms, settle};
use std::io::{self, Read, Write};
use std::thread;
use std::time::Duration;
use taskgroup_runtime::{Async, Clock, Runtime, sleep, spawn, yield_now};

/// What each task costs besides where wakers are not numbers: its waker.
const WAKER: u64 = if cfg!(any(feature = "plain", not(target_pointer_width = "64"))) { 1 } else { 0 };

/// Runs something twice in a runtime and counts the allocations of the second time.
fn allocations(runtime: &Runtime<'_>, mut work: impl AsyncFnMut()) -> u64 {
    runtime.block_on(work());
    measure(|| runtime.block_on(work())).count_total
}

/// A10: async-io#171, where each poll of a task made a new waker.
#[test]
fn polls_and_wakes_allocate_nothing_once_the_tables_have_grown() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.spawn(async {
        for _ in 0.. {
            sleep(ms(1)).await; // somebody else is there too
        }
    });
    let yields = allocations(&runtime, async || {
        for _ in 0..1000 {
            yield_now().await;
        }
    });
    assert_eq!(yields, WAKER, "for a thousand yields");

    let sleeps = allocations(&runtime, async || {
        for n in 0..1000 {
            sleep(Duration::from_micros(n)).await;
        }
    });
    assert_eq!(sleeps, WAKER, "for a thousand sleeps");

    let spawns = allocations(&runtime, async || {
        for _ in 0..1000 {
            spawn(async {}).await.expect("it ends");
        }
    });
    assert_eq!(spawns, WAKER + 1000 * (3 + WAKER), "for a thousand spawns: the future, its value's place, its state");
}

#[test]
fn a_read_that_need_not_wait_allocates_nothing() {
    let runtime = Runtime::new();
    let (reader, mut writer) = io::pipe().expect("a pipe");
    let reader = runtime.block_on(async { Async::new(reader).expect("a source") });
    let reads = allocations(&runtime, async || {
        for _ in 0..100 {
            writer.write_all(b"x").expect("room");
            reader.read_with(|mut pipe| pipe.read(&mut [0])).await.expect("a byte");
        }
    });
    assert_eq!(reads, WAKER, "for a hundred reads");
}

/// A5: the letter box holds a slot once, so it does not grow.
#[test]
fn a_hundred_thousand_wakes_from_a_thread_allocate_nothing() {
    let (runtime, gate) = (Runtime::with_clock(Clock::Manual), Gate::new());
    runtime.spawn(gate.wait());
    settle(&runtime);
    let waker = gate.waker();
    let allocations = thread::spawn(move || {
        waker.wake_by_ref();
        measure(|| (0..100_000).for_each(|_| waker.wake_by_ref())).count_total
    });
    assert_eq!(allocations.join().expect("wakes do not fail"), 0);
    assert_eq!(settle(&runtime), 1);
}
