//! Deadlines: which of several fires, what they let pass, what they leave behind.

mod common;

use common::{Log, OnDrop, after, fail, fail_after, failed, group, ms, only, panic_of, poll_once, run, run_in, start};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::io::{self, Read, Write};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt};
use taskgroup::{
    Async, Clock, Elapsed, JoinErrorKind, Reason, Runtime, advance, now, sleep, timeout, timeout_at, yield_now,
};

#[test]
fn a_deadline_ends_a_future_where_it_waits() {
    // F1, M4; CPython: test_timeouts.test_timeout_basic
    run(async {
        let log = Log::new();
        let error = timeout(ms(10), log.work("a", 100)).await.expect_err("it is late");
        assert_eq!((error.limit(), error.to_string().as_str()), (ms(10), "not done within 10ms"));
        assert_eq!(log.take(), ["0 a starts", "10 a cancelled"]);
    });
}

#[test]
fn a_value_in_time_is_returned() {
    // F12, M4; CPython: test_timeouts.test_timeout_not_called
    run(async {
        let log = Log::new();
        assert_eq!(timeout(ms(10), after(5, 7)).await, Ok(Ok(7)));
        assert_eq!(log.ms(), 5);
    });
}

#[test]
fn a_value_that_needs_no_wait_is_returned_though_the_deadline_has_passed() {
    // D12, F7
    run(async {
        assert_eq!(timeout(Duration::ZERO, async { 7 }).await, Ok(7));
        assert_eq!(timeout_at(now() - ms(1), async { 7 }).await, Ok(7));
    });
}

#[test]
fn a_zero_limit_ends_a_future_at_its_first_wait() {
    // F7; CPython: test_timeouts.test_timeout_zero, test_timeout_zero_sleep_zero
    run(async {
        let log = Log::new();
        let late = timeout(Duration::ZERO, async {
            log.note("entered");
            yield_now().await;
            log.note("not reached");
        });
        assert!(late.await.is_err());
        assert!(timeout(Duration::ZERO, sleep(Duration::ZERO)).await.is_err());
        assert_eq!(log.take(), ["0 entered"]);
    });
}

#[test]
fn a_deadline_in_the_past_ends_a_future_at_its_first_wait() {
    // F7, D19; CPython: test_timeouts.test_timeout_in_the_past_sleep_zero
    run(async {
        let log = Log::new();
        sleep(ms(5)).await;
        assert!(timeout_at(now() - ms(2), log.work("a", 0)).await.is_err());
        assert_eq!(log.take(), ["5 a starts", "5 a cancelled"]);
    });
}

#[test]
fn a_deadline_is_a_point_in_time() {
    // F1, M5; CPython: test_timeouts.test_timeout_at_basic
    run(async {
        let log = Log::new();
        let late = timeout_at(now() + ms(10), pending::<()>());
        sleep(ms(4)).await;
        assert_eq!(late.await.map_err(|error| error.limit()), Err(ms(10)));
        assert_eq!(log.ms(), 10);
    });
}

#[test]
fn the_time_counts_from_the_call() {
    // F1
    run(async {
        let log = Log::new();
        let late = timeout(ms(10), pending::<()>());
        sleep(ms(4)).await;
        assert!(late.await.is_err());
        assert_eq!(log.ms(), 10);
    });
}

#[test]
fn a_limit_that_fits_no_clock_is_never() {
    // F8; CPython: test_timeouts.test_timeout_disabled
    run(async {
        assert_eq!(timeout(Duration::MAX, after(100, 7)).await, Ok(Ok(7)));
    });
}

#[test]
fn the_inner_of_two_deadlines_fires_first() {
    // F4; O: inner_timeout_first; CPython: test_timeouts.test_nested_timeouts_loop_busy
    run(async {
        let log = Log::new();
        let outer = timeout(ms(20), async {
            assert!(timeout(ms(10), pending::<()>()).await.is_err());
            log.note("the inner is over");
            sleep(ms(5)).await;
            "value"
        });
        assert_eq!(outer.await, Ok("value"));
        assert_eq!(log.take(), ["10 the inner is over"]);
    });
}

