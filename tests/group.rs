//! A group's normal life: what it waits for, who starts when, who may spawn, what a wake costs.

mod common;

use common::{Drops, Gate, Group, Log, after, counted, fail, group, ms, only, poll_idly, run, start};
use std::cell::{Cell, OnceCell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use futures_util::future::join;
use taskgroup::{ExceptionGroup, JoinErrorKind, Task, node_count, sleep, task_group, yield_now};

#[test]
fn a_group_ends_when_its_last_child_has_ended() {
    // B1, tg1
    run(async {
        let log = Log::new();
        group(async |g| {
            g.spawn(log.work("a", 10));
            g.spawn(log.work("b", 20));
            log.note("body ends");
            Ok(())
        })
        .await
        .expect("nobody fails");
        log.note("group ends");
        assert_eq!(log.take(), ["0 body ends", "0 a starts", "0 b starts", "10 a ends", "20 b ends", "20 group ends"]);
    });
}

#[test]
fn a_group_waits_for_a_body_that_outlasts_its_children() {
    // B1
    run(async {
        let log = Log::new();
        group(async |g| {
            g.spawn(log.work("a", 10));
            sleep(ms(30)).await;
            Ok(())
        })
        .await
        .expect("nobody fails");
        log.note("group ends");
        assert_eq!(log.take(), ["0 a starts", "10 a ends", "30 group ends"]);
    });
}

#[test]
fn values_can_be_read_after_the_group() {
    // B1, tg1; CPython: test_taskgroups.test_taskgroup_01
    run(async {
        let (a, b) = group(async |g| Ok((g.spawn(after(2, 42)), g.spawn(after(1, "eleven"))))).await.expect("no error");
        assert_eq!(a.result().expect("it has ended").expect("with a value"), 42);
        assert_eq!(b.await.expect("a value"), "eleven");
    });
}

#[test]
fn the_body_value_is_the_group_value() {
    // B1
    let value = run(group(async |g| {
        let answer = g.spawn(after(5, 41));
        Ok(answer.await.expect("a value") + 1)
    }));
    assert_eq!(value.expect("no error"), 42);
}

#[test]
fn children_that_fail_and_children_that_cannot_live_in_one_group() {
    // B1
    run(async {
        let values = group(async |g| {
            let plain: Task<()> = g.spawn(async {});
            let fallible: Task<u8> = g.spawn(async { Ok(7) });
            Ok((plain.await.expect("a value"), fallible.await.expect("a value")))
        });
        assert_eq!(values.await.expect("no error"), ((), 7));
    });
}

#[test]
fn spawn_does_not_run_the_child() {
    // A2
    run(async {
        let polls = Cell::new(0);
        group(async |g| {
            g.spawn(counted(&polls, after(0, ())));
            assert_eq!(polls.get(), 0);
            yield_now().await;
            assert_eq!(polls.get(), 1);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn children_start_in_spawn_order_when_the_body_first_waits() {
    // A2
    run(async {
        let log = Log::new();
        group(async |g| {
            for name in ["a", "b", "c"] {
                let log = &log;
                g.spawn(async move { log.note(name) });
            }
            log.note("body waits");
            yield_now().await;
            log.note("body goes on");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 body waits", "0 a", "0 b", "0 c", "0 body goes on"]);
    });
}

#[test]
fn an_empty_group_does_not_wait() {
    // B2, M11
    run(async {
        let empty = pin!(group(async |_| Ok(1)));
        assert_eq!(poll_idly(empty).map(Result::ok), Poll::Ready(Some(1)));
    });
}

#[test]
fn an_empty_group_is_no_cancellation_point() {
    // B2, D10, M7, M8
    run(async {
        let (log, own) = (Log::new(), OnceCell::new());
        group(async |g| {
            let task = g.spawn(async {
                yield_now().await;
                assert!(own.get().is_some_and(|own: &Task<()>| own.cancel("by itself")));
                group(async |_| Ok(())).await.expect("no error");
                log.note("after the empty group");
                yield_now().await;
                log.note("after a wait");
            });
            own.set(task).expect("once");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 after the empty group"]);
    });
}

#[test]
fn entering_a_group_is_no_wait() {
    // B3
    run(async {
        let log = Log::new();
        let mut whole = pin!(group(async |g| {
            log.note("body");
            g.spawn(log.work("a", 1));
            Ok(())
        }));
        assert!(poll_idly(whole.as_mut()).is_pending());
        assert_eq!(log.take()[0], "0 body");
        whole.await.expect("no error");
    });
}

#[test]
fn a_child_spawns_a_sibling() {
    // B4
    run(async {
        let log = Log::new();
        group(async |g| {
            g.spawn(async {
                sleep(ms(5)).await;
                g.spawn(log.work("sibling", 5));
            });
            sleep(ms(7)).await;
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["5 sibling starts", "10 sibling ends"]);
    });
}

#[test]
fn a_child_spawns_a_sibling_while_the_body_waits_at_exit() {
    // B4, tg7, L2; CPython: test_taskgroups.test_taskgroup_24
    run(async {
        let log = Log::new();
        group(async |g| {
            g.spawn(async {
                sleep(ms(5)).await;
                g.spawn(log.work("sibling", 5));
                log.note("the last child ends");
            });
            Ok(())
        })
        .await
        .expect("no error");
        log.note("group ends");
        assert_eq!(log.take(), ["5 the last child ends", "5 sibling starts", "10 sibling ends", "10 group ends"]);
    });
}

#[test]
fn a_grandchild_spawns_into_the_outer_group() {
    // B4
    run(async {
        let log = Log::new();
        group(async |outer| {
            outer.spawn_group(group(async |inner| {
                inner.spawn(async {
                    outer.spawn(log.work("in the outer group", 9));
                });
                Ok(())
            }));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 in the outer group starts", "9 in the outer group ends"]);
    });
}

#[test]
fn a_chain_of_siblings_keeps_the_group_open() {
    // B4
    fn link<'scope>(g: &'scope Group<'scope, '_>, left: u32, log: &'scope Log) {
        g.spawn(async move {
            sleep(ms(1)).await;
            match left {
                0 => log.note("the end of the chain"),
                _ => link(g, left - 1, log),
            }
        });
    }
    run(async {
        let log = Log::new();
        group(async |g| {
            link(g, 99, &log);
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["100 the end of the chain"]);
    });
}

// python/cpython#155418: a task was spawned into a group that was closing, and nobody cancelled it.
#[test]
fn a_closing_group_refuses_a_task() {
    // B7, B12, D7
    run(async {
        let (polls, drops) = (Cell::new(0), Drops::new());
        let refused = group(async |g| {
            g.cancel("enough");
            let guard = drops.guard();
            let task = g.spawn(counted(&polls, async { drop(guard) }));
            drops.assert_all(1);
            assert!(task.is_finished());
            assert_eq!(g.live(), 0);
            Ok(task)
        });
        let error = refused.await.expect("no error").await.expect_err("it never ran");
        assert_eq!(error.kind(), &JoinErrorKind::Refused);
        assert_eq!(polls.get(), 0);
    });
}

#[test]
fn try_spawn_gives_the_future_back_unpolled() {
    // B7
    run(async {
        let polls = Cell::new(0);
        let value = group(async |g| {
            g.cancel("enough");
            let refused =
                g.try_spawn(counted(&polls, after(3, "it runs elsewhere"))).expect_err("the group is closing");
            assert_eq!(refused.to_string(), "the group is closing and starts no more tasks");
            assert_eq!(polls.get(), 0);
            refused.into_future().await
        });
        assert_eq!(value.await.expect("no error"), "it runs elsewhere");
    });
}

#[test]
fn try_spawn_starts_a_task_while_the_group_is_open() {
    // B4
    run(async {
        let value = group(async |g| {
            let task = g.try_spawn(after(3, 9)).expect("the group is open");
            Ok(task.await.expect("a value"))
        });
        assert_eq!(value.await.expect("no error"), 9);
    });
}

#[test]
fn a_group_that_was_cancelled_while_empty_ends_with_the_body_value() {
    // B6, I1
    run(async {
        let value = group(async |g| {
            g.cancel("enough");
            sleep(ms(1)).await;
            Ok(3)
        });
        assert_eq!(value.await.expect("no error"), 3);
    });
}

#[test]
fn tasks_have_numbers_until_they_are_named() {
    // B10; CPython: test_taskgroups.test_taskgroup_task_name, test_name
    run(async {
        group(async |g| {
            let first = g.spawn(async {});
            let second = g.spawn(async {}).named("second");
            let third = g.spawn(async {});
            let name = |task: &Task<()>| task.info().expect("alive").name().into_owned();
            assert_eq!([name(&first), name(&second), name(&third)], ["#1", "second", "#3"]);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_name_outlives_its_task() {
    // B10
    run(async {
        let task = group(async |g| Ok(g.spawn(async {}).named("short"))).await.expect("no error");
        assert_eq!(task.info().expect("it has ended").name(), "short");
        assert_eq!(task.named("late").info().expect("it has ended").name(), "short");
    });
}

#[test]
fn paths_name_the_tasks_around() {
    // B10
    run(async {
        let deep = group(async |g| {
            let outer = g.spawn_group(group(async |g| {
                let middle = g.spawn_group(group(async |g| Ok(g.spawn(async {}).named("leaf"))));
                Ok(middle.await.expect("a value"))
            }));
            Ok(outer.named("outer").await.expect("a value"))
        })
        .await
        .expect("no error");
        let info = deep.info().expect("it has ended");
        assert_eq!(info.path(), "outer/#1/leaf");
        assert_eq!(info.parent().expect("a task").path(), "outer/#1");
        assert!(info.parent().and_then(|middle| middle.parent()).expect("a task").parent().is_none());
    });
}

#[test]
fn places_are_where_spawn_was_called() {
    // B10
    run(async {
        group(async |g| {
            let (task, line) = (g.spawn(async {}), line!());
            let (tried, tried_line) = (g.try_spawn(async {}).expect("open"), line!());
            let (nested, nested_line) = (g.spawn_group(group(async |_| Ok(()))), line!());
            for (task, line) in [(&task, line), (&tried, tried_line), (&nested, nested_line)] {
                let info = task.info().expect("alive");
                assert_eq!((info.place().file(), info.place().line()), (file!(), line));
                assert_eq!(info.to_string(), format!("{} ({}:{line})", info.name(), file!()));
            }
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn live_counts_tasks_that_have_not_ended() {
    // B1
    run(async {
        group(async |g| {
            assert_eq!(g.live(), 0);
            g.spawn(after(10, ()));
            g.spawn(after(20, ()));
            assert_eq!(g.live(), 2);
            sleep(ms(15)).await;
            assert_eq!(g.live(), 1);
            assert_eq!(format!("{g:?}"), "TaskGroup { live: 1, phase: Open }");
            sleep(ms(15)).await;
            assert_eq!(g.live(), 0);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn wakes_are_first_in_first_out() {
    // A1, D18
    run(async {
        let log = Log::new();
        let gates = [(); 3].map(|()| Gate::new());
        group(async |g| {
            for (gate, name) in gates.iter().zip(["a", "b", "c"]) {
                let log = &log;
                g.spawn(async move {
                    gate.wait().await;
                    log.note(name);
                });
            }
            yield_now().await;
            for i in [2, 0, 1] {
                gates[i].open();
            }
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 c", "0 a", "0 b"]);
    });
}

#[test]
fn the_body_has_its_place_in_the_queue() {
    // A1: timers of one instant fire in the order in which they were armed
    run(async {
        let log = Log::new();
        let late = async |name| {
            sleep(ms(1)).await;
            log.note(name);
        };
        group(async |g| {
            g.spawn(late("first"));
            yield_now().await;
            g.spawn(async {
                yield_now().await;
                late("last").await;
            });
            late("body").await;
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["1 first", "1 body", "1 last"]);
    });
}

#[test]
fn a_child_that_wakes_itself_takes_turns_with_its_siblings() {
    // A1
    run(async {
        let turns = RefCell::new(String::new());
        group(async |g| {
            for name in ['a', 'b'] {
                let turns = &turns;
                g.spawn(async move {
                    for _ in 0..3 {
                        turns.borrow_mut().push(name);
                        yield_now().await;
                    }
                });
            }
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(turns.take(), "ababab");
    });
}

#[test]
fn timers_of_one_instant_fire_before_any_task_runs() {
    // A3
    run(async {
        let log = Log::new();
        let late = async |name| {
            sleep(ms(1)).await;
            log.note(name);
            yield_now().await;
            log.note(name);
        };
        group(async |g| {
            g.spawn(late("a"));
            g.spawn(late("b"));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["1 a", "1 b", "1 a", "1 b"]);
    });
}

#[test]
fn a_wake_of_one_child_polls_that_child_alone() {
    // A1: a wake costs its path, not the group
    run(async {
        let gates: Vec<_> = (0..1_000).map(|_| Gate::new()).collect();
        let polls: Vec<_> = (0..1_000).map(|_| Cell::new(0)).collect();
        let body_polls = Cell::new(0);
        group(async |g| {
            for (gate, polls) in gates.iter().zip(&polls) {
                g.spawn(counted(polls, gate.wait()));
            }
            counted(&body_polls, sleep(ms(1))).await;
            gates[500].open();
            counted(&body_polls, sleep(ms(1))).await;
            let woken: Vec<_> = (0..1_000).filter(|i| polls[*i].get() != 1).collect();
            assert_eq!((woken, polls[500].get(), body_polls.get()), (vec![500], 2, 4));
            gates.iter().for_each(Gate::open);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_group_holds_a_hundred_thousand_children() {
    // B1
    run(async {
        let ended = Cell::new(0);
        group(async |g| {
            for _ in 0..100_000 {
                g.spawn(async { ended.set(ended.get() + 1) });
            }
            assert_eq!(g.live(), 100_000);
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(ended.get(), 100_000);
    });
}

#[test]
fn a_group_that_moves_to_another_task_is_woken_there() {
    // A2: embassy-rs/embassy#4736: who polled first lives on, and is not meant any more
    run(async {
        let gate = Gate::new();
        let moved = RefCell::new(Some(Box::pin(group(async |g| only(g.spawn(after(5, ())))))));
        group(async |g| {
            g.spawn(async {
                let mut whole = moved.take().expect("put there above");
                start(whole.as_mut()).await;
                moved.replace(Some(whole));
                gate.wait().await;
            });
            let second = g.spawn(async { moved.take().expect("put back").await.expect("no error") });
            second.await.expect("it ended");
            gate.open();
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn of_eighty_thousand_children_that_are_woken_one_by_one_each_is_polled_twice() {
    // M8; rust-lang/futures-rs#2526: as many polls as wakes, however many there are
    for n in [1_000, 80_000] {
        run(async {
            let (polls, gates) = (Cell::new(0), (0..n).map(|_| Gate::new()).collect::<Vec<_>>());
            group(async |g| {
                for gate in &gates {
                    g.spawn(counted(&polls, gate.wait()));
                }
                yield_now().await;
                for gate in &gates {
                    gate.open();
                    yield_now().await; // that child is polled, and no other
                }
                Ok(())
            })
            .await
            .expect("no error");
            assert_eq!(polls.get(), 2 * n);
        });
    }
}

#[test]
fn a_server_of_short_tasks_stays_flat() {
    // B11
    run(async {
        group(async |g| {
            let before = node_count();
            for _ in 0..1_000 {
                g.spawn(async { yield_now().await });
                sleep(ms(1)).await;
                assert_eq!((g.live(), node_count()), (0, before));
            }
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn groups_one_after_the_other_leave_nothing() {
    // B11; CPython: test_taskgroups.test_exception_refcycles_parent_task, test_exception_refcycles_parent_task_wr
    run(async {
        for n in 0..100 {
            let before = node_count();
            let failed = group(async |g| if n % 2 == 0 { only(g.spawn(fail("A"))) } else { Err("B") }).await;
            assert!(failed.is_err());
            assert_eq!(node_count(), before);
        }
    });
}

#[test]
fn errors_keep_nothing_of_the_group() {
    // B11; CPython: test_taskgroups.test_exception_refcycles_direct, test_exception_refcycles_errors
    run(async {
        let drops = Drops::new();
        let errors = group(async |g| {
            let guard = drops.guard();
            g.spawn(async move {
                let _guard = guard;
                Err::<(), _>("A")
            });
            Ok(())
        })
        .await
        .expect_err("it fails");
        drops.assert_all(1);
        assert_eq!(node_count(), 0);
        drop(errors);
    });
}

#[test]
fn two_groups_run_side_by_side_in_one_task() {
    // B1
    run(async {
        let log = Log::new();
        let one = group(async |g| only(g.spawn(log.work("a", 10))));
        let two = group(async |g| only(g.spawn(log.work("b", 5))));
        let (one, two) = join(one, two).await;
        assert!(one.is_ok() && two.is_ok());
        assert_eq!(log.take(), ["0 a starts", "0 b starts", "5 b ends", "10 a ends"]);
    });
}

#[test]
fn dropping_a_handle_does_nothing_to_the_task() {
    // M14
    run(async {
        let log = Log::new();
        group(async |g| {
            drop(g.spawn(log.work("a", 10)));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 a starts", "10 a ends"]);
    });
}

#[test]
fn a_group_that_is_never_polled_does_nothing() {
    // B3, B5
    run(async {
        let drops = Drops::new();
        let guard = drops.guard();
        drop(task_group(async move |_| -> Result<(), std::io::Error> {
            let _guard = guard;
            unreachable!("it is never polled")
        }));
        drops.assert_all(1);
    });
}

#[test]
fn a_group_is_polled_in_a_runtime_only() {
    // B5; CPython: test_taskgroups.test_taskgroup_without_parent_task
    let (whole, line) = (Box::pin(group(async |_| Ok(()))), line!());
    let mut whole = AssertUnwindSafe(whole);
    let panic = catch_unwind(move || poll_idly(whole.as_mut()).is_ready()).expect_err("it panics");
    let who = format!("the task group of {}:{line}", file!());
    let text = format!("{who} was polled outside a runtime: await it inside `block_on(async {{ .. }})`");
    assert_eq!(common::text(&*panic), text);
}

#[test]
fn a_group_passes_through_question_marks() {
    // C11
    async fn inner() -> Result<u8, ExceptionGroup<std::io::Error>> {
        task_group(async |_| Ok(1)).await
    }
    async fn outer() -> Result<u8, taskgroup::BoxError> {
        Ok(inner().await? + 1)
    }
    assert_eq!(run(outer()).expect("no error"), 2);
}
