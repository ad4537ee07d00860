//! Rows of `docs/SEMANTICS.md` that no other file shows: behaviours of CPython's `test_taskgroups`.
//!
//! Before: `failure.rs`, `cancel.rs`, `regions.rs`, which show most rows. After: `rows_timeouts.rs`.

mod common;

use common::run;
use common::{Drops, Group, Log, Word, after, counted, fail_after, failed, group, keep_reports, ms, panic_of, reports};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::pin::Pin;

use taskgroup::{BoxError, JoinErrorKind, boxed, shield, sleep, timeout, with_cleanup, with_resource};

/// Waits for ever. Cancelled, it fails in its cleanup.
async fn fail_on_the_way_out(error: Word) -> Result<(), Word> {
    with_cleanup(pending(), async move |_| Err(error)).await
}

/// The same in a group of any errors.
async fn fail_boxed_on_the_way_out(error: Word) -> Result<(), BoxError> {
    with_cleanup(pending(), async move |_| Err::<(), BoxError>(error.into())).await
}

fn boom() {
    panic!("boom")
}

#[test]
fn a_task_spawned_in_the_middle_of_the_body_is_awaited_too() {
    // B1; CPython: test_taskgroups.test_taskgroup_02
    run(async {
        let log = Log::new();
        let tasks = group(async |g| {
            let first = g.spawn(after(10, 42));
            sleep(ms(15)).await;
            Ok((first, g.spawn(after(20, 11))))
        });
        let (first, second) = tasks.await.expect("no error");
        assert_eq!(log.ms(), 35);
        assert_eq!((first.result(), second.result()), (Some(Ok(42)), Some(Ok(11))));
    });
}

#[test]
fn children_of_a_cancelled_owner_that_fail_in_their_cleanups_make_it_fail() {
    // C5, E14; CPython: test_taskgroups.test_taskgroup_08
    run(async {
        let log = Log::new();
        let owner = group(async |g| {
            for error in ["A", "B", "C"] {
                g.spawn(fail_on_the_way_out(error));
            }
            log.work("body", 100).await;
            Ok(())
        });
        let ended = timeout(ms(10), owner).await.expect("errors beat the cancel");
        assert_eq!(failed(ended), "[A B C]");
        assert_eq!(log.take(), ["0 body starts", "10 body cancelled"]);
    });
}

#[test]
fn errors_of_an_inner_group_beat_the_cancel_of_its_owner() {
    // C11, E14; CPython: test_taskgroups.test_taskgroup_11
    run(async {
        let owner = boxed::task_group(async |_| {
            boxed::task_group(async |inner| {
                inner.spawn(fail_boxed_on_the_way_out("A"));
                inner.spawn(fail_boxed_on_the_way_out("B"));
                Ok(sleep(ms(100)).await)
            })
            .await?;
            Ok(())
        });
        assert_eq!(failed(timeout(ms(10), owner).await.expect("errors beat the cancel")), "[[A B]]");
    });
}

#[test]
fn errors_of_an_inner_group_cancel_the_outer_child_of_a_cancelled_owner() {
    // C11, E14; CPython: test_taskgroups.test_taskgroup_12
    run(async {
        let log = Log::new();
        let owner = boxed::task_group(async |outer| {
            outer.spawn(log.work("outer", 100));
            boxed::task_group(async |inner| {
                inner.spawn(fail_boxed_on_the_way_out("A"));
                Ok(sleep(ms(100)).await)
            })
            .await?;
            Ok(())
        });
        assert_eq!(failed(timeout(ms(10), owner).await.expect("errors beat the cancel")), "[[A]]");
        assert_eq!(log.take(), ["0 outer starts", "10 outer cancelled"]);
    });
}

#[test]
fn a_child_that_fails_while_the_body_cleans_up_leaves_the_cleanup_alone() {
    // C9, D3, E14 (here: DESIGN 5, a cleanup is shielded); CPython: test_taskgroups.test_taskgroup_15
    run(async {
        let log = Log::new();
        let owner = group(async |g| {
            g.spawn(fail_after(30, "A"));
            with_cleanup(pending::<Result<(), _>>(), async |_| log.work("cleanup", 50).await).await
        });
        let ended = timeout(ms(10), owner).await.expect("errors beat the cancel");
        assert_eq!(failed(ended), "[A]");
        assert_eq!(log.take(), ["10 cleanup starts", "60 cleanup ends"]);
    });
}

#[test]
fn a_cancelled_task_waits_for_the_cleanup_of_the_group_that_it_awaits() {
    // C9, E14 (here: DESIGN 5); CPython: test_taskgroups.test_taskgroup_16
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            let runner = g.spawn_group(group(async |g| {
                g.spawn_group(group(async |g| {
                    g.spawn(fail_after(30, "A"));
                    with_cleanup(pending::<Result<(), _>>(), async |_| log.work("cleanup", 50).await).await
                }));
                Ok(())
            }));
            sleep(ms(10)).await;
            runner.cancel("outside");
            Ok(())
        });
        assert_eq!(failed(result.await), "[[[A]]]");
        assert_eq!(log.take(), ["10 cleanup starts", "60 cleanup ends"]);
    });
}

