//! Grace: what has not ended in time is cut off, with destructors only; whose grace it is, and from when it runs.

mod common;

use common::cancelled::{error_of, region, stubborn};
use common::{Drops, Log, fail_after, failed, group, keep_reports, ms, reports, run};
use std::future::pending;

use futures_util::future::join;
use taskgroup::{CancelScope, JoinErrorKind, Reason, shield, sleep, timeout, with_cleanup, yield_now};

// A group's.

#[test]
fn a_task_that_cleans_up_for_too_long_is_cut_off() {
    run(async {
        keep_reports();
        let log = Log::new();
        let task = group(async |g| {
            g.grace(ms(20));
            let task = g.spawn(region(&log, "cleanup", 100)).named("slow");
            sleep(ms(10)).await;
            g.cancel("closing time");
            Ok(task)
        });
        let task = task.await.expect("a task that is cut off is no error");
        assert_eq!(log.take(), ["10 cleanup starts", "30 cleanup cancelled"]);
        let error = error_of(&task);
        assert!(error.was_cut_off() && error.is_cancelled() && error.was_started());
        assert_eq!(error.kind(), &JoinErrorKind::Cancelled(Reason::from("closing time")));
        assert!(error.to_string().ends_with(") was cancelled and cut off: closing time"), "{error}");
        let reports = reports();
        assert_eq!(reports.len(), 1);
        assert!(reports[0].starts_with("cut off: task slow ("), "{}", reports[0]);
        assert!(reports[0].ends_with("which was cancelled: closing time"), "{}", reports[0]);
    });
}

#[test]
fn a_task_that_ends_within_its_grace_is_not_cut_off() {
    run(async {
        keep_reports();
        let log = Log::new();
        let task = group(async |g| {
            g.grace(ms(20));
            let task = g.spawn(region(&log, "cleanup", 15));
            sleep(ms(10)).await;
            g.cancel("closing time");
            Ok(task)
        });
        let task = task.await.expect("no error");
        assert_eq!(log.take(), ["10 cleanup starts", "25 cleanup ends"]);
        assert!(!error_of(&task).was_cut_off());
        assert!(reports().is_empty());
        assert_eq!(log.ms(), 25, "nobody waits for the grace to be over");
    });
}

