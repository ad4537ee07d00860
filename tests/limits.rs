//! `limit` and `admit`: how many tasks run at once, and who waits for a place; and what is limited by the system.

mod common;

use common::cancelled::Held;
use common::{Drops, Gate, Group, Log, Word, after, counted, fail, fail_after, failed, group, ms, poll_once, run};
use std::cell::{Cell, RefCell};
use std::env;
use std::future::{Future, pending};
use std::io::{self, Read};
use std::net::{self, Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustix::process::{Resource, Rlimit, setrlimit};
use socket2::{Domain, Socket, Type};
use taskgroup::net::{Acceptor, TcpListener};
use taskgroup::{
    BlockOnError, Clock, ExceptionGroup, JoinErrorKind, Runtime, block_on, sleep, task_group, timeout, yield_now,
};

/// Spawns `count` tasks that note their number, wait for a millisecond, and end.
fn spawn_numbered<'scope>(g: &'scope Group<'scope, '_>, log: &'scope RefCell<Vec<usize>>, count: usize) {
    for n in 0..count {
        g.spawn(async move {
            log.borrow_mut().push(n);
            sleep(ms(1)).await;
        });
    }
}

#[test]
fn queued_tasks_start_in_the_order_of_their_spawning() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(2);
            for (name, n) in [("a", 5), ("b", 1), ("c", 1), ("d", 9), ("e", 1)] {
                g.spawn(log.work(name, n));
            }
            Ok(())
        })
        .await
        .expect("no error");
        let starts: Vec<_> = log.take().into_iter().filter(|line| line.ends_with("starts")).collect();
        assert_eq!(starts, ["0 a starts", "0 b starts", "1 c starts", "2 d starts", "5 e starts"]);
    });
}

#[test]
fn the_body_does_not_count() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(1);
            g.spawn(log.work("a", 5));
            log.work("body", 5).await;
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 body starts", "0 a starts", "5 body ends", "5 a ends"]);
    });
}

#[test]
fn queued_tasks_are_live_and_awaited() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(1);
            let tasks = [1, 1, 1].map(|n| g.spawn(after(n, ())));
            assert_eq!(g.live(), 3);
            yield_now().await;
            assert_eq!(g.live(), 3);
            assert!(tasks.iter().all(|task| !task.is_finished()));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.ms(), 3);
    });
}

#[test]
fn a_queued_task_is_awaited_by_its_handle() {
    run(async {
        let value = group(async |g| {
            g.limit(1);
            g.spawn(after(5, 0));
            Ok(g.spawn(after(5, 7)).await.expect("a value"))
        });
        assert_eq!(value.await.expect("no error"), 7);
    });
}

#[test]
fn a_cancelled_queued_task_says_that_it_never_started() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(1);
            let running = g.spawn(after(5, ()));
            let queued = g.spawn(log.work("queued", 1));
            yield_now().await;
            assert!(queued.cancel("not needed"));
            let error = queued.await.expect_err("cancelled");
            assert!(!error.was_started() && error.is_cancelled());
            assert_eq!(error.kind(), &JoinErrorKind::Cancelled("not needed".into()));
            assert!(error.to_string().ends_with(" was cancelled before it started: not needed"), "{error}");
            running.cancel("neither");
            assert!(running.await.expect_err("cancelled").was_started());
            Ok(())
        })
        .await
        .expect("no error");
        assert!(log.take().is_empty());
    });
}

#[test]
fn a_failure_starts_none_of_a_thousand_queued_tasks() {
    run(async {
        let (started, drops) = (Cell::new(0), Drops::new());
        let result = group(async |g| {
            g.limit(1);
            g.spawn(fail_after(1, "A"));
            for _ in 0..1000 {
                let guard = drops.guard();
                g.spawn(async {
                    let _guard = guard;
                    started.set(started.get() + 1);
                    Ok(())
                });
            }
            assert_eq!(g.live(), 1001);
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(started.get(), 0);
        drops.assert_all(1000);
    });
}

#[test]
fn a_closed_group_starts_none_of_its_queued_tasks() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(1);
            g.spawn(log.work("a", 5));
            let queued = g.spawn(log.work("b", 5));
            yield_now().await;
            g.cancel("closing time");
            assert!(!queued.await.expect_err("cancelled").was_started());
            g.limit(9);
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 a starts", "0 a cancelled"]);
    });
}

