//! What a group does when a task fails: fail fast, collect, supervise.

mod common;

use common::{
    Drops, Errors, Log, OnDrop, Word, after, fail, fail_after, failed, group, keep_reports, ms, panic_of, reports, run,
    shape, start,
};
use std::cell::{Cell, RefCell};
use std::future::pending;

use futures_util::stream::{FuturesUnordered, StreamExt};
use taskgroup::{Member, TaskGroup, TaskLocal, What, sleep, with_cleanup};

/// What a handler was given: `error` or `[errors of a group]`.
fn text(member: &Member<Word>) -> String {
    match member.what() {
        What::Error(error) => (*error).to_owned(),
        What::Group(errors) => shape(errors),
    }
}

#[test]
fn a_group_fails_fast_until_told_otherwise() {
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            g.spawn(fail_after(1, "A"));
            g.spawn(log.work("sibling", 5));
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(log.take(), ["0 sibling starts", "1 sibling cancelled"]);
    });
}

#[test]
fn each_setting_holds_from_the_next_spawn_on() {
    run(async {
        let log = Log::new();
        let handled = RefCell::new(Vec::new());
        let result = group(async |g| {
            g.spawn(fail_after(9, "fail fast"));
            g.collect_all();
            g.spawn(fail_after(1, "collect"));
            g.supervise(|member| handled.borrow_mut().push(text(&member)));
            g.spawn(fail_after(2, "supervise"));
            g.fail_fast();
            g.spawn(log.work("sibling", 20));
            Ok(())
        });
        assert_eq!(failed(result.await), "[collect fail fast]");
        assert_eq!(*handled.borrow(), ["supervise"]);
        assert_eq!(log.take(), ["0 sibling starts", "9 sibling cancelled"]);
    });
}

#[test]
fn fail_fast_comes_back() {
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            g.collect_all();
            g.fail_fast();
            g.spawn(fail_after(1, "A"));
            log.work("body", 5).await;
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(log.take(), ["0 body starts", "1 body cancelled"]);
    });
}

#[test]
fn collecting_keeps_all_errors_in_the_order_of_the_ends_and_the_bodys_last() {
    // tg2
    run(async {
        let result = group(async |g| {
            g.collect_all();
            for (n, error) in [(3, "C"), (1, "A"), (2, "B")] {
                g.spawn(fail_after(n, error));
            }
            sleep(ms(5)).await;
            Err::<(), _>("body")
        });
        assert_eq!(failed(result.await), "[A B C body]");
    });
}

#[test]
fn while_collecting_nobody_is_cancelled() {
    // tg4
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            g.collect_all();
            g.spawn(fail_after(1, "A"));
            g.spawn(log.work("sibling", 5));
            log.work("body", 3).await;
            assert!(g.try_spawn(async {}).is_ok(), "the group is open");
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(log.take(), ["0 body starts", "0 sibling starts", "3 body ends", "5 sibling ends"]);
    });
}

#[test]
fn the_bodys_own_failure_cancels_also_while_collecting() {
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            g.collect_all();
            g.spawn(log.work("sibling", 5));
            fail_after(2, "body").await
        });
        assert_eq!(failed(result.await), "[body]");
        assert_eq!(log.take(), ["0 sibling starts", "2 sibling cancelled"]);
    });
}

#[test]
fn a_panic_cancels_everybody_also_while_collecting_and_displaces_what_was_collected() {
    keep_reports();
    run(async {
        let log = Log::new();
        let text = panic_of(group(async |g| {
            g.collect_all();
            g.spawn(fail_after(1, "A"));
            g.spawn(async {
                sleep(ms(2)).await;
                if log.ms() == 2 {
                    panic!("boom")
                }
            });
            g.spawn(log.work("sibling", 5));
            log.work("body", 5).await;
            Ok(())
        }));
        assert_eq!(text.await, "boom");
        assert_eq!(log.take(), ["0 body starts", "0 sibling starts", "2 sibling cancelled", "2 body cancelled"]);
    });
    let reports = reports();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].starts_with("displaced by a panic: the error of task #1 "), "{reports:?}");
}

