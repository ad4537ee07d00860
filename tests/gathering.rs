//! Several at once: `gather`, `gather_settled`, `race`, `as_completed`, `stream`.

mod common;

use common::cancelled::Held;
use common::{
    Drops, Errors, Log, Word, after, counted, fail, fail_after, failed, group, keep_reports, ms, panic_of, poll_idly,
    poll_once, reports, run, shape, start, text,
};
use std::cell::Cell;
use std::future::{Future, Ready, pending, poll_fn};
use std::panic::catch_unwind;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};

use futures_util::future::{Either, join, select};
use futures_util::{Stream, StreamExt};
use taskgroup::{
    ExceptionGroup, JoinError, JoinErrorKind, NoWinner, Task, as_completed, gather, gather_settled, race, sleep,
    timeout, with_cleanup, yield_now,
};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, Word>> + 'a>>;

/// The errors of a race that nobody won.
fn lost<T>(result: Result<T, NoWinner<Word>>) -> String {
    match result {
        Ok(_) => panic!("somebody won"),
        Err(NoWinner::Empty) => "empty".into(),
        Err(NoWinner::AllFailed(errors)) => shape(&errors),
    }
}

/// Waits for ever, and has a cleanup of so many milliseconds.
async fn slow_to_end<T>(log: &Log, name: &str, n: u64) -> Result<T, Word> {
    with_cleanup(pending(), async |_| {
        log.note(format_args!("{name} cleans up"));
        sleep(ms(n)).await;
        log.note(format_args!("{name} is clean"));
    })
    .await
}

// gather

#[test]
fn gathered_values_are_in_the_order_of_the_arguments() {
    // G1
    run(async {
        let log = Log::new();
        let values = gather([30, 10, 20].map(|n| after(n, n))).await.expect("no error");
        assert_eq!((values, log.ms()), (vec![30, 10, 20], 30));
    });
}

#[test]
fn nothing_gathered_is_nothing() {
    // G1
    run(async {
        let nothing: [Ready<Result<u8, Word>>; 0] = [];
        assert_eq!(gather(nothing).await.expect("no error"), []);
        let nothing: [Ready<u8>; 0] = [];
        assert_eq!(gather_settled(nothing).await, []);
    });
}

#[test]
fn gathered_futures_borrow_from_around() {
    run(async {
        let words = [String::from("a"), String::from("bc")];
        let sizes = gather(words.iter().map(async |word| Ok::<_, Word>(word.len()))).await;
        assert_eq!(sizes.expect("no error"), [1, 2]);
        assert_eq!(gather_settled(words.iter().map(async |word| word.as_str())).await, ["a", "bc"]);
    });
}

#[test]
fn the_first_failure_cancels_what_is_gathered_and_every_error_is_in_the_tree() {
    // D16, G2, tg3
    run(async {
        let log = Log::new();
        let cleanup = with_cleanup(pending::<Result<(), Word>>(), async |_| fail_after(5, "cleanup").await);
        let futures: [Boxed<'_, ()>; 4] = [
            Box::pin(cleanup),
            Box::pin(fail_after(2, "B")),
            Box::pin(fail_after(2, "C")),
            Box::pin(async { Ok(log.work("last", 9).await) }),
        ];
        assert_eq!(failed(gather(futures).await), "[B C cleanup]");
        assert_eq!(log.take(), ["0 last starts", "2 last cancelled"]);
        assert_eq!(log.ms(), 7);
    });
}

#[test]
fn what_is_gathered_was_spawned_at_the_callers_line() {
    run(async {
        let line = line!() + 1;
        let errors = gather([fail("A"), fail("B")]).await.expect_err("both fail");
        for member in errors.members() {
            let place = member.task().expect("a task").place();
            assert_eq!((place.file(), place.line()), (file!(), line));
        }
    });
}

