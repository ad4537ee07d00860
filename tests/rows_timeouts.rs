//! Rows of `docs/SEMANTICS.md` that no other file shows: behaviours of CPython's `test_timeouts`, and cleanups.
//!
//! Before: `timeouts.rs`, `scope_deadlines.rs`, which show most rows; `rows_taskgroups.rs`. After: nothing.

mod common;

use common::{Log, Word, after, fail, fail_after, failed, group, ms, run};
use std::cell::Cell;
use std::future::pending;

use taskgroup::{CancelScope, Reason, cancel_reason, shield, sleep, timeout, with_cleanup};

#[test]
fn a_future_that_is_timed_out_can_see_its_cancel() {
    // F1; CPython: test_timeouts.test_waiter_cancelled
    run(async {
        let why = Cell::new(None);
        let work = with_cleanup(pending::<Result<(), Word>>(), async |end| why.set(end.reason().cloned()));
        assert!(timeout(ms(10), work).await.is_err());
        assert_eq!(why.take(), Some(Reason::Deadline(ms(10))));
    });
}

#[test]
fn a_task_whose_timeout_fired_was_not_cancelled_itself() {
    // F1, F13; CPython: test_timeouts.test_outer_task_is_not_cancelled
    run(async {
        let task = group(async |g| {
            Ok(g.spawn(async {
                assert!(timeout(ms(1), pending::<()>()).await.is_err());
                assert_eq!(cancel_reason(), None);
                Ok(7)
            }))
        });
        assert_eq!(task.await.expect("no error").result(), Some(Ok(7)));
    });
}

#[test]
fn an_error_of_a_cleanup_beats_the_deadline() {
    // F5, F12, E19; CPython: test_timeouts.test_foreign_exception_on_timeout
    run(async {
        let work = with_cleanup(pending::<Result<(), Word>>(), async |_| fail_after(5, "A").await);
        assert_eq!(timeout(ms(10), work).await, Ok(Err("A")));
    });
}

#[test]
fn a_cleanup_that_began_before_the_deadline_is_not_interrupted_by_it() {
    // F5, E5 (here: DESIGN 5, a cleanup is shielded); CPython: test_timeouts.test_foreign_exception_on_timeout_2
    run(async {
        let log = Log::new();
        let inner = with_cleanup(fail("A"), async |_| log.work("inner", 20).await);
        let work = with_cleanup(inner, async |_| fail("B").await);
        assert_eq!(timeout(ms(10), work).await, Ok(Err("B")));
        assert_eq!(log.take(), ["0 inner starts", "20 inner ends"]);
    });
}

#[test]
fn a_group_whose_children_fail_in_their_cleanups_beats_its_deadline() {
    // F6, D11; CPython: test_timeouts.test_timeout_taskgroup
    run(async {
        let whole = group(async |g| {
            g.spawn(with_cleanup(pending::<Result<(), _>>(), async |_| fail("A").await));
            Ok(sleep(ms(100)).await)
        });
        assert_eq!(failed(timeout(ms(10), whole).await.expect("errors count")), "[A]");
    });
}

#[test]
fn a_body_that_ends_after_its_deadline_keeps_its_value_and_leaves_no_cancel() {
    // E8, F12, D12, I6
    run(async {
        let log = Log::new();
        assert_eq!(timeout(ms(5), shield(after(10, 7))).await, Ok(Ok(7)));
        log.work("afterwards", 5).await;
        assert_eq!(log.take(), ["10 afterwards starts", "15 afterwards ends"]);
    });
}

#[test]
fn a_deadline_that_passed_is_told_of_though_a_value_was_returned() {
    // F9, D12, M2
    run(async {
        let scope = CancelScope::new();
        scope.set_timeout(ms(5));
        assert_eq!(scope.run(shield(after(10, 7))).await, Ok(Ok(7)));
        assert_eq!((scope.reason(), scope.cancelled_caught()), (Some(Reason::Deadline(ms(5))), false));
    });
}

// python-trio/trio#1175: a cancel was caught by a scope that nobody had cancelled.
#[test]
fn a_timeout_inside_an_older_cancel_does_not_claim_it() {
    // F3, D3 (here: LANGUAGE 9, a cancel is a level)
    run(async {
        let log = Log::new();
        let work = async {
            let cleaned = with_cleanup(pending::<Result<(), Word>>(), async |_| fail("A").await).await;
            log.note(cleaned.expect_err("the cleanup's"));
            let _ = timeout(ms(0), log.work("next", 1)).await;
            log.note("never");
        };
        assert!(timeout(ms(10), work).await.is_err());
        assert_eq!(log.take(), ["10 A", "10 next starts", "10 next cancelled"]);
    });
}

