//! Deadlines of cancel scopes, which move; one scope in another.

mod common;

use common::cancelled::reason_of;
use common::{Drops, Gate, Log, counted, group, ms, panic_of, poll_idly, poll_once, run};
use std::cell::Cell;
use std::future::pending;
use std::pin::pin;

use futures_util::future::join;
use taskgroup::{CancelScope, Clock, Reason, Runtime, Why, now, shield, sleep, timeout, with_cleanup, yield_now};

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

// Deadlines.

#[test]
fn a_deadline_ends_the_run() {
    run(async {
        let (log, scope) = (Log::new(), CancelScope::new());
        scope.set_deadline(now() + ms(10));
        assert_eq!(scope.deadline(), Some(now() + ms(10)));
        assert_eq!(reason_of(scope.run(pending::<()>()).await), text("a deadline of 10ms passed"));
        assert_eq!((log.ms(), scope.cancelled_caught()), (10, true));
        assert_eq!(scope.reason(), Some(Reason::Deadline(ms(10))));
    });
}

/// How long a run takes, whose deadline is at first 10 ms off and is then moved after 5 ms.
fn after_moving(how: impl FnOnce(&CancelScope)) -> (u64, Option<String>) {
    run(async {
        let (log, scope) = (Log::new(), CancelScope::new());
        scope.set_timeout(ms(10));
        let work = scope.run(sleep(ms(100)));
        let (ended, ()) = join(work, async {
            sleep(ms(5)).await;
            how(&scope);
        })
        .await;
        (log.ms(), reason_of(ended))
    })
}

#[test]
fn a_deadline_is_moved_to_a_later_time() {
    assert_eq!(after_moving(|scope| scope.set_timeout(ms(20))), (25, text("a deadline of 25ms passed")));
}

#[test]
fn a_deadline_is_moved_to_an_earlier_time() {
    assert_eq!(after_moving(|scope| scope.set_timeout(ms(2))), (7, text("a deadline of 7ms passed")));
}

#[test]
fn a_deadline_is_moved_into_the_past() {
    assert_eq!(after_moving(|scope| scope.set_deadline(now() - ms(2))), (5, text("a deadline of 3ms passed")));
}

#[test]
fn a_deadline_is_taken_away() {
    // F8; CPython: test_timeouts.test_timeout_at_disabled
    assert_eq!(after_moving(|scope| scope.set_deadline(None)), (100, None));
}

#[test]
fn a_deadline_that_fits_no_clock_is_never() {
    assert_eq!(after_moving(|scope| scope.set_timeout(std::time::Duration::MAX)), (100, None));
}

#[test]
fn a_deadline_that_moves_many_times_is_where_it_was_put_last() {
    let moved = after_moving(|scope| {
        scope.set_deadline(None);
        scope.set_timeout(ms(1));
        scope.set_timeout(ms(50));
        scope.set_timeout(ms(15));
    });
    assert_eq!(moved, (20, text("a deadline of 20ms passed")));
}

#[test]
fn a_deadline_that_is_set_while_the_scope_runs_counts() {
    run(async {
        let (log, scope) = (Log::new(), CancelScope::new());
        let work = scope.run(async {
            sleep(ms(5)).await;
            scope.set_timeout(ms(10));
            pending::<()>().await
        });
        assert_eq!(reason_of(work.await), text("a deadline of 15ms passed"));
        assert_eq!(log.ms(), 15);
    });
}