#[test]
fn a_panic_displaces_the_bodys_error_too() {
    keep_reports();
    run(async {
        let text = panic_of(group(async |g| {
            g.collect_all();
            g.spawn(fail("A"));
            g.spawn(with_cleanup(pending::<Result<(), Word>>(), async |_| -> Result<(), Word> { panic!("boom") }));
            sleep(ms(1)).await;
            Err::<(), _>("body")
        }));
        assert_eq!(text.await, "boom");
    });
    let reports = reports();
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert!(reports[0].starts_with("displaced by a panic: the error of task #1 "), "{reports:?}");
    assert_eq!(reports[1], "displaced by a panic: the error of the body of the group");
}

#[test]
fn what_a_dropped_group_had_collected_is_reported() {
    keep_reports();
    run(async {
        let mut whole = Box::pin(group(async |g| {
            g.collect_all();
            g.spawn(fail("A"));
            pending::<Result<(), Word>>().await
        }));
        start(whole.as_mut()).await;
        drop(whole);
    });
    let reports = reports();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].starts_with("lost with a dropped future: the error of task #1 "), "{reports:?}");
}

#[test]
fn a_bounded_group_keeps_the_first_errors_and_reports_the_rest() {
    keep_reports();
    run(async {
        let result = group(async |g| {
            g.collect_at_most(2);
            for (n, error) in [(4, "D"), (1, "A"), (3, "C"), (2, "B")] {
                g.spawn(fail_after(n, error));
            }
            Ok(())
        });
        assert!(failed(result.await).starts_with("[A B"));
    });
    let reports = reports();
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert!(reports[0].starts_with("left out of the errors of its group: the error of task #3 "), "{reports:?}");
    assert!(reports[1].starts_with("left out of the errors of its group: the error of task #1 "), "{reports:?}");
}

#[test]
fn the_bodys_error_is_over_no_bound() {
    keep_reports();
    run(async {
        let result = group(async |g| {
            g.collect_at_most(1);
            g.spawn(fail("A"));
            sleep(ms(1)).await;
            Err::<(), _>("body")
        });
        assert_eq!(failed(result.await), "[A body]");
    });
    assert!(reports().is_empty());
}

#[test]
fn the_bound_leaves_out_no_failure_that_cancels() {
    keep_reports();
    run(async {
        let result = group(async |g| {
            g.collect_at_most(1);
            g.spawn(fail("A"));
            g.spawn(fail("B"));
            sleep(ms(1)).await;
            g.fail_fast();
            g.spawn(fail("C"));
            pending::<()>().await;
            Ok(())
        });
        let tree = failed(result.await);
        assert!(tree.starts_with("[A C"), "{tree}");
    });
    assert_eq!(reports().len(), 1);
}

#[test]
fn a_bound_of_zero_keeps_one() {
    keep_reports();
    run(async {
        let result = group(async |g| {
            g.collect_at_most(0);
            g.spawn(fail("A"));
            g.spawn(fail("B"));
            Ok(())
        });
        assert!(failed(result.await).starts_with("[A"));
    });
    assert_eq!(reports().len(), 1);
}

