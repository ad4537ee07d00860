//! Cancelling: a task, a group, what is around a group; in which order things are dropped, and what is not dropped.

mod common;

use common::{
    Drops, Gate, Log, OnDrop, after, counted, fail, fail_after, failed, group, ms, only, panic_of, poll_idly, run,
    start,
};
use std::cell::{Cell, OnceCell, RefCell};
use std::future::{Future, pending};
use std::io::{Read, Write, pipe};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Wake};

use futures_util::future::{Either, FutureExt, join, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use taskgroup::net::{TcpListener, UdpSocket};
use taskgroup::{Async, CancelScope, JoinErrorKind, Reason, Task, node_count, now, sleep, timeout, yield_now};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

#[track_caller]
fn reason_of<T>(task: &Task<T>) -> Reason {
    match task.result() {
        Some(Err(error)) => match error.kind() {
            JoinErrorKind::Cancelled(reason) => reason.clone(),
            _ => panic!("it was not cancelled: {error}"),
        },
        Some(Ok(_)) => panic!("it has a value"),
        None => panic!("it has not ended"),
    }
}

// One task.

// agronholm/anyio#685, #710: a task that was cancelled before its first poll ran.
#[test]
fn a_task_that_is_cancelled_before_its_first_poll_never_runs() {
    // E9, D6; CPython: test_tasks.test_cancel_with_message_before_starting_task
    run(async {
        let (polls, drops) = (Cell::new(0), Drops::new());
        let task = group(async |g| {
            let guard = drops.guard();
            let task = g.spawn(counted(&polls, async { drop(guard) }));
            assert!(task.cancel("not needed"));
            assert_eq!(drops.count(), 0, "nothing is dropped inside the call");
            Ok(task)
        });
        let task = task.await.expect("a cancelled child is no error");
        drops.assert_all(1);
        assert_eq!((polls.get(), reason_of(&task)), (0, Reason::from("not needed")));
    });
}

#[test]
fn a_waiting_task_is_dropped_in_its_own_turn() {
    // E2
    run(async {
        let log = Log::new();
        group(async |g| {
            let task = g.spawn(log.work("a", 100));
            sleep(ms(10)).await;
            assert!(task.cancel("enough"));
            log.note("asked");
            assert!(!task.is_finished());
            yield_now().await;
            assert!(task.is_finished());
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 a starts", "10 asked", "10 a cancelled"]);
    });
}

#[test]
fn destructors_run_from_the_inside_out() {
    // E2: as `finally` blocks do
    run(async {
        let log = Log::new();
        group(async |g| {
            let task = g.spawn(async {
                let _outer = log.on_drop("outer");
                let _inner = log.on_drop("inner");
                log.work("wait", 100).await;
            });
            sleep(ms(1)).await;
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 wait starts", "1 wait cancelled", "1 inner", "1 outer"]);
    });
}

#[test]
fn cancelling_a_task_that_has_ended_does_nothing() {
    // E1, A4
    run(async {
        group(async |g| {
            let task = g.spawn(after(0, 7));
            sleep(ms(1)).await;
            assert!(!task.cancel("too late"));
            assert_eq!(task.await.expect("a value"), 7);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

// agronholm/anyio#716: a second cancel changed what the first had set going.
#[test]
fn the_first_reason_stands() {
    // E1, E4, E22
    run(async {
        group(async |g| {
            let task = g.spawn(after(100, ()));
            assert!(task.cancel("first") && task.cancel("second"));
            yield_now().await;
            assert_eq!(reason_of(&task), Reason::from("first"));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_cancelled_child_leaves_its_siblings_alone() {
    // D5; CPython: test_taskgroups.test_taskgroup_03
    run(async {
        let log = Log::new();
        let value = group(async |g| {
            let task = g.spawn(log.work("a", 100));
            g.spawn(log.work("b", 20));
            sleep(ms(10)).await;
            task.cancel("enough");
            Ok("value")
        });
        assert_eq!(value.await.expect("no error"), "value");
        assert_eq!(log.take(), ["0 a starts", "0 b starts", "10 a cancelled", "20 b ends"]);
    });
}

#[test]
fn a_task_that_cancels_itself_ends_at_its_next_wait() {
    // E2, E18; CPython: test_tasks.test_cancel_current_task
    run(async {
        let (log, own) = (Log::new(), OnceCell::<Task<()>>::new());
        group(async |g| {
            let task = g.spawn(async {
                let _end = log.on_drop("dropped");
                yield_now().await;
                own.get().expect("set").cancel("by itself");
                log.note("runs on");
                yield_now().await;
                log.note("not reached");
            });
            own.set(task).expect("once");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 runs on", "0 dropped"]);
        assert_eq!(reason_of(own.get().expect("set")), Reason::from("by itself"));
    });
}

#[test]
fn a_task_that_ends_with_a_value_before_its_cancel_lands_keeps_it() {
    // E6 (here: DESIGN, rule 11)
    run(async {
        let own = OnceCell::<Task<u8>>::new();
        group(async |g| {
            let task = g.spawn(async {
                yield_now().await;
                own.get().expect("set").cancel("by itself");
                Ok(7)
            });
            own.set(task).expect("once");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(own.get().and_then(Task::result), Some(Ok(7)));
    });
}

#[test]
fn a_task_that_fails_before_its_cancel_lands_has_failed() {
    // E6
    run(async {
        let own = OnceCell::<Task<()>>::new();
        let result = group(async |g| {
            let task = g.spawn(async {
                yield_now().await;
                own.get().expect("set").cancel("by itself");
                Err("A")
            });
            own.set(task).expect("once");
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
    });
}

#[test]
fn a_sibling_cancels_a_task() {
    // E1, D4
    run(async {
        let log = Log::new();
        group(async |g| {
            let task = g.spawn(log.work("a", 100));
            g.spawn(async move {
                sleep(ms(5)).await;
                assert!(task.cancel("by a sibling"));
            });
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 a starts", "5 a cancelled"]);
    });
}

#[test]
fn a_cancel_from_a_destructor_lands() {
    // E1
    run(async {
        let log = Log::new();
        group(async |g| {
            let a = g.spawn(log.work("a", 100));
            let b = g.spawn(async {
                let _cancels = OnDrop(move || assert!(a.cancel("by a destructor")));
                log.work("b", 100).await;
            });
            sleep(ms(5)).await;
            b.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 a starts", "0 b starts", "5 b cancelled", "5 a cancelled"]);
    });
}

#[test]
fn a_destructor_may_spawn_while_the_group_is_open() {
    // B4
    run(async {
        let log = Log::new();
        group(async |g| {
            let task = g.spawn(async {
                let _spawns = OnDrop(|| drop(g.spawn(log.work("late", 5))));
                pending::<()>().await;
            });
            sleep(ms(5)).await;
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["5 late starts", "10 late ends"]);
    });
}

#[test]
fn a_destructor_spawns_in_vain_while_the_group_closes() {
    // B7, E24
    run(async {
        let (polls, drops, refused) = (Cell::new(0), Drops::new(), Cell::new(false));
        let result = group(async |g| {
            g.spawn(async {
                let _spawns = OnDrop(|| {
                    let guard = drops.guard();
                    let task = g.spawn(counted(&polls, async { drop(guard) }));
                    refused.set(task.is_finished());
                });
                pending::<()>().await;
            });
            g.spawn(fail_after(1, "A"));
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        drops.assert_all(1);
        assert_eq!((polls.get(), refused.get()), (0, true));
    });
}

// A cancel against a result that is ready and not polled yet.

#[test]
fn a_cancel_beats_a_sleep_that_is_over_and_not_polled() {
    // E3; O: a_request_beats_a_result
    run(async {
        let log = Log::new();
        group(async |g| {
            let target = std::rc::Rc::new(OnceCell::<Task<()>>::new());
            let named = target.clone();
            g.spawn(async move {
                sleep(ms(10)).await; // armed first, so it fires first
                assert!(named.get().expect("set").cancel("just in time"));
            });
            target.set(g.spawn(log.work("a", 10))).expect("once");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 a starts", "10 a cancelled"]);
    });
}

#[test]
fn a_cancel_after_the_sleep_was_polled_comes_too_late() {
    // E3, A8
    run(async {
        let log = Log::new();
        group(async |g| {
            let target = g.spawn(log.work("a", 10));
            g.spawn(async move {
                sleep(ms(10)).await;
                assert!(!target.cancel("too late"));
            });
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 a starts", "10 a ends"]);
    });
}

#[test]
fn a_cancel_beats_a_join_whose_target_has_ended() {
    // E3
    run(async {
        let log = Log::new();
        group(async |g| {
            let gate = Gate::new();
            let target = g.spawn({
                let gate = gate.clone();
                async move { gate.wait().await }
            });
            let joiner = g.spawn(async {
                let _end = log.on_drop("the joiner is dropped");
                target.await.expect("a value");
                log.note("not reached");
            });
            yield_now().await;
            gate.open();
            yield_now().await; // the target ends and the joiner is told
            joiner.cancel("just in time");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 the joiner is dropped"]);
    });
}

#[test]
fn a_cancelled_read_takes_no_byte() {
    // E3
    run(async {
        let (reader, mut writer) = pipe().expect("a pipe");
        let reader = Async::new(reader).expect("a source");
        let read = async || {
            let mut byte = [0];
            reader.read_with(|mut pipe| pipe.read(&mut byte)).await.map(|n| (n, byte[0])).map_err(|_| "read")
        };
        group(async |g| {
            let own = std::rc::Rc::new(OnceCell::<Task<()>>::new());
            let task = g.spawn({
                let own = own.clone();
                let read = &read;
                async move {
                    yield_now().await;
                    own.get().expect("set").cancel("by itself"); // the byte is there already
                    assert_eq!(read().await, Err("cancelled"));
                }
            });
            writer.write_all(b"x").expect("room");
            own.set(task).expect("once");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(read().await, Ok((1, b'x')));
    });
}

#[test]
fn a_cancel_beats_a_read_that_became_ready() {
    // E3
    run(async {
        let (reader, mut writer) = pipe().expect("a pipe");
        let reader = Async::new(reader).expect("a source");
        let drops = Drops::new();
        group(async |g| {
            let guard = drops.guard();
            let task = g.spawn(async {
                let _guard = guard;
                let mut byte = [0];
                let read = reader.read_with(|mut pipe| pipe.read(&mut byte));
                assert!(read.await.is_err(), "it is cancelled");
            });
            yield_now().await;
            writer.write_all(b"x").expect("room");
            task.cancel("just in time");
            Ok(())
        })
        .await
        .expect("no error");
        drops.assert_all(1);
    });
}

#[test]
fn a_cancelled_sleep_removes_its_timer() {
    // E21; CPython: test_tasks.test_sleep_cancel
    let runtime = taskgroup::Runtime::with_clock(taskgroup::Clock::Autojump);
    common::run_in(&runtime, async {
        group(async |g| {
            let task = g.spawn(after(100, ()));
            yield_now().await;
            assert_eq!(runtime.census().timers, 1);
            task.cancel("enough");
            yield_now().await;
            assert_eq!(runtime.census().timers, 0);
            Ok(())
        })
        .await
        .expect("no error");
    });
}

// g.cancel

#[test]
fn cancelling_a_group_ends_its_tasks_and_lets_the_body_go_on() {
    // I1, L7 (here: DESIGN, rule 12)
    run(async {
        let log = Log::new();
        let value = group(async |g| {
            g.spawn(log.work("a", 100));
            g.spawn(log.work("b", 100));
            sleep(ms(5)).await;
            g.cancel("enough");
            log.work("body", 10).await;
            Ok("value")
        });
        assert_eq!(value.await.expect("no error"), "value");
        let ends = log.take().split_off(2);
        assert_eq!(ends, ["5 body starts", "5 a cancelled", "5 b cancelled", "15 body ends"]);
    });
}

#[test]
fn joins_in_a_cancelled_group_answer_with_the_reason() {
    // I1, D14
    run(async {
        group(async |g| {
            let task = g.spawn(after(100, ()));
            g.cancel("first");
            g.cancel("second");
            let error = task.await.expect_err("cancelled");
            assert_eq!(error.kind(), &JoinErrorKind::Cancelled(Reason::from("first")));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

// python-trio/trio#1457, agronholm/anyio#1069: the owner was cancelled though nobody had cancelled it.
#[test]
fn a_child_cancels_its_group_while_the_body_waits_at_exit() {
    // I1
    run(async {
        let log = Log::new();
        let value = group(async |g| {
            g.spawn(log.work("a", 100));
            g.spawn(async {
                sleep(ms(5)).await;
                g.cancel("found it");
                sleep(ms(1)).await;
                log.note("not reached");
            });
            Ok(3)
        });
        assert_eq!(value.await.expect("no error"), 3);
        assert_eq!(log.take(), ["0 a starts", "5 a cancelled"]);
    });
}

#[test]
fn a_child_that_fails_in_a_cancelled_group_cancels_the_body_once() {
    // I1 (here: DESIGN, rule 12)
    run(async {
        let (log, gate) = (Log::new(), Gate::new());
        let result = group(async |g| {
            g.spawn_group(group(async |inner| {
                inner.spawn(async {
                    gate.wait().await;
                    Err::<(), _>("A")
                });
                Ok(())
            }));
            sleep(ms(1)).await;
            gate.open();
            g.cancel("enough");
            log.work("body", 10).await;
            Ok(())
        });
        assert_eq!(failed(result.await), "[[A]]");
        assert_eq!(log.take(), ["1 body starts", "1 body cancelled"]);
    });
}

#[test]
fn cancelling_a_group_inside_another_leaves_the_other_alone() {
    // I1
    run(async {
        let log = Log::new();
        group(async |outer| {
            outer.spawn(log.work("outer", 10));
            group(async |inner| {
                inner.spawn(log.work("inner", 10));
                sleep(ms(5)).await;
                inner.cancel("enough");
                Ok(())
            })
            .await
            .expect("no error");
            log.work("body", 10).await;
            Ok(())
        })
        .await
        .expect("no error");
        let ends = ["5 inner cancelled", "5 body starts", "10 outer ends", "15 body ends"];
        assert_eq!(log.take().split_off(2), ends);
    });
}

// The owner of a group is cancelled.

/// Runs `owner` as the only task of a group and cancels it after `n` milliseconds.
async fn cancelled_after<T>(n: u64, owner: impl Future<Output = Result<T, common::Errors>>) -> Task<T> {
    let task = group(async |g| {
        let task = g.spawn_group(owner);
        sleep(ms(n)).await;
        assert!(task.cancel("outside"), "it has not ended");
        Ok(task)
    });
    task.await.expect("a cancel is no error")
}

#[test]
fn an_owner_cancelled_in_the_body_ends_the_body_before_the_children() {
    // E10, tg8; CPython: test_taskgroups.test_taskgroup_07
    run(async {
        let log = Log::new();
        let owner = cancelled_after(
            5,
            group(async |g| {
                g.spawn(log.work("a", 100));
                g.spawn(log.work("b", 100));
                log.work("body", 100).await;
                Ok(())
            }),
        );
        assert_eq!(reason_of(&owner.await), Reason::from("outside"));
        assert_eq!(log.take().split_off(3), ["5 body cancelled", "5 a cancelled", "5 b cancelled"]);
    });
}

#[test]
fn an_owner_cancelled_at_exit_ends_the_children_at_once() {
    // E11, M8; CPython: test_taskgroups.test_cancellation, test_taskgroup_22
    run(async {
        let log = Log::new();
        let drops = Drops::new();
        let owner = cancelled_after(
            5,
            group(async |g| {
                g.spawn(log.work("a", 100));
                g.spawn(log.work("b", 100));
                Ok(drops.guard())
            }),
        );
        assert_eq!(reason_of(&owner.await), Reason::from("outside"));
        drops.assert_all(1); // the body's value is dropped
        assert_eq!(log.take().split_off(2), ["5 a cancelled", "5 b cancelled"]);
    });
}

#[test]
fn children_of_a_cancelled_owner_have_a_chain_of_reasons() {
    // E22
    run(async {
        let mut child = None;
        let mut grandchild = None;
        cancelled_after(
            5,
            group(async |g| {
                let (child, grandchild) = (&mut child, &mut grandchild);
                *child = Some(g.spawn_group(group(async |g| {
                    *grandchild = Some(g.spawn(after(100, ())));
                    Ok(())
                })));
                Ok(())
            }),
        )
        .await;
        let parent = |reason| Reason::Parent(Arc::new(reason));
        let outside = Reason::from("outside");
        let found = reason_of(&grandchild.expect("spawned"));
        assert_eq!(found, parent(parent(outside.clone())));
        assert_eq!((found.root(), found.to_string().as_str()), (&outside, "outside"));
        assert_eq!(reason_of(&child.expect("spawned")), parent(outside));
    });
}

#[test]
fn a_second_cancel_during_the_exit_wait_changes_nothing() {
    // E12, M11; O: second_cancel_during_the_exit_wait
    run(async {
        let log = Log::new();
        let task = group(async |g| {
            let task = g.spawn_group(group(async |g| only(g.spawn(log.work("a", 100)))));
            sleep(ms(5)).await;
            assert!(task.cancel("first"));
            assert!(task.cancel("second"));
            Ok(task)
        });
        assert_eq!(reason_of(&task.await.expect("no error")), Reason::from("first"));
        assert_eq!(log.take(), ["0 a starts", "5 a cancelled"]);
    });
}

// python/cpython#95704: the errors of a group were lost to a cancel of its owner.
#[test]
fn an_owner_cancelled_while_its_group_fails_returns_the_errors() {
    // E13, E14, D8, L1, L3; O: cancel_during_the_exit_wait_of_a_failing_group
    run(async {
        let (log, gate) = (Log::new(), Gate::new());
        let result = group(async |g| {
            let owner = g.spawn(async {
                let inner = group(async |g| {
                    g.spawn(async {
                        gate.wait().await;
                        Err::<(), _>("A")
                    });
                    Ok(())
                });
                log.note(failed(inner.await));
                log.work("next wait", 10).await;
                log.note("not reached");
            });
            sleep(ms(5)).await;
            gate.open();
            owner.cancel("outside");
            Ok(owner)
        });
        assert_eq!(reason_of(&result.await.expect("no error")), Reason::from("outside"));
        assert_eq!(log.take(), ["5 [A]", "5 next wait starts", "5 next wait cancelled"]);
    });
}

#[test]
fn an_owner_that_passes_the_errors_on_has_failed_and_was_not_cancelled() {
    // E14
    run(async {
        let gate = Gate::new();
        let result = group(async |g| {
            let owner = g.spawn_group(group(async |g| {
                g.spawn(async {
                    gate.wait().await;
                    Err::<(), _>("A")
                });
                Ok(())
            }));
            sleep(ms(5)).await;
            gate.open();
            owner.cancel("outside");
            Ok(())
        });
        assert_eq!(failed(result.await), "[[A]]");
    });
}

// python/cpython#86296: of a cancel and an end at one instant, the cancel was lost.
#[test]
fn a_cancel_at_exit_beats_the_end_of_the_last_child_at_the_same_instant() {
    // E11 (here: DESIGN, rule 3)
    run(async {
        let drops = Drops::new();
        let gate = Gate::new();
        let owner = group(async |g| {
            let owner = g.spawn_group(group(async |g| {
                g.spawn(gate.wait());
                Ok(drops.guard())
            }));
            sleep(ms(5)).await;
            gate.open();
            owner.cancel("outside");
            Ok(owner)
        });
        assert_eq!(reason_of(&owner.await.expect("no error")), Reason::from("outside"));
        drops.assert_all(1);
    });
}

#[test]
fn a_child_cancels_its_owner() {
    // E16; tg8
    run(async {
        let (log, own) = (Log::new(), OnceCell::<Task<()>>::new());
        group(async |outer| {
            let owner = outer.spawn_group(group(async |g| {
                g.spawn(log.work("a", 100));
                g.spawn(async {
                    sleep(ms(5)).await;
                    own.get().expect("set").cancel("by a child");
                    log.work("b", 100).await;
                });
                Ok(())
            }));
            own.set(owner).expect("once");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 a starts", "5 b starts", "5 a cancelled", "5 b cancelled"]);
        assert_eq!(own.get().map(reason_of), Some(Reason::from("by a child")));
    });
}

// python/cpython#155418, #155433: a cancelled task that awaited a group waited for ever.
#[test]
fn a_cancel_travels_through_nested_bodies_from_the_inside_out() {
    // E10
    run(async {
        let log = Log::new();
        cancelled_after(
            5,
            group(async |outer| {
                outer.spawn(log.work("outer child", 100));
                let inner = group(async |inner| {
                    inner.spawn(log.work("inner child", 100));
                    log.work("inner body", 100).await;
                    Ok(())
                });
                drop(inner.await);
                log.note("not reached");
                Ok(())
            }),
        )
        .await;
        let ends = ["5 inner body cancelled", "5 inner child cancelled", "5 outer child cancelled"];
        assert_eq!(log.take().split_off(3), ends);
    });
}

#[test]
fn a_cancelled_owner_refuses_tasks_once_its_body_has_ended() {
    // B7
    run(async {
        let refused = Cell::new(false);
        cancelled_after(
            5,
            group(async |g| {
                g.spawn(async {
                    let _spawns = OnDrop(|| refused.set(g.try_spawn(async {}).is_err()));
                    pending::<()>().await;
                });
                pending::<()>().await;
                Ok(())
            }),
        )
        .await;
        assert!(refused.get());
    });
}

#[test]
fn entering_a_group_under_a_cancel_runs_its_body_to_the_first_wait() {
    // B3 (here: DESIGN, rule 5)
    run(async {
        let (log, own) = (Log::new(), OnceCell::<Task<()>>::new());
        group(async |g| {
            let task = g.spawn_group(group(async |g| {
                yield_now().await;
                own.get().expect("set").cancel("by itself");
                g.spawn(log.work("outer child", 1)); // never polled
                let inner = group(async |inner| {
                    inner.spawn(log.work("inner child", 1)); // never polled
                    log.work("inner body", 1).await;
                    Ok(())
                });
                drop(inner.await);
                log.note("not reached");
                Ok(())
            }));
            own.set(task).expect("once");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 inner body starts", "0 inner body cancelled"]);
    });
}

// Reasons.

#[test]
fn reasons_say_what_happened() {
    // E22
    run(async {
        let (mut sibling, mut body, mut late) = (None, None, None);
        let place = line!() + 2;
        let failing = group(async |g| {
            drop(g.spawn(fail("A")).named("db"));
            sibling = Some(g.spawn(after(1, ())));
            Ok(())
        });
        drop(failing.await);
        drop(
            group(async |g| {
                Err::<(), _>({
                    body = Some(g.spawn(after(1, ())));
                    "B"
                })
            })
            .await,
        );
        let timed = timeout(
            ms(2),
            group(async |g| {
                late = Some(g.spawn(after(5, ())));
                Ok(())
            }),
        );
        assert!(timed.await.is_err());

        let [sibling, body, late] = [sibling, body, late].map(|task| reason_of(&task.expect("spawned")));
        let Reason::SiblingFailed(task) = &sibling else { panic!("{sibling:?}") };
        assert_eq!((task.path().as_str(), task.place().line()), ("db", place));
        assert_eq!(body, Reason::BodyFailed);
        assert_eq!(late.root(), &Reason::Deadline(ms(2)));
        let texts = [sibling, body, late, Reason::Dropped, "bored".into(), String::from("bored").into()];
        assert_eq!(
            texts.map(|reason| reason.to_string()),
            [
                "db failed",
                "the body of the group failed",
                "a deadline of 2ms passed",
                "the future around it was dropped",
                "bored",
                "bored",
            ]
        );
    });
}

// Dropping is not cancelling.

#[test]
fn dropping_a_group_drops_the_body_and_then_the_children() {
    // H3, C16
    run(async {
        let (log, drops) = (Log::new(), Drops::new());
        let mut child = None;
        {
            let mut whole = pin!(group(async |g| {
                let [a, b] = [drops.guard(), drops.guard()];
                g.spawn(async {
                    let _guard = a;
                    log.work("a", 100).await;
                });
                child = Some(g.spawn(async {
                    let _guard = b;
                    log.work("b", 100).await;
                }));
                log.work("body", 100).await;
                Ok(())
            }));
            start(whole.as_mut()).await;
            sleep(ms(1)).await;
        }
        drops.assert_all(2);
        assert_eq!(node_count(), 0);
        assert_eq!(log.take().split_off(3), ["1 body cancelled", "1 a cancelled", "1 b cancelled"]);
        assert_eq!(reason_of(&child.expect("spawned")), Reason::Dropped);
    });
}

#[test]
fn a_running_group_that_loses_a_race_is_dropped_at_once() {
    // H3
    run(async {
        let log = Log::new();
        let whole = pin!(group(async |g| {
            g.spawn(log.work("a", 100));
            g.spawn_group(group(async |inner| {
                inner.spawn(log.work("b", 100));
                log.work("inner body", 100).await;
                Ok(())
            }));
            log.work("body", 100).await;
            Ok(())
        }));
        let Either::Right(((), loser)) = select(whole, pin!(sleep(ms(5)))).await else { panic!("the sleep wins") };
        log.take();
        assert!(poll_idly(loser).is_pending());
        assert_eq!(log.take(), [""; 0]);
    });
}

#[test]
fn the_loser_of_a_race_drops_body_children_and_grandchildren() {
    // H3
    run(async {
        let log = Log::new();
        {
            let whole = Box::pin(group(async |g| {
                g.spawn(log.work("a", 100));
                g.spawn_group(group(async |inner| {
                    inner.spawn(log.work("b", 100));
                    log.work("inner body", 100).await;
                    Ok(())
                }));
                g.spawn(log.work("c", 100));
                log.work("body", 100).await;
                Ok(())
            }));
            drop(select(whole, pin!(sleep(ms(5)))).await);
        }
        let ends = ["body", "a", "inner body", "b", "c"].map(|name| format!("5 {name} cancelled"));
        assert_eq!(log.take().split_off(5), ends);
    });
}

#[test]
fn a_dropped_group_drops_its_children_in_spawn_order() {
    // H3, A6
    run(async {
        let log = Log::new();
        {
            let whole = Box::pin(group(async |g| {
                g.spawn(after(1, ()));
                g.spawn(after(1, ()));
                g.spawn(log.work("a", 100));
                sleep(ms(2)).await;
                g.spawn(log.work("b", 100)); // in a place that was used before
                g.spawn(log.work("c", 100));
                Ok(())
            }));
            drop(select(whole, pin!(sleep(ms(5)))).await);
        }
        assert_eq!(log.take().split_off(3), ["5 a cancelled", "5 b cancelled", "5 c cancelled"]);
    });
}

#[test]
fn now_or_never_on_a_group_that_waits_drops_it() {
    // H3
    run(async {
        let drops = Drops::new();
        let guard = drops.guard();
        let never = group(async |g| {
            g.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            Ok(())
        });
        assert!(never.now_or_never().is_none());
        drops.assert_all(1);
        assert_eq!(group(async |_| Ok(1)).now_or_never().map(Result::ok), Some(Some(1)));
    });
}

#[test]
fn a_destructor_that_spawns_into_a_dropped_group_is_refused() {
    // H3, B7
    run(async {
        let (refused, drops) = (Cell::new(0), Drops::new());
        {
            let mut whole = pin!(group(async |g| {
                let spawns = || {
                    let guard = drops.guard();
                    let task = g.spawn(async move { drop(guard) });
                    refused.set(refused.get() + u32::from(task.is_finished()));
                };
                g.spawn(async move {
                    let _spawns = OnDrop(spawns);
                    pending::<()>().await;
                });
                Ok(())
            }));
            start(whole.as_mut()).await;
        }
        drops.assert_all(1);
        assert_eq!(refused.get(), 1);
    });
}

#[test]
fn a_body_destructor_that_spawns_into_a_dropped_group_starts_nothing() {
    // H3
    run(async {
        let (polls, drops) = (Cell::new(0), Drops::new());
        {
            let mut whole = pin!(group(async |g| {
                let _spawns = OnDrop(|| {
                    let guard = drops.guard();
                    g.spawn(counted(&polls, async { drop(guard) }));
                });
                pending::<()>().await;
                Ok(())
            }));
            start(whole.as_mut()).await;
        }
        drops.assert_all(1);
        assert_eq!(polls.get(), 0);
    });
}

#[test]
fn joiners_outside_hear_of_a_dropped_group() {
    // H3
    run(async {
        let handle = RefCell::new(None);
        let mut whole = Box::pin(group(async |g| {
            *handle.borrow_mut() = Some(g.spawn(pending::<()>()));
            Ok(())
        }));
        start(whole.as_mut()).await;
        group(async |g| {
            let joiner = g.spawn(async {
                let task: Task<()> = handle.take().expect("spawned");
                Ok(task.await.expect_err("dropped").to_string())
            });
            sleep(ms(1)).await;
            drop(whole);
            let error = joiner.await.expect("a value");
            assert!(error.ends_with("was cancelled: the future around it was dropped"), "{error}");
            Ok(())
        })
        .await
        .expect("no error");
    });
}

// Groups inside combinators of other crates.

#[test]
fn groups_under_join_end_together_when_their_task_is_cancelled() {
    // E10
    run(async {
        let log = Log::new();
        let two = async {
            let one = group(async |g| only(g.spawn(log.work("a", 100))));
            let other = group(async |g| {
                g.spawn(log.work("b", 100));
                log.work("body", 100).await;
                Ok(())
            });
            drop(futures_util::join!(one, other));
            log.note("not reached");
            Ok(())
        };
        cancelled_after(5, two).await;
        let mut ends = log.take().split_off(3);
        ends.sort();
        assert_eq!(ends, ["5 a cancelled", "5 b cancelled", "5 body cancelled"]);
    });
}

#[test]
fn a_branch_beside_a_cancelled_group_makes_no_progress() {
    // E3 (here: DESIGN 5, leaves freeze)
    run(async {
        let (log, steps) = (Log::new(), Cell::new(0));
        let both = async {
            let whole = group(async |g| {
                g.spawn(log.work("a", 100));
                pending::<()>().await;
                Ok(())
            });
            let branch = async {
                loop {
                    steps.set(steps.get() + 1);
                    sleep(ms(1)).await;
                }
            };
            let (_, ()) = join(whole, branch).await;
            Ok(())
        };
        cancelled_after(5, both).await;
        assert_eq!(steps.get(), 5, "steps at 0 to 4; the one at 5 is frozen");
        assert_eq!(log.take(), ["0 a starts", "5 a cancelled"]);
    });
}

#[test]
fn a_branch_that_yields_beside_a_cancelled_group_makes_no_progress() {
    // E3 (here: DESIGN 5, leaves freeze)
    run(async {
        let steps = Cell::new(0);
        let both = async {
            let whole = group(async |g| only(g.spawn(pending::<()>())));
            let branch = async {
                loop {
                    steps.set(steps.get() + 1);
                    yield_now().await;
                }
            };
            drop(join(whole, branch).await);
            Ok(())
        };
        group(async |g| {
            let task = g.spawn_group(both);
            for _ in 0..10 {
                yield_now().await;
            }
            task.cancel("enough");
            let before = steps.get();
            sleep(ms(1)).await;
            assert_eq!((task.is_finished(), steps.get() - before), (true, 0));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_branch_that_joins_beside_a_cancelled_group_makes_no_progress() {
    // E3 (here: DESIGN 5, leaves freeze)
    run(async {
        let (log, gate) = (Log::new(), Gate::new());
        group(async |g| {
            let target = g.spawn(gate.wait());
            let task = g.spawn(async {
                let whole = group(async |g| only(g.spawn(pending::<()>())));
                let branch = async {
                    target.await.expect("a value");
                    log.note("not reached");
                    pending::<()>().await;
                };
                drop(join(branch, whole).await);
            });
            sleep(ms(5)).await;
            gate.open();
            yield_now().await; // the target has ended, and the joiner is told
            task.cancel("just in time");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), [""; 0]);
    });
}

#[test]
fn groups_in_futures_unordered_end_when_their_task_is_cancelled() {
    // E10
    run(async {
        let drops = Drops::new();
        let many = async {
            let mut groups: FuturesUnordered<_> = (0..10)
                .map(|n| {
                    let drops = &drops;
                    group(async move |g| {
                        let guards = [drops.guard(), drops.guard()];
                        for guard in guards {
                            g.spawn(async move {
                                let _guard = guard;
                                sleep(ms(n * 2)).await;
                            });
                        }
                        Ok(n)
                    })
                })
                .collect();
            let mut ended = 0;
            while groups.next().await.is_some() {
                ended += 1;
                assert!(ended <= 5, "at 0, 2, 4, 6 and 8");
            }
            Ok(())
        };
        cancelled_after(9, many).await;
        drops.assert_all(20);
    });
}

#[test]
fn a_group_that_select_keeps_polling_ends_its_children_under_a_cancel() {
    // E10
    run(async {
        let log = Log::new();
        let racing = async {
            let mut whole = pin!(group(async |g| only(g.spawn(log.work("a", 100)))).fuse());
            loop {
                let mut tick = pin!(sleep(ms(1)).fuse());
                futures_util::select! {
                    _ = whole => return Ok(()),
                    () = tick => {}
                }
            }
        };
        cancelled_after(5, racing).await;
        assert_eq!(log.take(), ["0 a starts", "5 a cancelled"]);
    });
}

#[test]
fn a_group_that_nobody_polls_any_more_does_not_hold_up_a_cancel() {
    // H3 (here: DESIGN 5, never a hang)
    run(async {
        let log = Log::new();
        let forgetful = async {
            let mut whole = pin!(group(async |g| only(g.spawn(log.work("a", 100)))));
            start(whole.as_mut()).await;
            log.work("elsewhere", 100).await;
            Ok(())
        };
        cancelled_after(5, forgetful).await;
        let mut ends = log.take();
        ends.sort();
        assert_eq!(ends, ["0 a starts", "0 elsewhere starts", "5 a cancelled", "5 elsewhere cancelled"]);
    });
}

#[test]
fn a_group_polled_again_after_its_cancel_panics() {
    // here: DESIGN 5
    run(async {
        let mut whole = pin!(group(async |g| only(g.spawn(after(100, ())))));
        assert!(timeout(ms(5), whole.as_mut()).await.is_err());
        let text = panic_of(whole).await;
        assert!(text.starts_with("polled again after it was cancelled"), "{text}");
    });
}

#[test]
fn a_group_moved_to_another_task_obeys_that_task() {
    // here: DESIGN 5, a node hangs where it was polled last
    run(async {
        let log = Log::new();
        group(async |g| {
            let mut whole: Boxed<'_, _> = Box::pin(group(async |inner| {
                inner.spawn(log.work("a", 100));
                log.work("body", 100).await;
                Ok(())
            }));
            let first = g.spawn(async move {
                start(whole.as_mut()).await;
                Ok(whole)
            });
            let second = g.spawn_group(async {
                let whole = first.await.expect("a value");
                whole.await
            });
            sleep(ms(5)).await;
            second.cancel("the second");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take().split_off(1), ["0 a starts", "5 body cancelled", "5 a cancelled"]);
    });
}

#[test]
fn a_group_moved_out_of_a_task_is_not_cancelled_with_it() {
    // here: DESIGN 5
    run(async {
        let log = Log::new();
        group(async |g| {
            let slot: RefCell<Option<Boxed<'_, _>>> = RefCell::default();
            let slot = std::rc::Rc::new(slot);
            *slot.borrow_mut() = Some(Box::pin(group(async |inner| only(inner.spawn(log.work("a", 10))))));
            let first = g.spawn({
                let slot = slot.clone();
                async move {
                    let mut whole = slot.take().expect("there");
                    start(whole.as_mut()).await;
                    *slot.borrow_mut() = Some(whole);
                    pending::<()>().await;
                }
            });
            sleep(ms(5)).await;
            let mut whole = slot.take().expect("there");
            start(whole.as_mut()).await;
            first.cancel("the first");
            assert!(whole.await.is_ok());
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 a starts", "10 a ends"]);
    });
}

#[test]
fn a_cancel_wakes_a_group_inside_a_foreign_waker() {
    // here: DESIGN 5, a region hears the cancel by its own waker
    run(async {
        let log = Log::new();
        let inside = async {
            let mut one: FuturesUnordered<_> = [group(async |g| {
                g.spawn(log.work("a", 100));
                log.work("body", 100).await;
                Ok(())
            })]
            .into_iter()
            .collect();
            one.next().await;
            Ok(())
        };
        cancelled_after(5, inside).await;
        assert_eq!(log.take().split_off(2), ["5 body cancelled", "5 a cancelled"]);
    });
}

#[test]
fn a_cancel_reaches_a_foreign_future_that_knows_nothing_of_it() {
    // E2
    run(async {
        let drops = Drops::new();
        let guard = drops.guard();
        let foreign = async move {
            let _guard = guard;
            pending::<Result<(), common::Errors>>().await
        };
        cancelled_after(5, foreign).await;
        drops.assert_all(1);
    });
}

#[test]
fn a_poll_without_a_wake_does_not_undo_a_cancel() {
    // E2
    run(async {
        let log = Log::new();
        let idle = async {
            let mut whole = pin!(group(async |g| only(g.spawn(log.work("a", 100)))));
            std::future::poll_fn(|cx| {
                assert!(poll_idly(whole.as_mut()).is_pending());
                whole.as_mut().poll(cx)
            })
            .await
        };
        cancelled_after(5, idle).await;
        assert_eq!(log.take(), ["0 a starts", "5 a cancelled"]);
    });
}

#[test]
fn cancels_of_random_trees_drop_every_guard_once() {
    // H3, E10: whatever is cancelled or dropped whenever, nothing is left and nothing hangs
    fn tree<'a>(seed: u64, depth: u32, drops: &'a Drops) -> Boxed<'a, Result<(), common::Errors>> {
        Box::pin(group(async move |g| {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut tasks = Vec::new();
            for _ in 0..random.u32(1..4) {
                let (below, nap) = (random.u64(..), random.u64(0..8));
                let guard = drops.guard();
                match random.u32(..6) {
                    0 => drop(g.spawn(async move {
                        let _guard = guard;
                        fail_after(nap, "A").await
                    })),
                    1 | 2 if depth > 0 => tasks.push(g.spawn_group(async move {
                        let _guard = guard;
                        tree(below, depth - 1, drops).await
                    })),
                    3 if depth > 0 => tasks.push(g.spawn(async move {
                        let _guard = guard;
                        let both = join(tree(below, depth - 1, drops), tree(below ^ 1, depth - 1, drops));
                        drop(timeout(ms(nap), both).await);
                        Ok(())
                    })),
                    4 if depth > 0 => tasks.push(g.spawn(async move {
                        let _guard = guard;
                        drop(select(tree(below, depth - 1, drops), pin!(sleep(ms(nap)))).await);
                        Ok(())
                    })),
                    _ => tasks.push(g.spawn(async move {
                        let _guard = guard;
                        sleep(ms(nap)).await;
                        Ok(())
                    })),
                }
            }
            sleep(ms(random.u64(0..4))).await;
            if random.bool() {
                tasks.pop().map(|task| task.cancel("random"));
            }
            sleep(ms(random.u64(0..4))).await;
            match random.u32(..8) {
                0 => Err("body"),
                1 => {
                    g.cancel("random");
                    Ok(())
                }
                _ => Ok(()),
            }
        }))
    }
    for seed in 0..200 {
        run(async {
            let drops = Drops::new();
            drop(timeout(ms(seed % 9), tree(seed, 4, &drops)).await);
            let made = drops.count();
            drops.assert_all(made);
            assert_eq!(node_count(), 0, "seed {seed}");
        });
    }
}

// A group that moves, where numbers are used again.

#[test]
fn a_group_polled_in_one_timeout_and_then_in_another_obeys_the_second() {
    // DESIGN 5: nodes hang where they were polled last; the second timeout's node has the number of the first
    run(async {
        let log = Log::new();
        group(async |g| {
            g.spawn(async {
                let mut inner = pin!(group(async |g| only(g.spawn(log.work("child", 60_000)))));
                assert!(timeout(ms(1000), select(&mut inner, pin!(sleep(ms(100))))).await.is_ok());
                assert!(timeout(ms(1000), &mut inner).await.is_err());
                assert_eq!(log.take().last().map(String::as_str), Some("1100 child cancelled"));
            });
            Ok(())
        })
        .await
        .expect("no errors");
    });
}

#[test]
fn a_group_moved_to_a_task_with_the_number_of_its_first_obeys_that_task() {
    // DESIGN 5, as above; compare `a_group_moved_to_another_task_obeys_that_task`, where both tasks live
    run(async {
        let child = OnceCell::new();
        let moved: RefCell<Option<Boxed<'_, _>>> = RefCell::new(Some(Box::pin(group(async |g| {
            let _ = child.set(g.spawn(after(60_000, ())));
            Ok(())
        }))));
        group(async |g| {
            let first = g.spawn(async {
                let mut inner = moved.take().expect("put there above");
                start(inner.as_mut()).await;
                moved.replace(Some(inner));
            });
            first.await.expect("it ends");
            let second = g.spawn(async { drop(moved.take().expect("put back").await) });
            sleep(ms(10)).await;
            second.cancel("stop");
            let _ = second.await;
            Ok(())
        })
        .await
        .expect("no errors");
        let child = child.get().expect("spawned");
        assert_eq!(reason_of(child).root(), &Reason::from("stop"));
    });
}

#[test]
fn an_owner_cancelled_at_the_exit_of_a_group_that_was_cancelled_goes_no_further() {
    // I2; DESIGN 5, rules 8 and 12
    run(async {
        let (owner, went_on) = (OnceCell::<Task<()>>::new(), Cell::new(false));
        group(async |g| {
            let task = g.spawn(async {
                let cancels = || assert!(owner.get().is_some_and(|task| task.cancel("outer")));
                let value = group(async |g| {
                    g.spawn(async {
                        let _on_drop = OnDrop(cancels);
                        pending::<()>().await;
                    });
                    yield_now().await;
                    g.cancel("inner");
                    Ok(5)
                });
                drop(value.await);
                went_on.set(true);
            });
            let _ = owner.set(task);
            Ok(())
        })
        .await
        .expect("no errors");
        assert!(!went_on.get());
        assert_eq!(reason_of(owner.get().expect("set")), Reason::from("outer"));
    });
}

#[test]
fn a_group_polled_under_another_runtime_says_so() {
    // DESIGN 4
    let mut whole = Box::pin(group(async |_| {
        pending::<()>().await;
        Ok(())
    }));
    taskgroup::block_on(start(whole.as_mut()));
    let text = taskgroup::block_on(panic_of(whole));
    assert!(text.starts_with("a task group was polled under another runtime"), "{text}");
}

/// What may happen to a task, its group and the scopes around it at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Happening {
    Done,
    Fails,
    Panics,
    /// The deadline of a scope around the group.
    Deadline,
    /// A cancel of what is around all of it.
    Outer,
    /// A cancel of a scope in the body.
    Inner,
    /// A cancel of the task.
    Abort,
}

use Happening::{Abort, Deadline, Done, Fails, Inner, Outer, Panics};

const HAPPENINGS: [Happening; 7] = [Done, Fails, Panics, Deadline, Outer, Inner, Abort];

// python/cpython#86296, #116720, #155433, #155418, #95289, agronholm/anyio#374: of a cancel and something else that happens
// at the same instant, one is lost, or all of it hangs. (`run` is on the virtual clock: who hangs is a stall.)
#[test]
fn whatever_two_things_happen_at_one_instant_no_cancel_is_lost_and_none_is_made_up() {
    for first in HAPPENINGS {
        for second in HAPPENINGS.into_iter().filter(|second| *second != first) {
            for from_a_child_that_has_not_suspended in [false, true] {
                run(race([first, second], from_a_child_that_has_not_suspended));
            }
        }
    }
}

async fn race(pair: [Happening; 2], early: bool) {
    let has = |what: Happening| pair.contains(&what);
    let (outer, timed, inner) = (CancelScope::new(), CancelScope::new(), CancelScope::new());
    let (gates, tasks) = ([Gate::new(), Gate::new(), Gate::new()], RefCell::new(Vec::<Task<()>>::new()));
    let (ended, body_cancelled) = (RefCell::new(None), Cell::new(false));
    let happen = || {
        for what in pair {
            match what {
                Done | Fails | Panics => gates[what as usize].open(),
                Deadline => timed.set_deadline(now()),
                Outer => outer.cancel("outer"),
                Inner => inner.cancel("inner"),
                Abort => tasks.borrow().iter().for_each(|task| _ = task.cancel("abort")),
            }
        }
    };
    let work = timed.run(group(async |g| {
        if early {
            g.spawn(async { happen() });
        }
        for what in pair.into_iter().filter(|what| matches!(what, Done | Fails | Panics)) {
            let gate = &gates[what as usize];
            let task = g.spawn(async move {
                gate.wait().await;
                match what {
                    Fails => Err("child"),
                    Panics => panic!("child"),
                    _ => Ok(()),
                }
            });
            tasks.borrow_mut().push(task);
        }
        tasks.borrow_mut().push(g.spawn(after(2, ())));
        body_cancelled.set(inner.run(sleep(ms(3))).await.is_err());
        Ok(())
    }));
    let whole = outer.run(async {
        let end = work.await;
        ended.replace(Some(end));
        yield_now().await;
    });
    let result = group(async |g| {
        if !early {
            g.spawn(async {
                sleep(ms(1)).await; // all of them wait
                happen();
            });
        }
        Ok(AssertUnwindSafe(whole).catch_unwind().await)
    });
    let result = result.await.expect("the errors stay inside");

    let panicked = result.is_err();
    match result {
        Err(panic) => assert!(has(Panics) && common::text(&*panic) == "child", "{pair:?}"),
        Ok(Err(cancelled)) => assert!(has(Outer) && *cancelled.reason() == Reason::from("outer"), "{pair:?}"),
        Ok(Ok(())) => assert!(!has(Outer), "{pair:?}: the cancel from outside was lost"),
    }
    let ended = ended.take();
    match &ended {
        None => assert!(panicked || has(Outer), "{pair:?}"),
        Some(Err(cancelled)) => assert!(has(Deadline) && matches!(cancelled.reason(), Reason::Deadline(_)), "{pair:?}"),
        Some(Ok(Err(errors))) => assert!(has(Fails) && common::shape(errors) == "[child]", "{pair:?}"),
        Some(Ok(Ok(()))) => assert!(!has(Deadline), "{pair:?}: the deadline was lost"),
    }
    assert!(!body_cancelled.get() || has(Inner), "{pair:?}: the body was cancelled by nobody");
    if has(Inner) && (has(Done) || has(Abort)) {
        assert!(body_cancelled.get(), "{pair:?}: the cancel of the scope in the body was lost");
    }
    if has(Panics) && (has(Done) || has(Fails) || has(Inner)) {
        assert!(panicked, "{pair:?}: the panic was lost");
    }
    if has(Fails) && (has(Done) || has(Inner)) {
        assert!(matches!(ended, Some(Ok(Err(_)))), "{pair:?}: the error was lost");
    }
    if has(Abort) && (has(Done) || has(Fails) || has(Panics)) {
        assert!(matches!(ended, Some(Ok(Ok(())))), "{pair:?}: the cancel of the task came first");
    }
    let before = now();
    sleep(ms(1)).await;
    assert_eq!(now() - before, ms(1)); // and nothing of it is in force
}

thread_local! {
    static SCOPE: RefCell<Option<CancelScope>> = const { RefCell::new(None) };
}

/// Cancels `SCOPE` when it is woken.
struct CancelsOnWake;

impl Wake for CancelsOnWake {
    fn wake(self: Arc<Self>) {
        SCOPE.with_borrow(|scope| scope.iter().for_each(|scope| scope.cancel("woken, and not polled yet")));
    }
}

/// Three wait for the same thing; when it comes, the first is cancelled between its wake and its poll.
async fn the_next_gets_it<'a>(what: &str, wait: impl Fn() -> Boxed<'a, ()>, happens: impl AsyncFnOnce()) {
    let scope = CancelScope::new();
    group(async |g| {
        let first = g.spawn(async { Ok(scope.run(wait()).await.is_err()) });
        let second = g.spawn(async { Ok(wait().await) });
        sleep(ms(0)).await;
        SCOPE.set(Some(scope.clone()));
        let mut third = wait();
        let waker = Arc::new(CancelsOnWake).into();
        assert!(third.as_mut().poll(&mut Context::from_waker(&waker)).is_pending(), "{what}");
        happens().await;
        for _ in 0..300 {
            yield_now().await; // some turns
        }
        assert!(second.is_finished(), "{what}: the first took it along");
        assert_eq!(first.await, Ok(true), "{what}");
        Ok(())
    })
    .await
    .expect("no error");
    SCOPE.set(None);
}

// tokio-rs/tokio#1898, #6450, #8260, embassy-rs/embassy#6964, smol-rs/async-lock#18, and anyio's history: an item, a permit
// or a byte that was meant for a waiter is lost when that is cancelled before it looks.
#[test]
fn who_is_cancelled_between_wake_and_poll_takes_nothing_from_the_next() {
    run(async {
        let (reader, mut writer) = pipe().expect("a pipe");
        let reader = Async::new(reader).expect("a source");
        let read = || -> Boxed<'_, ()> {
            Box::pin(async { assert!(matches!(reader.read_with(|mut pipe| pipe.read(&mut [0])).await, Ok(1))) })
        };
        the_next_gets_it("a byte", read, async || writer.write_all(b"x").expect("there is room")).await;
    });
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let accept = || -> Boxed<'_, ()> { Box::pin(async { drop(listener.accept().await.expect("a connection")) }) };
        let mut client = None;
        let connects = async || client = std::net::TcpStream::connect(address).ok();
        the_next_gets_it("a connection", accept, connects).await;
        assert!(client.is_some());
    });
    run(async {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = socket.local_addr().expect("bound");
        let receive = || -> Boxed<'_, ()> { Box::pin(async { drop(socket.recv_from(&mut [0; 8]).await) }) };
        let sends = async || {
            let other = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
            assert_eq!(other.send_to(b"x", address).ok(), Some(1));
        };
        the_next_gets_it("a datagram", receive, sends).await;
    });
    run(async {
        let gate = Gate::new();
        group(async |places| {
            places.limit(1);
            places.spawn(async { Ok(gate.wait().await) });
            the_next_gets_it("a place", || Box::pin(places.admit()), async || gate.open()).await;
            Ok(())
        })
        .await
        .expect("no error");
    });
    run(async {
        let gate = Gate::new();
        group(async |g| {
            let results = g.stream();
            results.spawn(async { Ok(gate.wait().await) });
            let next = || -> Boxed<'_, ()> { Box::pin(async { drop(results.next().await.expect("one comes")) }) };
            the_next_gets_it("a result", next, async || gate.open()).await;
            Ok(())
        })
        .await
        .expect("no error");
    });
}
