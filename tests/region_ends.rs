//! Regions: what becomes of what a cleanup ends in; resources; shields; misuse.

mod common;

use common::cancelled::for_ever;
use common::{
    Drops, Log, OnDrop, Word, counted, fail, fail_after, failed, group, keep_reports, ms, panic_of, poll_idly, reports,
    run,
};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::pin::pin;
use std::rc::Rc;

use taskgroup::{
    CancelScope, Clock, JoinErrorKind, Reason, Runtime, Why, shield, sleep, timeout, with_cleanup, with_resource,
    yield_now,
};

// How a cleanup ends.

#[test]
fn the_error_of_a_cleanup_joins_the_tree() {
    // C5
    run(async {
        let ended = group(async |g| {
            g.spawn(with_cleanup(for_ever(), async |_| fail_after(5, "cleanup").await));
            g.spawn(fail_after(10, "oops"));
            Ok(())
        });
        assert_eq!(failed(ended.await), "[oops cleanup]");
    });
}

#[test]
fn the_error_of_a_cleanup_replaces_a_value() {
    run(async {
        let ended = with_cleanup(async { Ok(7) }, async |_| Err("cleanup")).await;
        assert_eq!(ended, Err("cleanup"));
    });
}

#[test]
fn the_error_of_a_cleanup_replaces_an_error_which_is_reported() {
    // E19; hole: cleanup fails, displaced error
    run(async {
        keep_reports();
        let ended = group(async |g| {
            g.spawn(with_cleanup(async { Err::<(), _>("body") }, async |_| Err("cleanup"))).named("work");
            Ok(())
        });
        assert_eq!(failed(ended.await), "[cleanup]");
        let reports = reports();
        assert_eq!(reports.len(), 1);
        let start = "replaced by what its cleanup ended in: the error of a body with a cleanup in task work (";
        assert!(reports[0].starts_with(start), "{}", reports[0]);
    });
}

#[test]
fn the_error_of_a_cleanup_replaces_a_panic_which_is_reported() {
    run(async {
        keep_reports();
        let ended = with_cleanup(async { panic!("body") }, async |_| Err("cleanup")).await;
        assert_eq!(ended, Err::<(), _>("cleanup"));
        let report = "replaced by what its cleanup ended in: a panic of a body with a cleanup in the root task";
        assert_eq!(reports(), [report]);
    });
}

#[test]
fn the_error_of_a_cleanup_under_a_cancel_resumes_the_caller_up_to_its_next_wait() {
    // hole: cleanup fails under a cancel
    run(async {
        keep_reports();
        let log = Log::new();
        let work = async {
            let ended = with_cleanup(for_ever(), async |_| Err("cleanup")).await;
            log.note(ended.expect_err("the cleanup's"));
            sleep(ms(1)).await;
            log.note("never");
        };
        assert!(timeout(ms(10), work).await.is_err());
        assert_eq!(log.take(), ["10 cleanup"]);
        assert!(reports().is_empty(), "a cancel is no loss");
    });
}

#[test]
fn errors_of_cleanups_under_cancels_in_turns_of_other_runtimes_cost_no_turn() {
    // 64 of them a turn cost nothing; each of these is alone in its turn
    let polls: Vec<_> = (0..70)
        .map(|_| {
            let polls = Cell::new(0);
            let cleanup = async |_| Err("cleanup");
            run(timeout(ms(1), counted(&polls, with_cleanup(for_ever(), cleanup)))).ok();
            polls.get()
        })
        .collect();
    assert_eq!(polls, [2; 70], "at its start and at its cancel");
}

#[test]
fn a_panic_of_a_cleanup_is_the_tasks() {
    // H5; hole: panic in cleanup
    run(async {
        let drops = Drops::new();
        let work = group(async |g| {
            g.spawn(async {
                let _guard = drops.guard();
                with_cleanup(for_ever(), async |_| {
                    yield_now().await;
                    if true {
                        panic!("cleanup");
                    }
                })
                .await
            });
            yield_now().await;
            g.cancel("enough");
            Ok(())
        });
        assert_eq!(panic_of(work).await, "cleanup");
        drops.assert_all(1);
    });
}

