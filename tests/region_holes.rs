//! Regions that are moved, dropped from elsewhere, entered under a cancel, cancelled again.

mod common;

use common::cancelled::region;
use common::{
    Drops, Gate, Log, OnDrop, Word, fail_after, failed, group, keep_reports, ms, only, panic_of, poll_once, reports,
    run,
};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use futures_util::future::{FutureExt, join, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use taskgroup::{
    CancelScope, Clock, JoinErrorKind, Reason, Runtime, Why, cancel_reason, shield, sleep, timeout, with_cleanup,
    yield_now,
};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

// Dropped, not cancelled.

#[test]
fn a_loser_of_select_is_dropped_without_its_cleanup() {
    // hole: loser of a foreign `select!`
    run(async {
        let (log, drops) = (Log::new(), Drops::new());
        let guard = drops.guard();
        let work = with_cleanup(
            async {
                let _guard = guard;
                pending::<Result<(), Word>>().await
            },
            async |why: Why| log.note(why),
        );
        drop(select(Box::pin(work), Box::pin(sleep(ms(5)))).await);
        drops.assert_all(1);
        sleep(ms(5)).await;
        assert!(log.take().is_empty());
    });
}

#[test]
fn now_or_never_drops_a_region_without_its_cleanup() {
    // hole: `now_or_never`
    run(async {
        let log = Log::new();
        assert_eq!(region(&log, "never", 5).now_or_never(), None);
        assert_eq!(with_cleanup(async { Ok::<_, Word>(7) }, async |_| ()).now_or_never(), Some(Ok(7)));
        assert!(log.take().is_empty());
    });
}

#[test]
fn a_region_dropped_from_elsewhere_lets_its_task_go() {
    // hole: region dropped from elsewhere while its task waits for it
    run(async {
        let log = Log::new();
        let shared: RefCell<Option<Boxed<'_, Result<(), Word>>>> = RefCell::new(None);
        group(async |g| {
            *shared.borrow_mut() = Some(Box::pin(region(&log, "cleanup", 1000)));
            let task = g.spawn(poll_fn(|cx| match &mut *shared.borrow_mut() {
                Some(work) => work.as_mut().poll(cx).map(|_| ()),
                None => Poll::Pending,
            }));
            sleep(ms(5)).await;
            task.cancel("enough");
            sleep(ms(5)).await;
            let work = shared.take();
            drop(work);
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["5 cleanup starts", "10 cleanup cancelled"]);
        assert_eq!(log.ms(), 10);
    });
}

#[test]
fn a_region_dropped_from_elsewhere_lets_the_scope_go_that_was_cancelled() {
    // the scope is inside a foreign combinator, so that the task's waker is not its own
    run(async {
        let log = Log::new();
        let shared: RefCell<Option<Boxed<'_, Result<(), Word>>>> = RefCell::new(None);
        let scope = CancelScope::new();
        *shared.borrow_mut() = Some(Box::pin(region(&log, "cleanup", 1000)));
        let mut runs = FuturesUnordered::new();
        runs.push(scope.run(timeout(
            ms(5000),
            poll_fn(|cx| match &mut *shared.borrow_mut() {
                Some(work) => work.as_mut().poll(cx).map(|_| ()),
                None => Poll::Pending,
            }),
        )));
        let other = async {
            sleep(ms(5)).await;
            scope.cancel("enough");
            sleep(ms(5)).await;
            let work = shared.take();
            drop(work);
        };
        let (ended, ()) = join(runs.next(), other).await;
        assert!(ended.expect("one").is_err());
        assert_eq!(log.ms(), 10);
    });
}

#[test]
fn a_region_dropped_from_elsewhere_lets_the_region_around_it_clean_up() {
    // hole: region dropped from elsewhere; the one around it is inside a foreign combinator
    run(async {
        let log = Log::new();
        let shared: RefCell<Option<Boxed<'_, Result<(), Word>>>> = RefCell::new(None);
        group(async |g| {
            *shared.borrow_mut() = Some(Box::pin(region(&log, "inner", 1000)));
            let task = g.spawn(async {
                let mut regions = FuturesUnordered::new();
                let body = poll_fn(|cx| match &mut *shared.borrow_mut() {
                    Some(work) => work.as_mut().poll(cx),
                    None => Poll::Pending,
                });
                regions.push(with_cleanup(body, async |_| log.work("outer", 10).await));
                regions.next().await;
            });
            sleep(ms(5)).await;
            task.cancel("enough");
            sleep(ms(5)).await;
            let work = shared.take();
            drop(work);
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["5 inner starts", "10 inner cancelled", "10 outer starts", "20 outer ends"]);
    });
}

// Moved.

#[test]
fn a_region_that_moves_to_another_task_is_cancelled_there() {
    // hole: region future moved to another scope or task
    run(async {
        let log = Log::new();
        let mut work: Boxed<'_, _> = Box::pin(region(&log, "cleanup", 10));
        assert!(timeout(ms(5), poll_once(work.as_mut())).await.expect("at once").is_pending());
        sleep(ms(10)).await;
        group(async |g| {
            let task = g.spawn(work);
            yield_now().await;
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["10 cleanup starts", "20 cleanup ends"]);
    });
}

#[test]
fn a_region_polled_in_one_timeout_and_then_in_another_obeys_the_second() {
    // the second one's node gets the number of the first
    run(async {
        let log = Log::new();
        let mut work = pin!(region(&log, "cleanup", 10));
        assert!(timeout(ms(5), poll_once(work.as_mut())).await.expect("at once").is_pending());
        assert!(timeout(ms(7), work.as_mut()).await.is_err());
        assert_eq!(log.take(), ["7 cleanup starts", "17 cleanup ends"]);
    });
}

#[test]
fn a_region_that_moved_out_of_a_scope_is_not_cancelled_with_it() {
    run(async {
        let log = Log::new();
        let (scope, gate) = (CancelScope::new(), Gate::new());
        let mut work =
            Box::pin(with_cleanup(async { Ok::<_, Word>(gate.wait().await) }, async |why: Why| log.note(why)));
        assert!(scope.run(poll_once(work.as_mut())).await.expect("at once").is_pending());
        assert!(poll_once(work.as_mut()).await.is_pending());
        scope.cancel("enough");
        gate.open();
        assert_eq!(work.await, Ok(()));
        assert_eq!(log.take(), ["0 ended"]);
    });
}

#[test]
fn a_region_cancelled_in_a_scope_and_polled_again_outside_panics() {
    // hole: region cancelled in a scope, polled again outside
    run(async {
        let log = Log::new();
        let mut work = pin!(region(&log, "cleanup", 10));
        assert!(timeout(ms(5), work.as_mut()).await.is_err());
        assert_eq!(log.take(), ["5 cleanup starts", "15 cleanup ends"]);
        let text = "polled again after it was cancelled: this future ended with the scope that cancelled it";
        assert_eq!(panic_of(work).await, text);
    });
}

#[test]
fn a_shield_that_outlives_its_scope_by_reference_has_its_value() {
    run(async {
        let mut part = pin!(shield(common::after(20, 7)));
        assert_eq!(timeout(ms(5), part.as_mut()).await, Ok(Ok(7)));
    });
}

// Entered, or never started, under a cancel.

#[test]
fn a_region_entered_under_a_cancel_runs_its_body_to_the_first_wait_and_its_cleanup() {
    // hole: entering a region under a cancel
    run(async {
        let log = Log::new();
        let scope = CancelScope::new();
        let work = async {
            scope.cancel("enough");
            let body = async {
                log.note("body");
                yield_now().await;
                log.note("never");
                Ok::<(), Word>(())
            };
            let _ = with_cleanup(body, async |why: Why| {
                sleep(ms(5)).await;
                log.note(why);
            })
            .await;
            log.note("never");
        };
        assert!(scope.run(work).await.is_err());
        assert_eq!(log.take(), ["0 body", "5 was cancelled: enough"]);
    });
}

#[test]
fn a_region_entered_under_a_cancel_that_needs_no_wait_ends_as_usual() {
    run(async {
        let log = Log::new();
        let scope = CancelScope::new();
        let work = async {
            scope.cancel("enough");
            with_cleanup(async { Ok::<_, Word>(7) }, async |why: Why| log.note(why)).await
        };
        assert_eq!(scope.run(work).await, Ok(Ok(7)));
        assert_eq!(log.take(), ["0 ended"]);
    });
}

#[test]
fn a_shield_entered_under_a_cancel_runs() {
    run(async {
        let scope = CancelScope::new();
        let work = async {
            scope.cancel("enough");
            shield(common::after(5, 7)).await
        };
        assert_eq!(scope.run(work).await, Ok(Ok(7)));
    });
}

#[test]
fn a_group_entered_under_a_cancel_asks_its_tasks_before_they_start() {
    // hole: entering a group under a cancel
    run(async {
        let log = Log::new();
        let scope = CancelScope::new();
        let work = async {
            scope.cancel("enough");
            let ended = group(async |g| {
                let _guard = log.on_drop("body dropped");
                only::<_, Word>(g.spawn(log.work("never", 5)))?;
                yield_now().await;
                Ok(())
            });
            let _ = ended.await;
            log.note("never");
        };
        assert!(scope.run(work).await.is_err());
        assert_eq!(log.take(), ["0 body dropped"]);
    });
}

#[test]
fn destructors_of_a_task_that_never_started_run_in_its_name() {
    // hole: child cancelled before its first poll
    run(async {
        let why = Cell::new(None);
        group(async |g| {
            let ask = OnDrop(|| why.set(cancel_reason()));
            let task = g.spawn(async move {
                let _ask = ask;
                pending::<()>().await
            });
            task.cancel("not needed");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(why.take(), Some(Reason::from("not needed")));
    });
}

// Groups under a cancel.

#[test]
fn a_group_without_errors_under_a_cancel_does_not_resume_its_caller() {
    // hole: nested group under a cancel, without errors
    run(async {
        let log = Log::new();
        let work = async {
            let _ = group(async |g| only(g.spawn(region(&log, "task", 10)))).await;
            log.note("never");
        };
        assert!(timeout(ms(5), work).await.is_err());
        assert_eq!(log.take(), ["5 task starts", "15 task ends"]);
    });
}

#[test]
fn a_group_with_errors_under_a_cancel_returns_them_and_the_cancel_lands_at_the_next_wait() {
    // E7; hole: nested group under a cancel, with errors
    run(async {
        let log = Log::new();
        let work = async {
            let ended = group(async |g| {
                only(g.spawn(with_cleanup(pending::<Result<(), _>>(), async |_| fail_after(10, "late").await)))
            });
            log.note(failed(ended.await));
            let _ = region(&log, "outer", 5).await;
            log.note("never");
        };
        assert!(timeout(ms(5), work).await.is_err());
        assert_eq!(log.take(), ["15 [late]", "15 outer starts", "20 outer ends"]);
    });
}

#[test]
fn a_group_that_is_cancelled_while_its_body_runs_cleans_up_its_tasks_and_goes_on() {
    // hole: `g.cancel()` when the body is still running
    run(async {
        let log = Log::new();
        let ended = group(async |g| {
            let task = g.spawn(region(&log, "task", 10));
            yield_now().await;
            g.cancel("enough");
            let joined = task.await.expect_err("it was cancelled");
            assert_eq!(joined.kind(), &JoinErrorKind::Cancelled(Reason::from("enough")));
            sleep(ms(5)).await;
            log.note("body ends");
            Ok(7)
        });
        assert_eq!(ended.await.expect("no error"), 7);
        assert_eq!(log.take(), ["0 task starts", "10 task ends", "15 body ends"]);
    });
}

#[test]
fn a_loop_that_swallows_the_errors_of_its_cleanups_lets_others_go_on() {
    // hole: loop that swallows such errors without another wait
    run(async {
        let (rounds, enough) = (Cell::new(0), Cell::new(false));
        group(async |g| {
            let task = g.spawn(async {
                while !enough.get() {
                    rounds.set(rounds.get() + 1);
                    let _ = with_cleanup(pending::<Result<(), Word>>(), async |_| Err("again")).await;
                }
            });
            yield_now().await;
            task.cancel("enough");
            for _ in 0..50 {
                yield_now().await;
            }
            enough.set(true);
            Ok(())
        })
        .await
        .expect("no error");
        assert!((20..1000).contains(&rounds.get()), "{} rounds", rounds.get());
    });
}

#[test]
fn a_cancelled_group_that_waits_for_a_shield_lets_the_loop_sleep() {
    // B8; agronholm/anyio: its history has several that spun while an exiting group waited
    let (gate, cancel) = (Gate::new(), Gate::new());
    let runtime = Runtime::with_clock(Clock::Manual);
    runtime.spawn(async {
        group(async |g| {
            g.spawn(shield(gate.wait()));
            g.spawn(pending::<()>());
            cancel.wait().await;
            g.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
    });
    let turn = || runtime.turn(Some(Duration::ZERO)).map(|turn| (turn.polled, turn.ready, turn.live)).ok();
    turn();
    cancel.open();
    turn();
    for _ in 0..3 {
        assert_eq!(turn(), Some((0, false, 1)));
    }
    gate.open();
    turn();
    assert_eq!(turn(), Some((0, false, 0)));
}

// Cancelled again, and from inside.

#[test]
fn a_second_cancel_does_not_touch_a_cleanup() {
    // E5; hole: second cancel
    run(async {
        let log = Log::new();
        group(async |g| {
            let task = g.spawn(region(&log, "cleanup", 20));
            for _ in 0..3 {
                sleep(ms(5)).await;
                assert!(task.cancel("again"));
            }
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["5 cleanup starts", "25 cleanup ends"]);
    });
}

#[test]
fn a_second_cancel_from_its_own_cleanup_has_no_effect() {
    // hole: second cancel from its own cleanup; the cleanup's scope is fresh
    run(async {
        keep_reports();
        let (log, scope) = (Log::new(), CancelScope::new());
        let work = scope.run(with_cleanup(pending::<Result<(), Word>>(), async |why: Why| {
            log.note(why);
            scope.cancel("again");
            yield_now().await;
            scope.cancel("and again");
            group(async |g| only(g.spawn(sleep(ms(5))))).await.expect("no error");
            assert!(timeout(ms(5), pending::<()>()).await.is_err());
            log.note("done");
        }));
        let (ended, ()) = join(work, async { scope.cancel("once") }).await;
        assert_eq!(ended.expect_err("cancelled").reason(), &Reason::from("once"));
        assert_eq!(log.take(), ["0 was cancelled: once", "10 done"]);
        assert!(reports().is_empty());
    });
}

#[test]
fn a_destructor_that_a_cancel_runs_spawns_into_a_group_that_is_open() {
    // hole: `spawn` in a Drop during cancellation
    run(async {
        let log = Log::new();
        group(async |g| {
            let body = async {
                let _spawn = OnDrop(|| drop(g.spawn(log.work("spawned", 20))));
                pending::<Result<(), Word>>().await
            };
            let task = g.spawn(with_cleanup(body, async |_| log.work("cleanup", 10).await));
            yield_now().await;
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 cleanup starts", "0 spawned starts", "10 cleanup ends", "20 spawned ends"]);
    });
}

#[test]
fn a_destructor_that_a_cancel_runs_spawns_in_vain_into_a_group_that_closes() {
    // hole: `spawn` in a Drop during cancellation, refused
    run(async {
        let log = Log::new();
        let refused = Cell::new(None);
        group(async |g| {
            let body = async {
                let _spawn = OnDrop(|| refused.set(Some(g.try_spawn(log.work("never", 20)).is_err())));
                pending::<Result<(), Word>>().await
            };
            g.spawn(with_cleanup(body, async |_| log.note("cleanup")));
            yield_now().await;
            g.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!((refused.get(), log.take()), (Some(true), vec!["0 cleanup".to_owned()]));
    });
}

#[test]
fn a_cleanup_cancels_a_sibling_and_its_own_task() {
    // hole: `cancel` on others and on itself
    run(async {
        let log = Log::new();
        group(async |g| {
            let other = g.spawn(log.work("other", 100));
            let own = Rc::new(RefCell::new(None::<taskgroup::Task<()>>));
            let handle = own.clone();
            let log = &log;
            let task = g.spawn(with_cleanup(pending::<Result<(), Word>>(), async move |_| {
                assert!(other.cancel("from a cleanup"));
                if let Some(own) = &*handle.borrow() {
                    assert!(own.cancel("by itself"));
                }
                log.work("cleanup", 10).await;
            }));
            *own.borrow_mut() = Some(task);
            sleep(ms(5)).await;
            own.borrow().as_ref().expect("set").cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 other starts", "5 cleanup starts", "5 other cancelled", "15 cleanup ends"]);
    });
}

// Wakers.

#[test]
fn a_waker_changes_once_under_a_cancel() {
    // hole: foreign code comparing wakers
    run(async {
        let seen: RefCell<Vec<Waker>> = RefCell::default();
        let gate = Gate::new();
        group(async |g| {
            let wait = async |gate: &Gate| {
                let mut wait = pin!(gate.wait());
                poll_fn(|cx| {
                    let mut seen = seen.borrow_mut();
                    if !seen.last().is_some_and(|last| last.will_wake(cx.waker())) {
                        seen.push(cx.waker().clone());
                    }
                    wait.as_mut().poll(cx)
                })
                .await
            };
            let beside = async {
                for _ in 0..5 {
                    shield(sleep(ms(1))).await; // wakes the task again and again
                }
            };
            let task = g.spawn(join(shield(wait(&gate)), shield(beside)).map(|_| ()));
            sleep(ms(2)).await;
            task.cancel("enough");
            sleep(ms(8)).await;
            gate.open();
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(seen.take().len(), 2, "one before, one under the cancel");
    });
}

#[test]
fn a_shield_registered_before_the_cancel_ends_after_it() {
    run(async {
        let (log, gate) = (Log::new(), Gate::new());
        group(async |g| {
            let task = g.spawn(async {
                shield(gate.wait()).await;
                log.note("opened");
            });
            sleep(ms(5)).await;
            task.cancel("enough");
            sleep(ms(5)).await;
            gate.open();
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["10 opened"]);
    });
}

#[test]
fn a_forgotten_region_does_not_hold_up_a_cancel() {
    let runtime = taskgroup::Runtime::with_clock(taskgroup::Clock::Autojump);
    runtime.block_on(async {
        keep_reports();
        let log = Log::new();
        let work = async {
            let mut work = Box::pin(shield(pending::<()>()));
            assert!(poll_once(work.as_mut()).await.is_pending());
            std::mem::forget(work);
            sleep(ms(1000)).await;
        };
        assert!(timeout(ms(5), work).await.is_err());
        assert_eq!(log.ms(), 5);
    });
}
