//! Grace: one inside another, none at all, and what ends in time.

mod common;

use common::cancelled::{error_of, region, stubborn};
use common::{Gate, Log, group, keep_reports, ms, only, poll_once, reports, run};
use std::cell::RefCell;
use std::future::pending;
use std::pin::pin;

use futures_util::future::join;
use taskgroup::{CancelScope, JoinErrorKind, Reason, node_count, shield, sleep, with_cleanup, yield_now};

// One grace and another.

#[test]
fn an_outer_grace_bounds_an_inner_one() {
    run(async {
        keep_reports();
        let log = Log::new();
        let (outer, inner) = (CancelScope::new(), CancelScope::new());
        outer.grace(ms(30));
        outer.set_timeout(ms(20));
        inner.grace(ms(1000));
        inner.set_timeout(ms(10));
        let cancelled = outer.run(inner.run(region(&log, "cleanup", 5000))).await.expect_err("it is cancelled");
        assert!(cancelled.was_cut_off());
        assert_eq!(log.take(), ["10 cleanup starts", "50 cleanup cancelled"]);
        assert!(!inner.cancelled_caught());
        assert_eq!(reports().len(), 1, "one was cut off: the outer");
    });
}

#[test]
fn an_inner_grace_ends_before_an_outer_one() {
    run(async {
        keep_reports();
        let log = Log::new();
        let (outer, inner) = (CancelScope::new(), CancelScope::new());
        outer.grace(ms(1000));
        outer.set_timeout(ms(20));
        inner.grace(ms(30));
        inner.set_timeout(ms(10));
        let cancelled = outer.run(inner.run(region(&log, "cleanup", 5000))).await.expect_err("it is cancelled");
        assert!(!cancelled.was_cut_off(), "the outer had to wait no longer than it liked");
        assert_eq!(log.take(), ["10 cleanup starts", "40 cleanup cancelled"]);
        assert_eq!(reports().len(), 1);
    });
}

#[test]
fn an_outer_grace_bounds_a_group_with_all_its_tasks() {
    run(async {
        keep_reports();
        let log = Log::new();
        let scope = CancelScope::new();
        scope.grace(ms(20));
        scope.set_timeout(ms(10));
        let tasks = RefCell::new(Vec::new());
        let work = group(async |g| {
            g.grace(ms(1000));
            tasks.borrow_mut().push(g.spawn(stubborn(&log, "a")));
            tasks.borrow_mut().push(g.spawn(stubborn(&log, "b")));
            Ok(())
        });
        assert!(scope.run(work).await.expect_err("it is cancelled").was_cut_off());
        assert_eq!(log.take(), ["10 a starts", "10 b starts", "30 a cancelled", "30 b cancelled"]);
        let tasks = tasks.take();
        for task in &tasks {
            assert!(matches!(error_of(task).kind(), JoinErrorKind::Cancelled(Reason::Parent(_))));
            assert!(!error_of(task).was_cut_off(), "its own grace was not over");
        }
    });
}

#[test]
fn errors_in_a_group_that_is_cut_off_are_reported() {
    run(async {
        keep_reports();
        let log = Log::new();
        let scope = CancelScope::new();
        scope.grace(ms(20));
        scope.set_timeout(ms(10));
        let work = group(async |g| {
            g.spawn(common::fail_after(5, "oops")).named("bad");
            g.spawn(stubborn(&log, "good"));
            Ok(())
        });
        assert!(scope.run(work).await.is_err());
        let reports = reports();
        assert!(reports.iter().any(|report| report.starts_with("lost with a dropped future: the error of task bad")));
        assert_eq!(reports.len(), 2, "{reports:?}");
    });
}

#[test]
fn a_body_error_whose_cleanup_is_cut_off_is_reported() {
    run(async {
        keep_reports();
        let scope = CancelScope::new();
        scope.grace(ms(20));
        scope.set_timeout(ms(10));
        let work = with_cleanup(async { Err::<(), _>("oops") }, async |_| sleep(ms(1000)).await);
        assert!(scope.run(work).await.expect_err("it is cancelled").was_cut_off());
        let reports = reports();
        assert!(reports.iter().any(|report| report.contains("the error of a body with a cleanup")), "{reports:?}");
    });
}

// Edges.

#[test]
fn no_grace_at_all_is_destructors_only() {
    run(async {
        keep_reports();
        let log = Log::new();
        let task = group(async |g| {
            g.grace(ms(0));
            let task = g.spawn(region(&log, "cleanup", 100));
            sleep(ms(10)).await;
            task.cancel("now");
            sleep(ms(10)).await;
            Ok(task)
        });
        let task = task.await.expect("no error");
        assert!(log.take().is_empty(), "no cleanup starts");
        assert!(error_of(&task).was_cut_off());
    });
}