#[test]
fn a_handler_gets_the_error_the_task_and_its_place() {
    run(async {
        let line = Cell::new(0);
        group(async |g| {
            g.supervise(|member| {
                let task = member.task().expect("a task");
                assert_eq!((&*task.name(), task.place().file(), task.place().line()), ("db", file!(), line.get()));
                assert!(matches!(member.into_what(), What::Error("A")));
                line.set(0);
            });
            line.set(line!() + 1);
            g.spawn(fail("A")).named("db");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(line.get(), 0, "it was called");
    });
}

#[test]
fn a_handler_gets_a_nested_group_as_a_whole() {
    run(async {
        let handled = RefCell::new(Vec::new());
        group(async |g| {
            g.supervise(|member| handled.borrow_mut().push(text(&member)));
            g.spawn_group(group(async |inner| {
                inner.spawn(fail("A"));
                inner.spawn(fail("B"));
                Ok(())
            }));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(*handled.borrow(), ["[A B]"]);
    });
}

#[test]
fn a_supervised_group_goes_on_as_if_nothing_had_happened() {
    run(async {
        let log = Log::new();
        let value = group(async |g| {
            g.supervise(|member| log.note(text(&member)));
            g.spawn(fail_after(1, "A"));
            g.spawn(log.work("sibling", 5));
            sleep(ms(3)).await;
            g.spawn(fail("B"));
            Ok(7)
        });
        assert_eq!(value.await.expect("no error"), 7);
        assert_eq!(log.take(), ["0 sibling starts", "1 A", "3 B", "5 sibling ends"]);
    });
}

#[test]
fn a_handler_is_called_after_the_future_is_dropped_and_before_joiners_are_told() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.supervise(|member| log.note(text(&member)));
            let task = g.spawn(async {
                let _guard = log.on_drop("dropped");
                fail_after(1, "handled").await
            });
            assert!(task.await.is_err());
            log.note("told");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["1 dropped", "1 handled", "1 told"]);
    });
}

#[test]
fn a_handler_restarts_a_task_in_the_same_group() {
    async fn flaky(tries: &Cell<u32>) -> Result<(), Word> {
        tries.set(tries.get() + 1);
        sleep(ms(1)).await;
        if tries.get() < 3 { Err("again") } else { Ok(()) }
    }
    run(async {
        let (tries, log) = (Cell::new(0), Log::new());
        group(async |g| {
            g.supervise(|_| drop(g.spawn(flaky(&tries))));
            g.spawn(flaky(&tries));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!((tries.get(), log.ms()), (3, 3));
    });
}

#[test]
fn a_handler_that_panics_closes_the_group_and_the_panic_goes_on() {
    run(async {
        let log = Log::new();
        let text = panic_of(group(async |g| {
            g.supervise(|_| panic!("boom"));
            g.spawn(fail_after(1, "A"));
            g.spawn(async {
                let _guard = log.on_drop("sibling dropped");
                with_cleanup(pending::<Result<(), Word>>(), async |_| sleep(ms(5)).await).await
            });
            log.work("body", 9).await;
            Ok(())
        }));
        assert_eq!(text.await, "boom");
        assert_eq!(log.take(), ["0 body starts", "1 body cancelled", "6 sibling dropped"]);
    });
}

#[test]
fn the_panic_of_a_handler_displaces_what_was_collected() {
    keep_reports();
    run(async {
        let text = panic_of(group(async |g| {
            g.collect_all();
            g.spawn(fail("A"));
            g.supervise(|_| panic!("boom"));
            g.spawn(fail_after(1, "B"));
            sleep(ms(5)).await;
            Ok(())
        }));
        assert_eq!(text.await, "boom");
    });
    let reports = reports();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].starts_with("displaced by a panic: the error of task #1 "), "{reports:?}");
}

#[test]
fn a_handler_that_is_replaced_still_gets_what_was_spawned_under_it() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.supervise(|member| log.note(format_args!("first {}", text(&member))));
            g.spawn(fail_after(5, "A"));
            g.supervise(|member| log.note(format_args!("second {}", text(&member))));
            g.spawn(fail_after(1, "B"));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["1 second B", "5 first A"]);
    });
}

#[test]
fn a_handler_may_replace_itself() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.supervise(|_| {
                log.note("first");
                g.supervise(|_| log.note("second"));
            });
            g.spawn(fail_after(1, "A"));
            sleep(ms(2)).await;
            g.spawn(fail("B"));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["1 first", "2 second"]);
    });
}

