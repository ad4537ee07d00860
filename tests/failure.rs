//! Failure: who is cancelled, in which order, and which errors arrive in which tree.

mod common;

use common::{Drops, Errors, Gate, Log, after, counted, fail, fail_after, failed, group, ms, only, run};
use std::cell::Cell;

use taskgroup::{BoxError, ExceptionGroup, JoinErrorKind, Reason, boxed, shield, sleep, task_group, yield_now};

#[test]
fn the_first_failure_cancels_the_siblings_and_the_body() {
    // C1, tg5, tg7; CPython: test_taskgroups.test_taskgroup_04, test_cancel_children_on_child_error
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            g.spawn(log.work("a", 100));
            g.spawn(fail_after(10, "A"));
            g.spawn(log.work("b", 100));
            log.work("body", 100).await;
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        log.note("group ends");
        let (starts, ends) = (["0 body starts", "0 a starts", "0 b starts"], ["10 a cancelled", "10 b cancelled"]);
        assert_eq!(log.take(), [&starts[..], &ends, &["10 body cancelled", "10 group ends"]].concat());
    });
}

#[test]
fn siblings_are_cancelled_in_spawn_order() {
    // A6, A7
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            g.spawn(log.work("a", 40)); // they armed their timers in this order
            g.spawn(log.work("b", 20));
            g.spawn(fail_after(10, "A"));
            g.spawn(log.work("c", 30));
            sleep(ms(5)).await;
            log.take();
            g.spawn(log.work("d", 100));
            log.work("body", 100).await;
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        let cancelled: Vec<_> = log.take().into_iter().filter(|line| line.starts_with("10")).collect();
        let order = ["a", "b", "c", "d", "body"].map(|name| format!("10 {name} cancelled"));
        assert_eq!(cancelled, order);
    });
}

#[test]
fn a_failure_cancels_children_whose_places_were_reused_in_spawn_order() {
    // A6: what counts is the order of spawning, not where a future is stored
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            g.spawn(after(1, ()));
            g.spawn(after(1, ()));
            g.spawn(log.work("a", 100));
            sleep(ms(2)).await;
            g.spawn(log.work("b", 100));
            g.spawn(log.work("c", 100));
            sleep(ms(2)).await;
            log.take();
            Err::<(), _>("body")
        });
        assert_eq!(failed(result.await), "[body]");
        assert_eq!(log.take(), ["4 a cancelled", "4 b cancelled", "4 c cancelled"]);
    });
}

#[test]
fn a_failure_waits_for_a_sibling_that_is_shielded() {
    // python-trio/trio: test_failed_abort, test_slow_abort_edge_cases
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            g.spawn(async {
                shield(log.work("shielded", 20)).await;
                log.work("after it", 20).await; // under the cancel: it runs to its first wait
            });
            g.spawn(fail_after(5, "A"));
            log.work("body", 100).await;
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        log.note("group ends");
        let starts = ["0 body starts", "0 shielded starts", "5 body cancelled", "20 shielded ends"];
        assert_eq!(
            log.take(),
            [&starts[..], &["20 after it starts", "20 after it cancelled", "20 group ends"]].concat()
        );
    });
}

#[test]
fn a_lone_error_is_still_a_group() {
    // C2, M1
    let result = run(group(async |g| only(g.spawn(fail("A")))));
    assert_eq!(failed(result), "[A]");
}

#[test]
fn errors_of_children_that_fail_in_their_first_step_are_all_kept() {
    // A4, D1, I4
    let result = run(group(async |g| {
        for word in ["A", "B", "C"] {
            g.spawn(fail(word));
        }
        Ok(())
    }));
    assert_eq!(failed(result), "[A B C]");
}

#[test]
fn errors_of_one_instant_are_all_kept_in_the_order_of_the_timers() {
    // A4, A8, D1; CPython: test_taskgroups.test_cancel_children_on_child_error
    let result = run(group(async |g| {
        g.spawn(fail_after(10, "A"));
        g.spawn(fail_after(11, "never"));
        g.spawn(fail_after(10, "B"));
        g.spawn(fail_after(10, "C"));
        Ok(())
    }));
    assert_eq!(failed(result), "[A B C]");
}

#[test]
fn errors_are_in_the_order_in_which_the_children_ended() {
    // A8, tg2
    run(async {
        let gates = [(); 3].map(|()| Gate::new());
        let result = group(async |g| {
            for (gate, word) in gates.iter().zip(["A", "B", "C"]) {
                g.spawn(async move {
                    gate.wait().await;
                    Err::<(), _>(word)
                });
            }
            yield_now().await;
            for i in [1, 2, 0] {
                gates[i].open();
            }
            Ok(())
        });
        assert_eq!(failed(result.await), "[B C A]");
    });
}