#[test]
fn a_timeout_in_the_cleanup_of_a_cancelled_task_fires() {
    // F3; CPython: test_timeouts.test_timeout_after_cancellation
    run(async {
        let log = Log::new();
        group(async |g| {
            let task = g.spawn(with_cleanup(pending::<Result<(), _>>(), async |_| {
                assert!(timeout(ms(0), sleep(ms(1000))).await.is_err());
                log.note("cleaned up");
            }));
            sleep(ms(5)).await;
            task.cancel("outside");
            Ok(())
        })
        .await
        .expect("a cancel is no error");
        assert_eq!(log.take(), ["5 cleaned up"]);
    });
}

#[test]
fn a_timeout_in_the_cleanup_of_one_that_fired_fires_too() {
    // F10; CPython: test_timeouts.test_nested_timeout_in_finally
    run(async {
        let log = Log::new();
        let work = with_cleanup(pending::<Result<(), Word>>(), async |_| {
            assert!(timeout(ms(10), pending::<()>()).await.is_err());
            log.note("inner");
        });
        assert!(timeout(ms(10), work).await.is_err());
        log.note("outer");
        assert_eq!(log.take(), ["20 inner", "20 outer"]);
    });
}

#[test]
fn a_second_cancel_waits_for_a_cleanup_under_a_timeout() {
    // F2, E5 (here: DESIGN 5); CPython: test_timeouts.test_cancel_in_timeout_after_cancellation
    run(async {
        let log = Log::new();
        group(async |g| {
            let task = g.spawn(with_cleanup(pending::<Result<(), _>>(), async |_| {
                let cleaned = timeout(ms(100), log.work("cleanup", 20)).await;
                log.note(if cleaned.is_ok() { "in time" } else { "late" });
            }));
            sleep(ms(5)).await;
            task.cancel("once");
            sleep(ms(5)).await;
            assert!(task.cancel("again"));
            Ok(())
        })
        .await
        .expect("a cancel is no error");
        assert_eq!(log.take(), ["5 cleanup starts", "25 cleanup ends", "25 in time"]);
    });
}

#[test]
fn a_deadline_is_read_and_moved_from_another_task() {
    // F8, M5; CPython: test_timeouts.test_reschedule
    run(async {
        let (log, scope) = (Log::new(), CancelScope::new());
        scope.set_timeout(ms(10));
        group(async |g| {
            let task = g.spawn(async { drop(scope.run(log.work("work", 50)).await) });
            sleep(ms(5)).await;
            let first = scope.deadline().expect("set");
            scope.set_deadline(first + ms(20));
            assert_eq!(scope.deadline(), Some(first + ms(20)));
            sleep(ms(10)).await;
            scope.set_deadline(None);
            assert_eq!(scope.deadline(), None);
            sleep(ms(25)).await;
            task.cancel("outside");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 work starts", "40 work cancelled"]);
        assert_eq!(scope.reason(), None, "it has not expired");
    });
}

#[test]
fn a_deadline_that_has_passed_is_moved_in_vain() {
    // F8; CPython: test_timeouts.test_timeout_expiring, test_timeout_expired
    run(async {
        let scope = CancelScope::new();
        scope.set_timeout(ms(10));
        let work = with_cleanup(pending::<Result<(), Word>>(), async |_| {
            scope.set_timeout(ms(1000));
            sleep(ms(5)).await;
        });
        assert_eq!(
            scope.run(work).await.map_err(|cancelled| cancelled.reason().clone()),
            Err(Reason::Deadline(ms(10)))
        );
        scope.set_timeout(ms(1000));
        assert!(scope.run(sleep(ms(1))).await.is_err(), "it stays cancelled");
    });
}

#[test]
fn a_cancel_waits_for_a_cleanup_after_an_error_and_the_error_stands() {
    // E19, E5, M10 (here: DESIGN 5, a cleanup is shielded)
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            let task = g.spawn(with_cleanup(fail("A"), async |_| log.work("cleanup", 10).await));
            sleep(ms(5)).await;
            task.cancel("outside");
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(log.take(), ["0 cleanup starts", "10 cleanup ends"]);
    });
}

#[test]
fn an_error_of_a_cleanup_replaces_the_cancel_of_its_task() {
    // E19, C5
    run(async {
        let result = group(async |g| {
            let task = g.spawn(with_cleanup(pending::<Result<(), _>>(), async |_| fail_after(5, "A").await));
            sleep(ms(5)).await;
            task.cancel("outside");
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
    });
}