#[test]
fn a_higher_limit_starts_queued_tasks_at_once() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(1);
            for name in ["a", "b", "c", "d"] {
                g.spawn(log.work(name, 10));
            }
            sleep(ms(4)).await;
            g.limit(3);
            Ok(())
        })
        .await
        .expect("no error");
        let starts: Vec<_> = log.take().into_iter().filter(|line| line.ends_with("starts")).collect();
        assert_eq!(starts, ["0 a starts", "4 b starts", "4 c starts", "10 d starts"]);
    });
}

#[test]
fn under_a_lower_limit_running_tasks_go_on() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(3);
            for (name, n) in [("a", 4), ("b", 6), ("c", 8), ("d", 1)] {
                g.spawn(log.work(name, n));
            }
            sleep(ms(1)).await;
            g.limit(1);
            Ok(())
        })
        .await
        .expect("no error");
        let lines = log.take();
        assert_eq!(lines[3..], ["4 a ends", "6 b ends", "8 c ends", "8 d starts", "9 d ends"]);
    });
}

#[test]
fn a_limit_of_zero_is_a_pause() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(0);
            g.spawn(log.work("a", 1));
            g.spawn(log.work("b", 1));
            sleep(ms(5)).await;
            assert_eq!((log.take().len(), g.live()), (0, 2));
            g.limit(1);
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["5 a starts", "6 a ends", "6 b starts", "7 b ends"]);
    });
}

#[test]
fn a_group_that_stays_paused_is_a_stall() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let ended = runtime.try_block_on(group(async |g| {
        g.limit(0);
        g.spawn(async {});
        Ok(())
    }));
    assert!(matches!(ended, Err(BlockOnError::Stalled(_))));
}

#[test]
fn a_task_that_waits_for_a_queued_sibling_is_a_stall() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let drops = Drops::new();
    let guards = (drops.guard(), drops.guard());
    let ended = runtime.try_block_on(group(async |g| {
        g.limit(1);
        g.spawn(async {
            let _guard = guards.0;
            let queued = g.spawn(async {
                let _guard = guards.1;
                Ok(())
            });
            queued.await.map_err(|_| "cancelled")
        });
        Ok(())
    }));
    let Err(BlockOnError::Stalled(stall)) = ended else { panic!("it should have stalled") };
    let tree = stall.tree.to_string();
    let tasks: Vec<_> = tree.lines().skip(2).map(|line| line.trim_start_matches([' ', '|', '`', '-'])).collect();
    let [holder, queued] = &tasks[..] else { panic!("one waits for the other: {stall}") };
    assert!(holder.starts_with("task #1 (tests/limits.rs:") && holder.ends_with("): waits for task #2"), "{holder}");
    assert!(queued.starts_with("task #2 (tests/limits.rs:"), "{queued}");
    assert!(queued.ends_with("): not started, waits for a place under the limit of its group"), "{queued}");
    drops.assert_all(2);
}

#[test]
fn tasks_of_spawners_children_and_try_spawn_wait_in_the_same_queue() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(1);
            let spawner = g.spawner();
            let kept = log.clone();
            g.spawn(async {
                log.work("a", 1).await;
                g.spawn(log.work("from a", 1));
            });
            spawner.spawn(async move { kept.work("spawner", 1).await }).expect("open");
            g.try_spawn(log.work("try", 1)).expect("open");
            Ok(())
        })
        .await
        .expect("no error");
        let starts: Vec<_> = log.take().into_iter().filter(|line| line.ends_with("starts")).collect();
        assert_eq!(starts, ["0 a starts", "1 spawner starts", "2 try starts", "3 from a starts"]);
    });
}

#[test]
fn any_queued_task_can_be_cancelled_and_the_others_keep_their_order() {
    for which in 0..5 {
        run(async {
            let log = RefCell::new(Vec::new());
            group(async |g| {
                g.limit(1);
                g.spawn(after(2, ()));
                let queued: Vec<_> = (0..5)
                    .map(|n| {
                        let log = &log;
                        g.spawn(async move {
                            log.borrow_mut().push(n);
                            sleep(ms(1)).await;
                        })
                    })
                    .collect();
                yield_now().await;
                assert!(queued[which].cancel("this one"));
                yield_now().await;
                assert!(queued[which].is_finished(), "it ends in its own turn, not when it gets a place");
                Ok(())
            })
            .await
            .expect("no error");
            let others: Vec<_> = (0..5).filter(|n| *n != which).collect();
            assert_eq!(*log.borrow(), others);
        });
    }
}

#[test]
fn a_queued_task_that_is_cancelled_as_it_gets_its_place_gives_it_back() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(1);
            g.spawn(after(2, ()));
            let queued = g.spawn(log.work("cancelled", 5));
            g.spawn(log.work("next", 1));
            sleep(ms(2)).await; // in the turn in which the first ends
            queued.cancel("just now");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["2 next starts", "3 next ends"]);
    });
}