#[test]
fn tasks_of_a_spawner_are_supervised_by_the_handler_of_their_time() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let spawner = g.spawner();
            g.supervise(|member| log.note(format_args!("first {}", text(&member))));
            spawner.spawn(fail("A")).expect("open");
            g.supervise(|member| log.note(format_args!("second {}", text(&member))));
            spawner.spawn(fail("B")).expect("open");
            g.fail_fast(); // nor does this touch the two
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 first A", "0 second B"]);
    });
}

#[test]
fn a_panic_of_a_supervised_task_cancels_everybody() {
    run(async {
        let log = Log::new();
        let text = panic_of(group(async |g| {
            g.supervise(|_| log.note("never"));
            g.spawn(async {
                sleep(ms(1)).await;
                if log.ms() == 1 {
                    panic!("boom")
                }
            });
            g.spawn(log.work("sibling", 5));
            pending::<()>().await;
            Ok(())
        }));
        assert_eq!(text.await, "boom");
        assert_eq!(log.take(), ["0 sibling starts", "1 sibling cancelled"]);
    });
}

#[test]
fn a_failing_cleanup_of_a_supervised_task_is_the_handlers() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.supervise(|member| log.note(text(&member)));
            let task = g.spawn(with_cleanup(pending::<Result<(), Word>>(), async |_| Err("cleanup")));
            sleep(ms(1)).await;
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["1 cleanup"]);
    });
}

#[test]
fn a_cancelled_task_is_no_failure_for_a_handler() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.supervise(|_| log.note("never"));
            let task = g.spawn(pending::<()>());
            sleep(ms(1)).await;
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert!(log.take().is_empty());
    });
}

/// A group with two handlers, one of them replaced, and tasks under both.
async fn handlers<'env>(drops: &'env Drops, g: &'env Cell<u32>) -> Result<(), Errors> {
    group(async |group: &TaskGroup<'_, '_, Word>| {
        for _ in 0..2 {
            let guard = drops.guard();
            group.supervise(move |_| {
                let _ = &guard;
                g.set(g.get() + 1);
            });
            group.spawn(fail("A"));
            group.spawn(after(9, ()));
            group.spawner().spawn(async { sleep(ms(9)).await }).expect("open");
        }
        sleep(ms(5)).await;
        Ok(())
    })
    .await
}

#[test]
fn what_handlers_hold_is_dropped_once_at_the_usual_end() {
    let (drops, handled) = (Drops::new(), Cell::new(0));
    run(async { handlers(&drops, &handled).await.expect("no error") });
    drops.assert_all(2);
    assert_eq!(handled.get(), 2);
}

