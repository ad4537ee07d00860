//! The seeded order among root tasks.

mod common;

use common::ms;
use std::cell::RefCell;
use std::rc::Rc;
use taskgroup_runtime::{Clock, Runtime, sleep, spawn, yield_now};

/// Tasks that are spawned from inside are found by the order of their spawning: see `SPAWNED` in `event_loop.rs`.
#[test]
fn tasks_spawned_beside_others_that_are_woken_all_run_and_start_in_order() {
    for seed in 0..50 {
        let (log, spawned) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
        let runtime = Runtime::with_clock(Clock::Autojump).shuffled(seed);
        for n in 0..4 {
            let (log, spawned) = (log.clone(), spawned.clone());
            runtime.spawn(async move {
                for round in 0..3 {
                    yield_now().await;
                    let name = (n, round);
                    let (log, also) = (log.clone(), name);
                    spawned.borrow_mut().push(name);
                    drop(spawn(async move {
                        log.borrow_mut().push(also);
                        yield_now().await;
                        log.borrow_mut().push(also);
                    }));
                }
            });
        }
        runtime.block_on(sleep(ms(1)));
        let log = log.take();
        assert_eq!((log.len(), runtime.census().tasks), (24, 0), "seed {seed}");
        let mut started = Vec::new();
        for name in log {
            if !started.contains(&name) {
                started.push(name);
            }
        }
        assert_eq!(started, spawned.take(), "seed {seed}");
    }
}

#[test]
fn root_tasks_that_are_woken_at_one_instant_come_in_the_order_of_the_seed() {
    let order = |seed| {
        let log = Rc::new(RefCell::new(Vec::new()));
        let runtime = Runtime::with_clock(Clock::Autojump).shuffled(seed);
        for n in 0..3 {
            let log = log.clone();
            runtime.spawn(async move {
                sleep(ms(1)).await;
                log.borrow_mut().push(n);
            });
        }
        runtime.block_on(sleep(ms(2)));
        log.take()
    };
    let mut orders: Vec<_> = (0..40).map(order).collect();
    assert_eq!(orders, (0..40).map(order).collect::<Vec<_>>(), "repeated");
    orders.sort_unstable();
    orders.dedup();
    assert_eq!(orders.len(), 6, "{orders:?}");
}