#[test]
fn a_body_without_children_is_cancelled_where_it_waits() {
    // E10; CPython: test_taskgroups.test_taskgroup_17
    run(async {
        let log = Log::new();
        let owner = group(async |_| {
            log.work("body", 100).await;
            Ok(())
        });
        assert!(timeout(ms(10), owner).await.is_err());
        assert_eq!(log.take(), ["0 body starts", "10 body cancelled"]);
    });
}

#[test]
fn a_body_whose_cleanup_fails_turns_its_cancel_into_an_error() {
    // E15; CPython: test_taskgroups.test_taskgroup_18
    run(async {
        let owner = group(async |_| fail_on_the_way_out("B").await);
        assert_eq!(failed(timeout(ms(10), owner).await.expect("errors beat the cancel")), "[B]");
    });
}

#[test]
fn a_body_that_fails_in_its_cleanup_adds_its_error_last() {
    // C7, A9, tg6; CPython: test_taskgroups.test_taskgroup_19
    run(async {
        let result = group(async |g| {
            g.spawn(with_cleanup(pending::<Result<(), _>>(), async |_| fail_after(20, "C").await));
            g.spawn(fail_after(10, "A"));
            fail_on_the_way_out("B").await
        });
        assert_eq!(failed(result.await), "[A C B]");
    });
}

#[test]
fn a_body_that_panics_in_its_cleanup_beats_the_error_of_a_child() {
    // H1; CPython: test_taskgroups.test_taskgroup_20
    run(async {
        keep_reports();
        let owner = group(async |g| {
            g.spawn(fail_after(10, "A"));
            with_cleanup(pending::<Result<(), _>>(), async |_| boom()).await
        });
        assert_eq!(panic_of(owner).await, "boom");
        let reports = reports();
        assert!(matches!(&reports[..], [one] if one.contains("the error of task #1")), "{reports:?}");
    });
}

#[test]
fn a_panic_of_a_child_beats_the_error_of_the_bodys_cleanup() {
    // H2, I3; CPython: test_taskgroups._test_taskgroup_21 (as it is meant: CPython has it switched off)
    run(async {
        keep_reports();
        let owner = group(async |g| {
            g.spawn(async {
                sleep(ms(10)).await;
                boom();
            });
            fail_on_the_way_out("B").await
        });
        assert_eq!(panic_of(owner).await, "boom");
        let reports = reports();
        assert!(matches!(&reports[..], [one] if one.contains("the error of the body")), "{reports:?}");
    });
}