#[test]
fn what_a_replaced_handler_holds_is_dropped_when_no_task_needs_it() {
    let drops = Drops::new();
    run(async {
        group(async |g| {
            let guard = drops.guard();
            g.supervise(move |_| {
                let _ = &guard;
            });
            g.spawn(after(2, ()));
            g.fail_fast();
            g.spawn(after(9, ()));
            g.supervise(|_| ());
            assert_eq!(drops.count(), 0, "a task may still need it");
            sleep(ms(5)).await;
            assert_eq!(drops.count(), 1);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn what_handlers_hold_is_dropped_once_with_a_dropped_group() {
    let (drops, handled) = (Drops::new(), Cell::new(0));
    run(async {
        let mut whole = Box::pin(handlers(&drops, &handled));
        start(whole.as_mut()).await;
        drop(whole);
        drops.assert_all(2);
    });
    let drops = Drops::new();
    run(async {
        let mut whole = Box::pin(handlers(&drops, &handled));
        assert!(common::poll_once(whole.as_mut()).await.is_pending()); // newcomers are in the inbox
        drop(whole);
        drops.assert_all(2);
    });
}

#[test]
fn what_handlers_hold_is_leaked_with_a_forgotten_group() {
    let (drops, handled) = (Drops::new(), Cell::new(0));
    {
        let runtime = taskgroup::Runtime::with_clock(taskgroup::Clock::Autojump);
        runtime.block_on(async {
            let mut whole = Box::pin(handlers(&drops, &handled));
            start(whole.as_mut()).await;
            std::mem::forget(whole);
        });
    }
    assert_eq!(drops.count(), 0);
}

#[test]
fn a_destructor_of_a_handler_that_panics_when_the_group_is_dropped_leaks_no_task() {
    let drops = Drops::new();
    run(async {
        let text = panic_of(async {
            let mut whole = Box::pin(group(async |g| {
                let guard = OnDrop(|| panic!("boom"));
                g.supervise(move |_| {
                    let _ = &guard;
                });
                g.fail_fast();
                let guard = drops.guard();
                g.spawn(async {
                    let _guard = guard;
                    pending::<()>().await;
                });
                pending::<Result<(), Word>>().await
            }));
            start(whole.as_mut()).await;
            drop(whole);
        });
        assert_eq!(text.await, "boom");
        drops.assert_all(1);
    });
}

#[test]
fn a_destructor_of_a_childs_handler_that_panics_when_the_group_is_dropped_leaks_no_task() {
    let drops = Drops::new();
    run(async {
        let text = panic_of(async {
            let mut whole = Box::pin(group(async |g| {
                let guard = OnDrop(|| panic!("boom"));
                g.supervise(move |_| {
                    let _ = &guard;
                });
                g.spawn(pending::<()>());
                g.supervise(|_| ());
                let guard = drops.guard();
                g.spawn(async {
                    let _guard = guard;
                    pending::<()>().await;
                });
                pending::<Result<(), Word>>().await
            }));
            start(whole.as_mut()).await;
            drop(whole);
        });
        assert_eq!(text.await, "boom");
        drops.assert_all(1);
    });
}

#[test]
fn a_destructor_of_a_handler_that_panics_at_the_usual_end_displaces_the_errors() {
    keep_reports();
    run(async {
        let text = panic_of(async {
            let result = group(async |g| {
                let guard = OnDrop(|| panic!("boom"));
                g.supervise(move |_| {
                    let _ = &guard;
                });
                g.fail_fast();
                g.spawn(fail("A"));
                Ok(())
            });
            drop(result.await);
        });
        assert_eq!(text.await, "boom");
    });
    let reports = reports();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].starts_with("displaced by a panic: the error of task #1 "), "{reports:?}");
}

#[test]
fn a_destructor_of_a_replaced_handler_that_panics_cancels_everybody() {
    run(async {
        let log = Log::new();
        let text = panic_of(group(async |g| {
            let guard = OnDrop(|| panic!("boom"));
            g.supervise(move |_| {
                let _ = &guard;
            });
            g.spawn(after(1, ()));
            g.supervise(|_| ());
            g.spawn(with_cleanup(pending::<Result<(), Word>>(), async |_| log.work("cleanup", 5).await));
            Ok(())
        }));
        assert_eq!(text.await, "boom");
        assert_eq!(log.take(), ["1 cleanup starts", "6 cleanup ends"]);
    });
}

#[test]
fn a_handler_runs_in_the_name_of_the_owner_also_behind_a_combinator() {
    static WHO: TaskLocal<&str> = TaskLocal::new();
    run(async {
        let seen = Cell::new(None);
        let supervised = group(async |g| {
            g.supervise(|_| seen.set(WHO.get()));
            g.spawn(WHO.scope("the task", fail_after(1, "A")));
            Ok(())
        });
        let mut owners = FuturesUnordered::from_iter([WHO.scope("the owner", supervised)]); // has wakers of its own
        owners.next().await.expect("one").expect("no error");
        assert_eq!(seen.get(), Some("the owner"));
    });
}

#[test]
fn what_a_handlers_destructor_spawns_takes_nobodys_place() {
    run(async {
        let kept = Cell::new(None);
        group(async |g| {
            let last_words = OnDrop(|| drop(g.spawn(async {})));
            g.supervise(move |_| {
                let _ = &last_words;
            });
            kept.set(Some(g.spawn(async { Ok(7) })));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(kept.take().and_then(|task| task.result()), Some(Ok(7)));
    });
}