#[test]
fn no_grace_at_all_spares_what_has_nothing_to_clean_up() {
    run(async {
        keep_reports();
        let scope = CancelScope::new();
        scope.grace(ms(0));
        scope.cancel("before");
        assert!(!scope.run(pending::<()>()).await.expect_err("it is cancelled").was_cut_off());
        let task = group(async |g| {
            g.grace(ms(0));
            let task = g.spawn(pending::<()>());
            yield_now().await;
            task.cancel("now");
            Ok(task)
        });
        assert!(!error_of(&task.await.expect("no error")).was_cut_off());
        assert!(reports().is_empty());
    });
}

#[test]
fn tasks_of_a_dropped_group_were_not_cut_off() {
    run(async {
        keep_reports();
        let task = RefCell::new(None);
        let mut work = Box::pin(group(async |g| {
            g.grace(ms(0));
            *task.borrow_mut() = Some(g.spawn(pending::<()>()));
            Ok(())
        }));
        assert!(poll_once(work.as_mut()).await.is_pending());
        drop(work);
        let task = task.take().expect("it was spawned");
        assert_eq!(error_of(&task).kind(), &JoinErrorKind::Cancelled(Reason::Dropped));
        assert!(!error_of(&task).was_cut_off());
    });
}

#[test]
fn cleanups_that_wait_for_each_other_are_ended_by_grace() {
    // hole: cleanups that wait for each other
    run(async {
        keep_reports();
        let (one, two) = (Gate::new(), Gate::new());
        let log = Log::new();
        group(async |g| {
            g.grace(ms(20));
            g.spawn(with_cleanup(pending::<Result<(), &str>>(), async |_| {
                one.wait().await;
                two.open();
            }));
            g.spawn(with_cleanup(pending::<Result<(), &str>>(), async |_| {
                two.wait().await;
                one.open();
            }));
            sleep(ms(10)).await;
            g.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!((log.ms(), reports().len()), (30, 2));
    });
}

#[test]
fn a_value_reached_within_the_grace_stands() {
    run(async {
        keep_reports();
        let task = group(async |g| {
            g.grace(ms(20));
            let task = g.spawn(async {
                shield(sleep(ms(15))).await;
                Ok(7)
            });
            yield_now().await;
            task.cancel("enough");
            Ok(task)
        });
        assert_eq!(task.await.expect("no error").result(), Some(Ok(7)));
        assert!(reports().is_empty());
    });
}

#[test]
fn an_error_of_a_cleanup_within_the_grace_counts() {
    run(async {
        let ended = group(async |g| {
            g.grace(ms(20));
            let task =
                g.spawn(with_cleanup(pending::<Result<(), _>>(), async |_| common::fail_after(10, "late").await));
            yield_now().await;
            task.cancel("enough");
            Ok(())
        });
        assert_eq!(common::failed(ended.await), "[late]");
    });
}

#[test]
fn a_panic_in_a_destructor_of_what_is_cut_off_is_the_tasks() {
    run(async {
        keep_reports();
        let work = group(async |g| {
            g.grace(ms(20));
            let task = g.spawn(shield(async {
                let _bomb = common::OnDrop(|| panic!("boom"));
                pending::<()>().await;
            }));
            yield_now().await;
            task.cancel("enough");
            Ok(())
        });
        assert_eq!(common::panic_of(work).await, "boom");
    });
}

#[test]
fn a_timer_of_a_grace_that_was_not_needed_is_disarmed() {
    run(async {
        let nodes = node_count();
        let scope = CancelScope::new();
        scope.grace(ms(1_000_000));
        scope.set_timeout(ms(10));
        let mut work = pin!(scope.run(shield(sleep(ms(20)))));
        assert!(work.as_mut().await.is_ok());
        assert_eq!(node_count(), nodes);
        assert_eq!(only::<(), &str>(group(async |g| Ok(g.spawn(async {}))).await.expect("no error")), Ok(()));
    }); // `run` looks for timers
}

#[test]
fn a_cancel_from_a_task_of_another_runtime_that_is_turned_here_starts_the_grace_of_this_one() {
    run(async {
        keep_reports();
        let (log, scope) = (Log::new(), CancelScope::new());
        scope.grace(ms(20));
        let other = async {
            sleep(ms(10)).await;
            let inner = taskgroup::Runtime::with_clock(taskgroup::Clock::Autojump);
            let asks = scope.clone();
            drop(inner.spawn(async move { asks.cancel("from elsewhere") }));
            inner.turn(Some(ms(0))).expect("a turn");
        };
        let (ended, ()) = join(scope.run(shield(log.work("part", 1000))), other).await;
        assert!(ended.expect_err("it is cancelled").was_cut_off());
        assert_eq!(log.take(), ["0 part starts", "30 part cancelled"]);
    });
}