#[test]
fn children_that_have_ended_leave_the_group_before_its_end() {
    // B4, B11; CPython: test_taskgroups.test_taskgroup_23
    run(async {
        group(async |g| {
            for count in 0..10 {
                sleep(ms(10)).await;
                g.spawn(sleep(ms(30)));
                assert!(g.live() <= 4, "{} at the {count}th", g.live());
            }
            sleep(ms(31)).await;
            assert_eq!(g.live(), 0);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn tasks_that_spawn_tasks_without_end_are_ended_by_one_that_fails() {
    // B4, C1; CPython: test_taskgroups.test_taskgroup_25
    type Head<'scope> = Pin<Box<dyn Future<Output = ()> + 'scope>>;
    fn hydra<'scope>(g: &'scope Group<'scope, '_>, heads: &'scope Cell<u32>) -> Head<'scope> {
        Box::pin(async move {
            heads.set(heads.get() + 1);
            sleep(ms(10)).await;
            g.spawn(hydra(g, heads));
            g.spawn(hydra(g, heads));
        })
    }
    run(async {
        let (heads, log) = (Cell::new(0), Log::new());
        let result = group(async |g| {
            g.spawn(hydra(g, &heads));
            g.spawn(async {
                while heads.get() < 10 {
                    sleep(ms(15)).await;
                }
                Err::<(), _>("A")
            });
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!((heads.get(), log.ms()), (31, 45));
    });
}

#[test]
fn a_cleanup_of_a_failing_group_spawns_in_vain() {
    // B7, B12, D7, tg7; CPython: test_taskgroups.test_taskgroup_no_create_task_after_failure
    run(async {
        let (polls, drops) = (Cell::new(0), Drops::new());
        let result = group(async |g| {
            g.spawn(fail_after(1, "A"));
            g.spawn(with_cleanup(pending::<Result<(), _>>(), async |_| {
                let guard = drops.guard();
                let refused = g.spawn(counted(&polls, async move { drop(guard) }));
                drops.assert_all(1);
                assert_eq!(refused.await.expect_err("refused").kind(), &JoinErrorKind::Refused);
                assert!(g.try_spawn(after(1, ())).is_err());
            }));
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(polls.get(), 0);
    });
}

#[test]
fn an_error_of_a_child_and_one_of_closing_a_resource_are_both_in_the_group() {
    // C3, C7; CPython: test_taskgroups.test_taskgroup_context_manager_exit_raises
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            with_resource(
                "database",
                async |_| {
                    g.spawn(async { Err::<(), _>("A") });
                    Ok(sleep(ms(100)).await)
                },
                async |_, _| Err("A"),
            )
            .await
        });
        assert_eq!(failed(result.await), "[A A]");
        log.work("afterwards", 5).await;
        assert_eq!(log.take(), ["0 afterwards starts", "5 afterwards ends"]);
    });
}

#[test]
fn a_cancel_of_a_failing_group_lands_at_each_wait_after_it() {
    // E7, E13, D3, L6; CPython: test_taskgroups.test_error_and_cancel
    run(async {
        let log = Log::new();
        group(async |g| {
            let inner = g.spawn(async {
                let inner = group(async |g| {
                    g.spawn(async {
                        sleep(ms(10)).await;
                        Err::<(), _>("A")
                    });
                    g.spawn(with_cleanup(pending::<Result<(), _>>(), async |_| sleep(ms(20)).await));
                    sleep(ms(100)).await;
                    Ok(())
                });
                log.note(failed(inner.await));
                let again = fail_on_the_way_out("the next wait").await;
                log.note(again.expect_err("it is cancelled"));
                log.work("the wait after that", 1).await;
                log.note("never");
            });
            sleep(ms(20)).await; // it waits for its children, and has failed
            assert!(inner.cancel("outside"));
            Ok(())
        })
        .await
        .expect("a cancel is no error");
        let cut = ["30 the wait after that starts", "30 the wait after that cancelled"];
        assert_eq!(log.take(), [&["30 [A]", "30 the next wait"][..], &cut].concat());
    });
}

#[test]
fn a_failing_body_may_spawn_in_its_cleanup() {
    // B8
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            with_cleanup(async { Err::<(), _>("B") }, async |_| {
                g.spawn(log.work("late", 100));
                sleep(ms(5)).await;
            })
            .await
        });
        assert_eq!(failed(result.await), "[B]");
        assert_eq!(log.take(), ["0 late starts", "5 late cancelled"]);
    });
}

#[test]
fn a_child_that_fails_after_its_body_asks_for_no_second_cancel() {
    // C10, C8
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            g.spawn(with_cleanup(pending::<Result<(), _>>(), async |_| fail_after(5, "A").await));
            sleep(ms(1)).await;
            Err::<(), _>("B")
        });
        assert_eq!(failed(result.await), "[A B]");
        log.work("afterwards", 5).await;
        assert_eq!(log.take(), ["6 afterwards starts", "11 afterwards ends"]);
    });
}

#[test]
fn a_body_that_holds_the_cancel_off_loses_its_value_to_the_errors() {
    // C15 (here: DESIGN 5, only a shield holds off)
    run(async {
        let (log, drops) = (Log::new(), Drops::new());
        let result = group(async |g| {
            g.spawn(fail_after(5, "A"));
            shield(log.work("body", 20)).await;
            Ok(drops.guard())
        });
        assert_eq!(failed(result.await), "[A]");
        drops.assert_all(1);
        log.work("afterwards", 5).await;
        let after = ["20 afterwards starts", "25 afterwards ends"];
        assert_eq!(log.take(), [&["0 body starts", "20 body ends"][..], &after].concat());
    });
}

#[test]
fn a_sibling_that_cleans_up_well_adds_nothing() {
    // C6
    run(async {
        let (log, mut sibling) = (Log::new(), None);
        let result = group(async |g| {
            sibling = Some(g.spawn(with_cleanup(pending::<Result<(), _>>(), async |_| log.work("cleanup", 5).await)));
            g.spawn(fail_after(10, "A"));
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(log.take(), ["10 cleanup starts", "15 cleanup ends"]);
        let end = sibling.and_then(|task| task.result()).expect("it has ended").expect_err("cancelled");
        assert!(matches!(end.kind(), JoinErrorKind::Cancelled(_)), "{end}");
    });
}

#[test]
fn a_joiner_in_another_group_learns_that_the_task_failed_and_not_why() {
    // D14 (here: DESIGN, rule 10: a handle has no error type)
    run(async {
        let learned = RefCell::new(None);
        group(async |outer| {
            let inner = group(async |inner| {
                let failing = inner.spawn(fail_after(5, "A"));
                outer.spawn(async {
                    let failing = failing;
                    *learned.borrow_mut() = failing.await.err();
                });
                Ok(())
            });
            assert_eq!(failed(inner.await), "[A]");
            Ok(())
        })
        .await
        .expect("the joiner was not cancelled, and has no error");
        assert_eq!(learned.take().expect("it was told").kind(), &JoinErrorKind::Failed);
    });
}
