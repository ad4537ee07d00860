//! `start`: a task that says when it is ready.

mod common;

use common::{Drops, Log, Word, after, fail_after, failed, group, keep_reports, ms, panic_of, poll_once, reports, run};
use std::cell::Cell;
use std::future::pending;

use taskgroup::{
    BlockOnError, Clock, JoinErrorKind, Ready, Runtime, StartError, shield, sleep, timeout, with_cleanup, yield_now,
};

/// A word for how starting a task ended.
fn outcome<V, T>(started: Result<(V, T), StartError<Word>>) -> String {
    match started {
        Ok(_) => "ready".into(),
        Err(StartError::Failed(error)) => format!("failed: {error}"),
        Err(StartError::NotReady) => "not ready".into(),
        Err(StartError::Join(error)) => format!("{:?}", error.kind()),
    }
}

#[test]
fn a_started_task_gives_its_value_and_goes_on() {
    // M6
    run(async {
        let log = Log::new();
        group(async |g| {
            let started = g.start(async |ready| {
                sleep(ms(5)).await;
                ready.set(7);
                log.work("server", 10).await;
                Ok(())
            });
            let (value, task) = started.await.expect("ready");
            log.note(value);
            assert!(!task.is_finished());
            assert_eq!(task.await, Ok(()));
            log.note("over");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["5 server starts", "5 7", "15 server ends", "15 over"]);
    });
}

#[test]
fn a_started_task_is_awaited_by_its_group() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let started = g.start(async |ready| {
                ready.set(());
                log.work("server", 10).await;
            });
            drop(started.await.expect("ready"));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.ms(), 10);
    });
}

#[test]
fn a_failure_before_ready_is_the_callers_and_touches_no_sibling() {
    // M6
    run(async {
        let log = Log::new();
        group(async |g| {
            g.spawn(log.work("sibling", 10));
            let started = g.start(async |_ready: Ready<(), _>| fail_after(5, "A").await);
            assert_eq!(outcome(started.await), "failed: A");
            log.note("told");
            assert!(g.try_spawn(async {}).is_ok(), "the group is open");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 sibling starts", "5 told", "10 sibling ends"]);
    });
}

#[test]
fn a_failure_before_ready_is_not_for_the_handler_of_a_supervised_group() {
    run(async {
        let handled = Cell::new(0);
        group(async |g| {
            g.supervise(|_| handled.set(handled.get() + 1));
            let started = g.start(async |_ready: Ready<(), _>| Err("A"));
            assert_eq!(outcome(started.await), "failed: A");
            let started = g.start(async |ready| {
                ready.set(());
                fail_after(1, "B").await
            });
            assert_eq!(outcome(started.await), "ready");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(handled.get(), 1);
    });
}

#[test]
fn a_failure_after_ready_is_the_groups() {
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            g.spawn(log.work("sibling", 10));
            let started = g.start(async |ready| {
                ready.set(());
                fail_after(5, "A").await
            });
            drop(started.await.expect("ready"));
            pending().await
        });
        assert_eq!(failed::<(), _>(result.await), "[A]");
        assert_eq!(log.take(), ["0 sibling starts", "5 sibling cancelled"]);
    });
}

