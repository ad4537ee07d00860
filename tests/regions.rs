//! Cleanups and shields: when they run, what they are told, in which order, and what becomes of what they end in.

mod common;

use common::cancelled::for_ever;
use common::{Drops, Log, Word, fail, fail_after, failed, group, ms, only, panic_of, poll_idly, run};
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::task::Poll;
use std::thread;

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use taskgroup::net::{TcpListener, TcpStream};
use taskgroup::{
    BoxError, ExceptionGroup, Reason, Runtime, Why, cancel_reason, shield, sleep, task_group, timeout, with_cleanup,
    with_resource, yield_now,
};

/// What a body with a cleanup that only notes why ended in, and what was noted.
async fn end_of(body: impl Future<Output = Result<u32, Word>>) -> (Result<u32, Word>, Vec<String>) {
    let log = Log::new();
    let ended = with_cleanup(body, async |why: Why| log.note(why)).await;
    (ended, log.take())
}

// Why.

#[test]
fn a_cleanup_runs_after_a_value() {
    run(async {
        assert_eq!(end_of(async { Ok(7) }).await, (Ok(7), vec!["0 ended".to_owned()]));
    });
}

#[test]
fn a_cleanup_runs_after_an_error() {
    run(async {
        assert_eq!(end_of(async { Err("oops") }).await, (Err("oops"), vec!["0 failed".to_owned()]));
    });
}

#[test]
fn a_cleanup_runs_after_a_panic_which_then_goes_on() {
    // hole: panic in body
    run(async {
        let log = Log::new();
        let work = with_cleanup::<(), _, _, _, _>(async { panic!("as expected") }, async |why: Why| {
            assert_eq!(why, Why::Panicked);
            log.work("cleanup", 10).await;
            Ok::<(), Word>(())
        });
        assert_eq!(panic_of(work).await, "as expected");
        assert_eq!(log.take(), ["0 cleanup starts", "10 cleanup ends"]);
    });
}

#[test]
fn a_cleanup_is_told_of_a_deadline() {
    run(async {
        let why = RefCell::new(None);
        let work = with_cleanup(for_ever(), async |told| *why.borrow_mut() = Some(told));
        assert!(timeout(ms(10), work).await.is_err());
        let why = why.take().expect("the cleanup has run");
        assert_eq!(why.reason(), Some(&Reason::Deadline(ms(10))));
        assert!(!why.is_ended());
    });
}

