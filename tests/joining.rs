//! Handles: awaiting a task, reading its result, what a `JoinError` says.

mod common;

use common::{Drops, Log, Word, after, counted, fail, fail_after, failed, group, ms, only, run, start};
use std::cell::{Cell, OnceCell, RefCell};
use std::future::pending;
use std::pin::pin;
use std::rc::Rc;

use futures_util::future::{Either, join, join_all, select};
use taskgroup::instrument::WaitsFor;
use taskgroup::{
    BlockOnError, Clock, ExceptionGroup, JoinError, JoinErrorKind, Reason, Runtime, Task, What, as_completed, sleep,
    timeout, yield_now,
};
use taskgroup_runtime::Local;
use taskgroup_runtime::ready::ReadySet;

#[test]
fn the_body_awaits_a_task() {
    // D14
    run(async {
        let log = Log::new();
        let value = group(async |g| {
            let task = g.spawn(after(10, 7));
            let value = task.await.expect("a value");
            log.note("joined");
            Ok(value)
        });
        assert_eq!(value.await.expect("no error"), 7);
        assert_eq!(log.take(), ["10 joined"]);
    });
}

#[test]
fn a_task_awaits_another() {
    // D14
    run(async {
        let value = group(async |g| {
            let first = g.spawn(after(10, 20));
            let second = g.spawn(async { Ok(first.await.expect("a value") + 1) });
            Ok(second.await.expect("a value"))
        });
        assert_eq!(value.await.expect("no error"), 21);
    });
}

#[test]
fn a_task_of_another_group_is_awaited() {
    // D14
    run(async {
        let value = group(async |outer| {
            let task = outer.spawn(after(10, 7));
            group(async |inner| {
                let joiner = inner.spawn(async { Ok(task.await.expect("a value")) });
                Ok(joiner.await.expect("a value"))
            })
            .await
            .map_err(|_| "inner")
        });
        assert_eq!(value.await.expect("no error"), 7);
    });
}