#[test]
fn failed_and_panicked_tasks_give_their_places_back() {
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            g.limit(1);
            g.collect_all();
            g.spawn(fail_after(1, "A"));
            let cancelled = g.spawn(pending::<()>());
            g.spawn(log.work("next", 1));
            sleep(ms(3)).await;
            cancelled.cancel("enough");
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(log.take(), ["3 next starts", "4 next ends"]);
    });
}

#[test]
fn limit_collect_and_stream_work_together() {
    run(async {
        let mut results = Vec::new();
        let result = group(async |g| {
            g.limit(2);
            g.collect_all();
            let stream = g.stream::<u64>();
            for n in [30, 10, 20] {
                stream.spawn(after(n, n));
            }
            stream.spawn(async { Err("A") });
            while let Some(result) = stream.next().await {
                results.push(result.ok());
            }
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(results, [Some(10), Some(30), Some(20), None]);
    });
}

#[test]
fn captured_values_of_a_queued_task_are_dropped_once() {
    let drops = Drops::new();
    run(async {
        group(async |g| {
            g.limit(1);
            g.spawn(after(1, ()));
            for _ in 0..3 {
                let guard = drops.guard();
                g.spawn(async { drop(guard) });
            }
            g.spawner()
                .spawn({
                    let guard = drops.guard();
                    async { drop(guard) }
                })
                .expect("open")
                .cancel("one of them");
            Ok(())
        })
        .await
        .expect("no error");
    });
    drops.assert_all(4);
}

#[test]
fn a_group_that_is_dropped_drops_its_queued_tasks_once() {
    let drops = Drops::new();
    run(async {
        let mut whole = Box::pin(group(async |g| {
            g.limit(1);
            g.spawn(pending::<()>());
            for _ in 0..3 {
                let guard = drops.guard();
                g.spawn(async { drop(guard) });
            }
            pending::<Result<(), Word>>().await
        }));
        assert!(poll_once(whole.as_mut()).await.is_pending());
        assert!(poll_once(whole.as_mut()).await.is_pending());
        drop(whole);
        drops.assert_all(3);
    });
}

#[test]
fn a_wake_for_a_slots_last_tenant_does_not_start_a_queued_task() {
    run(async {
        let (gate, ran) = (Gate::new(), Cell::new(false));
        group(async |g| {
            let leaves_its_waker = g.spawn(async {
                let wait = pin!(gate.wait());
                assert!(poll_once(wait).await.is_pending());
            });
            leaves_its_waker.await.expect("it ends");
            g.limit(0);
            let queued = g.spawn(async { ran.set(true) });
            gate.open();
            sleep(ms(1)).await;
            assert!(!ran.get() && !queued.is_finished());
            g.limit(1);
            assert_eq!(queued.await, Ok(()));
            Ok(())
        })
        .await
        .expect("no error");
        assert!(ran.get());
    });
}

#[test]
fn a_hundred_thousand_queued_tasks_are_polled_once_each() {
    const COUNT: u32 = 100_000;
    let polls = Cell::new(0);
    let runtime = Runtime::with_clock(Clock::Autojump);
    let before = runtime.census();
    runtime
        .block_on(group(async |g| {
            g.limit(10);
            for _ in 0..COUNT {
                g.spawn(counted(&polls, async {}));
            }
            Ok(())
        }))
        .expect("no error");
    assert_eq!(polls.get(), COUNT);
    assert_eq!(runtime.census(), before);
}

#[test]
fn a_hundred_thousand_queued_tasks_are_cancelled_without_a_poll() {
    let polls = Cell::new(0);
    run(async {
        let result = group(async |g| {
            g.limit(1);
            g.spawn(fail("A"));
            for _ in 0..100_000 {
                g.spawn(counted(&polls, async {}));
            }
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
    });
    assert_eq!(polls.get(), 0);
}

#[test]
fn admit_waits_until_a_task_would_start_at_once() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(2);
            for n in [1, 2, 3, 4] {
                g.admit().await;
                log.note(format_args!("{n} admitted"));
                g.spawn(after(10 * n, ()));
                assert!(g.live() <= 2);
            }
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 1 admitted", "0 2 admitted", "10 3 admitted", "20 4 admitted"]);
    });
}

#[test]
fn admit_does_not_overtake_queued_tasks() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(1);
            g.spawn(after(5, ()));
            g.spawn(after(5, ())); // queued
            g.admit().await;
            log.note("admitted");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["10 admitted"]);
    });
}