#[test]
fn the_outer_of_two_deadlines_takes_the_inner_along() {
    // F4; O: outer_timeout_first; CPython: test_timeouts.test_nested_timeouts_concurrent
    run(async {
        let log = Log::new();
        let outer = timeout(ms(10), async {
            let _ = timeout(ms(20), log.work("a", 100)).await;
            log.note("not reached");
        });
        assert_eq!(outer.await.map_err(|error| error.limit()), Err(ms(10)));
        assert_eq!(log.take(), ["0 a starts", "10 a cancelled"]);
    });
}

#[test]
fn of_two_deadlines_at_one_instant_the_outer_wins() {
    // F4; CPython: test_timeouts.test_nested_timeouts
    run(async {
        let log = Log::new();
        let outer = timeout(ms(10), async {
            let _ = timeout(ms(10), log.work("a", 100)).await;
            log.note("not reached");
        });
        assert!(outer.await.is_err());
        assert_eq!(log.take(), ["0 a starts", "10 a cancelled"]);
    });
}

#[test]
fn of_two_deadlines_in_the_past_the_outer_wins() {
    // F4, F7
    run(async {
        let log = Log::new();
        let outer = timeout(Duration::ZERO, async {
            let _ = timeout(Duration::ZERO, log.work("a", 100)).await;
            log.note("not reached");
        });
        assert!(outer.await.is_err());
        assert_eq!(log.take(), ["0 a starts", "0 a cancelled"]);
    });
}

// aio-libs/async-timeout#229, #230: a deadline and an end at one instant.
#[test]
fn a_deadline_beats_a_sleep_that_ends_at_the_same_instant() {
    // E3, F1
    run(async {
        let log = Log::new();
        assert!(timeout(ms(10), log.work("a", 10)).await.is_err());
        assert_eq!(log.take(), ["0 a starts", "10 a cancelled"]);
    });
}

#[test]
fn an_error_passes() {
    // F5; CPython: test_timeouts.test_foreign_exception_passed
    let result: Result<Result<(), _>, Elapsed> = run(timeout(ms(10), fail("A")));
    assert_eq!(result, Ok(Err("A")));
}

#[test]
fn a_group_error_passes_though_the_deadline_has_passed() {
    // F6, D11
    run(async {
        let late = timeout(
            ms(10),
            group(async |g| {
                // The deadline was armed first. It finds a group that has work to do; within that, the timer has fired.
                g.spawn(fail_after(10, "B"));
                Ok(())
            }),
        );
        assert_eq!(failed(late.await.expect("the errors count")), "[B]");
    });
}

#[test]
fn a_deadline_over_a_group_ends_its_body_and_then_its_children() {
    // F1, E10
    run(async {
        let log = Log::new();
        let mut child = None;
        let late = timeout(
            ms(10),
            group(async |g| {
                child = Some(g.spawn(after(100, ())));
                g.spawn(log.work("a", 100));
                g.spawn_group(group(async |g| only(g.spawn(log.work("b", 100)))));
                log.work("body", 100).await;
                Ok(())
            }),
        );
        assert!(late.await.is_err());
        log.note("over");
        assert_eq!(log.take().split_off(3), ["10 body cancelled", "10 a cancelled", "10 b cancelled", "10 over"]);
        let error = child.expect("spawned").await.expect_err("cancelled");
        let deadline = Reason::Parent(Arc::new(Reason::Deadline(ms(10))));
        assert_eq!(error.kind(), &JoinErrorKind::Cancelled(deadline));
        assert!(error.to_string().ends_with("was cancelled: a deadline of 10ms passed"), "{error}");
    });
}

