//! Task-locals: who sees a value, for how long, and in which destructors.

mod common;

use common::{Dropping, Drops, Gate, Group, OnDrop, group, ms, only, panic_of, poll_idly, poll_once, run, start};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::pin::{Pin, pin};
use std::rc::Rc;

use futures_util::future::{join, select};
use taskgroup::{CancelScope, TaskLocal, shield, sleep, timeout, with_cleanup, yield_now};

static NUMBER: TaskLocal<u32> = TaskLocal::new();
static OTHER: TaskLocal<u32> = TaskLocal::new();
static SHARED: TaskLocal<Rc<Cell<u32>>> = TaskLocal::new();

/// A future that calls something at its first poll.
async fn call<T>(function: impl FnOnce() -> T) -> T {
    function()
}

// Where a value is seen.

#[test]
fn a_value_is_seen_inside_its_scope_and_nowhere_else() {
    run(async {
        assert_eq!(NUMBER.get(), None);
        let inside = NUMBER.scope(1, async {
            yield_now().await;
            NUMBER.get()
        });
        assert_eq!(NUMBER.get(), None, "making the future sets nothing");
        assert_eq!(inside.await, Some(1));
        assert_eq!(NUMBER.get(), None);
    });
}

#[test]
fn the_innermost_value_counts_and_the_outer_one_comes_back() {
    run(NUMBER.scope(1, async {
        assert_eq!(NUMBER.scope(2, async { NUMBER.get() }).await, Some(2));
        assert_eq!(NUMBER.get(), Some(1));
    }));
}

#[test]
fn two_locals_do_not_disturb_each_other() {
    run(NUMBER.scope(
        1,
        OTHER.scope(2, async {
            yield_now().await;
            assert_eq!((NUMBER.get(), OTHER.get()), (Some(1), Some(2)));
            OTHER.scope(3, async { assert_eq!((NUMBER.get(), OTHER.get()), (Some(1), Some(3))) }).await;
        }),
    ));
}

#[test]
fn a_value_is_lent_without_a_clone() {
    let cell = Rc::new(Cell::new(1));
    run(SHARED.scope(cell.clone(), async {
        SHARED.with(|shared| shared.expect("it is set").set(2));
    }));
    assert_eq!((cell.get(), Rc::strong_count(&cell)), (2, 1));
}

#[test]
fn outside_a_runtime_nothing_is_set() {
    assert_eq!(NUMBER.get(), None);
}

#[test]
fn branches_of_join_see_their_own_values() {
    run(async {
        let branch = |n| {
            NUMBER.scope(n, async {
                yield_now().await;
                NUMBER.get()
            })
        };
        assert_eq!(join(branch(1), branch(2)).await, (Some(1), Some(2)));
        assert_eq!(NUMBER.get(), None);
    });
}

#[test]
fn a_value_goes_through_timeouts_scopes_groups_and_shields() {
    run(NUMBER.scope(1, async {
        let inner = async {
            yield_now().await;
            NUMBER.get()
        };
        let in_group = group(async |_| Ok(CancelScope::new().run(shield(inner)).await));
        let seen = timeout(ms(10), in_group).await.expect("in time").expect("no error");
        assert_eq!(seen, Ok(Some(1)));
    }));
}

// Tasks.

#[test]
fn a_task_inherits_what_is_set_where_it_is_spawned() {
    // B10; CPython: test_taskgroups.test_taskgroup_task_context
    run(NUMBER.scope(1, async {
        let seen = group(async |g| Ok(g.spawn(async { Ok(NUMBER.get()) }).await)).await;
        assert_eq!(seen.expect("no error"), Ok(Some(1)));
    }));
}

#[test]
fn a_grandchild_inherits_too() {
    run(NUMBER.scope(1, async {
        group(async |g| {
            let inner = group(async |g| Ok(g.spawn(async { Ok(NUMBER.get()) }).await));
            let seen = g.spawn_group(inner).await.expect("a value");
            assert_eq!(seen, Ok(Some(1)));
            Ok(())
        })
        .await
        .expect("no error");
    }));
}