#[test]
fn a_higher_limit_lets_admit_go_on() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(0);
            group::<(), _>(async |other| {
                other.spawn(async {
                    sleep(ms(3)).await;
                    g.limit(1);
                });
                g.admit().await;
                log.note("admitted");
                Ok(())
            })
            .await
            .map_err(|_| "inner")
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["3 admitted"]);
    });
}

#[test]
fn several_admitters_get_one_place_each_in_turn() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(1);
            g.spawn(after(10, ()));
            group::<(), _>(async |other| {
                for name in ["a", "b", "c"] {
                    let log = &log;
                    other.spawn(async move {
                        g.admit().await;
                        log.note(format_args!("{name} admitted"));
                        g.spawn(after(10, ()));
                    });
                }
                Ok(())
            })
            .await
            .map_err(|_| "inner")
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["10 a admitted", "20 b admitted", "30 c admitted"]);
    });
}

#[test]
fn admitters_inside_a_combinator_are_woken() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(1);
            g.spawn(after(10, ()));
            let admitters = (0..3).map(|_| async {
                g.admit().await;
                g.spawn(after(10, ()));
            });
            let mut admitters: FuturesUnordered<_> = admitters.collect();
            while admitters.next().await.is_some() {
                log.note("admitted");
            }
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["10 admitted", "20 admitted", "30 admitted"]);
    });
}

#[test]
fn an_admitter_that_was_polled_once_and_left_alone_keeps_no_place_from_another() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(1);
            g.spawn(sleep(ms(5)));
            group(async |waiters| {
                waiters.spawn(async {
                    let mut admit = pin!(g.admit());
                    assert!(poll_once(admit.as_mut()).await.is_pending());
                    sleep(ms(1000)).await;
                });
                waiters.spawn(async {
                    g.admit().await;
                    log.note("admitted");
                });
                Ok(())
            })
            .await
            .map_err(|_| "waiters")
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["5 admitted"]);
    });
}

#[test]
fn an_admitter_that_is_cancelled_while_it_waits_takes_no_place() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(1);
            g.spawn(after(10, ()));
            assert!(timeout(ms(3), g.admit()).await.is_err());
            log.note("gave up");
            g.admit().await;
            log.note("admitted");
            g.spawn(log.work("task", 1));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["3 gave up", "10 admitted", "10 task starts", "11 task ends"]);
    });
}

#[test]
fn admit_is_a_cancellation_point_when_there_is_a_place() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let task = g.spawn(async {
                sleep(ms(1)).await;
                group(async |inner| {
                    g.cancel("now");
                    inner.admit().await;
                    log.note("went on");
                    Ok(())
                })
                .await
                .map_err(|_| "inner")
            });
            assert!(task.await.is_err());
            Ok(())
        })
        .await
        .expect("no error");
        assert!(log.take().is_empty());
    });
}

