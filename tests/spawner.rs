//! `Spawner`: a handle to a group that borrows nothing.

mod common;

use common::{
    Drops, Errors, Gate, Log, OnDrop, Word, after, counted, fail, fail_after, failed, group, ms, only, panic_of,
    poll_once, run, start,
};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::{Future, pending};
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use taskgroup::{Clock, JoinErrorKind, Runtime, Spawner, sleep, timeout, yield_now};

thread_local! {
    /// A table of groups, as a server keeps one.
    static GROUPS: RefCell<HashMap<&'static str, Spawner<Word>>> = RefCell::default();
}

fn spawner_of(name: &'static str) -> Spawner<Word> {
    GROUPS.with_borrow(|groups| groups.get(name).expect("it is in the table").clone())
}

/// Runs a group to the first wait of its body, and gives back the group and its spawner.
async fn open() -> (Pin<Box<dyn Future<Output = Result<(), Errors>>>>, Spawner<Word>) {
    let slot = Rc::new(RefCell::new(None));
    let kept = slot.clone();
    let mut whole = Box::pin(group(async move |g| {
        *kept.borrow_mut() = Some(g.spawner());
        pending().await
    }));
    assert!(poll_once(whole.as_mut()).await.is_pending());
    let spawner = slot.take().expect("the body has run");
    (whole, spawner)
}

#[test]
fn its_tasks_start_in_one_order_with_the_groups() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let spawner = g.spawner();
            for n in 0..6 {
                let log = log.clone();
                let task = async move { log.note(n) };
                if n % 2 == 0 {
                    g.spawn(task);
                } else {
                    spawner.spawn(task).expect("open");
                }
            }
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 0", "0 1", "0 2", "0 3", "0 4", "0 5"]);
    });
}

#[test]
fn its_tasks_are_numbered_and_placed_with_the_groups() {
    run(async {
        group(async |g| {
            g.spawn(async {});
            let task = g.spawner().spawn(async {}).expect("open");
            let line = line!() - 1;
            let info = task.info().expect("a task");
            assert_eq!((&*info.name(), info.place().file(), info.place().line()), ("#2", file!(), line));
            assert_eq!(task.named("late").info().expect("a task").name(), "late");
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn its_tasks_are_live_awaited_and_give_values() {
    run(async {
        let log = Log::new();
        let task = group(async |g| {
            let task = g.spawner().spawn(after(5, 7)).expect("open");
            assert_eq!(g.live(), 1);
            Ok(task)
        });
        let task = task.await.expect("no error");
        assert_eq!((log.ms(), task.result()), (5, Some(Ok(7))));
    });
}

#[test]
fn a_failure_of_its_task_is_a_failure_of_the_group() {
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            g.spawner().spawn(fail_after(1, "A")).expect("open");
            g.spawn(log.work("sibling", 5));
            pending().await
        });
        assert_eq!(failed::<(), _>(result.await), "[A]");
        assert_eq!(log.take(), ["0 sibling starts", "1 sibling cancelled"]);
    });
}

#[test]
fn a_panic_of_its_task_is_a_panic_of_the_group() {
    run(async {
        let text = panic_of(group(async |g| {
            g.spawner().spawn(async { assert_eq!(1, 2, "boom") }).expect("open");
            pending::<Result<(), Word>>().await
        }));
        assert!(text.await.contains("boom"));
    });
}

#[test]
fn after_the_end_the_future_comes_back_unpolled() {
    // B6; CPython: test_taskgroups.test_taskgroup_finished, test_coro_closed_when_tg_closed
    run(async {
        let polls = Cell::new(0);
        let spawner = group(async |g| Ok(g.spawner())).await.expect("no error");
        let drops = Drops::new();
        let guard = drops.guard();
        let polled = Rc::new(Cell::new(0));
        let kept = polled.clone();
        let future = async move {
            let _guard = guard;
            counted(&kept, async {}).await;
        };
        let error = spawner.spawn(future).expect_err("over");
        assert!(error.is_finished());
        assert_eq!(error.to_string(), "the group has ended");
        assert_eq!((polled.get(), drops.count()), (0, 0));
        counted(&polls, error.into_future()).await;
        assert_eq!((polls.get(), polled.get()), (1, 1));
        drops.assert_all(1);
    });
}

#[test]
fn while_the_group_closes_it_is_not_over() {
    run(async {
        group(async |g| {
            g.spawn(taskgroup::shield(sleep(ms(5))));
            yield_now().await;
            let spawner = g.spawner();
            spawner.cancel("closing time");
            let error = spawner.spawn(async {}).expect_err("closing");
            assert!(!error.is_finished());
            assert_eq!(error.to_string(), "the group is closing and starts no more tasks");
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn it_cancels_as_the_group_does_and_after_the_end_does_nothing() {
    // L7
    run(async {
        let log = Log::new();
        let spawner = group(async |g| {
            let spawner = g.spawner();
            let task = g.spawn(log.work("task", 5));
            yield_now().await;
            spawner.cancel("closing time");
            spawner.cancel("too late");
            let error = task.await.expect_err("cancelled");
            assert_eq!(error.kind(), &JoinErrorKind::Cancelled("closing time".into()));
            Ok(spawner)
        });
        let spawner = spawner.await.expect("no error");
        spawner.cancel("after the end");
        assert_eq!(log.take(), ["0 task starts", "0 task cancelled"]);
        sleep(ms(1)).await; // nobody is cancelled here
    });
}

#[test]
fn it_spawns_from_another_place_through_a_table() {
    fn handle(log: Log) {
        let spawned = spawner_of("server").spawn(async move { log.work("request", 2).await });
        drop(spawned.expect("open"));
    }
    run(async {
        let log = Log::new();
        group(async |g| {
            GROUPS.with_borrow_mut(|groups| groups.insert("server", g.spawner()));
            sleep(ms(1)).await;
            handle(log.clone());
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["1 request starts", "3 request ends"]);
        assert!(spawner_of("server").spawn(async {}).expect_err("over").is_finished());
    });
}

#[test]
fn it_spawns_from_a_destructor() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let (spawner, kept) = (g.spawner(), log.clone());
            let task = g.spawn(async {
                let _goodbye = OnDrop(move || {
                    let log = kept.clone();
                    drop(spawner.spawn(async move { log.note("goodbye") }).expect("open"));
                });
                pending::<()>().await;
            });
            sleep(ms(1)).await;
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["1 goodbye"]);
    });
}

#[test]
fn it_is_refused_from_the_destructors_of_a_dropped_group() {
    let (drops, refused) = (Drops::new(), Rc::new(Cell::new(0)));
    run(async {
        let (mut whole, spawner) = open().await;
        let (again, guard, count) = (spawner.clone(), drops.guard(), refused.clone());
        let task = spawner.spawn(async move {
            let _respawn = OnDrop(move || {
                let _guard = &guard;
                count.set(count.get() + u32::from(again.spawn(async {}).is_err()));
            });
            pending::<()>().await;
        });
        drop(task.expect("open"));
        start(whole.as_mut()).await;
        drop(whole);
        assert_eq!(refused.get(), 1);
    });
    drops.assert_all(1);
}

#[test]
fn it_spawns_from_inside_a_task_also_after_the_bodys_end() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let (spawner, kept) = (g.spawner(), log.clone());
            g.spawner()
                .spawn(async move {
                    sleep(ms(1)).await;
                    drop(spawner.spawn(async move { kept.work("grandchild", 2).await }).expect("open"));
                })
                .expect("open");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["1 grandchild starts", "3 grandchild ends"]);
    });
}