#[test]
fn a_panic_goes_on_when_all_that_is_gathered_has_ended() {
    run(async {
        let log = Log::new();
        let futures: [Boxed<'_, ()>; 2] = [
            Box::pin(slow_to_end(&log, "a", 5)),
            Box::pin(async {
                sleep(ms(1)).await;
                panic!("boom")
            }),
        ];
        assert_eq!(panic_of(gather(futures)).await, "boom");
        assert_eq!(log.take(), ["1 a cleans up", "6 a is clean"]);
        let futures: [Boxed<'_, ()>; 2] = [Box::pin(slow_to_end(&log, "a", 5)), Box::pin(async { panic!("boom") })];
        assert_eq!(panic_of(gather_settled(futures)).await, "boom");
        assert_eq!(log.take(), ["6 a cleans up", "11 a is clean"]);
    });
}

#[test]
fn a_panic_of_the_iterator_drops_what_it_gave() {
    run(async {
        let drops = Drops::new();
        let futures = (0..3).map(|n| {
            assert!(n < 2, "boom");
            let guard = drops.guard();
            async move {
                drop(guard);
                Ok::<_, Word>(())
            }
        });
        assert_eq!(panic_of(gather(futures)).await, "boom");
        drops.assert_all(2);
    });
}

#[test]
fn a_deadline_around_gather_waits_for_the_cleanups() {
    // E20, G3
    run(async {
        let log = Log::new();
        let work = gather([slow_to_end::<()>(&log, "a", 5), slow_to_end(&log, "b", 7)]);
        assert!(timeout(ms(2), work).await.is_err());
        log.note("over");
        let lines = ["2 a cleans up", "2 b cleans up", "7 a is clean", "9 b is clean", "9 over"];
        assert_eq!(log.take(), lines);
        let work = gather_settled([slow_to_end::<()>(&log, "a", 5)]);
        assert!(timeout(ms(2), work).await.is_err());
        assert_eq!(log.take(), ["11 a cleans up", "16 a is clean"]);
    });
}

#[test]
fn a_dropped_gather_drops_its_futures_once() {
    run(async {
        let drops = Drops::new();
        let futures = [(); 3].map(|()| {
            let guard = drops.guard();
            async move {
                let _guard = guard;
                pending::<Result<(), Word>>().await
            }
        });
        let mut work = Box::pin(gather(futures));
        start(work.as_mut()).await;
        drop(work);
        drops.assert_all(3);
    });
}

#[test]
fn settled_values_and_errors_are_in_the_order_of_the_arguments() {
    // G2
    run(async {
        let log = Log::new();
        let futures: [Boxed<'_, u64>; 3] =
            [Box::pin(after(9, 9)), Box::pin(async { fail_after(1, "A").await.map(|()| 0) }), Box::pin(after(5, 5))];
        assert_eq!(gather_settled(futures).await, [Ok(9), Err("A"), Ok(5)]);
        assert_eq!(log.ms(), 9);
    });
}

#[test]
fn gather_takes_handles() {
    run(async {
        group(async |g| {
            let tasks = [3, 1, 2].map(|n| g.spawn(after(n, n)));
            assert_eq!(gather(tasks).await.expect("no error"), [3, 1, 2]);
            let tasks = [g.spawn(after(9, 9)), g.spawn(pending::<Result<u64, Word>>())];
            tasks[1].cancel("enough");
            let errors: ExceptionGroup<JoinError> = gather(tasks).await.expect_err("one was cancelled");
            assert_eq!(errors.leaves().count(), 1);
            assert_eq!(g.live(), 1, "the other one goes on");
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn gathering_ten_thousand_takes_a_poll_each() {
    let polls = Cell::new(0);
    run(async {
        let futures = (0..10_000).map(|n| counted(&polls, async move { Ok::<_, Word>(n) }));
        let values = gather(futures).await.expect("no error");
        assert!(values.into_iter().eq(0..10_000));
    });
    assert_eq!(polls.get(), 10_000);
}

// race

#[test]
fn the_first_that_succeeds_wins() {
    // G8
    run(async {
        let log = Log::new();
        let futures: [Boxed<'_, u64>; 3] =
            [Box::pin(after(9, 9)), Box::pin(async { fail_after(1, "A").await.map(|()| 0) }), Box::pin(after(5, 5))];
        assert_eq!(race(futures).await.ok(), Some(5));
        assert_eq!(log.ms(), 5);
    });
}

#[test]
fn an_empty_race_has_no_winner() {
    run(async {
        let nobody: [Ready<Result<(), Word>>; 0] = [];
        let lost = race(nobody).await.expect_err("nobody won");
        assert!(matches!(lost, NoWinner::Empty));
        assert_eq!((lost.to_string(), format!("{lost:?}")), ("nobody won: the race was empty".into(), "Empty".into()));
        assert!(lost.into_errors().is_none());
    });
}

#[test]
fn if_all_lose_their_errors_are_in_the_order_of_their_failures() {
    run(async {
        let line = line!() + 1;
        let result = race([fail_after(3, "C"), fail_after(1, "A"), fail_after(2, "B")]).await;
        let errors = result.expect_err("nobody won").into_errors().expect("they failed");
        assert_eq!(shape(&errors), "[A B C]");
        let places: Vec<_> = errors.leaves().map(|leaf| leaf.task().expect("a task").place()).collect();
        assert!(places.iter().all(|place| (place.file(), place.line()) == (file!(), line)), "{places:?}");
        let names: Vec<_> = errors.leaves().map(|leaf| leaf.task().expect("a task").name().into_owned()).collect();
        assert_eq!(names, ["#2", "#3", "#1"]);
    });
}

#[test]
fn of_two_that_succeed_at_one_instant_the_first_to_end_wins() {
    run(async {
        let log = Log::new();
        let racer = async |n| {
            sleep(ms(5)).await;
            log.note(n);
            Ok::<_, Word>(n)
        };
        assert_eq!(race([1, 2].map(racer)).await.ok(), Some(1));
        assert_eq!(log.take(), ["5 1", "5 2"]);
    });
}

#[test]
fn a_race_ends_when_the_losers_cleanups_have_ended() {
    run(async {
        let log = Log::new();
        let futures: [Boxed<'_, u64>; 2] = [Box::pin(slow_to_end(&log, "loser", 5)), Box::pin(after(2, 2))];
        assert_eq!(race(futures).await.ok(), Some(2));
        log.note("won");
        assert_eq!(log.take(), ["2 loser cleans up", "7 loser is clean", "7 won"]);
    });
}

#[test]
fn a_losers_cleanup_that_fails_takes_nothing_from_the_winner() {
    run(async {
        let loser = async { with_cleanup(pending::<Result<u64, Word>>(), async |_| Err("cleanup")).await };
        let futures: [Boxed<'_, u64>; 2] = [Box::pin(loser), Box::pin(after(2, 2))];
        assert_eq!(race(futures).await.ok(), Some(2));
    });
}

#[test]
fn the_error_of_a_losers_cleanup_is_reported_and_the_error_of_a_loser_is_not() {
    keep_reports();
    run(async {
        let cleanup = async { with_cleanup(pending::<Result<u64, Word>>(), async |_| Err("cleanup")).await };
        let loser = async { fail_after(1, "A").await.map(|()| 0) };
        let futures: [Boxed<'_, u64>; 3] = [Box::pin(loser), Box::pin(cleanup), Box::pin(after(2, 2))];
        assert_eq!(race(futures).await.ok(), Some(2));
    });
    let reports = reports();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains("the error of task #2 (tests/gathering.rs:"), "{reports:?}");
    assert!(reports[0].ends_with("), which failed on its way out of a race"), "{reports:?}");
}

#[test]
fn losers_learn_why_they_are_cancelled() {
    run(async {
        let log = Log::new();
        let loser = with_cleanup(pending::<Result<u64, Word>>(), async |why| log.note(why));
        let futures: [Boxed<'_, u64>; 2] = [Box::pin(loser), Box::pin(after(2, 2))];
        assert_eq!(race(futures).await.ok(), Some(2));
        assert_eq!(log.take(), ["2 was cancelled: another one won the race"]);
    });
}

#[test]
fn values_of_losers_are_dropped_once() {
    let drops = Drops::new();
    run(async {
        let winner = race([(); 3].map(|()| async { Ok::<_, Word>(drops.guard()) })).await.expect("all succeed");
        assert_eq!(drops.count(), 2);
        drop(winner);
    });
    drops.assert_all(3);
}

#[test]
fn a_panic_goes_on_when_all_that_race_have_ended() {
    run(async {
        let log = Log::new();
        let futures: [Boxed<'_, ()>; 2] = [Box::pin(slow_to_end(&log, "a", 5)), Box::pin(async { panic!("boom") })];
        assert_eq!(panic_of(race(futures)).await, "boom");
        assert_eq!(log.take(), ["0 a cleans up", "5 a is clean"]);
    });
}

#[test]
fn a_deadline_around_a_race_waits_for_the_cleanups() {
    run(async {
        let log = Log::new();
        let work = race([slow_to_end::<()>(&log, "a", 5), slow_to_end(&log, "b", 7)]);
        assert!(timeout(ms(2), work).await.is_err());
        assert_eq!(log.take(), ["2 a cleans up", "2 b cleans up", "7 a is clean", "9 b is clean"]);
    });
}

#[test]
fn a_dropped_race_drops_its_futures_once() {
    run(async {
        let (drops, log) = (Drops::new(), Log::new());
        let racers = [(); 3].map(|()| async {
            let _guard = drops.guard();
            slow_to_end::<()>(&log, "never", 1).await
        });
        let mut work = Box::pin(race(racers));
        start(work.as_mut()).await;
        drop(work);
        drops.assert_all(3);
        assert!(log.take().is_empty(), "dropping is not cancelling");
    });
}

#[test]
fn errors_of_a_race_that_has_no_end_are_reported() {
    // H6
    keep_reports();
    run(async {
        let racers = || {
            let cleanup = async { with_cleanup(pending::<Result<(), Word>>(), async |_| Err("cleanup")).await };
            let racers: [Boxed<'_, ()>; 2] = [Box::pin(fail("A")), Box::pin(cleanup)];
            racers
        };
        assert!(timeout(ms(1), race(racers())).await.is_err());
        let cancelled = reports();
        assert_eq!(cancelled.len(), 2, "{cancelled:?}");
        assert!(cancelled[0].contains("the error of task #1 (tests/gathering.rs:"), "{cancelled:?}");
        assert!(cancelled[1].contains("the error of task #2 (tests/gathering.rs:"), "{cancelled:?}");
        assert!(cancelled[1].ends_with("), which failed in a race that was not ended"), "{cancelled:?}");

        let mut work = Box::pin(race(racers()));
        start(work.as_mut()).await;
        drop(work);
        assert_eq!(reports().len(), 1, "the cleanup did not run");
    });
}

#[test]
fn errors_of_a_race_that_somebody_wins_are_not_reported() {
    keep_reports();
    run(async {
        let futures: [Boxed<'_, u64>; 2] =
            [Box::pin(async { fail_after(1, "A").await.map(|()| 0) }), Box::pin(after(5, 5))];
        assert_eq!(race(futures).await.ok(), Some(5));
        assert_eq!(lost(race([fail("A")]).await), "[A]");
    });
    assert!(reports().is_empty());
}

#[test]
fn a_race_over_handles_cancels_only_the_wait() {
    // E20, G5
    run(async {
        let log = Log::new();
        group(async |g| {
            let mut tasks = [9, 3, 6].map(|n| g.spawn(after(n, n)));
            let first = race(tasks.iter_mut()).await;
            assert_eq!((first.ok(), log.ms(), g.live()), (Some(3), 3, 2));
            let [a, _, c] = tasks;
            assert_eq!((a.await, c.await), (Ok(9), Ok(6)));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.ms(), 9);
    });
}

#[test]
fn a_race_over_handles_that_all_fail_says_who() {
    run(async {
        group(async |g| {
            g.supervise(|_| ());
            let tasks = [g.spawn(fail_after(2, "A")), g.spawn(fail_after(1, "B"))];
            let lost = race(tasks).await.expect_err("nobody won");
            let errors = lost.into_errors().expect("they failed");
            let names: Vec<_> = errors.leaves().map(|leaf| leaf.error().task().name().into_owned()).collect();
            assert_eq!(names, ["#2", "#1"]);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn races_nest() {
    run(async {
        let inner = async |n| race([after(n, n), after(n + 1, 0)]).await.map_err(|_| "lost");
        assert_eq!(race([7, 3].map(inner)).await.ok(), Some(3));
        let losing = async || Err::<(), _>(lost(race([fail("A")]).await));
        let result = race([losing(), losing()]).await.map_err(|lost| lost.to_string());
        assert_eq!(result, Err("nobody won: 2 errors in task group: [A] (and 1 more)".to_string()));
    });
}

#[test]
fn outside_a_runtime_the_callers_line_is_named() {
    fn panic_of_poll<F: Future>(future: F) -> String {
        let future = std::panic::AssertUnwindSafe(Box::pin(future));
        let polled = catch_unwind(move || {
            let mut future = future;
            drop(poll_idly(future.as_mut()));
        });
        text(&*polled.expect_err("nobody runs it"))
    }
    let line = line!() + 1;
    let gathered = panic_of_poll(gather([fail("A")]));
    let settled = panic_of_poll(gather_settled([fail("A")]));
    let raced = panic_of_poll(race([fail("A")]));
    for (text, line) in [gathered, settled, raced].into_iter().zip(line..) {
        assert!(text.contains(&format!(" of {}:{line} was polled outside a runtime", file!())), "{text}");
    }
}

// as_completed

#[test]
fn handles_come_as_their_tasks_end() {
    // G5, G6
    run(async {
        let log = Log::new();
        group(async |g| {
            let mut ended = as_completed([30, 10, 20].map(|n| g.spawn(after(n, n))));
            assert_eq!(ended.remaining(), 3);
            while let Some((place, result)) = ended.next().await {
                log.note(format_args!("{place} {}", result.expect("a value")));
            }
            assert_eq!((ended.remaining(), ended.next().await), (0, None));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["10 1 10", "20 2 20", "30 0 30"]);
    });
}

#[test]
fn of_no_handles_none_comes() {
    run(async {
        let none: [Task<()>; 0] = [];
        assert_eq!(as_completed(none).next().await, None);
    });
}

#[test]
fn handles_of_tasks_that_have_ended_come_at_once_in_the_order_of_the_arguments() {
    run(async {
        let tasks = group(async |g| Ok([3, 1, 2].map(|n| g.spawn(after(n, n))))).await.expect("no error");
        let polls = Cell::new(0);
        let ended =
            counted(&polls, as_completed(tasks).map(|(place, result)| (place, result.ok())).collect::<Vec<_>>());
        assert_eq!(ended.await, [(0, Some(3)), (1, Some(1)), (2, Some(2))]);
        assert_eq!(polls.get(), 1);
    });
}

#[test]
fn cancelled_failed_and_refused_tasks_come_too() {
    run(async {
        group(async |g| {
            g.supervise(|_| ());
            let tasks = [g.spawn(pending::<()>()), g.spawn(fail_after(1, "A")), g.spawn(after(2, ()))];
            tasks[0].cancel("enough");
            yield_now().await;
            let kinds = as_completed(tasks).map(|(place, result)| (place, result.map_err(|e| e.kind().clone())));
            let expected =
                [(0, Err(JoinErrorKind::Cancelled("enough".into()))), (1, Err(JoinErrorKind::Failed)), (2, Ok(()))];
            assert_eq!(kinds.collect::<Vec<_>>().await, expected);
            g.cancel("closing time");
            let mut refused = as_completed([g.spawn(async {})]);
            let (_, result) = refused.next().await.expect("one");
            assert_eq!(result.expect_err("refused").kind(), &JoinErrorKind::Refused);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn handles_given_by_reference_are_there_afterwards() {
    run(async {
        group(async |g| {
            let mut tasks = [9, 3, 6].map(|n| g.spawn(after(n, n)));
            let (place, result) = as_completed(tasks.iter_mut()).next().await.expect("one");
            assert_eq!((place, result), (1, Ok(3)));
            let [a, b, c] = tasks;
            assert_eq!(b.await.expect_err("given away").kind(), &JoinErrorKind::Taken);
            let mut rest = as_completed([a, c]);
            assert_eq!(rest.next().await, Some((1, Ok(6))));
            drop(rest);
            assert_eq!(g.live(), 1, "dropping handles does nothing to tasks");
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_handle_that_stood_in_a_line_is_awaited_again() {
    run(async {
        group(async |g| {
            let mut tasks = [5, 6].map(|n| g.spawn(after(n, n)));
            let mut ended = as_completed(&mut tasks);
            assert!(timeout(ms(1), ended.next()).await.is_err());
            drop(ended);
            let [a, b] = tasks;
            assert_eq!((a.await, b.await), (Ok(5), Ok(6)));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_cancelled_next_loses_no_result() {
    // G6
    run(async {
        group(async |g| {
            let mut ended = as_completed([4, 2].map(|n| g.spawn(after(n, n))));
            assert!(timeout(ms(1), ended.next()).await.is_err());
            {
                let mut next = pin!(ended.next());
                assert!(poll_once(next.as_mut()).await.is_pending());
                sleep(ms(2)).await; // it is woken, and dropped without another poll
            }
            assert_eq!(ended.next().await, Some((1, Ok(2))));
            assert_eq!(ended.next().await, Some((0, Ok(4))));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn next_is_a_cancellation_point_while_tasks_are_left() {
    run(async {
        let log = Log::new();
        let tasks = group(async |g| Ok([1, 2].map(|n| g.spawn(after(n, n))))).await.expect("no error");
        let mut ended = as_completed(tasks);
        let late = timeout(ms(0), async {
            ended.next().await;
            log.note("went on");
        });
        assert!(late.await.is_err());
        assert!(log.take().is_empty());
        assert_eq!(ended.remaining(), 2);
    });
}

#[test]
fn ten_thousand_handles_cost_a_poll_for_each_end() {
    const COUNT: u64 = 10_000;
    run(async {
        let polls = Cell::new(0);
        group(async |g| {
            let tasks = (0..COUNT).map(|n| g.spawn(after(n, n)));
            let mut ended = as_completed(tasks);
            let all = async {
                let mut taken = 0;
                while let Some((_, Ok(n))) = ended.next().await {
                    assert_eq!(n, taken);
                    taken += 1;
                }
                taken
            };
            assert_eq!(counted(&polls, all).await, COUNT);
            Ok(())
        })
        .await
        .expect("no error");
        assert!(u64::from(polls.get()) <= COUNT + 2, "{} polls", polls.get());
    });
}

#[test]
fn as_completed_is_a_stream() {
    // G6
    run(async {
        group(async |g| {
            let mut ended = as_completed([3, 1].map(|n| g.spawn(after(n, n))));
            assert_eq!(ended.size_hint(), (2, Some(2)));
            assert_eq!(StreamExt::next(&mut ended).await, Some((1, Ok(1))));
            assert_eq!(ended.size_hint(), (1, Some(1)));
            assert_eq!(format!("{ended:?}"), "AsCompleted { remaining: 1 }");
            let rest: Vec<_> = ended.map(|(place, _)| place).collect().await;
            assert_eq!(rest, [0]);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

// stream

#[test]
fn results_of_a_stream_come_as_tasks_end() {
    // G8
    run(async {
        let log = Log::new();
        group(async |g| {
            let results = g.stream::<u64>();
            for n in [30, 10, 20] {
                results.spawn(after(n, n));
            }
            assert_eq!(results.remaining(), 3);
            while let Some(result) = results.next().await {
                log.note(result.expect("a value"));
            }
            assert_eq!(results.next().await, None);
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["10 10", "20 20", "30 30"]);
    });
}

#[test]
fn tasks_of_a_stream_are_named_and_placed() {
    run(async {
        let result = group(async |g| {
            let results = g.stream::<()>();
            let line = line!() + 1;
            results.spawn(pending::<()>());
            results.spawn_named("db", pending::<()>());
            g.cancel("closing time");
            results.spawn_named("late", pending::<()>());
            let mut names = Vec::new();
            while let Some(result) = results.next().await {
                let error = result.expect_err("cancelled");
                names.push(error.task().name().into_owned());
                assert_eq!(error.task().place().file(), file!());
                assert!((line..line + 4).contains(&error.task().place().line()));
            }
            Ok(names)
        });
        assert_eq!(result.await.expect("no error"), ["late", "#1", "db"]);
    });
}

#[test]
fn refused_spawns_come_through_the_stream() {
    run(async {
        group(async |g| {
            let results = g.stream::<()>();
            g.cancel("closing time");
            results.spawn(async { Ok(()) });
            assert_eq!(results.remaining(), 1);
            let error = results.next().await.expect("one").expect_err("refused");
            assert_eq!(error.kind(), &JoinErrorKind::Refused);
            assert_eq!(results.next().await, None);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_refused_spawn_wakes_who_waits_in_next() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let results = g.stream::<()>();
            results.spawn(taskgroup::shield(async { Ok(sleep(ms(9)).await) }));
            yield_now().await;
            let late = async {
                g.cancel("closing time");
                results.spawn(async { Ok(()) });
            };
            let (result, ()) = join(results.next(), late).await;
            assert!(result.expect("one").is_err());
            log.note("told");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 told"]);
    });
}

#[test]
fn children_spawn_into_a_stream_while_the_body_waits_in_next() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let results = Rc::new(g.stream::<u64>());
            let shared = results.clone();
            results.spawn(async move {
                sleep(ms(1)).await;
                shared.spawn(after(5, 6));
                shared.spawn(after(2, 3));
                Ok(1)
            });
            while let Some(result) = results.next().await {
                log.note(result.expect("a value"));
            }
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["1 1", "3 3", "6 6"]);
    });
}

#[test]
fn two_tasks_share_a_stream() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let results = Rc::new(g.stream::<u64>());
            for n in 1..=4 {
                results.spawn(after(n, n));
            }
            for name in ["a", "b"] {
                let (results, log) = (results.clone(), &log);
                g.spawn(async move {
                    while let Some(result) = results.next().await {
                        log.note(format_args!("{name} {}", result.expect("a value")));
                        sleep(ms(2)).await;
                    }
                    log.note(format_args!("{name} over"));
                });
            }
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["1 a 1", "2 b 2", "3 a 3", "4 b 4", "5 a over", "6 b over"]);
    });
}

#[test]
fn whoever_waits_while_another_takes_the_last_result_is_told() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let results = Rc::new(g.stream::<u64>());
            results.spawn(after(5, 7));
            for name in ["a", "b"] {
                let (results, log) = (results.clone(), &log);
                g.spawn(async move {
                    let taken = results.next().await.map(|result| result.expect("a value"));
                    log.note(format_args!("{name} {taken:?}"));
                });
            }
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["5 a Some(7)", "5 b None"]);
    });
}

#[test]
fn a_cancelled_next_of_a_stream_loses_no_result() {
    run(async {
        group(async |g| {
            let results = g.stream::<u64>();
            results.spawn(after(2, 7));
            assert!(timeout(ms(1), results.next()).await.is_err());
            {
                let mut next = pin!(results.next());
                assert!(poll_once(next.as_mut()).await.is_pending());
                sleep(ms(3)).await; // it is woken, and dropped without another poll
            }
            assert_eq!(results.next().await, Some(Ok(7)));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_stream_works_in_a_select() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let mut results = g.stream::<u64>();
            for n in [2, 6, 7] {
                results.spawn(after(n, n));
            }
            let mut tick = Box::pin(sleep(ms(4)));
            loop {
                match select(StreamExt::next(&mut results), tick.as_mut()).await {
                    Either::Left((None, _)) => return Ok(()),
                    Either::Left((Some(result), _)) => log.note(result.expect("a value")),
                    Either::Right(((), _)) => {
                        log.note("tick");
                        tick = Box::pin(sleep(ms(4)));
                    }
                }
            }
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["2 2", "4 tick", "6 6", "7 7"]);
    });
}

#[test]
fn a_failure_in_a_stream_cancels_the_group() {
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            let results = g.stream::<()>();
            results.spawn(fail_after(1, "A"));
            results.spawn(async { Ok(log.work("sibling", 5).await) });
            while results.next().await.is_some() {
                log.note("never");
            }
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(log.take(), ["0 sibling starts", "1 sibling cancelled"]);
    });
}

#[test]
fn a_stream_keeps_nothing_that_was_taken() {
    let drops = Drops::new();
    run(async {
        group(async |g| {
            let results = g.stream();
            for n in 1..=100 {
                results.spawn(async { Ok(drops.guard()) });
                drop(results.next().await);
                assert_eq!((drops.count(), results.remaining(), g.live()), (n, 0, 0));
            }
            results.spawn(async { Ok(drops.guard()) });
            yield_now().await;
            yield_now().await;
            assert_eq!(format!("{results:?}"), "TaskStream { remaining: 1 }");
            drop(results); // with a result that nobody took
            drops.assert_all(101);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

/// Polls with the waker of somebody else.
async fn polled_with<F: Future>(waker: Waker, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|_| future.as_mut().poll(&mut Context::from_waker(&waker))).await
}

#[test]
fn a_next_of_a_stream_that_ran_out_of_time_leaves_no_waker() {
    run(async {
        group(async |g| {
            let results = g.stream();
            results.spawn(pending::<Result<(), Word>>());
            for _ in 0..100 {
                let held = Arc::new(Held);
                let next = polled_with(Waker::from(held.clone()), results.next());
                assert!(timeout(ms(1), next).await.is_err());
                assert_eq!(Arc::strong_count(&held), 1);
            }
            g.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_next_of_handles_that_ran_out_of_time_leaves_one_waker_at_most() {
    run(async {
        group(async |g| {
            let mut tasks = as_completed([g.spawn(pending::<Result<(), Word>>())]);
            let wakers = [(); 100].map(|()| Arc::new(Held));
            for held in &wakers {
                let next = polled_with(Waker::from(held.clone()), tasks.next());
                assert!(timeout(ms(1), next).await.is_err());
            }
            let kept: usize = wakers.iter().map(|held| Arc::strong_count(held) - 1).sum();
            assert!(kept <= 1, "{kept}");
            g.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_stream_that_is_dropped_leaves_its_tasks_alone() {
    run(async {
        let log = Log::new();
        let ended: Result<(), Errors> = group(async |g| {
            let results = g.stream();
            results.spawn(async { Ok(log.work("task", 5).await) });
            yield_now().await;
            drop(results);
            Ok(())
        })
        .await;
        assert!(ended.is_ok());
        assert_eq!(log.take(), ["0 task starts", "5 task ends"]);
    });
}

#[test]
fn ten_thousand_results_of_a_stream_cost_a_poll_each() {
    const COUNT: u64 = 10_000;
    run(async {
        let polls = Cell::new(0);
        group(async |g| {
            let results = g.stream::<u64>();
            for n in 0..COUNT {
                results.spawn(after(n, n));
            }
            let all = async {
                let mut taken = 0;
                while results.next().await.is_some() {
                    taken += 1;
                }
                taken
            };
            assert_eq!(counted(&polls, all).await, COUNT);
            Ok(())
        })
        .await
        .expect("no error");
        assert!(u64::from(polls.get()) <= COUNT + 2, "{} polls", polls.get());
    });
}