#[test]
fn grace_runs_from_the_asking_and_not_from_the_spawn() {
    run(async {
        keep_reports();
        let log = Log::new();
        group(async |g| {
            g.grace(ms(20));
            let task = g.spawn(region(&log, "cleanup", 100));
            sleep(ms(500)).await;
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["500 cleanup starts", "520 cleanup cancelled"]);
    });
}

#[test]
fn a_second_cancel_does_not_lengthen_the_grace() {
    run(async {
        keep_reports();
        let log = Log::new();
        group(async |g| {
            g.grace(ms(20));
            let task = g.spawn(region(&log, "cleanup", 100));
            yield_now().await;
            task.cancel("once");
            sleep(ms(15)).await;
            task.cancel("twice");
            assert_eq!(task.await.map_err(|error| error.was_cut_off()), Err(true));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.ms(), 20);
    });
}

#[test]
fn shields_are_cut_off_too() {
    run(async {
        keep_reports();
        let log = Log::new();
        group(async |g| {
            g.grace(ms(20));
            let task = g.spawn(shield(shield(log.work("part", 100))));
            sleep(ms(10)).await;
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 part starts", "30 part cancelled"]);
        assert_eq!(reports().len(), 1);
    });
}

#[test]
fn what_is_cut_off_is_dropped_from_the_inside_out_with_destructors_only() {
    run(async {
        keep_reports();
        let (log, drops) = (Log::new(), Drops::new());
        group(async |g| {
            g.grace(ms(20));
            let task = g.spawn(async {
                let _outer = log.on_drop("outer");
                let inner = async {
                    let _inner = drops.guard();
                    region(&log, "cleanup", 100).await
                };
                with_cleanup(inner, async |_| log.note("never")).await
            });
            yield_now().await;
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        drops.assert_all(1);
        assert_eq!(log.take(), ["0 cleanup starts", "20 cleanup cancelled", "20 outer"]);
    });
}

#[test]
fn siblings_have_a_grace_each() {
    run(async {
        keep_reports();
        let log = Log::new();
        group(async |g| {
            g.grace(ms(20));
            let first = g.spawn(stubborn(&log, "first"));
            g.grace(ms(40));
            let second = g.spawn(stubborn(&log, "second"));
            yield_now().await;
            first.cancel("a");
            sleep(ms(10)).await;
            second.cancel("b");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 first starts", "10 second starts", "20 first cancelled", "50 second cancelled"]);
    });
}

#[test]
fn a_task_spawned_before_grace_was_set_has_none() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let task = g.spawn(stubborn(&log, "old"));
            g.grace(ms(20));
            yield_now().await;
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 old starts", "1000 old ends"]);
    });
}

#[test]
fn a_failure_bounds_siblings_and_the_body() {
    run(async {
        keep_reports();
        let log = Log::new();
        let ended = group(async |g| {
            g.grace(ms(20));
            g.spawn(stubborn(&log, "sibling"));
            g.spawn(common::fail_after(10, "oops"));
            let _ = with_cleanup(pending::<Result<(), ()>>(), async |_| log.work("body", 1000).await).await;
            Ok(())
        });
        assert_eq!(common::failed(ended.await), "[oops]");
        let expected = ["10 sibling starts", "10 body starts", "30 sibling cancelled", "30 body cancelled"];
        assert_eq!(log.take(), expected);
        let reports = reports();
        assert_eq!(reports.len(), 2);
        assert!(reports.iter().all(|report| report.contains("#2 failed")), "{reports:?}");
    });
}

#[test]
fn grace_set_by_a_task_after_the_body_has_ended_is_for_later_tasks() {
    // the body's node is gone then
    run(async {
        keep_reports();
        let log = Log::new();
        group(async |g| {
            g.spawn(async {
                sleep(ms(10)).await;
                g.grace(ms(20));
                let task = g.spawn(stubborn(&log, "late"));
                yield_now().await;
                task.cancel("enough");
            });
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["10 late starts", "30 late cancelled"]);
    });
}

/// A body that is cancelled after a millisecond and sets the grace of its group 100 ms later, in its cleanup.
async fn late_grace(log: &Log, limit: u64) {
    let ended = group(async |g| {
        g.spawn(fail_after(1, "oops"));
        with_cleanup(pending(), async |_| {
            sleep(ms(100)).await;
            g.grace(ms(limit));
            log.work("cleanup", 1000).await;
        })
        .await
    });
    assert_eq!(failed::<(), _>(ended.await), "[oops]");
}

#[test]
fn grace_that_a_cancelled_body_sets_in_its_cleanup_runs_from_then() {
    run(async {
        keep_reports();
        let log = Log::new();
        late_grace(&log, 5).await;
        assert_eq!(log.take(), ["101 cleanup starts", "106 cleanup cancelled"]);
        assert_eq!(reports().len(), 1);
    });
}

#[test]
fn a_grace_of_zero_that_a_cancelled_body_sets_in_its_cleanup_cuts_it_off_at_once() {
    run(async {
        keep_reports();
        let log = Log::new();
        late_grace(&log, 0).await;
        assert_eq!(log.take(), ["101 cleanup starts", "101 cleanup cancelled"]);
        assert_eq!(reports().len(), 1);
    });
}

#[test]
fn the_body_is_not_bounded_by_its_group_under_a_cancel_from_outside() {
    run(async {
        let log = Log::new();
        let work = group(async |g| {
            g.grace(ms(20));
            stubborn(&log, "body").await;
            Ok(())
        });
        assert!(timeout(ms(10), work).await.is_err());
        assert_eq!(log.take(), ["10 body starts", "1010 body ends"]);
    });
}

#[test]
fn tasks_are_bounded_by_their_group_under_a_cancel_from_outside_too() {
    // it is the group that asks them, after its body
    run(async {
        keep_reports();
        let log = Log::new();
        let work = group(async |g| {
            g.grace(ms(20));
            g.spawn(stubborn(&log, "task"));
            log.work("body", 1000).await;
            Ok(())
        });
        assert!(timeout(ms(10), work).await.is_err());
        assert_eq!(log.take(), ["0 body starts", "10 body cancelled", "10 task starts", "30 task cancelled"]);
    });
}

// A scope's.

#[test]
fn a_scope_cuts_off_what_runs_in_it() {
    run(async {
        keep_reports();
        let log = Log::new();
        let scope = CancelScope::new();
        scope.grace(ms(20));
        scope.set_timeout(ms(10));
        let cancelled = scope.run(region(&log, "cleanup", 100)).await.expect_err("it is cancelled");
        assert!(cancelled.was_cut_off());
        let text = "cancelled: a deadline of 10ms passed, and cut off before its cleanups had ended";
        assert_eq!(cancelled.to_string(), text);
        assert_eq!(log.take(), ["10 cleanup starts", "30 cleanup cancelled"]);
        let report = "cut off: the root task or a part of it, which was cancelled: a deadline of 10ms passed";
        assert_eq!(reports(), [report]);
        assert!(scope.cancelled_caught());
    });
}

#[test]
fn a_scope_whose_cleanups_end_in_time_says_so() {
    run(async {
        keep_reports();
        let log = Log::new();
        let scope = CancelScope::new();
        scope.grace(ms(200));
        scope.set_timeout(ms(10));
        let cancelled = scope.run(region(&log, "cleanup", 100)).await.expect_err("it is cancelled");
        assert!(!cancelled.was_cut_off());
        assert_eq!(cancelled.to_string(), "cancelled: a deadline of 10ms passed");
        assert_eq!(log.take(), ["10 cleanup starts", "110 cleanup ends"]);
        assert!(reports().is_empty());
    });
}

#[test]
fn a_scope_that_was_cancelled_before_it_runs_has_its_grace_from_its_entering() {
    run(async {
        keep_reports();
        let log = Log::new();
        let scope = CancelScope::new();
        scope.grace(ms(20));
        scope.cancel("before");
        let cancelled = scope.run(shield(log.work("part", 1000))).await.expect_err("it is cancelled");
        assert!(cancelled.was_cut_off());
        assert_eq!(log.take(), ["0 part starts", "20 part cancelled"]);
    });
}

#[test]
fn a_scope_whose_deadline_had_passed_before_it_runs_has_its_grace_from_its_entering() {
    run(async {
        keep_reports();
        let log = Log::new();
        let scope = CancelScope::new();
        scope.grace(ms(20));
        scope.set_timeout(ms(0));
        sleep(ms(10)).await;
        let cancelled = scope.run(shield(log.work("part", 1000))).await.expect_err("it is cancelled");
        assert!(cancelled.was_cut_off());
        assert_eq!(log.take(), ["10 part starts", "30 part cancelled"]);
    });
}

#[test]
fn a_scope_cancelled_from_inside_its_own_shield_has_its_grace() {
    run(async {
        keep_reports();
        let log = Log::new();
        let scope = CancelScope::new();
        scope.grace(ms(20));
        let work = shield(async {
            scope.cancel("from inside");
            log.work("part", 1000).await;
        });
        assert!(scope.run(work).await.expect_err("it is cancelled").was_cut_off());
        assert_eq!(log.take(), ["0 part starts", "20 part cancelled"]);
    });
}

#[test]
fn runs_at_once_have_a_grace_each_and_both_are_cut_off() {
    run(async {
        keep_reports();
        let log = Log::new();
        let scope = CancelScope::new();
        scope.grace(ms(20));
        scope.set_timeout(ms(10));
        let (one, two) = join(scope.run(shield(log.work("a", 100))), scope.run(shield(log.work("b", 15)))).await;
        assert!(one.expect_err("cut off").was_cut_off());
        assert!(two.is_ok(), "it ended within the grace");
        assert_eq!(log.take(), ["0 a starts", "0 b starts", "15 b ends", "30 a cancelled"]);
    });
}

#[test]
fn grace_is_for_runs_that_begin_later() {
    run(async {
        let log = Log::new();
        let scope = CancelScope::new();
        scope.set_timeout(ms(10));
        let work = scope.run(async {
            scope.grace(ms(5));
            shield(log.work("part", 100)).await;
            pending::<()>().await;
        });
        assert!(!work.await.expect_err("cancelled").was_cut_off());
        assert_eq!(log.take(), ["0 part starts", "100 part ends"]);
    });
}

#[test]
fn a_deadline_of_an_inner_scope_runs_its_grace_under_an_outer_cancel() {
    // a deadline is no wait that freezes
    run(async {
        keep_reports();
        let log = Log::new();
        let scope = CancelScope::new();
        scope.grace(ms(20));
        scope.set_timeout(ms(50));
        let work = scope.run(shield(log.work("part", 1000)));
        assert!(timeout(ms(10), work).await.is_err());
        assert_eq!(log.take(), ["0 part starts", "70 part cancelled"]);
    });
}

#[test]
fn a_deadline_that_is_set_under_an_outer_cancel_runs_its_grace() {
    run(async {
        keep_reports();
        let (log, scope) = (Log::new(), CancelScope::new());
        scope.grace(ms(20));
        let work = scope.run(shield(async {
            sleep(ms(20)).await;
            scope.set_timeout(ms(30));
            log.work("part", 1000).await;
        }));
        assert!(timeout(ms(10), work).await.is_err());
        assert_eq!(log.take(), ["20 part starts", "70 part cancelled"]);
    });
}