#[test]
fn awaiting_a_task_that_has_ended_does_not_wait() {
    // D14
    run(async {
        group(async |g| {
            let task = g.spawn(after(0, 7));
            sleep(ms(5)).await;
            let polls = Cell::new(0);
            assert_eq!(counted(&polls, task).await, Ok(7));
            assert_eq!(polls.get(), 1);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_join_that_ran_out_of_time_can_be_tried_again() {
    // D15
    run(async {
        group(async |g| {
            let mut task = g.spawn(after(5, 7));
            assert!(timeout(ms(1), &mut task).await.is_err());
            assert!(timeout(ms(1), &mut task).await.is_err());
            assert_eq!(task.await, Ok(7));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_result_can_be_taken_once() {
    // D14
    run(async {
        let task = group(async |g| {
            let task = g.spawn(after(5, String::from("value"))).named("once");
            assert_eq!(task.result(), None, "it has not ended");
            Ok(task)
        })
        .await
        .expect("no error");
        assert_eq!(task.result(), Some(Ok("value".into())));
        let error = task.result().expect("it has ended").expect_err("taken");
        assert_eq!((error.kind(), error.is_cancelled()), (&JoinErrorKind::Taken, false));
        assert!(error.to_string().ends_with(") has given its value away already"), "{error}");
        assert_eq!(task.await.expect_err("taken").kind(), &JoinErrorKind::Taken);
    });
}

#[test]
fn an_error_can_be_asked_for_many_times() {
    // D14
    run(async {
        let mut handle = None;
        let result = group(async |g| {
            handle = Some(g.spawn(fail("A")));
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        let task = handle.expect("spawned");
        let first = task.result().expect("it has ended").expect_err("it failed");
        assert_eq!(task.result().expect("it has ended").expect_err("it failed"), first);
        assert_eq!(task.await, Err(first));
    });
}

#[test]
fn join_errors_say_which_task_and_what_became_of_it() {
    // D14 (here: DESIGN, rule 10)
    run(async {
        let mut handles = Vec::new();
        let line = line!();
        let result = group(async |g| {
            handles.push(g.spawn(fail_after(5, "A")).named("failed"));
            handles.push(g.spawn(pending::<()>()).named("cancelled"));
            handles[1].cancel("not needed");
            sleep(ms(1)).await;
            g.cancel("enough");
            handles.push(g.spawn(after(5, ())));
            Ok(())
        });
        assert!(result.await.is_ok(), "the failing one was cancelled");
        let texts: Vec<_> = handles.iter().map(|task| task.result().expect("over").expect_err("no value")).collect();
        let place = |n| format!("{}:{}", file!(), line + n);
        assert_eq!(texts[0].to_string(), format!("task failed ({}) was cancelled: enough", place(2)));
        assert_eq!(
            texts[1].to_string(),
            format!("task cancelled ({}) was cancelled before it started: not needed", place(3))
        );
        let refused = format!("task #3 ({}) was never started: its group was closing", place(7));
        assert_eq!(texts[2].to_string(), refused);
        assert!(texts.iter().all(JoinError::is_cancelled));
        assert_eq!(texts[1].task().name(), "cancelled");
    });
}

#[test]
fn joining_a_task_that_failed_says_so_and_not_why() {
    // D14 (here: DESIGN, rule 10)
    run(async {
        let mut handle = None;
        let result = group(async |g| {
            handle = Some(g.spawn(fail_after(5, "why")).named("db"));
            Ok(())
        });
        assert_eq!(failed(result.await), "[why]");
        let error = handle.expect("spawned").await.expect_err("it failed");
        assert_eq!((error.kind(), error.is_cancelled()), (&JoinErrorKind::Failed, false));
        assert_eq!(error.to_string(), format!("task db ({}:{}) failed", file!(), line!() - 6));
    });
}

#[test]
fn joining_a_failing_sibling_is_cancelled_before_it_hears() {
    // A5; O: joining_a_failing_sibling
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            let task = g.spawn(fail_after(5, "A"));
            g.spawn(async {
                let _dropped = log.on_drop("the joiner is cancelled");
                drop(task.await);
                log.note("not reached");
            });
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(log.take(), ["5 the joiner is cancelled"]);
    });
}

#[test]
fn a_body_that_awaits_the_failing_task_is_cancelled_after_the_siblings() {
    // A5, A7: the group hears of an end before joiners do
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            g.spawn(log.work("a", 100));
            let task = g.spawn(fail_after(5, "A"));
            g.spawn(log.work("b", 100));
            let _dropped = log.on_drop("body cancelled");
            drop(task.await);
            log.note("not reached");
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(log.take().split_off(2), ["5 a cancelled", "5 b cancelled", "5 body cancelled"]);
    });
}

#[test]
fn joining_a_cancelled_task_is_an_error_value_and_no_cancel() {
    // D14, E17
    run(async {
        let value = group(async |g| {
            let task = g.spawn(pending::<()>());
            sleep(ms(1)).await;
            task.cancel("enough");
            let error = task.await.expect_err("cancelled");
            assert_eq!(error.kind(), &JoinErrorKind::Cancelled(Reason::from("enough")));
            sleep(ms(1)).await;
            Ok("the body goes on")
        });
        assert_eq!(value.await.expect("no error"), "the body goes on");
    });
}

#[test]
fn cancelling_the_joiner_leaves_the_target_alone() {
    // D15
    run(async {
        let log = Log::new();
        group(async |g| {
            let target = g.spawn(log.work("target", 10));
            let joiner = g.spawn(async { drop(target.await) });
            sleep(ms(5)).await;
            joiner.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 target starts", "10 target ends"]);
    });
}

#[test]
fn a_join_that_lost_a_race_loses_no_value() {
    // D15
    run(async {
        let value = group(async |g| {
            let mut task = g.spawn(after(10, 7));
            match select(&mut task, pin!(sleep(ms(5)))).await {
                Either::Left(_) => panic!("the sleep is shorter"),
                Either::Right(_) => {}
            }
            Ok(task.await.expect("a value"))
        });
        assert_eq!(value.await.expect("no error"), 7);
    });
}

#[test]
fn join_all_joins_all() {
    // G1
    run(async {
        let values = group(async |g| {
            let tasks: Vec<_> = (0..5_u64).map(|n| g.spawn(after(5 - n, n))).collect();
            Ok(join_all(tasks).await)
        });
        assert_eq!(values.await.expect("no error"), [Ok(0), Ok(1), Ok(2), Ok(3), Ok(4)]);
    });
}

#[test]
fn what_a_task_held_is_dropped_before_who_joins_it_goes_on() {
    // rust-lang/rust#94644; Trio: test_locals_destroyed_promptly_on_cancel; python/cpython#124958, #128552
    run(async {
        let (drops, made) = (Drops::new(), Cell::new(0));
        let ended = group(async |g| {
            g.collect_all();
            for end in ["value", "error", "cancel"] {
                let guard = drops.guard();
                let task = g.spawn(async move {
                    let _guard = guard;
                    sleep(ms(5)).await;
                    if end == "error" { Err("A") } else { Ok(()) }
                });
                yield_now().await;
                if end == "cancel" {
                    task.cancel("enough");
                }
                drop(task.await);
                made.set(made.get() + 1);
                assert_eq!(drops.count(), made.get(), "{end}");
            }
            Ok(())
        });
        assert_eq!(failed(ended.await), "[A]");
        drops.assert_all(3);
    });
}

#[test]
fn a_task_that_ended_is_finished_before_its_joiners_run() {
    // I4; rule 4
    run(async {
        let log = Log::new();
        group(async |g| {
            let task = Rc::new(g.spawn(after(5, ())));
            let seen = task.clone();
            g.spawn(async {
                sleep(ms(5)).await;
                let seen = seen; // in the batch in which the task has ended
                log.note(format_args!("finished: {}, cancel: {}", seen.is_finished(), seen.cancel("too late")));
            });
            drop(task);
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["5 finished: true, cancel: false"]);
    });
}

#[test]
fn a_handle_outlives_its_group() {
    // M14
    run(async {
        let task = group(async |g| Ok(g.spawn(after(5, 7)))).await.expect("no error");
        sleep(ms(5)).await;
        assert!(task.is_finished());
        assert_eq!(task.info().map(|info| info.path()), Some("#1".into()));
        assert_eq!(task.await, Ok(7));
    });
}

#[test]
fn a_handle_outlives_its_runtime() {
    // M14
    let task = run(group(async |g| Ok(g.spawn(after(5, 7))))).expect("no error");
    assert_eq!(task.result(), Some(Ok(7)));
}

#[test]
fn a_joiner_outside_the_group_is_told() {
    // D14
    run(async {
        let (handle, log) = (RefCell::new(None), Log::new());
        let mut whole = pin!(group(async |g| {
            *handle.borrow_mut() = Some(g.spawn(after(5, 7)));
            sleep(ms(10)).await;
            Ok(())
        }));
        start(whole.as_mut()).await;
        let outside = async {
            let task: Task<u8> = handle.take().expect("spawned");
            log.note(task.await.expect("a value"));
        };
        let (ended, ()) = join(whole, outside).await;
        assert!(ended.is_ok());
        assert_eq!(log.take(), ["5 7"]);
    });
}

#[test]
fn error_of_finds_what_a_task_failed_with() {
    // D14; rule 10
    run(async {
        let mut tasks = Vec::new();
        let errors = group(async |g| {
            tasks.push(g.spawn(fail("A")));
            tasks.push(g.spawn(async { Ok(()) }));
            tasks.push(g.spawn(fail("B")));
            Ok(())
        })
        .await
        .expect_err("they fail");
        let error_of = |task| match errors.error_of(task) {
            Some(What::Error(error)) => Some(*error),
            Some(What::Group(_)) => panic!("a lone error"),
            None => None,
        };
        assert_eq!(tasks.iter().map(error_of).collect::<Vec<Option<Word>>>(), [Some("A"), None, Some("B")]);
    });
}

#[test]
fn error_of_finds_a_nested_group() {
    // rule 10, C11
    run(async {
        let mut nested = None;
        let errors = group(async |g| {
            nested = Some(g.spawn_group(group(async |g| only(g.spawn(fail("deep"))))));
            Ok(())
        })
        .await
        .expect_err("it fails");
        let Some(What::Group(group)) = errors.error_of(&nested.expect("spawned")) else { panic!("a group") };
        let _: &ExceptionGroup<Word> = group;
        assert_eq!(common::shape(group), "[deep]");
    });
}

#[test]
fn tasks_that_join_each_other_are_a_stall_and_no_hang() {
    // E23
    let runtime = Runtime::with_clock(Clock::Autojump);
    let circle = runtime.try_block_on(async {
        let own = OnceCell::<RefCell<Option<Task<()>>>>::new();
        group(async |g| {
            let task = g.spawn(async {
                yield_now().await;
                let own = own.get().and_then(|own| own.take()).expect("set");
                drop(own.await); // itself
            });
            assert!(own.set(RefCell::new(Some(task))).is_ok());
            Ok(())
        })
        .await
    });
    assert!(matches!(circle, Err(BlockOnError::Stalled(_))), "{circle:?}");
    assert_eq!(taskgroup::node_count(), 0);
}

#[test]
fn handles_print_their_task() {
    // B10
    run(async {
        let task = group(async |g| {
            let task = g.spawn(after(1, ())).named("printed");
            let line = line!() - 1;
            let text = format!("Task {{ task: Some(\"printed ({}:{line})\"), finished: false }}", file!());
            assert_eq!(format!("{task:?}"), text);
            Ok(task)
        });
        assert!(format!("{:?}", task.await.expect("no error")).ends_with("finished: true }"));
    });
}

#[test]
fn a_refused_task_keeps_its_name() {
    // B7
    run(async {
        group(async |g| {
            g.cancel("closed");
            let refused = g.spawn(async {}).named("important");
            let error = refused.result().and_then(Result::err).expect("it never started");
            assert_eq!(error.task().name(), "important");
            Ok(())
        })
        .await
        .expect("no errors");
    });
}

#[test]
fn a_task_polled_with_many_wakers_keeps_the_last_one() {
    // A2, A7
    struct Nothing;
    impl std::task::Wake for Nothing {
        fn wake(self: std::sync::Arc<Self>) {}
    }
    run(async {
        group(async |g| {
            let mut task = g.spawn(after(1, ()));
            let wakers: Vec<_> = (0..100).map(|_| std::sync::Arc::new(Nothing)).collect();
            for waker in &wakers {
                let waker = std::task::Waker::from(waker.clone());
                let mut cx = std::task::Context::from_waker(&waker);
                assert!(std::pin::Pin::new(&mut task).poll(&mut cx).is_pending());
            }
            let kept = wakers.iter().filter(|waker| std::sync::Arc::strong_count(waker) > 1).count();
            assert_eq!(kept, 1);
            Ok(())
        })
        .await
        .expect("no errors");
    });
}

#[test]
fn a_stall_says_who_waits_for_whom() {
    // E23, I5
    let runtime = Runtime::with_clock(Clock::Autojump);
    let later = RefCell::new(None);
    let line = line!();
    let stalled = runtime.try_block_on(group(async |g| {
        g.limit(1);
        let reader = g.spawn(async {
            let writer: Task<()> = later.take().expect("set below");
            drop(writer.await); // it has no place: we have it
        });
        later.replace(Some(g.spawn(async {}).named("writer")));
        reader.named("reader").await.map_err(|_| "reader")
    }));
    let Err(BlockOnError::Stalled(stall)) = stalled else { panic!("{stalled:?}") };
    let (reader, writer) =
        (format!("task reader ({}:{})", file!(), line + 3), format!("task writer ({}:{})", file!(), line + 7));
    let tree = stall.tree.to_string();
    let lines: Vec<_> = tree.lines().collect();
    assert_eq!(
        lines,
        [
            "main (block_on): waits for task reader".to_owned(),
            format!("`- group ({}:{}): 2 tasks", file!(), line + 1),
            format!("   |- {reader}: waits for task writer"),
            format!("   `- {writer}: not started, waits for a place under the limit of its group"),
        ]
    );
    assert!(stall.to_string().ends_with(&format!("\n{tree}")));
}

#[test]
fn a_wait_that_is_over_is_not_told_of_in_a_stall() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let stalled = runtime.try_block_on(group(async |g| {
        drop(g.spawn(async {}).await);
        pending::<()>().await;
        Ok(())
    }));
    let Err(BlockOnError::Stalled(stall)) = stalled else { panic!("{stalled:?}") };
    let waits: Vec<_> = stall.tree.tasks().flat_map(|task| task.waits()).collect();
    assert_eq!(waits, [&WaitsFor::Other], "{stall}");
}

#[test]
fn a_stall_does_not_take_another_for_a_waiter_that_is_gone() {
    // the numbers of the waiter's nodes are used again
    let runtime = Runtime::with_clock(Clock::Autojump);
    let stalled = runtime.try_block_on(group(async |g| {
        let mut awaited = g.spawn(pending::<()>()).named("awaited");
        g.spawn(async move { drop(timeout(ms(1), &mut awaited).await) }).named("waiter");
        sleep(ms(10)).await;
        for name in ["a", "b"] {
            g.spawn(pending::<()>()).named(name);
        }
        Ok(())
    }));
    let Err(BlockOnError::Stalled(stall)) = stalled else { panic!("{stalled:?}") };
    let waits = stall.tree.tasks().flat_map(|task| task.waits());
    let joins: Vec<_> = waits.filter(|wait| matches!(wait, WaitsFor::Task(_))).collect();
    assert_eq!((joins.len(), stall.tree.len()), (0, 4), "{stall}");
}

#[test]
fn who_comes_to_join_in_the_batch_of_a_failure_is_cancelled_and_not_told() {
    // A5, DESIGN 5 order 3: the group hears of an end before those who wait for it
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            let failing = g.spawn(fail_after(10, "A"));
            g.spawn(async {
                sleep(ms(10)).await;
                log.note(format_args!("it has ended: {}", failing.is_finished()));
                drop(failing.await);
                log.note("told");
            });
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(log.take(), ["10 it has ended: true"]);
    });
}

#[test]
fn who_comes_to_join_in_the_batch_of_an_end_is_told_after_it() {
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            let first = g.spawn(after(10, 1));
            let second = g.spawn(after(10, 2));
            g.spawn(async {
                sleep(ms(10)).await;
                log.note(format_args!("{:?}", first.await));
            });
            let log = log.clone();
            g.spawn(async move {
                sleep(ms(10)).await;
                let mut ended = as_completed([second]);
                log.note(format_args!("{:?}", ended.next().await));
            });
            Ok(())
        });
        result.await.expect("no errors");
        assert_eq!(log.take(), ["10 Ok(1)", "10 Some((0, Ok(2)))"]);
    });
}

#[test]
fn a_handle_that_stays_keeps_no_set_of_the_runtime() {
    run(async {
        let number = || ReadySet::new(&Local::current().expect("a runtime")).number();
        let (before, mut kept) = (number(), Vec::new());
        for _ in 0..10 {
            group(async |g| {
                kept.push(g.spawn(async { Ok(()) }));
                Ok(())
            })
            .await
            .expect("no error");
        }
        assert_eq!(number(), before);
    });
}
