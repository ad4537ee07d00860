//! The seeded order: it finds programs that depend on who comes first, and keeps what is promised.

mod common;

use common::{Log, fail_after, failed, group, keep_reports, ms, panic_of, reports, run_in};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};

use taskgroup::{BlockOnError, Clock, Runtime, sleep, yield_now};

const SEEDS: std::ops::Range<u64> = 0..20;

fn shuffled(seed: u64) -> Runtime<'static> {
    Runtime::with_clock(Clock::Autojump).shuffled(seed)
}

/// Both come at the same instant, and the reader takes for granted that the writer comes first.
fn buggy(runtime: &Runtime<'_>) -> Option<u32> {
    let (value, read) = (Cell::new(None), Cell::new(None));
    let ended = run_in(
        runtime,
        group(async |g| {
            g.spawn(async {
                sleep(ms(5)).await;
                value.set(Some(7));
            });
            g.spawn(async {
                sleep(ms(5)).await;
                read.set(value.get());
            });
            Ok(())
        }),
    );
    ended.expect("no errors");
    read.get()
}

/// What ten tasks do, in order.
fn order(runtime: &Runtime<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let ended = run_in(
        runtime,
        group(async |g| {
            let log = Log::new();
            for n in 0..10 {
                let log = log.clone();
                g.spawn(async move {
                    log.note(format_args!("{n} starts"));
                    for _ in 0..3 {
                        yield_now().await;
                        log.note(n);
                    }
                });
            }
            sleep(ms(1)).await;
            Ok(log.take())
        }),
    );
    lines.extend(ended.expect("no errors"));
    lines
}

#[test]
fn a_bug_that_hides_behind_the_order_is_found_by_one_of_twenty_seeds_and_repeated() {
    assert_eq!(buggy(&Runtime::with_clock(Clock::Autojump)), Some(7), "in the usual order nobody notices");
    let found: Vec<_> = SEEDS.filter(|seed| buggy(&shuffled(*seed)).is_none()).collect();
    assert!((5..=15).contains(&found.len()), "{found:?}");
    for seed in SEEDS {
        assert_eq!(buggy(&shuffled(seed)).is_none(), found.contains(&seed), "seed {seed} again");
    }
}

#[test]
fn the_same_seed_gives_the_same_run_and_others_give_others() {
    let runs: Vec<_> = SEEDS.map(|seed| order(&shuffled(seed))).collect();
    let again: Vec<_> = SEEDS.map(|seed| order(&shuffled(seed))).collect();
    assert_eq!(runs, again);
    for (i, run) in runs.iter().enumerate() {
        assert!(!runs[..i].contains(run), "seeds {i} and an earlier one");
        let mut sorted = run.clone();
        sorted.sort_unstable();
        let mut usual = order(&Runtime::with_clock(Clock::Autojump));
        usual.sort_unstable();
        assert_eq!(sorted, usual, "everybody runs as often as ever");
    }
}

#[test]
fn tasks_start_in_the_order_of_spawning_under_every_seed() {
    for seed in SEEDS {
        let started = RefCell::new(Vec::new());
        let ended = run_in(
            &shuffled(seed),
            group(async |g| {
                g.limit(6);
                let (started, note) = (&started, |n: u32| started.borrow_mut().push(n));
                note(0);
                for n in 1..=10 {
                    g.spawn(async move {
                        started.borrow_mut().push(n);
                        yield_now().await; // come up again beside those who start
                    });
                }
                Ok(())
            }),
        );
        ended.expect("no errors");
        assert_eq!(started.into_inner(), (0..=10).collect::<Vec<_>>(), "seed {seed}");
    }
}

#[test]
fn errors_of_one_instant_are_all_kept_under_every_seed() {
    let mut shapes = Vec::new();
    for seed in SEEDS {
        let ended = run_in(
            &shuffled(seed),
            group(async |g| {
                for error in ["A", "B", "C"] {
                    g.spawn(fail_after(5, error));
                }
                g.spawn(fail_after(6, "late"));
                Ok(())
            }),
        );
        let shape = failed(ended);
        assert!(["A", "B", "C"].iter().all(|error| shape.contains(error)) && !shape.contains("late"), "{shape}");
        shapes.push(shape);
    }
    shapes.sort_unstable();
    shapes.dedup();
    assert_eq!(shapes.len(), 6, "all orders of three come up: {shapes:?}");
}

#[test]
fn the_body_has_its_place_in_the_shuffle() {
    let came = |seed| {
        let log = RefCell::new(Vec::new());
        let ended = run_in(
            &shuffled(seed),
            group(async |g| {
                g.spawn(async {
                    sleep(ms(5)).await;
                    log.borrow_mut().push("task");
                });
                sleep(ms(5)).await;
                log.borrow_mut().push("body");
                Ok(())
            }),
        );
        ended.expect("no errors");
        log.into_inner()
    };
    let first: Vec<_> = SEEDS.map(|seed| came(seed)[0]).collect();
    assert!(first.contains(&"task") && first.contains(&"body"), "{first:?}");
}

const TOLD: &str = "this run was shuffled with seed 7: `Runtime::shuffled(7)` repeats it";

#[test]
fn a_run_that_panics_tells_its_seed() {
    keep_reports();
    let runtime = shuffled(7);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(group(async |g| {
            g.spawn(async {
                yield_now().await;
                if g.live() > 0 {
                    panic!("an order bug");
                }
            });
            Ok(())
        }))
    }));
    assert!(ended.is_err());
    assert_eq!(reports(), [TOLD]);
}

#[test]
fn a_run_that_stalls_tells_its_seed() {
    keep_reports();
    let ended = shuffled(7).try_block_on(pending::<()>());
    assert!(matches!(ended, Err(BlockOnError::Stalled(_))));
    assert_eq!(reports(), [TOLD]);
}

#[test]
fn a_test_that_fails_after_its_run_tells_the_seed_once() {
    keep_reports();
    let failed = catch_unwind(|| {
        let runtime = shuffled(7);
        let value = runtime.block_on(async { 1 });
        assert_eq!(value, 2, "a test fails");
    });
    assert!(failed.is_err());
    assert_eq!(reports(), [TOLD]);
    let both = catch_unwind(|| {
        let runtime = shuffled(7);
        runtime.block_on(async { panic!("and passes the runtime too") })
    });
    assert!(both.is_err());
    assert_eq!(reports(), [TOLD]);
}

#[test]
fn a_run_that_ends_well_or_is_not_shuffled_tells_nothing() {
    keep_reports();
    order(&shuffled(7));
    let caught = shuffled(7).block_on(panic_of(async { panic!("caught inside") }));
    assert_eq!(caught, "caught inside");
    let ended = catch_unwind(|| Runtime::with_clock(Clock::Autojump).block_on(async { panic!("in order") }));
    assert!(ended.is_err());
    assert_eq!(reports(), [""; 0]);
}