#[test]
fn a_failure_in_the_same_poll_as_ready_is_the_groups() {
    run(async {
        let result = group(async |g| {
            let started = g.start(async |ready| {
                ready.set(());
                Err("A")
            });
            drop(started.await);
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
    });
}

#[test]
fn a_task_that_is_ready_and_ends_in_one_poll_was_ready() {
    run(async {
        group(async |g| {
            let (value, task) = g.start(async |ready| ready.set(7)).await.expect("ready");
            assert_eq!((value, task.await), (7, Ok(())));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_task_that_ends_without_a_word_was_not_ready() {
    // M6
    run(async {
        group(async |g| {
            let started = g.start(async |_ready: Ready<(), Word>| sleep(ms(1)).await).await;
            let error = started.expect_err("not ready");
            assert!(matches!(error, StartError::NotReady));
            assert_eq!(error.to_string(), "it never said that it is ready: call `Ready::set`");
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_task_that_drops_its_ready_is_cancelled_and_its_caller_told_at_once() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let started = g.start(async |ready: Ready<(), Word>| {
                let _server = log.on_drop("server gone");
                sleep(ms(5)).await;
                drop(ready);
                sleep(ms(3_600_000)).await;
            });
            assert_eq!(outcome(started.await), "not ready");
            log.note("told");
            yield_now().await;
            assert_eq!(log.take(), ["5 told", "5 server gone"]);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_panic_before_ready_is_the_groups() {
    run(async {
        let log = Log::new();
        let text = panic_of(group(async |g| {
            g.spawn(log.work("sibling", 10));
            let started = g.start(async |_ready: Ready<(), Word>| -> Result<(), Word> {
                sleep(ms(1)).await;
                panic!("boom")
            });
            drop(started.await);
            log.note("not reached");
            Ok(())
        }));
        assert_eq!(text.await, "boom");
        assert_eq!(log.take(), ["0 sibling starts", "1 sibling cancelled"]);
    });
}

#[test]
fn a_panic_before_ready_is_told_to_a_caller_that_is_shielded() {
    run(async {
        let told = Cell::new(false);
        let text = panic_of(group(async |g| {
            let started = g.start(async |_ready: Ready<(), Word>| -> Result<(), Word> { panic!("boom") });
            assert_eq!(outcome(shield(started).await), "Panicked");
            told.set(true);
            Ok(())
        }));
        assert_eq!(text.await, "boom");
        assert!(told.get());
    });
}

#[test]
fn a_panic_after_ready_is_the_groups() {
    run(async {
        let text = panic_of(group(async |g| {
            let started = g.start(async |ready| -> Result<(), Word> {
                ready.set(());
                panic!("boom")
            });
            drop(started.await);
            Ok(())
        }));
        assert_eq!(text.await, "boom");
    });
}

#[test]
fn a_panic_of_the_closure_itself_passes_to_the_caller() {
    run(async {
        let text = panic_of(group(async |g| {
            let started = g.start(|_ready: Ready<(), Word>| -> std::future::Ready<()> { panic!("boom") });
            drop(started.await);
            Ok(())
        }));
        assert_eq!(text.await, "boom");
    });
}

#[test]
fn a_caller_that_is_cancelled_before_ready_cancels_the_task() {
    // M6
    run(async {
        let log = Log::new();
        group(async |g| {
            let started = g.start(async |ready: Ready<(), Word>| {
                log.work("server", 10).await;
                ready.set(());
            });
            assert!(timeout(ms(3), started).await.is_err());
            log.note("gave up");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 server starts", "3 gave up", "3 server cancelled"]);
    });
}

#[test]
fn start_is_a_cancellation_point_when_the_task_is_ready() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let mut started = Box::pin(g.start(async |ready| ready.set(7)));
            assert!(poll_once(started.as_mut()).await.is_pending());
            sleep(ms(1)).await;
            let late = timeout(ms(0), async {
                drop(started.as_mut().await);
                log.note("went on");
            });
            assert!(late.await.is_err());
            assert!(log.take().is_empty());
            assert_eq!(started.await.expect("nothing is lost").0, 7);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_caller_that_drops_the_start_cancels_the_task_unstarted() {
    run(async {
        let log = Log::new();
        group(async |g| {
            drop(g.start(async |ready| {
                log.note("never");
                ready.set(());
            }));
            assert_eq!(g.live(), 1);
            Ok(())
        })
        .await
        .expect("no error");
        assert!(log.take().is_empty());
    });
}

#[test]
fn an_error_of_a_cleanup_goes_to_the_group_when_the_caller_is_gone() {
    run(async {
        let result = group(async |g| {
            g.spawn(fail_after(1, "A"));
            let started = g.start(async |_ready: Ready<(), Word>| {
                with_cleanup(pending::<Result<(), Word>>(), async |_| fail_after(1, "cleanup").await).await
            });
            drop(started.await);
            Ok(())
        });
        assert_eq!(failed(result.await), "[A cleanup]");
    });
}

#[test]
fn an_error_of_a_cleanup_is_the_callers_while_it_waits() {
    run(async {
        group(async |g| {
            let started = g.start(async |_ready: Ready<(), Word>| {
                with_cleanup(pending::<Result<(), Word>>(), async |_| fail_after(1, "cleanup").await).await
            });
            let mut started = std::pin::pin!(started);
            assert!(poll_once(started.as_mut()).await.is_pending());
            yield_now().await;
            g.cancel("closing time");
            assert_eq!(outcome(started.await), "failed: cleanup");
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn an_error_that_its_caller_did_not_live_to_take_is_reported() {
    keep_reports();
    run(async {
        group(async |g| {
            let mut started = Box::pin(g.start(async |_ready: Ready<(), Word>| Err("A")));
            assert!(poll_once(started.as_mut()).await.is_pending());
            sleep(ms(1)).await;
            drop(started);
            Ok(())
        })
        .await
        .expect("the error was before ready");
    });
    let reports = reports();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains("the error of task #1 (tests/starting.rs:"), "{reports:?}");
}

#[test]
fn a_task_that_was_ready_goes_on_when_its_caller_is_cancelled_before_it_was_told() {
    run(async {
        let log = Log::new();
        let drops = Drops::new();
        group(async |g| {
            let mut started = Box::pin(g.start(async |ready| {
                ready.set(drops.guard());
                log.work("server", 5).await;
                Ok(())
            }));
            assert!(poll_once(started.as_mut()).await.is_pending());
            sleep(ms(1)).await;
            drop(started);
            drops.assert_all(1);
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 server starts", "5 server ends"]);
    });
}

#[test]
fn a_failure_after_an_untold_ready_is_the_groups() {
    run(async {
        let result = group(async |g| {
            let mut started = Box::pin(g.start(async |ready| {
                ready.set(());
                fail_after(5, "A").await
            }));
            assert!(poll_once(started.as_mut()).await.is_pending());
            sleep(ms(1)).await;
            drop(started);
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
    });
}

#[test]
fn in_a_closing_group_start_is_refused() {
    run(async {
        let drops = Drops::new();
        group(async |g| {
            g.cancel("closing time");
            let guard = drops.guard();
            let started = g.start(async |ready| {
                let _guard = guard;
                ready.set(());
            });
            drops.assert_all(1);
            let error = started.await.expect_err("refused");
            let StartError::Join(error) = error else { panic!("{error}") };
            assert_eq!(error.kind(), &JoinErrorKind::Refused);
            assert_eq!(error.task().place().file(), file!());
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn under_a_limit_a_started_task_waits_for_its_place() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(1);
            g.spawn(after(10, ()));
            drop(g.start(async |ready| ready.set(())).await.expect("ready"));
            log.note("ready");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["10 ready"]);
    });
}

#[test]
fn a_task_that_starts_another_on_the_last_place_is_a_stall() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let ended = runtime.try_block_on(group(async |g| {
        g.limit(1);
        g.spawn(async {
            drop(g.start(async |ready| ready.set(())).await);
        });
        Ok(())
    }));
    assert!(matches!(ended, Err(BlockOnError::Stalled(_))));
}

#[test]
fn a_started_task_starts_another_and_is_ready_after_it() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let outer = g.start(async |ready| {
                let inner = g.start(async |ready| {
                    sleep(ms(2)).await;
                    ready.set(1);
                    log.work("inner", 5).await;
                });
                let (value, _inner) = inner.await.map_err(|_| "inner")?;
                sleep(ms(1)).await;
                ready.set(value + 1);
                Ok(())
            });
            assert_eq!(outer.await.expect("ready").0, 2);
            log.note("both");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["2 inner starts", "3 both", "7 inner ends"]);
    });
}

#[test]
fn a_task_starts_a_sibling() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.spawn(async {
                let started = g.start(async |ready| {
                    ready.set("value");
                    log.work("started", 5).await;
                });
                log.note(started.await.expect("ready").0);
            });
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 started starts", "0 value", "5 started ends"]);
    });
}

#[test]
fn the_place_of_a_started_task_is_the_callers_line() {
    run(async {
        group(async |g| {
            let line = line!() + 1;
            let (_, task) = g.start(async |ready| ready.set(())).await.expect("ready");
            let info = task.info().expect("a task");
            assert_eq!((info.place().file(), info.place().line()), (file!(), line));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_task_that_is_cancelled_from_elsewhere_before_ready_says_why() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.spawn(async {
                sleep(ms(1)).await;
                g.cancel("closing time");
            });
            let started = g.start(async |_ready: Ready<(), Word>| log.work("server", 10).await);
            let error = started.await.expect_err("cancelled");
            assert!(error.to_string().ends_with(" was cancelled: closing time"), "{error}");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 server starts", "1 server cancelled"]);
    });
}

#[test]
fn a_started_task_can_be_cancelled_by_its_handle() {
    run(async {
        group(async |g| {
            let started = g.start(async |ready| {
                ready.set(());
                pending::<()>().await;
            });
            let (_, task) = started.await.expect("ready");
            assert!(task.cancel("enough"));
            let error = task.await.expect_err("cancelled");
            assert_eq!(error.kind(), &JoinErrorKind::Cancelled("enough".into()));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn values_and_captures_of_a_dropped_group_are_dropped_once() {
    let drops = Drops::new();
    run(async {
        let mut whole = Box::pin(group(async |g| {
            let (captured, value) = (drops.guard(), drops.guard());
            let started = g.start(async |ready| {
                let _captured = captured;
                ready.set(value);
                pending::<()>().await;
            });
            let mut started = Box::pin(started);
            assert!(poll_once(started.as_mut()).await.is_pending());
            sleep(ms(1)).await;
            pending::<Result<(), Word>>().await
        }));
        for _ in 0..3 {
            assert!(poll_once(whole.as_mut()).await.is_pending());
        }
        drop(whole);
        drops.assert_all(2);
    });
}