#[test]
fn a_task_keeps_its_value_when_the_scope_around_its_spawn_has_ended() {
    run(async {
        group(async |g| {
            let work = async {
                yield_now().await;
                Ok(NUMBER.get())
            };
            let task = NUMBER.scope(1, call(|| g.spawn(work))).await;
            assert_eq!(task.await, Ok(Some(1)));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_task_that_is_spawned_outside_a_scope_does_not_see_it() {
    run(async {
        group(async |g| {
            let task = g.spawn(async {
                yield_now().await;
                Ok(NUMBER.get())
            });
            NUMBER.scope(1, yield_now()).await;
            assert_eq!(task.await, Ok(None));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_siblings_value_is_not_seen() {
    run(async {
        group(async |g| {
            g.spawn(NUMBER.scope(1, sleep(ms(10))));
            let task = g.spawn(async {
                sleep(ms(5)).await;
                Ok(NUMBER.get())
            });
            assert_eq!(task.await, Ok(None));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn what_a_task_sets_its_spawner_does_not_see() {
    run(NUMBER.scope(1, async {
        group(async |g| {
            g.spawn(NUMBER.scope(2, sleep(ms(10))));
            sleep(ms(5)).await;
            assert_eq!(NUMBER.get(), Some(1));
            Ok(())
        })
        .await
        .expect("no error");
    }));
}

#[test]
fn a_task_that_a_sibling_spawns_inherits_from_the_sibling() {
    // asyncio: a task runs in a copy of its creator's context
    run(async {
        let seen = Cell::new(None);
        group(async |g| {
            let child = NUMBER.scope(1, async { only::<_, &str>(g.spawn(async { seen.set(NUMBER.get()) })) });
            only(g.spawn(child))
        })
        .await
        .expect("no error");
        assert_eq!(seen.get(), Some(1));
    });
}

#[test]
fn a_task_of_a_spawner_inherits_from_whoever_uses_it() {
    run(async {
        group(async |g| {
            let spawner = g.spawner();
            let task = NUMBER.scope(1, call(|| spawner.spawn(async { Ok(NUMBER.get()) }).expect("it is open"))).await;
            assert_eq!(task.await, Ok(Some(1)));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_task_of_a_spawner_does_not_inherit_what_is_around_its_group() {
    run(async {
        let (spawner, seen) = (RefCell::new(None), Rc::new(Cell::new(Some(0))));
        group(async |g| {
            let inner = NUMBER.scope(
                1,
                group(async |g| {
                    *spawner.borrow_mut() = Some(g.spawner());
                    sleep(ms(10)).await;
                    Ok(())
                }),
            );
            g.spawn_group(inner);
            sleep(ms(5)).await;
            let shared = seen.clone();
            let task = spawner.take().expect("made").spawn(async move { shared.set(NUMBER.get()) });
            task.expect("it is open").await.expect("a value");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(seen.get(), None, "what was set where it was spawned: nothing");
    });
}

#[test]
fn a_queued_task_keeps_the_values_of_its_spawn() {
    run(async {
        group(async |g| {
            g.limit(1);
            g.spawn(sleep(ms(10)));
            let task = NUMBER.scope(1, call(|| g.spawn(async { Ok(NUMBER.get()) }))).await;
            assert_eq!(task.await, Ok(Some(1)));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_scope_that_moves_to_another_task_keeps_its_value_and_leaves_the_new_tasks_own() {
    run(NUMBER.scope(1, async {
        let mut work = Box::pin(OTHER.scope(2, async {
            yield_now().await;
            (NUMBER.get(), OTHER.get())
        }));
        assert!(poll_once(work.as_mut()).await.is_pending());
        group(async |g| {
            let task = g.spawn(NUMBER.scope(3, async {
                let seen = work.await;
                Ok((seen, NUMBER.get(), OTHER.get()))
            }));
            assert_eq!(task.await, Ok(((Some(1), Some(2)), Some(3), None)));
            Ok(())
        })
        .await
        .expect("no error");
    }));
}

// Cleanups and destructors.

#[test]
fn a_cleanup_sees_the_values_around_it() {
    run(NUMBER.scope(1, async {
        let seen = Cell::new(None);
        let work = with_cleanup(NUMBER.scope(2, async { Ok::<(), &str>(pending().await) }), async |_| {
            sleep(ms(5)).await;
            seen.set(NUMBER.get());
        });
        assert!(timeout(ms(10), work).await.is_err());
        assert_eq!(seen.get(), Some(1));
    }));
}

#[test]
fn a_task_spawned_in_a_cleanup_inherits() {
    run(NUMBER.scope(1, async {
        let seen = Cell::new(None);
        let work = with_cleanup(async { Ok::<(), &str>(pending().await) }, async |_| {
            group(async |g| Ok(only::<_, &str>(g.spawn(async { seen.set(NUMBER.get()) }))?)).await.expect("no error");
        });
        assert!(timeout(ms(10), work).await.is_err());
        assert_eq!(seen.get(), Some(1));
    }));
}

/// Ends never, and notes what its destructor sees.
async fn look_when_dropped(seen: &Cell<Option<u32>>) {
    let _look = OnDrop(|| seen.set(NUMBER.get()));
    pending().await
}

#[test]
fn destructors_of_a_future_that_is_cancelled_inside_see_its_value() {
    run(async {
        let seen = Cell::new(None);
        let work = NUMBER.scope(1, async { timeout(ms(5), look_when_dropped(&seen)).await.is_err() });
        assert!(work.await);
        assert_eq!(seen.get(), Some(1));
    });
}

#[test]
fn destructors_of_a_future_that_is_cancelled_from_around_see_its_value() {
    run(async {
        let seen = Cell::new(None);
        assert!(timeout(ms(5), NUMBER.scope(1, look_when_dropped(&seen))).await.is_err());
        assert_eq!(seen.get(), Some(1));
    });
}

#[test]
fn destructors_of_a_future_that_is_dropped_see_its_value() {
    run(async {
        let seen = Cell::new(None);
        let mut work = Box::pin(NUMBER.scope(1, look_when_dropped(&seen)));
        assert!(poll_once(work.as_mut()).await.is_pending());
        drop(work);
        assert_eq!((seen.get(), NUMBER.get()), (Some(1), None));
    });
}

#[test]
fn destructors_of_a_task_see_what_it_inherited() {
    run(NUMBER.scope(1, async {
        let seen = Cell::new(None);
        group(async |g| {
            let task = g.spawn(look_when_dropped(&seen));
            yield_now().await;
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(seen.get(), Some(1));
    }));
}

// The value itself.

#[test]
fn a_value_is_dropped_when_the_last_who_sees_it_has_ended() {
    run(async {
        static GUARD: TaskLocal<common::Dropping> = TaskLocal::new();
        let drops = Drops::new();
        group(async |g| {
            GUARD.scope(drops.guard(), call(|| g.spawn(sleep(ms(10))))).await;
            assert_eq!(drops.count(), 0, "the task has it still");
            Ok(())
        })
        .await
        .expect("no error");
        drops.assert_all(1);
    });
}

#[test]
fn a_value_may_look_at_task_locals_while_it_is_dropped() {
    struct Nosy(Rc<Cell<Option<Option<u32>>>>);
    impl Drop for Nosy {
        fn drop(&mut self) {
            self.0.set(Some(NUMBER.get()));
        }
    }
    static NOSY: TaskLocal<Nosy> = TaskLocal::new();
    let seen = Rc::new(Cell::new(None));
    run(NUMBER.scope(1, async {
        NOSY.scope(Nosy(seen.clone()), yield_now()).await;
        assert_eq!(seen.get(), Some(Some(1)));
    }));
}

#[test]
fn a_scope_that_was_never_polled_drops_its_value() {
    static GUARD: TaskLocal<common::Dropping> = TaskLocal::new();
    let drops = Drops::new();
    run(async { drop(GUARD.scope(drops.guard(), yield_now())) });
    drops.assert_all(1);
}

#[test]
fn a_panic_passes_and_leaves_nothing_set() {
    run(async {
        let text = panic_of(NUMBER.scope(1, async {
            yield_now().await;
            panic!("as expected");
        }));
        assert_eq!(text.await, "as expected");
        assert_eq!(NUMBER.get(), None);
    });
}

#[test]
fn a_cancel_goes_through_a_scope_with_a_value() {
    run(async {
        let drops = Drops::new();
        let work = NUMBER.scope(1, async {
            let _guard = drops.guard();
            pending::<()>().await
        });
        assert!(timeout(ms(5), work).await.is_err());
        drops.assert_all(1);
    });
}

#[test]
fn a_forgotten_scope_does_not_set_its_value_for_others() {
    let runtime = taskgroup::Runtime::with_clock(taskgroup::Clock::Autojump);
    runtime.block_on(async {
        let mut work = Box::pin(NUMBER.scope(1, pending::<()>()));
        assert!(poll_idly(work.as_mut()).is_pending());
        std::mem::forget(work);
        assert_eq!(NUMBER.get(), None);
        let seen = group(async |g| Ok(g.spawn(async { Ok(NUMBER.get()) }).await)).await;
        assert_eq!(seen.expect("no error"), Ok(None));
    });
}

#[test]
fn a_foreign_wake_reaches_a_future_in_a_scope() {
    run(async {
        let gate = Gate::new();
        let work = NUMBER.scope(1, async {
            gate.wait().await;
            NUMBER.get()
        });
        let mut work = pin!(group(async |g| Ok(g.spawn(async { Ok(work.await) }).await)));
        start(work.as_mut()).await;
        gate.open();
        assert_eq!(work.await.expect("no error"), Ok(Some(1)));
        let _ = select(pin!(NUMBER.scope(1, pending::<()>())), pin!(yield_now())).await;
        assert_eq!(NUMBER.get(), None);
    });
}

#[test]
fn a_chain_of_tasks_that_each_set_a_value_keeps_none_that_is_hidden() {
    static ATTEMPT: TaskLocal<Dropping> = TaskLocal::new();

    /// Starts its successor, as one that tries again does.
    fn attempt<'scope>(
        g: &'scope Group<'scope, '_>,
        left: u32,
        drops: &'scope Drops,
        most: &'scope Cell<usize>,
    ) -> Pin<Box<dyn Future<Output = ()> + 'scope>> {
        Box::pin(async move {
            most.set(most.get().max(drops.alive()));
            assert_eq!(OTHER.get(), Some(7));
            if left > 0 {
                g.spawn(ATTEMPT.scope(drops.guard(), attempt(g, left - 1, drops, most)));
            }
        })
    }

    run(OTHER.scope(7, async {
        let (drops, most) = (Drops::new(), Cell::new(0));
        let result = group(async |g| only(g.spawn(ATTEMPT.scope(drops.guard(), attempt(g, 100, &drops, &most)))));
        result.await.expect("no errors");
        drops.assert_all(101);
        assert!(most.get() <= 2, "{} values are alive at once", most.get());
    }));
}
