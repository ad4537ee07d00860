//! Regions beside something else in one task: inside combinators of other crates, polled once and left alone.

mod common;

use common::cancelled::region;
use common::{Drops, Gate, Log, Word, group, keep_reports, ms, poll_once, reports, run};
use std::cell::Cell;
use std::future::{Future, pending};
use std::io::{Read, Write, pipe};
use std::pin::{Pin, pin};

use futures_util::future::{FutureExt, join, join_all, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use taskgroup::{Async, CancelScope, TaskLocal, shield, sleep, timeout, with_cleanup, yield_now};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

// Beside something else in one task.

#[test]
fn a_branch_beside_a_cleanup_makes_no_progress() {
    // hole: region in `join!` beside a leaf of ours
    run(async {
        let log = Log::new();
        let other = async {
            sleep(ms(10)).await;
            log.note("never");
        };
        assert!(timeout(ms(5), join(region(&log, "cleanup", 20), other)).await.is_err());
        assert_eq!(log.take(), ["5 cleanup starts", "25 cleanup ends"]);
    });
}

#[test]
fn a_branch_beside_a_cleanup_takes_no_place_under_a_limit() {
    // hole: region in `join!` beside a leaf of ours: no lock taken
    run(async {
        let (log, taken) = (Log::new(), Cell::new(false));
        group(async |g| {
            g.limit(1);
            g.spawn(sleep(ms(10)));
            yield_now().await;
            let other = async {
                g.admit().await;
                taken.set(true);
            };
            assert!(timeout(ms(5), join(region(&log, "cleanup", 20), other)).await.is_err());
            Ok(())
        })
        .await
        .expect("no error");
        assert!(!taken.get());
    });
}

#[test]
fn a_branch_beside_a_cleanup_takes_no_byte() {
    // hole: region in `join!` beside a leaf of ours: no byte consumed
    run(async {
        let (receiver, mut sender) = pipe().expect("two descriptors");
        let receiver = Async::new(receiver).expect("it can be watched");
        let scope = CancelScope::new();
        let read = async {
            let mut buffer = [0; 8];
            let _ = receiver.read_with(|mut pipe| pipe.read(&mut buffer)).await;
        };
        let work = with_cleanup(pending::<Result<(), Word>>(), async |_| {
            sender.write_all(b"abc").expect("there is room");
            for _ in 0..200 {
                yield_now().await; // the loop sees that the pipe can be read
            }
        });
        let (ended, ()) = join(scope.run(join(read, work)), async { scope.cancel("enough") }).await;
        assert!(ended.is_err());
        let mut buffer = [0; 8];
        let count = receiver.read_with(|mut pipe| pipe.read(&mut buffer)).await.expect("there are bytes");
        assert_eq!(&buffer[..count], b"abc");
    });
}

#[test]
fn a_loser_of_select_beside_a_cleanup_makes_no_progress() {
    // hole: region in `select!` beside a leaf of ours
    run(async {
        let log = Log::new();
        let work = async {
            let other = pin!(sleep(ms(10)));
            select(pin!(region(&log, "cleanup", 20)), other).await;
            log.note("never");
        };
        assert!(timeout(ms(5), work).await.is_err());
        assert_eq!(log.take(), ["5 cleanup starts", "25 cleanup ends"]);
    });
}

#[test]
fn a_foreign_branch_beside_a_cleanup_runs_on_to_its_next_wait_of_ours() {
    // hole: the same beside a foreign leaf that becomes ready
    run(async {
        let (log, gate) = (Log::new(), Gate::new());
        group(async |g| {
            let other = async {
                gate.wait().await;
                log.note("cannot be stopped");
                yield_now().await;
                log.note("never");
            };
            let task = g.spawn(join(region(&log, "cleanup", 20), other).map(|_| ()));
            sleep(ms(5)).await;
            task.cancel("enough");
            sleep(ms(5)).await;
            gate.open();
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["5 cleanup starts", "10 cannot be stopped", "25 cleanup ends"]);
    });
}

#[test]
fn a_timeout_beside_a_cleanup_stands_still() {
    run(async {
        let log = Log::new();
        let other = async {
            let _ = timeout(ms(2), pending::<()>()).await;
            log.note("never");
        };
        assert!(timeout(ms(1), join(region(&log, "cleanup", 20), other)).await.is_err());
        assert_eq!(log.take(), ["1 cleanup starts", "21 cleanup ends"]);
    });
}

#[test]
fn two_cleanups_under_join_run_at_once() {
    run(async {
        let log = Log::new();
        assert!(timeout(ms(5), join(region(&log, "a", 20), region(&log, "b", 10))).await.is_err());
        assert_eq!(log.take(), ["5 a starts", "5 b starts", "15 b ends", "25 a ends"]);
    });
}

#[test]
fn a_hundred_regions_in_futures_unordered_clean_up_at_once() {
    // hole: regions in `FuturesUnordered`
    run(async {
        let (log, done) = (Log::new(), Cell::new(0));
        let work = async {
            let mut regions: FuturesUnordered<_> = (0..100)
                .map(|_| {
                    with_cleanup(pending::<Result<(), Word>>(), async |_| {
                        sleep(ms(10)).await;
                        done.set(done.get() + 1);
                    })
                })
                .collect();
            while regions.next().await.is_some() {}
        };
        assert!(timeout(ms(5), work).await.is_err());
        assert_eq!((done.get(), log.ms()), (100, 15));
    });
}

#[test]
fn a_hundred_regions_in_join_all_clean_up_at_once() {
    // hole: regions in `join_all`
    run(async {
        let (log, done) = (Log::new(), Cell::new(0));
        let regions = (0..100).map(|n| {
            let done = &done;
            with_cleanup(pending::<Result<(), Word>>(), async move |_| {
                sleep(ms(n % 10)).await;
                done.set(done.get() + 1);
            })
        });
        assert!(timeout(ms(5), join_all(regions)).await.is_err());
        assert_eq!((done.get(), log.ms()), (100, 14));
    });
}

#[test]
fn a_region_in_a_task_of_its_own_waker_hears_a_cancel_of_the_scope_around() {
    // hole: the cancel must wake the regions' own last wakers
    run(async {
        let log = Log::new();
        let scope = CancelScope::new();
        group(async |g| {
            let work = async {
                let mut regions: FuturesUnordered<Boxed<'_, _>> = FuturesUnordered::new();
                regions.push(Box::pin(timeout(ms(1000), region(&log, "inner", 10))));
                while regions.next().await.is_some() {}
            };
            g.spawn(async {
                let _ = scope.run(work).await;
            });
            sleep(ms(5)).await;
            scope.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["5 inner starts", "15 inner ends"]);
    });
}

#[test]
fn a_region_that_changes_its_combinator_hears_of_a_cancel_in_the_second() {
    // hole: the cancel must wake the regions' own last wakers
    run(async {
        let log = Log::new();
        let work = async {
            let mut work = pin!(region(&log, "cleanup", 10));
            let mut first = FuturesUnordered::from_iter([work.as_mut()]);
            assert!(poll_once(pin!(first.next())).await.is_pending());
            drop(first);
            let mut second = FuturesUnordered::from_iter([work]);
            second.next().await;
        };
        assert!(timeout(ms(5), work).await.is_err());
        assert_eq!(log.take(), ["5 cleanup starts", "15 cleanup ends"]);
    });
}

#[test]
fn a_shield_that_changes_its_combinator_under_a_cancel_is_woken_in_the_second() {
    run(async {
        let scope = CancelScope::new();
        let work = async {
            scope.cancel("enough");
            let mut part = pin!(shield(sleep(ms(10))));
            assert!(poll_once(part.as_mut()).await.is_pending());
            let mut second = FuturesUnordered::from_iter([part]);
            second.next().await;
            7
        };
        assert_eq!(scope.run(work).await, Ok(7));
    });
}

// Left alone.

#[test]
fn a_region_that_was_polled_once_and_left_alone_goes_with_its_task() {
    // hole: region polled once, then not awaited (`select` on `&mut f`, then another wait)
    run(async {
        keep_reports();
        let (log, drops) = (Log::new(), Drops::new());
        group(async |g| {
            let task = g.spawn(async {
                let _guard = drops.guard();
                let mut work = pin!(region(&log, "never", 20));
                select(&mut work, pin!(sleep(ms(5)))).await;
                sleep(ms(1000)).await;
                work.await
            });
            sleep(ms(10)).await;
            task.named("careless").cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!((log.ms(), log.take()), (10, Vec::new()));
        drops.assert_all(1);
        let reports = reports();
        assert_eq!(reports.len(), 1);
        assert!(reports[0].starts_with("abandoned, and dropped without its cleanup: "), "{}", reports[0]);
        assert!(reports[0].contains("task careless ("), "{}", reports[0]);
    });
}

#[test]
fn regions_in_a_stream_that_nobody_polls_go_with_their_task() {
    // hole: `buffer_unordered` while the consumer waits
    run(async {
        keep_reports();
        let log = Log::new();
        let work = async {
            let mut regions: FuturesUnordered<_> = (0..3).map(|_| region(&log, "never", 10)).collect();
            assert!(poll_once(pin!(regions.next())).await.is_pending());
            sleep(ms(1000)).await; // the consumer
        };
        assert!(timeout(ms(5), work).await.is_err());
        assert_eq!((log.ms(), log.take()), (5, Vec::new()));
        assert_eq!(reports().len(), 1);
    });
}

#[test]
fn a_shield_that_was_left_alone_goes_with_its_task() {
    run(async {
        keep_reports();
        let (log, drops) = (Log::new(), Drops::new());
        let work = async {
            let guard = drops.guard();
            let mut part = pin!(shield(async {
                let _guard = guard;
                pending::<()>().await
            }));
            assert!(poll_once(part.as_mut()).await.is_pending());
            sleep(ms(1000)).await;
        };
        assert!(timeout(ms(5), work).await.is_err());
        assert_eq!(log.ms(), 5);
        drops.assert_all(1);
        assert_eq!(reports().len(), 1);
    });
}

#[test]
fn a_shield_that_was_left_alone_with_a_region_in_it_goes_with_its_task() {
    // what is inside a shield hears nothing of the cancel, and so cannot have been woken by it
    run(async {
        keep_reports();
        let log = Log::new();
        let work = async {
            let mut part = pin!(shield(region(&log, "never", 10)));
            assert!(poll_once(part.as_mut()).await.is_pending());
            sleep(ms(1000)).await;
        };
        assert!(timeout(ms(5), work).await.is_err());
        assert_eq!((log.ms(), reports().len()), (5, 1));
    });
}

#[test]
fn what_is_inside_a_shield_is_not_woken_by_a_cancel() {
    run(async {
        let polls = Cell::new(0);
        group(async |g| {
            let inner = timeout(ms(500), common::counted(&polls, sleep(ms(20))));
            let task = g.spawn(shield(async {
                let mut all = FuturesUnordered::new();
                all.push(inner);
                all.next().await;
            }));
            sleep(ms(5)).await;
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(polls.get(), 2, "at its start and at its end");
    });
}

#[test]
fn a_region_left_alone_beside_one_that_is_awaited_waits_for_that() {
    run(async {
        keep_reports();
        let log = Log::new();
        let work = async {
            let mut alone = pin!(region(&log, "never", 10));
            assert!(poll_once(alone.as_mut()).await.is_pending());
            region(&log, "awaited", 20).await
        };
        assert!(timeout(ms(5), work).await.is_err());
        assert_eq!(log.take(), ["5 awaited starts", "25 awaited ends"]);
    });
}

#[test]
fn a_region_left_alone_during_its_cleanup_goes_when_that_is_woken() {
    // hole: abandoned during its cleanup
    run(async {
        keep_reports();
        let (log, gate) = (Log::new(), Gate::new());
        group(async |g| {
            let task = g.spawn(async {
                let mut work = pin!(region(&log, "cleanup", 20));
                select(&mut work, pin!(gate.wait())).await;
                sleep(ms(1000)).await;
            });
            sleep(ms(5)).await;
            task.cancel("enough");
            sleep(ms(5)).await;
            gate.open();
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["5 cleanup starts", "25 cleanup cancelled"]);
        assert_eq!(reports().len(), 1);
    });
}

#[test]
fn a_region_left_alone_behind_a_combinator_that_passes_no_wake_on_does_not_stall_its_task() {
    run(async {
        keep_reports();
        let (log, gates) = (Log::new(), [Gate::new(), Gate::new(), Gate::new()]);
        group(async |g| {
            let task = g.spawn(async {
                let parts: [Boxed<'_, ()>; 3] =
                    [Box::pin(shield(gates[0].wait())), Box::pin(gates[1].wait()), Box::pin(gates[2].wait())];
                let mut parts: FuturesUnordered<_> = parts.into_iter().collect();
                parts.next().await; // the second one; after that, nobody polls the others
                pending::<()>().await;
            });
            sleep(ms(5)).await;
            task.cancel("enough");
            sleep(ms(1)).await;
            gates[1].open();
            sleep(ms(1)).await;
            gates[2].open(); // the combinator wakes the task for this, and for nothing more until it is polled
            sleep(ms(1)).await;
            gates[0].open();
            drop(task.await);
            log.note("over");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["8 over"]);
    });
    assert_eq!(reports().len(), 1, "the shield was abandoned");
}

#[test]
fn a_region_that_is_polled_again_in_time_is_not_abandoned() {
    // a foreign leaf that was woken too may be the one that leads back to it
    run(async {
        keep_reports();
        let (log, gate) = (Log::new(), Gate::new());
        group(async |g| {
            let task = g.spawn(async {
                let mut work = pin!(region(&log, "cleanup", 20));
                assert!(poll_once(work.as_mut()).await.is_pending());
                gate.wait().await;
                work.await
            });
            sleep(ms(5)).await;
            gate.open();
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["5 cleanup starts", "25 cleanup ends"]);
        assert!(reports().is_empty());
    });
}

#[test]
fn a_group_left_alone_whose_cleanup_waits_for_its_task_goes_when_the_task_is_woken() {
    // hole: abandoned during its cleanup. What is inside a region that nobody polls is not awaited either
    run(async {
        keep_reports();
        let (log, gate) = (Log::new(), Gate::new());
        group(async |g| {
            let task = g.spawn(async {
                let mut work = pin!(group(async |g| {
                    let child = g.spawn(sleep(ms(20)));
                    with_cleanup(pending::<Result<(), Word>>(), async |_| drop(child.await)).await
                }));
                select(&mut work, pin!(gate.wait())).await;
                sleep(ms(1000)).await;
            });
            sleep(ms(5)).await;
            task.cancel("enough");
            sleep(ms(5)).await;
            gate.open();
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!((log.ms(), reports().len()), (20, 1));
    });
}

// Cancelled during the poll of the scope itself.

static LOCAL: TaskLocal<u32> = TaskLocal::new();

/// Polls it through a combinator, which has a waker of its own.
async fn via<F: Future>(future: F) -> F::Output {
    let mut one = FuturesUnordered::from_iter([future]);
    one.next().await.expect("one")
}

#[test]
fn a_shield_inside_a_combinator_that_cancels_its_scope_is_awaited() {
    run(async {
        keep_reports();
        let (log, scope) = (Log::new(), CancelScope::new());
        let part = async {
            scope.cancel("enough");
            log.work("part", 5).await;
        };
        let work = via(scope.run(async {
            shield(part).await;
            sleep(ms(1)).await;
        }));
        assert!(work.await.is_err());
        assert_eq!(log.take(), ["0 part starts", "5 part ends"]);
        assert!(reports().is_empty());
    });
}

#[test]
fn a_cleanup_inside_a_combinator_that_cancels_its_scope_is_awaited() {
    run(async {
        keep_reports();
        let (log, scope) = (Log::new(), CancelScope::new());
        let work = with_cleanup(async { Ok::<_, Word>(()) }, async |_| {
            scope.cancel("enough");
            log.work("cleanup", 5).await;
        });
        let _ = via(scope.run(work)).await;
        assert_eq!(log.take(), ["0 cleanup starts", "5 cleanup ends"]);
        assert!(reports().is_empty());
    });
}

#[test]
fn a_group_inside_a_combinator_whose_task_cancels_the_scope_around_is_awaited() {
    run(async {
        keep_reports();
        let (log, scope) = (Log::new(), CancelScope::new());
        let work = group(async |g| {
            g.spawn(async {
                scope.cancel("enough");
                shield(log.work("part", 5)).await;
            });
            sleep(ms(9)).await;
            Ok(())
        });
        assert!(via(scope.run(work)).await.is_err());
        assert_eq!(log.take(), ["0 part starts", "5 part ends"]);
        assert!(reports().is_empty());
    });
}

#[test]
fn a_cleanup_whose_neighbour_inside_the_same_combinator_cancels_both_is_awaited() {
    // the region was polled before the branch that cancels
    run(async {
        keep_reports();
        let (log, scope) = (Log::new(), CancelScope::new());
        let other = async {
            sleep(ms(3)).await;
            scope.cancel("enough");
        };
        assert!(via(scope.run(join(region(&log, "cleanup", 5), other))).await.is_err());
        assert_eq!(log.take(), ["3 cleanup starts", "8 cleanup ends"]);
        assert!(reports().is_empty());
    });
}

#[test]
fn a_shield_under_task_locals_inside_a_combinator_that_cancels_its_scope_is_awaited() {
    run(async {
        keep_reports();
        let (log, scope) = (Log::new(), CancelScope::new());
        let part = async {
            scope.cancel("enough");
            log.work("part", 5).await;
        };
        let _ = scope.run(via(LOCAL.scope(1, shield(part)))).await;
        assert_eq!(log.take(), ["0 part starts", "5 part ends"]);
        assert!(reports().is_empty());
    });
}

#[test]
fn a_shield_under_a_timeout_inside_a_combinator_that_cancels_its_scope_is_awaited() {
    run(async {
        keep_reports();
        let (log, scope) = (Log::new(), CancelScope::new());
        let part = async {
            scope.cancel("enough");
            log.work("part", 5).await;
        };
        let _ = scope.run(via(timeout(ms(1000), shield(part)))).await;
        assert_eq!(log.take(), ["0 part starts", "5 part ends"]);
        assert!(reports().is_empty());
    });
}