#[test]
fn its_tasks_spawn_in_turn_in_order_with_the_groups() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let (spawner, kept) = (g.spawner(), log.clone());
            let chain = async move {
                kept.note("first");
                for n in 0..3 {
                    let kept = kept.clone();
                    drop(spawner.spawn(async move { kept.note(n) }).expect("open"));
                }
            };
            g.spawner().spawn(chain).expect("open");
            g.spawn(async { log.note("sibling") });
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 first", "0 sibling", "0 0", "0 1", "0 2"]);
    });
}

#[test]
fn a_host_spawns_between_two_turns_and_that_wakes_the_loop() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let slot = Rc::new(RefCell::new(None));
    let kept = slot.clone();
    let root = runtime.spawn(group(async move |g| {
        *kept.borrow_mut() = Some(g.spawner());
        sleep(ms(5)).await;
        Ok(())
    }));
    let turn = || runtime.turn(Some(Duration::ZERO)).expect("no error");
    while turn().ready {}
    let spawner: Spawner<Word> = slot.take().expect("the body has run");
    let task = spawner.spawn(async { Ok(7) }).expect("open");
    assert!(turn().polled > 0);
    assert_eq!(task.result(), Some(Ok(7)));

    let endless = spawner.spawn(pending::<()>()).expect("open");
    while turn().ready {}
    spawner.cancel("the window was closed");
    assert!(turn().polled > 0);
    assert!(endless.is_finished());
    runtime.advance(ms(5)).expect("a manual clock");
    while turn().ready || !root.is_finished() {}
}

#[test]
fn newcomers_of_a_dropped_group_are_dropped_once_in_order() {
    let drops = Drops::new();
    run(async {
        let log = Log::new();
        let (whole, spawner) = open().await;
        let tasks: Vec<_> = (0..3)
            .map(|n| {
                let (guard, note) = (drops.guard(), log.on_drop(n.to_string()));
                let task = async move {
                    let _guards = (guard, note);
                };
                spawner.spawn(task).expect("open")
            })
            .collect();
        drop(whole);
        drops.assert_all(3);
        assert_eq!(log.take(), ["0 0", "0 1", "0 2"]);
        for task in tasks {
            let error = task.await.expect_err("dropped");
            assert!(error.is_cancelled() && !error.was_started());
        }
        assert!(spawner.spawn(async {}).expect_err("over").is_finished());
    });
}