#[test]
fn a_panic_of_a_cleanup_replaces_what_the_body_ended_in() {
    run(async {
        keep_reports();
        let work = with_cleanup(async { Err::<(), _>("body") }, async |_| {
            if true {
                panic!("cleanup");
            }
            Ok(())
        });
        assert_eq!(panic_of(work).await, "cleanup");
        assert_eq!(reports().len(), 1);
    });
}

#[test]
fn a_panic_in_a_destructor_that_a_cancel_runs_leaves_the_cleanup_its_turn() {
    // hole: panic in a destructor run by the cancel
    run(async {
        let log = Log::new();
        let work = group(async |g| {
            let body = async {
                let _bomb = OnDrop(|| panic!("destructor"));
                for_ever().await
            };
            g.spawn(with_cleanup(body, async |why: Why| log.note(why)));
            yield_now().await;
            g.cancel("enough");
            Ok(())
        });
        assert_eq!(panic_of(work).await, "destructor");
        assert_eq!(log.take(), ["0 panicked"]);
    });
}

#[test]
fn what_a_body_ended_in_is_reported_if_its_cleanup_is_dropped() {
    run(async {
        keep_reports();
        let mut work = Box::pin(with_cleanup(fail("oops"), async |_| pending::<()>().await));
        assert!(common::poll_once(work.as_mut()).await.is_pending());
        drop(work);
        let mut work = Box::pin(with_cleanup(async { panic!("oops") }, async |_| Ok::<(), Word>(pending().await)));
        assert!(common::poll_once(work.as_mut()).await.is_pending());
        drop::<std::pin::Pin<Box<dyn Future<Output = Result<(), Word>>>>>(work);
        let reports = reports();
        assert_eq!(reports.len(), 2);
        assert!(reports[0].contains("the error of a body") && reports[1].contains("a panic of a body"), "{reports:?}");
    });
}

// A resource.

#[test]
fn a_resource_is_lent_to_the_body_and_given_to_the_cleanup() {
    // hole: body and cleanup both need `&mut x`
    run(async {
        let seen = RefCell::new(Vec::new());
        let ended = with_resource(
            vec![1],
            async |resource: &mut Vec<u32>| {
                resource.push(2);
                yield_now().await;
                resource.push(3);
                Ok::<_, Word>(resource.len())
            },
            async |resource, why: Why| {
                assert!(why.is_ended());
                *seen.borrow_mut() = resource;
            },
        );
        assert_eq!(ended.await, Ok(3));
        assert_eq!(seen.take(), [1, 2, 3]);
    });
}

#[test]
fn a_cancelled_body_leaves_its_resource_to_the_cleanup() {
    run(async {
        let (drops, log) = (Drops::new(), Log::new());
        let work = with_resource(
            drops.guard(),
            async |_| for_ever().await,
            async |guard, why| {
                sleep(ms(5)).await;
                assert_eq!(drops.count(), 0);
                drop(guard);
                log.note(why);
            },
        );
        assert!(timeout(ms(10), work).await.is_err());
        drops.assert_all(1);
        assert_eq!(log.take(), ["15 was cancelled: a deadline of 10ms passed"]);
    });
}

#[test]
fn a_resource_is_dropped_with_its_region() {
    run(async {
        let drops = Drops::new();
        let mut work = Box::pin(with_resource(drops.guard(), async |_| for_ever().await, async |_, _| ()));
        assert!(poll_idly(work.as_mut()).is_pending());
        drop(work);
        drops.assert_all(1);
    });
}

#[test]
fn a_function_that_panics_before_it_makes_a_future_is_a_body_that_panics() {
    fn body(_: &mut u32) -> std::future::Ready<Result<(), Word>> {
        panic!("before the first poll")
    }
    run(async {
        let why = Rc::new(RefCell::new(None));
        let work = with_resource(7, body, async |_, told| *why.borrow_mut() = Some(told));
        assert_eq!(panic_of(work).await, "before the first poll");
        assert_eq!(why.take(), Some(Why::Panicked));
    });
}