#[test]
fn a_deadline_moved_by_a_task_reaches_a_run_elsewhere() {
    run(async {
        let (log, scope) = (Log::new(), CancelScope::new());
        group(async |g| {
            g.spawn(async {
                sleep(ms(5)).await;
                scope.set_timeout(ms(10));
            });
            assert!(scope.run(pending::<()>()).await.is_err());
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.ms(), 15);
    });
}

#[test]
fn a_deadline_has_no_effect_once_the_scope_is_cancelled() {
    run(async {
        let (log, scope) = (Log::new(), CancelScope::new());
        scope.set_timeout(ms(10));
        let work = scope.run(shield(async {
            sleep(ms(20)).await;
            scope.set_timeout(ms(1));
            sleep(ms(20)).await;
        }));
        assert!(work.await.is_ok(), "its value stands");
        assert_eq!(scope.reason(), Some(Reason::Deadline(ms(10))));
        assert_eq!(log.ms(), 40);
    });
}

#[test]
fn a_past_deadline_lets_the_run_go_to_its_first_wait() {
    // F8; CPython: test_timeouts.test_timeout_not_entered
    run(async {
        let (scope, steps) = (CancelScope::new(), Cell::new(0));
        sleep(ms(10)).await;
        scope.set_deadline(now() - ms(5));
        let work = async {
            steps.set(1);
            yield_now().await;
            steps.set(2);
        };
        assert!(scope.run(work).await.is_err());
        assert_eq!(steps.get(), 1);
    });
}

#[test]
fn a_deadline_beats_a_sleep_that_ends_at_the_same_instant() {
    run(async {
        let scope = CancelScope::new();
        scope.set_timeout(ms(10));
        assert!(scope.run(sleep(ms(10))).await.is_err());
    });
}

#[test]
fn a_deadline_reaches_all_runs_at_once() {
    run(async {
        let scope = CancelScope::new();
        scope.set_timeout(ms(10));
        let (one, two) = join(scope.run(pending::<()>()), scope.run(sleep(ms(100)))).await;
        assert!(one.is_err() && two.is_err());
    });
}

// One scope in another.

#[test]
fn an_outer_cancel_at_the_instant_of_the_deadline_goes_on() {
    run(async {
        let scope = CancelScope::new();
        scope.set_timeout(ms(10));
        let reached = Cell::new(false);
        let outer = timeout(ms(10), async {
            let _ = scope.run(pending::<()>()).await;
            reached.set(true);
        });
        assert!(outer.await.is_err());
        assert!(!reached.get() && !scope.cancelled_caught());
    });
}

#[test]
fn of_a_timeout_in_a_scope_in_a_timeout_the_first_to_come_counts() {
    let outcome = |outer, middle, inner| {
        run(async move {
            let scope = CancelScope::new();
            scope.set_timeout(ms(middle));
            match timeout(ms(outer), scope.run(timeout(ms(inner), pending::<()>()))).await {
                Err(_) => "outer",
                Ok(Err(_)) => "middle",
                Ok(Ok(Err(_))) => "inner",
                Ok(Ok(Ok(()))) => "none",
            }
        })
    };
    assert_eq!(outcome(10, 20, 30), "outer");
    assert_eq!(outcome(20, 10, 30), "middle");
    assert_eq!(outcome(30, 20, 10), "inner");
    assert_eq!(outcome(10, 10, 10), "outer");
    assert_eq!(outcome(20, 10, 10), "middle");
}

#[test]
fn a_scope_absorbs_only_its_own_cancel() {
    // D4, L1
    run(async {
        let (outer, inner) = (CancelScope::new(), CancelScope::new());
        let steps = Cell::new(0);
        let work = outer.run(async {
            let ended = inner.run(async {
                outer.cancel("outer");
                inner.cancel("inner");
                yield_now().await
            });
            let _ = ended.await;
            steps.set(1);
        });
        assert_eq!(reason_of(work.await), text("outer"));
        assert_eq!((steps.get(), inner.cancelled_caught()), (0, false));
    });
}

#[test]
fn an_outer_cancel_during_the_cleanup_of_an_inner_one_goes_on() {
    // F2
    run(async {
        let (log, scope) = (Log::new(), CancelScope::new());
        scope.set_timeout(ms(10));
        let work = scope.run(with_cleanup(pending::<Result<(), ()>>(), async |why: Why| {
            log.note(why);
            sleep(ms(20)).await;
        }));
        let whole = async {
            let _ = work.await;
            log.note("never");
        };
        assert!(timeout(ms(15), whole).await.is_err());
        assert_eq!(log.take(), ["10 was cancelled: a deadline of 10ms passed"]);
        assert_eq!(log.ms(), 30);
    });
}

#[test]
fn a_scope_in_a_cleanup_is_not_cancelled_from_around_it() {
    run(async {
        let scope = CancelScope::new();
        let ended = Cell::new(None);
        let work = with_cleanup(pending::<Result<(), ()>>(), async |_| {
            ended.set(Some(scope.run(sleep(ms(5))).await.is_ok()));
        });
        assert!(timeout(ms(10), work).await.is_err());
        assert_eq!(ended.get(), Some(true));
    });
}

#[test]
fn a_panic_passes_through_a_scope() {
    run(async {
        let scope = CancelScope::new();
        let text = panic_of(scope.run(async {
            yield_now().await;
            panic!("as expected");
        }));
        assert_eq!(text.await, "as expected");
        scope.cancel("nobody is here");
    });
}

#[test]
fn a_cancel_costs_no_poll_of_what_it_drops() {
    run(async {
        let (scope, polls) = (CancelScope::new(), Cell::new(0));
        let (ended, ()) = join(scope.run(counted(&polls, pending::<()>())), async { scope.cancel("enough") }).await;
        assert_eq!((reason_of(ended), polls.get()), (text("enough"), 1));
    });
}

#[test]
fn a_scope_polled_outside_a_runtime_works_until_something_needs_one() {
    // F11; CPython: test_timeouts.test_timeout_without_task
    let scope = CancelScope::new();
    let gate = Gate::new();
    let mut work = pin!(scope.run(gate.wait()));
    assert!(poll_idly(work.as_mut()).is_pending());
    scope.cancel("outside");
    assert!(matches!(poll_idly(work.as_mut()), std::task::Poll::Ready(Err(_))));
    scope.set_timeout(ms(5));
}

#[test]
fn a_run_with_a_deadline_polled_under_another_runtime_says_so_and_loses_nothing() {
    let (first, second) = (Runtime::with_clock(Clock::Autojump), Runtime::with_clock(Clock::Autojump));
    let (scope, drops) = (CancelScope::new(), Drops::new());
    let guard = drops.guard();
    let mut work = Box::pin(scope.run(async {
        let _guard = guard;
        pending::<()>().await
    }));
    first.block_on(async {
        scope.set_timeout(ms(10));
        assert!(poll_once(work.as_mut()).await.is_pending());
    });
    let text = second.block_on(panic_of(work));
    assert!(text.starts_with("a sleep was polled under another runtime"), "{text}");
    drops.assert_all(1);
    assert_eq!((first.census().timers, second.census().timers), (0, 0));
}