#[test]
fn the_next_wait_after_a_deadline_is_not_cancelled() {
    // F1, F13; O: a_disarmed_timeout_never_fires_later
    run(async {
        let log = Log::new();
        group(async |g| {
            g.spawn(async {
                assert!(timeout(ms(5), pending::<()>()).await.is_err());
                log.work("a", 10).await;
            });
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["5 a starts", "15 a ends"]);
    });
}

#[test]
fn a_deadline_in_a_child_leaves_its_siblings_alone() {
    // F1
    run(async {
        let log = Log::new();
        group(async |g| {
            g.spawn(async { assert!(timeout(ms(5), pending::<()>()).await.is_err()) });
            g.spawn(log.work("a", 10));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 a starts", "10 a ends"]);
    });
}

#[test]
fn a_timer_is_disarmed_on_every_way_out() {
    // F13; CPython: test_timeouts.test_timeout_not_called
    let runtime = Runtime::with_clock(Clock::Autojump);
    run_in(&runtime, async {
        let timers = || runtime.census().timers;
        assert!(timeout(ms(10), async { yield_now().await }).await.is_ok());
        assert_eq!(timers(), 0, "a value");
        assert_eq!(timeout(ms(10), fail("A")).await, Ok(Err("A")));
        assert_eq!(timers(), 0, "an error");
        assert!(timeout(ms(10), pending::<()>()).await.is_err());
        assert_eq!(timers(), 0, "the deadline");
        assert_eq!(panic_of(timeout(ms(10), async { panic!("A") })).await, "A");
        assert_eq!(timers(), 0, "a panic");
        {
            let mut dropped = pin!(timeout(ms(10), pending::<()>()));
            assert!(poll_once(dropped.as_mut()).await.is_pending());
            assert_eq!(timers(), 1);
        }
        assert_eq!(timers(), 0, "a drop");
        drop(timeout(ms(10), pending::<()>()));
        assert_eq!(timers(), 0, "never polled");
        assert!(timeout(ms(5), timeout(ms(10), pending::<()>())).await.is_err());
        assert_eq!(timers(), 0, "an outer deadline");
        group(async |g| {
            let task = g.spawn(async { assert!(timeout(ms(10), pending::<()>()).await.is_ok()) });
            yield_now().await;
            assert_eq!(timers(), 1);
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(timers(), 0, "a cancel");
    });
}

#[test]
fn a_cancel_from_outside_goes_through_a_deadline() {
    // F2; CPython: test_timeouts.test_foreign_cancel_doesnt_timeout_if_not_expired
    run(async {
        let log = Log::new();
        let task = group(async |g| {
            let task = g.spawn(async {
                let _ = timeout(ms(20), timeout(ms(10), log.work("a", 100))).await;
                log.note("not reached");
            });
            sleep(ms(5)).await;
            task.cancel("outside");
            Ok(task)
        });
        let error = task.await.expect("no error").await.expect_err("cancelled");
        assert_eq!(error.kind(), &JoinErrorKind::Cancelled(Reason::from("outside")));
        assert_eq!(log.take(), ["0 a starts", "5 a cancelled"]);
    });
}

#[test]
fn a_cancel_from_outside_beats_a_deadline_at_the_same_instant() {
    // F2, L6
    run(async {
        let log = Log::new();
        let task = group(async |g| {
            let task = g.spawn(async {
                let _ = timeout(ms(5), group(async |g| only(g.spawn(log.work("a", 100))))).await;
                log.note("not reached");
            });
            sleep(ms(5)).await;
            task.cancel("outside");
            Ok(task)
        });
        assert!(task.await.expect("no error").await.expect_err("cancelled").is_cancelled());
        assert_eq!(log.take(), ["0 a starts", "5 a cancelled"]);
    });
}

#[test]
fn a_sibling_failure_goes_through_a_deadline_in_the_body() {
    // F2, C3
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            g.spawn(fail_after(5, "A"));
            let _ = timeout(ms(10), log.work("body", 100)).await;
            log.note("not reached");
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(log.take(), ["0 body starts", "5 body cancelled"]);
    });
}

#[test]
fn deadlines_under_join_fire_one_by_one() {
    // F1, F4
    run(async {
        let log = Log::new();
        let wait = async |n, name: &str| {
            let late = timeout(ms(n), log.work(name, 100)).await.is_err();
            log.note(format_args!("{name} is late: {late}"));
        };
        join(wait(10, "a"), wait(5, "b")).await;
        let ends = ["5 b cancelled", "5 b is late: true", "10 a cancelled", "10 a is late: true"];
        assert_eq!(log.take().split_off(2), ends);
    });
}

#[test]
fn deadlines_in_futures_unordered_fire_one_by_one() {
    // F1
    run(async {
        let log = Log::new();
        let mut waits: FuturesUnordered<_> = [3_u64, 1, 2, 9]
            .into_iter()
            .map(|n| async move { (n, timeout(ms(n), group(async |g| only(g.spawn(after(5, ()))))).await.is_err()) })
            .collect();
        while let Some((n, late)) = waits.next().await {
            log.note(format_args!("limit {n}, late: {late}"));
        }
        let ends =
            ["1 limit 1, late: true", "2 limit 2, late: true", "3 limit 3, late: true", "5 limit 9, late: false"];
        assert_eq!(log.take(), ends);
    });
}

#[test]
fn a_deadline_in_futures_unordered_ends_groups_in_order() {
    // F1 (here: DESIGN 5): cancelled, and not merely dropped, though the wakers are not ours
    run(async {
        let mut grandchild = None;
        let whole = group(async |g| {
            let grandchild = &mut grandchild;
            g.spawn_group(group(async |g| {
                *grandchild = Some(g.spawn(after(100, ())));
                Ok(())
            }));
            Ok(())
        });
        let mut waits: FuturesUnordered<_> = [timeout(ms(5), whole)].into_iter().collect();
        assert!(waits.next().await.expect("one").is_err());
        drop(waits);
        let error = grandchild.expect("spawned").await.expect_err("cancelled");
        let JoinErrorKind::Cancelled(reason) = error.kind() else { panic!("{error}") };
        assert_eq!(reason.root(), &Reason::Deadline(ms(5)));
    });
}

#[test]
fn a_deadline_moved_to_another_task_obeys_that_task() {
    // here: DESIGN 5, a node hangs where it was polled last
    run(async {
        let mut child = None;
        group(async |g| {
            let child = &mut child;
            let whole = group(async |g| {
                *child = Some(g.spawn(after(100, ())));
                Ok(())
            });
            let mut whole = Box::pin(timeout(ms(100), whole));
            let first = g.spawn(async move {
                start(whole.as_mut()).await;
                Ok(whole)
            });
            let second = g.spawn(async { Ok(first.await.expect("a value").await.is_ok()) });
            sleep(ms(5)).await;
            second.cancel("the second");
            Ok(())
        })
        .await
        .expect("no error");
        let error = child.expect("spawned").await.expect_err("cancelled");
        let JoinErrorKind::Cancelled(reason) = error.kind() else { panic!("{error}") };
        assert_eq!(reason.root(), &Reason::from("the second"), "cancelled, and not merely dropped");
    });
}

#[test]
fn a_deadline_over_join_ends_both_branches() {
    // F1
    run(async {
        let log = Log::new();
        let both = join(log.work("a", 100), group(async |g| only(g.spawn(log.work("b", 100)))));
        assert!(timeout(ms(10), both).await.is_err());
        let mut ends = log.take().split_off(2);
        ends.sort();
        assert_eq!(ends, ["10 a cancelled", "10 b cancelled"]);
    });
}

#[test]
fn a_deadline_over_a_join_leaves_the_task_alone() {
    // D15
    run(async {
        let value = group(async |g| {
            let mut task = g.spawn(after(10, 7));
            assert!(timeout(ms(5), &mut task).await.is_err());
            Ok(task.await.expect("a value"))
        });
        assert_eq!(value.await.expect("no error"), 7);
    });
}

#[test]
fn a_future_that_outlives_its_deadline_by_reference_goes_on() {
    // here: DESIGN 5, a plain future is not cancelled by a scope that has left it
    run(async {
        let mut nap = pin!(sleep(ms(10)));
        assert!(timeout(ms(5), nap.as_mut()).await.is_err());
        let before = now();
        nap.await;
        assert_eq!(now() - before, ms(5));
    });
}

#[test]
fn a_panic_passes_through_a_deadline() {
    // H1
    run(async {
        let text = panic_of(timeout(ms(10), async {
            sleep(ms(5)).await;
            panic!("A")
        }));
        assert_eq!(text.await, "A");
    });
}

#[test]
fn a_panic_of_a_destructor_that_a_deadline_runs_passes() {
    // here: DESIGN, rule 9
    run(async {
        let text = panic_of(timeout(ms(5), async {
            let _panics = OnDrop(|| panic!("in a destructor"));
            pending::<()>().await;
        }));
        assert_eq!(text.await, "in a destructor");
        sleep(ms(1)).await;
    });
}

#[test]
fn deadlines_in_a_loop_leave_nothing() {
    // F13
    run(async {
        let count = Cell::new(0);
        for _ in 0..100 {
            let late = timeout(ms(1), async {
                count.set(count.get() + 1);
                pending::<()>().await;
            });
            assert!(late.await.is_err());
        }
        assert_eq!((count.get(), taskgroup::node_count()), (100, 0));
    });
}

#[test]
fn a_zero_sleep_after_time_was_moved_does_not_overtake_what_was_due_before() {
    let order = RefCell::new(Vec::new());
    run(async {
        group(async |g| {
            g.spawn(async {
                sleep(ms(5)).await;
                order.borrow_mut().push(5);
            });
            g.spawn(async {
                yield_now().await;
                advance(ms(10)).expect("the clock is virtual");
                sleep(ms(0)).await;
                order.borrow_mut().push(10);
            });
            Ok(())
        })
        .await
        .expect("no error");
    });
    assert_eq!(order.into_inner(), [5, 10]);
}

/// B4: tokio-rs/tokio#4291, where what never waits was never asked for the time.
#[test]
fn a_deadline_over_reads_that_never_wait_fires() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let (reader, mut writer) = io::pipe().expect("a pipe");
    writer.write_all(&[0; 10_000]).expect("room");
    let reads = Cell::new(0);
    run_in(&runtime, async {
        let reader = Async::new(reader).expect("a source");
        let reading = timeout(ms(10), async {
            loop {
                reader.read_with(|mut pipe| pipe.read(&mut [0])).await.expect("a byte");
                reads.set(reads.get() + 1);
            }
        });
        let (late, ()): (Result<(), _>, ()) = join(reading, async {
            yield_now().await;
            advance(ms(10)).expect("a manual clock");
        })
        .await;
        assert!(late.is_err());
    });
    assert!(reads.get() <= 64 * 4, "{} reads", reads.get());
}

/// B4: tokio-rs/tokio#2460, rust-lang/futures-rs#2140, where a budget ended and nobody was woken again.
#[test]
fn as_many_reads_at_once_as_a_poll_may_do_and_more_all_end() {
    for n in [63, 64, 65, 127, 128, 129, 300] {
        let runtime = Runtime::with_clock(Clock::Manual);
        run_in(&runtime, async {
            let (readers, writers): (Vec<_>, Vec<_>) = (0..n).map(|_| io::pipe().expect("a pipe")).unzip();
            writers.into_iter().for_each(|mut writer| writer.write_all(b"x").expect("room"));
            let readers = readers.into_iter().map(|reader| Async::new(reader).expect("a source"));
            let readers: Vec<_> = readers.collect();
            async fn read(reader: &Async<io::PipeReader>) -> io::Result<usize> {
                reader.read_with(|mut pipe| pipe.read(&mut [0])).await
            }
            assert_eq!(join_all(readers.iter().map(read)).await.len(), n);
            let mut unordered: FuturesUnordered<_> = readers.iter().map(read).collect();
            let mut ends = 0;
            while let Some(read) = unordered.next().await {
                ends += 1;
                assert_eq!(read.expect("the end"), 0);
            }
            assert_eq!(ends, n);
        });
    }
}