#[test]
fn a_cleanup_is_told_what_somebody_said() {
    // E22
    run(async {
        let log = Log::new();
        group(async |g| {
            let task = g.spawn(with_cleanup(for_ever(), async |why: Why| log.note(why)));
            yield_now().await;
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 was cancelled: enough"]);
    });
}

#[test]
fn a_cleanup_is_told_which_sibling_failed() {
    run(async {
        let whys = RefCell::new(Vec::new());
        let ended = group(async |g| {
            g.spawn(with_cleanup(for_ever(), async |why| whys.borrow_mut().push(why)));
            g.spawn(fail_after(10, "oops")).named("bad");
            with_cleanup(for_ever(), async |why| whys.borrow_mut().push(why)).await
        });
        assert_eq!(failed(ended.await), "[oops]");
        let whys = whys.take();
        assert_eq!(whys.len(), 2);
        for why in &whys {
            let Some(Reason::SiblingFailed(task)) = why.reason() else { panic!("{why}") };
            assert_eq!(task.name(), "bad");
        }
    });
}

#[test]
fn a_cleanup_is_told_that_the_body_failed() {
    run(async {
        let log = Log::new();
        let ended = group(async |g| {
            g.spawn(with_cleanup(for_ever(), async |why: Why| {
                assert_eq!(why.reason(), Some(&Reason::BodyFailed));
                log.note(why);
            }));
            yield_now().await;
            fail("oops").await
        });
        assert_eq!(failed(ended.await), "[oops]");
        assert_eq!(log.take(), ["0 was cancelled: the body of the group failed"]);
    });
}

// agronholm/anyio (its version history): a cleanup was skipped, and left a process behind.
#[test]
fn a_cleanup_in_a_task_is_told_why_the_owner_was_cancelled() {
    run(async {
        let why = RefCell::new(None);
        let work =
            group(async |g| only(g.spawn(with_cleanup(for_ever(), async |told| *why.borrow_mut() = Some(told)))));
        assert!(timeout(ms(10), work).await.is_err());
        let why = why.take().expect("the cleanup has run");
        assert!(matches!(why.reason(), Some(Reason::Parent(of)) if **of == Reason::Deadline(ms(10))), "{why:?}");
    });
}

#[test]
fn a_region_that_is_dropped_runs_no_cleanup() {
    // H3
    run(async {
        let (log, drops) = (Log::new(), Drops::new());
        let guard = drops.guard();
        let body = async {
            let _guard = guard;
            for_ever().await
        };
        let mut work = Box::pin(with_cleanup(body, async |why: Why| log.note(why)));
        assert!(poll_idly(work.as_mut()).is_pending());
        drop(work);
        drops.assert_all(1);
        yield_now().await;
        assert!(log.take().is_empty());
    });
}

#[test]
fn a_region_that_was_never_polled_runs_no_cleanup() {
    run(async {
        let log = Log::new();
        drop(with_cleanup(for_ever(), async |why: Why| log.note(why)));
        group(async |g| {
            g.spawn(with_cleanup(for_ever(), async |why: Why| log.note(why))).cancel("never starts");
            Ok(())
        })
        .await
        .expect("no error");
        assert!(log.take().is_empty());
    });
}

#[test]
fn why_shows_itself() {
    let whys = [Why::Ended, Why::Failed, Why::Panicked, Why::Cancelled(Reason::from("enough"))];
    assert_eq!(whys.each_ref().map(Why::to_string), ["ended", "failed", "panicked", "was cancelled: enough"]);
    assert_eq!(whys.each_ref().map(Why::is_ended), [true, false, false, false]);
    assert_eq!(whys.each_ref().map(|why| why.reason().is_some()), [false, false, false, true]);
}

// Order.

#[test]
fn the_body_is_gone_before_its_cleanup_begins() {
    run(async {
        let log = Log::new();
        let body = async {
            let _guard = log.on_drop("body dropped");
            for_ever().await
        };
        assert!(timeout(ms(10), with_cleanup(body, async |_| log.note("cleanup"))).await.is_err());
        assert_eq!(log.take(), ["10 body dropped", "10 cleanup"]);
    });
}

#[test]
fn nested_cleanups_run_innermost_first_and_one_after_the_other() {
    run(async {
        let log = Log::new();
        let inner = with_cleanup(for_ever(), async |_| log.work("inner", 10).await);
        let middle = with_cleanup(inner, async |_| log.work("middle", 10).await);
        let outer = with_cleanup(middle, async |_| log.work("outer", 10).await);
        assert!(timeout(ms(5), outer).await.is_err());
        let expected = [
            "5 inner starts",
            "15 inner ends",
            "15 middle starts",
            "25 middle ends",
            "25 outer starts",
            "35 outer ends",
        ];
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn destructors_around_a_region_run_after_its_cleanup() {
    run(async {
        let log = Log::new();
        let work = async {
            let _outer = log.on_drop("outer dropped");
            with_cleanup(for_ever(), async |_| log.work("cleanup", 10).await).await
        };
        assert!(timeout(ms(5), work).await.is_err());
        assert_eq!(log.take(), ["5 cleanup starts", "15 cleanup ends", "15 outer dropped"]);
    });
}

#[test]
fn a_bodys_cleanups_run_before_its_tasks_are_asked() {
    // E10
    run(async {
        let log = Log::new();
        let work = group(async |g| {
            g.spawn(with_cleanup(for_ever(), async |_| log.work("task", 10).await));
            with_cleanup(for_ever(), async |_| log.work("body", 10).await).await
        });
        let work = with_cleanup(async { work.await.map_err(|_| "failed") }, async |_| log.note("around"));
        assert!(timeout(ms(5), work).await.is_err());
        assert_eq!(log.take(), ["5 body starts", "15 body ends", "15 task starts", "25 task ends", "25 around"]);
    });
}

#[test]
fn tasks_go_on_while_the_cleanup_of_their_body_runs() {
    run(async {
        let log = Log::new();
        let work = group(async |g| {
            g.spawn(async {
                sleep(ms(8)).await;
                log.note("task goes on");
                sleep(ms(100)).await;
                log.note("never");
            });
            with_cleanup(for_ever(), async |_| log.work("body", 10).await).await
        });
        assert!(timeout(ms(5), work).await.is_err());
        assert_eq!(log.take(), ["5 body starts", "8 task goes on", "15 body ends"]);
    });
}

#[test]
fn cleanups_of_siblings_run_at_once_and_start_in_spawn_order() {
    run(async {
        let log = Log::new();
        let ended = group(async |g| {
            for name in ["a", "b"] {
                let log = &log;
                g.spawn(with_cleanup(for_ever(), async move |_| log.work(name, 10).await));
            }
            with_cleanup(fail_after(5, "oops"), async |_| log.note("body")).await
        });
        assert_eq!(failed(ended.await), "[oops]");
        assert_eq!(log.take(), ["5 body", "5 a starts", "5 b starts", "15 a ends", "15 b ends"]);
    });
}

#[test]
fn connections_of_nested_groups_say_goodbye_from_the_inside_out() {
    run(async {
        let log = Log::new();
        let connection = |name: &'static str| {
            let log = &log;
            with_cleanup(for_ever(), async move |_| log.work(name, 10).await)
        };
        let ended = group(async |g| {
            g.spawn_group(with_cleanup(
                group(async |g| {
                    g.spawn(connection("inner task"));
                    connection("inner body").await
                }),
                async |_| log.work("outer", 10).await,
            ));
            g.spawn(fail_after(5, "oops"));
            Ok(())
        });
        assert_eq!(failed(ended.await), "[oops]");
        let expected = [
            "5 inner body starts",
            "15 inner body ends",
            "15 inner task starts",
            "25 inner task ends",
            "25 outer starts",
            "35 outer ends",
        ];
        assert_eq!(log.take(), expected);
    });
}

// What a cleanup may do.

// encode/httpcore#704: an await in a cleanup was cancelled itself, and the connection leaked.
#[test]
fn a_cleanup_is_not_cancelled_and_does_not_see_the_cancel() {
    // D3, M10
    run(async {
        let log = Log::new();
        let work = with_cleanup(for_ever(), async |_| {
            assert_eq!(cancel_reason(), None);
            yield_now().await;
            sleep(ms(20)).await;
            log.note("done");
        });
        assert!(timeout(ms(10), timeout(ms(15), work)).await.is_err());
        assert_eq!(log.take(), ["30 done"]);
    });
}

#[test]
fn a_cleanup_that_runs_already_is_not_cancelled() {
    run(async {
        let log = Log::new();
        let work = async {
            with_cleanup(async { Ok::<_, Word>(log.note("body")) }, async |why: Why| {
                log.work("cleanup", 20).await;
                log.note(why);
            })
            .await
            .expect("a value");
            log.note("goes on");
            sleep(ms(1)).await;
            log.note("never");
        };
        assert!(timeout(ms(10), work).await.is_err());
        assert_eq!(log.take(), ["0 body", "0 cleanup starts", "20 cleanup ends", "20 ended", "20 goes on"]);
    });
}

#[test]
fn a_cleanup_talks_to_the_network() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let ended = taskgroup::task_group(async |g| {
            let server = g.spawn(async move {
                let (mut stream, _) = listener.accept().await?;
                let mut heard = String::new();
                stream.read_to_string(&mut heard).await?;
                Ok(heard)
            });
            let client = g.spawn(with_resource(
                TcpStream::connect(address).await?,
                async |_| pending::<std::io::Result<()>>().await,
                async |mut stream, _why| {
                    stream.write_all(b"bye").await?;
                    stream.close().await
                },
            ));
            yield_now().await;
            client.cancel("enough");
            Ok::<_, std::io::Error>(server.await.expect("it hears something"))
        });
        assert_eq!(ended.await.expect("no error"), "bye");
    });
}

#[test]
fn a_cleanup_opens_groups_and_joins_tasks() {
    run(async {
        let log = Log::new();
        let work = with_cleanup(for_ever(), async |_| {
            let sum = group(async |g| {
                let tasks = [5, 10].map(|n| g.spawn(common::after(n, n)));
                let mut sum = 0;
                for task in tasks {
                    sum += task.await.expect("a value");
                }
                Ok(sum)
            });
            log.note(sum.await.expect("no error"));
        });
        assert!(timeout(ms(10), work).await.is_err());
        assert_eq!(log.take(), ["20 15"]);
    });
}

#[test]
fn a_group_in_a_cleanup_fails_as_any_other() {
    run(async {
        let work = with_cleanup(for_ever(), async |_| {
            let inner = group(async |g| {
                g.spawn(fail_after(5, "inner"));
                for_ever().await
            });
            assert_eq!(failed(inner.await), "[inner]");
            Err("outer")
        });
        assert_eq!(timeout(ms(10), work).await, Ok(Err("outer")));
    });
}

#[test]
fn a_timeout_in_a_cleanup_works() {
    run(async {
        let log = Log::new();
        let work = with_cleanup(for_ever(), async |_| {
            assert!(timeout(ms(5), pending::<()>()).await.is_err());
            assert!(timeout(ms(5), sleep(ms(2))).await.is_ok());
            log.note("done");
        });
        assert!(timeout(ms(10), work).await.is_err());
        assert_eq!(log.take(), ["17 done"]);
    });
}

#[test]
fn a_cleanup_in_a_cleanup_runs() {
    run(async {
        let log = Log::new();
        let work = with_cleanup(for_ever(), async |_| {
            let inner = with_cleanup(for_ever(), async |why: Why| {
                log.note(why);
                sleep(ms(5)).await;
            });
            assert!(timeout(ms(5), inner).await.is_err());
            log.note("done");
        });
        assert!(timeout(ms(10), work).await.is_err());
        assert_eq!(log.take(), ["15 was cancelled: a deadline of 5ms passed", "20 done"]);
    });
}

#[test]
fn a_shield_that_another_thread_wakes_while_it_is_polled_is_not_taken_for_left_alone() {
    let finished = Cell::new(false);
    let polls = Cell::new(0);
    let ended: Result<(), ExceptionGroup<BoxError>> = Runtime::new().block_on(task_group(async |g| {
        let task = g.spawn(shield(poll_fn(|cx| {
            polls.set(polls.get() + 1);
            let waker = cx.waker().clone();
            thread::spawn(move || waker.wake()).join().expect("it wakes"); // before this poll is over
            match polls.get() {
                9.. => Poll::Ready(finished.set(true)),
                _ => Poll::Pending,
            }
        })));
        yield_now().await;
        task.cancel("the test asks");
        Ok(())
    }));
    assert!(ended.is_ok(), "{ended:?}");
    assert!(finished.get(), "it was dropped after {} polls", polls.get());
}