#[test]
fn a_child_woken_after_the_failure_is_dropped_unpolled() {
    // A4: the batch is over, and the group has acted
    run(async {
        let (gate, polls) = (Gate::new(), Cell::new(0));
        let result = group(async |g| {
            g.spawn(async {
                yield_now().await;
                Err::<(), _>("A")
            });
            g.spawn(counted(&polls, async {
                gate.wait().await;
                Err::<(), _>("B")
            }));
            g.spawn(async {
                yield_now().await;
                gate.open();
            });
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(polls.get(), 1);
    });
}

#[test]
fn the_body_goes_on_undisturbed_after_a_group_that_failed() {
    // C3, I6, tg8; CPython: test_taskgroups.test_cancelling_level_preserved,
    // test_cancellation_does_not_leak_out_of_tg
    run(async {
        let log = Log::new();
        let result = group(async |_| {
            let inner = group(async |g| {
                g.spawn(fail_after(5, "A"));
                sleep(ms(100)).await;
                Ok(())
            });
            assert_eq!(failed(inner.await), "[A]");
            log.work("afterwards", 10).await;
            Ok(())
        });
        assert!(result.await.is_ok());
        assert_eq!(log.take(), ["5 afterwards starts", "15 afterwards ends"]);
    });
}

#[test]
fn a_body_error_cancels_the_children_and_is_wrapped() {
    // C4; CPython: test_taskgroups.test_taskgroup_09
    run(async {
        let log = Log::new();
        let result = group(async |g| {
            g.spawn(log.work("a", 100));
            g.spawn(log.work("b", 100));
            sleep(ms(10)).await;
            Err::<(), _>("body")
        });
        assert_eq!(failed(result.await), "[body]");
        assert_eq!(log.take(), ["0 a starts", "0 b starts", "10 a cancelled", "10 b cancelled"]);
    });
}

#[test]
fn a_body_error_cancels_children_that_never_started() {
    // C4; CPython: test_taskgroups.test_taskgroup_10
    run(async {
        let (polls, drops) = (Cell::new(0), Drops::new());
        let mut handle = None;
        let result = group(async |g| {
            let guard = drops.guard();
            handle = Some(g.spawn(counted(&polls, async { drop(guard) })));
            Err::<(), _>("body")
        });
        assert_eq!(failed(result.await), "[body]");
        drops.assert_all(1);
        assert_eq!(polls.get(), 0);
        let error = handle.expect("spawned").await.expect_err("it never ran");
        assert_eq!(error.kind(), &JoinErrorKind::Cancelled(Reason::BodyFailed));
    });
}

#[test]
fn a_body_error_comes_last_though_it_came_first() {
    // A9, D2
    run(async {
        let gate = Gate::new();
        let result = group(async |g| {
            g.spawn_group(group(async |inner| {
                inner.spawn(async {
                    gate.wait().await;
                    Err::<(), _>("A")
                });
                Ok(())
            }));
            sleep(ms(1)).await;
            gate.open(); // the grandchild is ready, and its group still has to be polled
            Err::<(), _>("body")
        });
        assert_eq!(failed(result.await), "[[A] body]");
    });
}

#[test]
fn a_sibling_that_is_cancelled_adds_nothing() {
    // C6, tg5
    run(async {
        let mut sibling = None;
        let result = group(async |g| {
            drop(g.spawn(fail_after(1, "A")).named("culprit"));
            sibling = Some(g.spawn(async {
                sleep(ms(5)).await;
                Err::<(), _>("never")
            }));
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        let error = sibling.expect("spawned").await.expect_err("cancelled");
        let JoinErrorKind::Cancelled(Reason::SiblingFailed(task)) = error.kind() else { panic!("{error}") };
        assert_eq!(task.name(), "culprit");
    });
}

#[test]
fn a_sibling_that_fails_on_its_way_out_adds_its_error() {
    // C5
    run(async {
        let gate = Gate::new();
        let result = group(async |g| {
            g.spawn_group(group(async |inner| {
                inner.spawn(async {
                    gate.wait().await;
                    Err::<(), _>("B")
                });
                Ok(())
            }));
            g.spawn(async {
                sleep(ms(1)).await;
                gate.open();
                Err::<(), _>("A")
            });
            Ok(())
        });
        assert_eq!(failed(result.await), "[A [B]]");
    });
}

#[test]
fn a_failure_while_the_siblings_are_failing_already_cancels_nobody_again() {
    // C8, C10, tg6, L4
    run(async {
        let (gate, log) = (Gate::new(), Log::new());
        let mut bystander = None;
        let result = group(async |g| {
            bystander = Some(g.spawn(log.work("bystander", 100)));
            let first = g.spawn(async {
                sleep(ms(1)).await;
                gate.open();
                Err::<(), _>("A")
            });
            drop(first.named("first"));
            g.spawn_group(group(async |inner| {
                inner.spawn(async {
                    gate.wait().await;
                    Err::<(), _>("B")
                });
                Ok(())
            }));
            log.work("body", 100).await;
            Ok(())
        });
        assert_eq!(failed(result.await), "[A [B]]");
        let ends = log.take().split_off(2);
        assert_eq!(ends, ["1 bystander cancelled", "1 body cancelled"]);
        let error = bystander.expect("spawned").await.expect_err("cancelled");
        assert!(error.to_string().ends_with("was cancelled: first failed"), "{error}");
    });
}

#[test]
fn a_child_that_fails_after_the_body_has_ended_takes_its_value() {
    // C1
    let result = run(group(async |g| {
        g.spawn(fail_after(5, "A"));
        Ok("a value")
    }));
    assert_eq!(failed(result), "[A]");
}

#[test]
fn a_value_that_the_body_reaches_in_the_batch_of_a_failure_is_dropped_for_the_errors() {
    // C1, C15
    run(async {
        let drops = Drops::new();
        let result = group(async |g| {
            g.spawn(fail_after(5, "A"));
            yield_now().await;
            yield_now().await;
            sleep(ms(5)).await; // armed after the child's
            Ok(drops.guard())
        });
        assert_eq!(failed(result.await), "[A]");
        drops.assert_all(1);
    });
}

#[test]
fn an_inner_error_is_nested() {
    // C11, L5; CPython: test_taskgroups.test_taskgroup_14
    let result = run(group(async |g| {
        g.spawn_group(group(async |g| only(g.spawn(fail("A")))));
        Ok(())
    }));
    assert_eq!(failed(result), "[[A]]");
}

#[test]
fn nested_groups_of_any_error_nest() {
    // C11
    #[derive(Debug, thiserror::Error, PartialEq)]
    #[error("number {0}")]
    struct Number(u8);
    let result = run(task_group(async |g| {
        g.spawn_group(task_group(async |g| {
            g.spawn(async { Err::<(), _>(Number(1)) });
            g.spawn(async { Err::<(), _>(Number(2)) });
            Ok(())
        }));
        g.spawn(async { Err::<(), _>(Number(0)) });
        Ok(())
    }));
    assert_eq!(failed(result), "[number 0 [number 1 number 2]]");
}

#[test]
fn a_group_boxed_by_a_question_mark_nests_too() {
    // C11
    async fn inner() -> Result<(), ExceptionGroup<BoxError>> {
        boxed::task_group(async |g| {
            g.spawn(async { Err::<(), _>("A".into()) });
            g.spawn(async { Err::<(), _>("B".into()) });
            Ok(())
        })
        .await
    }
    let result = run(boxed::task_group(async |g| {
        g.spawn(async { Ok(inner().await?) });
        inner().await?;
        Ok(())
    }));
    assert_eq!(failed(result), "[[A B] [A B]]");
}

#[test]
fn a_group_of_other_errors_stays_a_leaf() {
    // C11: what is not a group of the same error is an error like any other
    let result = run(boxed::task_group(async |_| {
        group(async |_| Err::<(), _>("A")).await?;
        Ok(())
    }));
    assert_eq!(failed(result), "[1 error in task group: A]");
}

#[test]
fn an_inner_failure_cancels_the_outer_siblings() {
    // C11
    run(async {
        let log = Log::new();
        let result = group(async |outer| {
            outer.spawn(log.work("outer", 100));
            outer.spawn_group(group(async |inner| {
                inner.spawn(log.work("inner", 100));
                inner.spawn(fail_after(5, "A"));
                Ok(())
            }));
            Ok(())
        });
        assert_eq!(failed(result.await), "[[A]]");
        assert_eq!(log.take(), ["0 outer starts", "0 inner starts", "5 inner cancelled", "5 outer cancelled"]);
    });
}

#[test]
fn an_outer_failure_cancels_the_inner_group_of_the_body() {
    // C12; CPython: test_taskgroups.test_taskgroup_13
    run(async {
        let log = Log::new();
        let result = group(async |outer| {
            outer.spawn(fail_after(5, "Out"));
            let inner = group(async |inner| {
                inner.spawn(log.work("inner", 100));
                log.work("body", 100).await;
                Ok(())
            });
            drop(inner.await);
            log.note("not reached");
            Ok(())
        });
        assert_eq!(failed(result.await), "[Out]");
        assert_eq!(log.take(), ["0 body starts", "0 inner starts", "5 body cancelled", "5 inner cancelled"]);
    });
}

#[test]
fn an_outer_failure_keeps_the_errors_of_the_inner_group() {
    // C13
    run(async {
        let result = task_group(async |outer| -> Result<(), BoxError> {
            outer.spawn(async {
                sleep(ms(5)).await;
                Err::<(), _>("Out".into())
            });
            yield_now().await;
            task_group(async |inner| {
                inner.spawn(async {
                    sleep(ms(5)).await;
                    Err::<(), BoxError>("In".into())
                });
                Ok(())
            })
            .await?;
            Ok(())
        });
        assert_eq!(failed(result.await), "[Out [In]]");
    });
}

#[test]
fn a_body_that_catches_the_inner_errors_is_cancelled_at_its_next_wait() {
    // C14 (O: nested_groups_fail_together); CPython: test_taskgroups.test_nested_groups_both_cancelled
    run(async {
        let (log, gate) = (Log::new(), Gate::new());
        let result = group(async |outer| {
            outer.spawn(async {
                sleep(ms(5)).await;
                gate.open(); // the inner child will be ready, and its group is polled under the cancel
                Err::<(), _>("Out")
            });
            let inner = group(async |inner| {
                inner.spawn(async {
                    gate.wait().await;
                    Err::<(), _>("In")
                });
                Ok(())
            });
            log.note(failed(inner.await));
            log.work("next wait", 1).await;
            Ok(())
        });
        assert_eq!(failed(result.await), "[Out]");
        assert_eq!(log.take(), ["5 [In]", "5 next wait starts", "5 next wait cancelled"]);
    });
}

#[test]
fn a_failing_child_leaves_the_next_group_alone() {
    // C3
    run(async {
        assert_eq!(failed(group(async |g| only(g.spawn(fail("A")))).await), "[A]");
        let next = group(async |g| Ok(g.spawn(after(5, 1)).await.expect("a value")));
        assert_eq!(next.await.expect("no error"), 1);
    });
}

#[test]
fn a_failure_that_meets_a_finished_sibling_leaves_its_value() {
    // C6
    run(async {
        let mut done = None;
        let result = group(async |g| {
            done = Some(g.spawn(after(5, "kept")));
            g.spawn(fail_after(5, "A"));
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(done.expect("spawned").await.expect("a value"), "kept");
    });
}

#[test]
fn a_failure_cancels_children_that_were_spawned_in_the_same_batch() {
    // C4, A4; CPython: test_taskgroups.test_cancels_task_if_created_during_creation
    run(async {
        let polls = Cell::new(0);
        let result = group(async |g| {
            g.spawn(fail("A"));
            g.spawn(async {
                g.spawn(counted(&polls, after(0, ())));
            });
            Ok(())
        });
        assert_eq!(failed(result.await), "[A]");
        assert_eq!(polls.get(), 0);
    });
}

#[test]
fn a_thousand_failures_at_once_are_a_thousand_errors() {
    // A4, A8
    let errors = run(task_group(async |g| {
        for n in 0..1_000_u32 {
            g.spawn(async move {
                sleep(ms(1)).await;
                Err::<(), _>(n)
            });
        }
        Ok(())
    }))
    .expect_err("they fail");
    assert!(errors.leaves().map(|leaf| *leaf.error()).eq(0..1_000));
}

#[test]
fn groups_three_deep_fail_from_the_leaf_up() {
    // C11
    async fn deep(left: u32) -> Result<(), Errors> {
        group(async |g| {
            match left {
                0 => drop(g.spawn(fail_after(5, "leaf"))),
                _ => drop(g.spawn_group(Box::pin(deep(left - 1)))),
            }
            sleep(ms(100)).await;
            Ok(())
        })
        .await
    }
    run(async {
        let log = Log::new();
        assert_eq!(failed(deep(2).await), "[[[leaf]]]");
        assert_eq!(log.ms(), 5);
    });
}

#[test]
fn groups_of_random_children_fail_as_a_model_says() {
    // A8, C8: a model beside the group; who fails at the first instant at which anybody fails is in the tree, in the
    // order of the timers, and nobody else
    for seed in 0..50 {
        let mut random = fastrand::Rng::with_seed(seed);
        let plan: Vec<(u64, bool)> = (0..20).map(|_| (random.u64(1..12), random.u8(..7) == 0)).collect();
        let first = plan.iter().filter(|(_, fails)| *fails).map(|(at, _)| *at).min();
        let expected: Vec<_> =
            plan.iter().enumerate().filter(|(_, (at, fails))| *fails && Some(*at) == first).map(|(i, _)| i).collect();
        let result = run(task_group(async |g| {
            for (i, (at, fails)) in plan.iter().enumerate() {
                g.spawn(async move {
                    sleep(ms(*at)).await;
                    if *fails { Err(i) } else { Ok(()) }
                });
            }
            Ok(())
        }));
        let found: Vec<_> = result.err().iter().flat_map(ExceptionGroup::leaves).map(|leaf| *leaf.error()).collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}