#[test]
fn in_a_closing_group_admit_returns_at_once() {
    run(async {
        let log = Log::new();
        group(async |g| {
            g.limit(1);
            g.spawn(taskgroup::shield(sleep(ms(10))));
            yield_now().await;
            g.cancel("closing time");
            g.admit().await;
            log.note("admitted");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 admitted"]);
    });
}

#[test]
fn admit_returns_when_the_group_is_closed_meanwhile() {
    run(async {
        let log = Log::new();
        group(async |outer| {
            group(async |g| {
                g.limit(0);
                let spawner = g.spawner();
                outer.spawn(async move {
                    sleep(ms(5)).await;
                    spawner.cancel("from elsewhere");
                });
                g.admit().await;
                log.note("admitted");
                Ok(())
            })
            .await
            .map_err(|_| "inner")
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["5 admitted"]);
    });
}

#[test]
fn spurious_polls_of_admit_keep_one_waker() {
    run(async {
        group(async |g| {
            g.limit(0);
            let mut admit = pin!(g.admit());
            let wakers = [(); 100].map(|()| Arc::new(Held));
            for held in &wakers {
                let waker = Waker::from(held.clone());
                let mut cx = Context::from_waker(&waker);
                assert!(admit.as_mut().poll(&mut cx).is_pending());
                assert!(admit.as_mut().poll(&mut cx).is_pending());
            }
            let kept: usize = wakers.iter().map(|held| Arc::strong_count(held) - 1).sum();
            assert_eq!(kept, 1);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn an_admitter_that_is_dropped_leaves_no_waker() {
    run(async {
        group(async |g| {
            g.limit(0);
            let held = Arc::new(Held);
            for _ in 0..100 {
                let waker = Waker::from(held.clone());
                let admit = pin!(g.admit());
                assert!(admit.poll(&mut Context::from_waker(&waker)).is_pending());
            }
            assert_eq!(Arc::strong_count(&held), 1);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn ends_that_free_no_place_do_not_wake_admitters() {
    run(async {
        let polls = Cell::new(0);
        group(async |g| {
            for n in 1..=50 {
                g.spawn(after(n, ()));
            }
            g.limit(10);
            counted(&polls, g.admit()).await;
            assert_eq!(g.live(), 9);
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn a_limit_counts_what_already_runs() {
    run(async {
        let log = RefCell::new(Vec::new());
        group(async |g| {
            let first = Rc::new(Cell::new(0)); // spawned before the limit was set
            for n in [5, 6] {
                let first = first.clone();
                g.spawn(async move {
                    first.set(first.get() + 1);
                    sleep(ms(n)).await;
                });
            }
            g.limit(2);
            spawn_numbered(g, &log, 2);
            sleep(ms(4)).await;
            assert_eq!((first.get(), log.borrow().len()), (2, 0));
            sleep(ms(1)).await;
            yield_now().await;
            assert_eq!(*log.borrow(), [0]);
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(*log.borrow(), [0, 1]);
    });
}

#[test]
fn a_limit_holds_on_the_real_clock_too() {
    let (running, most) = (Cell::new(0), Cell::new(0));
    let ended: Result<(), ExceptionGroup<Word>> = block_on(group(async |g| {
        g.limit(3);
        for _ in 0..20 {
            g.spawn(async {
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                yield_now().await;
                running.set(running.get() - 1);
            });
        }
        Ok(())
    }));
    assert!(ended.is_ok());
    assert_eq!((running.get(), most.get()), (0, 3));
}

// joyent/libuv#690, oven-sh/bun#32705: accept fails at once for as long as a connection is in the queue, and the loop spins;
// mtrudel/thousand_island#206, python-trio/trio#73, #492: or the server ends.
#[test]
fn a_server_out_of_descriptors_tries_twenty_times_a_second_and_serves_all_in_the_end() -> io::Result<()> {
    const CLIENTS: usize = 200;
    if env::var_os("TASKGROUP_CHILD").is_some() {
        return serve_with_few_descriptors(CLIENTS);
    }
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    listener.listen(CLIENTS as i32)?; // all of them fit into the queue
    let address = listener.local_addr()?;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let client = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        client.connect(&address)?;
        client.send(b"?")?;
        clients.push(TcpStream::from(client));
    }
    let test = "a_server_out_of_descriptors_tries_twenty_times_a_second_and_serves_all_in_the_end";
    let mut server = Command::new(env::current_exe()?)
        .args(["--exact", test])
        .env("TASKGROUP_CHILD", test)
        .stdin(OwnedFd::from(listener))
        .spawn()?;
    for client in &mut clients[..40] {
        client.read_exact(&mut [0])?; // while it has no descriptor left, those that have one are served
    }
    for mut client in clients {
        let mut rest = Vec::new();
        client.shutdown(Shutdown::Write)?;
        client.read_to_end(&mut rest)?;
        assert!(rest.len() <= 1);
    }
    assert_eq!(server.wait()?.code(), Some(0));
    Ok(())
}

/// The listener is the standard input.
fn serve_with_few_descriptors(clients: usize) -> io::Result<()> {
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: Some(64) })?;
    taskgroup::set_reporter(Some(|_| {}));
    let listener = net::TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    let (failed, served) = (Cell::new(0), Cell::new(0));
    let start = Instant::now();
    let result: Result<(), ExceptionGroup<io::Error>> = block_on(task_group(async |g| {
        let listener = TcpListener::try_from(listener)?;
        let mut acceptor =
            Acceptor::new(async || listener.accept().await.inspect_err(|_| failed.set(failed.get() + 1)));
        for _ in 0..clients {
            let (stream, _) = acceptor.accept(g).await?;
            g.spawn(async {
                let (stream, mut byte) = (stream, [0]);
                while stream.read(&mut byte).await? > 0 {
                    stream.write_all(&byte).await?;
                    served.set(served.get() + 1);
                }
                Ok(())
            });
        }
        Ok(())
    }));
    assert_eq!((result.map_err(|errors| errors.to_string()), served.get()), (Ok(()), clients));
    let most = start.elapsed().as_millis() / 50 + 1; // however long it took: none is made before its time
    assert!(failed.get() > 0 && failed.get() <= most, "{} attempts in vain, of at most {most}", failed.get());
    Ok(())
}