#[test]
fn newcomers_and_others_are_dropped_in_the_order_of_their_spawning() {
    run(async {
        let log = Log::new();
        let mut whole = Box::pin(group(async |g| {
            let spawner = g.spawner();
            for n in 0..6 {
                let note = log.on_drop(n.to_string());
                let task = async move {
                    let _note = note;
                };
                if n % 2 == 0 {
                    spawner.spawn(task).expect("open");
                } else {
                    g.spawn(task);
                }
            }
            pending::<Result<(), Word>>().await
        }));
        assert!(poll_once(whole.as_mut()).await.is_pending());
        drop(whole);
        assert_eq!(log.take(), ["0 0", "0 1", "0 2", "0 3", "0 4", "0 5"]);
    });
}

#[test]
fn a_newcomer_is_cancelled_by_its_handle_before_it_starts() {
    run(async {
        group(async |g| {
            let spawner = g.spawner();
            let other = spawner.spawn(after(1, 7)).expect("open");
            let task = spawner.spawn(async { Ok(8) }).expect("open");
            assert!(task.cancel("not needed"));
            let error = task.await.expect_err("cancelled");
            assert!(!error.was_started());
            assert_eq!(other.await, Ok(7));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn newcomers_of_a_group_that_fails_never_start() {
    run(async {
        let log = Log::new();
        let kept = log.clone();
        let result = group(async move |g| {
            g.spawner().spawn(async move { kept.note("never") }).expect("open");
            Err::<(), _>("body")
        });
        assert_eq!(failed(result.await), "[body]");
        assert!(log.take().is_empty());
    });
}

#[test]
fn a_wake_for_a_slots_last_tenant_finds_a_newcomer_once() {
    run(async {
        let (gate, polls) = (Gate::new(), Rc::new(Cell::new(0)));
        group(async |g| {
            g.spawn(async {
                assert!(poll_once(std::pin::pin!(gate.wait())).await.is_pending());
            });
            yield_now().await;
            yield_now().await;
            let kept = polls.clone();
            let task = g.spawner().spawn(async move { counted(&kept, sleep(ms(1))).await }).expect("open");
            gate.open();
            assert_eq!(task.await, Ok(()));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn clones_spawn_into_one_group() {
    run(async {
        let log = Log::new();
        group(async |g| {
            let first = g.spawner();
            let second = first.clone();
            drop(first);
            let kept = log.clone();
            second.spawn(async move { kept.note("task") }).expect("open");
            assert_eq!(format!("{second:?}"), "Spawner { phase: Open }");
            assert_eq!(g.live(), 1);
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 task"]);
    });
}

#[test]
fn it_keeps_no_group_open() {
    run(async {
        let log = Log::new();
        let spawner = group(async |g| {
            let spawner = g.spawner();
            let kept = spawner.clone();
            g.spawn(async move {
                sleep(ms(1)).await;
                drop(kept);
            });
            Ok(spawner)
        });
        let spawner = spawner.await.expect("no error");
        assert_eq!(log.ms(), 1);
        assert_eq!(format!("{spawner:?}"), "Spawner { phase: Over }");
    });
}

#[test]
fn its_tasks_are_collected_under_the_policy_of_their_time() {
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            let spawner = g.spawner();
            g.collect_all();
            spawner.spawn(fail("A")).expect("open");
            g.fail_fast();
            g.spawn(log.work("sibling", 5));
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(log.take(), ["0 sibling starts", "5 sibling ends"]);
    });
}

#[test]
fn the_spawner_of_a_forgotten_group_spawns_what_never_runs() {
    // H4
    let drops = Drops::new();
    let spawner = {
        let runtime = Runtime::with_clock(Clock::Autojump);
        runtime.block_on(async {
            let (whole, spawner) = open().await;
            mem::forget(whole);
            let guard = drops.guard();
            let task = spawner.spawn(async move { drop(guard) }).expect("open, as far as anybody knows");
            assert!(timeout(ms(5), task).await.is_err());
            spawner
        })
    };
    let task = spawner.spawn(async {}).expect("open, as far as anybody knows");
    assert!(task.cancel("the runtime is gone"));
    spawner.cancel("as well");
    assert!(!spawner.spawn(async {}).expect_err("closing").is_finished());
    assert_eq!(drops.count(), 0);
}

#[test]
fn ten_thousand_newcomers_cost_a_poll_each() {
    let polls = Rc::new(Cell::new(0));
    run(async {
        group(async |g| {
            let spawner = g.spawner();
            for _ in 0..10_000 {
                let polls = polls.clone();
                spawner.spawn(async move { counted(&polls, async {}).await }).expect("open");
            }
            assert_eq!(g.live(), 10_000);
            Ok(())
        })
        .await
        .expect("no error");
    });
    assert_eq!(polls.get(), 10_000);
}

#[test]
fn a_group_that_is_spawned_through_it_nests_its_errors() {
    run(async {
        let result = group(async |g| {
            let inner = || group(async |g| only(g.spawn(fail("inner"))));
            let task = g.spawner().spawn_group(inner()).expect("the group is open");
            assert_eq!(g.spawner().live(), 1);
            drop(task);
            Ok(())
        });
        assert_eq!(failed(result.await), "[[inner]]");
    });
}