#[test]
fn a_function_that_panics_before_it_makes_a_future_is_a_cleanup_that_panics() {
    fn cleanup(_: Why) -> std::future::Ready<()> {
        panic!("before the first poll")
    }
    run(async {
        keep_reports();
        assert_eq!(panic_of(with_cleanup(fail("oops"), cleanup)).await, "before the first poll");
        assert_eq!(reports().len(), 1, "the error of the body is replaced");
    });
}

// Shields.

// agronholm/anyio (its version history): a cancel reached what was shielded.
#[test]
fn a_shield_gives_its_value_though_a_cancel_is_in_force() {
    // D13, G7, M3; hole: shield ends under a cancel
    run(async {
        let log = Log::new();
        let work = async {
            log.note(
                shield(async {
                    sleep(ms(20)).await;
                    7
                })
                .await,
            );
            sleep(ms(1)).await;
            log.note("never");
        };
        assert!(timeout(ms(10), work).await.is_err());
        assert_eq!(log.take(), ["20 7"]);
    });
}

#[test]
fn a_value_after_a_shield_stands() {
    // D13
    run(async {
        assert_eq!(timeout(ms(10), async { shield(common::after(20, 7)).await }).await, Ok(Ok(7)));
    });
}

#[test]
fn a_cancel_inside_a_shield_is_the_shields_own_matter() {
    // G7
    run(async {
        let scope = CancelScope::new();
        let ended = shield(async {
            scope.cancel("inside");
            scope.run(pending::<()>()).await.is_err()
        });
        assert!(ended.await);
    });
}

#[test]
fn a_panic_passes_through_a_shield() {
    run(async {
        let work = shield(async {
            yield_now().await;
            if true {
                panic!("as expected");
            }
        });
        assert_eq!(panic_of(work).await, "as expected");
    });
}

#[test]
fn a_dropped_shield_drops_what_is_in_it() {
    run(async {
        let drops = Drops::new();
        let mut work = Box::pin(shield(async {
            let _guard = drops.guard();
            pending::<()>().await
        }));
        assert!(poll_idly(work.as_mut()).is_pending());
        drop(work);
        drops.assert_all(1);
    });
}

// Misuse.

#[test]
fn a_region_whose_body_waits_under_another_runtime_cleans_up_there() {
    let (first, second) = (Runtime::with_clock(Clock::Autojump), Runtime::with_clock(Clock::Autojump));
    let whys = RefCell::new(Vec::new());
    let mut work = Box::pin(with_cleanup(
        async {
            sleep(ms(10)).await;
            Ok::<(), Word>(())
        },
        async |why: Why| {
            sleep(ms(5)).await;
            whys.borrow_mut().push(why);
        },
    ));
    first.block_on(async { assert!(common::poll_once(work.as_mut()).await.is_pending()) });
    let text = second.block_on(panic_of(work));
    assert!(text.starts_with("a sleep was polled under another runtime"), "{text}");
    assert_eq!(whys.take(), [Why::Panicked]);
    assert_eq!(first.census().timers + second.census().timers, 0);
}

#[test]
fn a_region_that_waits_outside_a_runtime_cleans_up_and_says_so() {
    let whys = RefCell::new(Vec::new());
    let work = with_cleanup(
        async {
            sleep(ms(10)).await;
            Ok::<(), Word>(())
        },
        async |why: Why| whys.borrow_mut().push(why),
    );
    let text = panic_of(work);
    let std::task::Poll::Ready(text) = poll_idly(pin!(text)) else { panic!("it should have panicked") };
    assert_eq!(text, "a sleep was polled outside a runtime: await it inside `block_on(async { .. })`");
    assert_eq!(whys.take(), [Why::Panicked]);
}

#[test]
fn a_region_in_a_cancelled_task_leaves_the_handle_its_reason() {
    run(async {
        let task = group(async |g| {
            let task = g.spawn(with_cleanup(for_ever(), async |_| sleep(ms(5)).await));
            yield_now().await;
            task.cancel("enough");
            sleep(ms(1)).await;
            assert!(!task.is_finished(), "its cleanup runs");
            assert!(task.cancel("again"), "it has not ended");
            Ok(task)
        });
        let error = task.await.expect("no error").result().expect("ended").expect_err("cancelled");
        assert_eq!(error.kind(), &JoinErrorKind::Cancelled(Reason::from("enough")));
        assert!(!error.was_cut_off());
    });
}
