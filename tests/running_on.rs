//! A group that is the only one with work runs its next batch in the same poll: what must not be seen of that.
//!
//! To go up to the loop and to come down again would lead right back, so it is left out. But not where somebody on the
//! way would have acted in between.

mod common;

use common::{Gate, Word, counted, failed, group, ms, poll_once, run, run_in};
use futures_util::future::join;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Poll, Waker};
use taskgroup::{Async, CancelScope, Clock, Runtime, TaskGroup, advance, now, sleep, yield_now};

/// Yields for ever, and counts.
async fn go_on(steps: &Cell<u32>) -> Result<(), Word> {
    loop {
        steps.set(steps.get() + 1);
        yield_now().await;
    }
}

/// A group that has nothing but a task which yields for ever.
async fn busy(steps: &Cell<u32>) -> Result<(), taskgroup::ExceptionGroup<Word>> {
    group(async |g| {
        g.spawn(go_on(steps));
        Ok(())
    })
    .await
}

#[test]
fn a_group_alone_runs_on_without_its_owner() {
    run(async {
        let (polls, steps) = (Cell::new(0), Cell::new(0));
        let result = group(async |g| {
            g.spawn(counted(&polls, async {
                let inner = group(async |g: &TaskGroup<'_, '_, Word>| {
                    for _ in 0..30 {
                        steps.set(steps.get() + 1);
                        yield_now().await;
                    }
                    drop(g.spawn(async { Ok(()) }));
                    Ok(())
                });
                inner.await.map_err(|_| "none fails")
            }));
            Ok(())
        });
        result.await.expect("no error");
        assert_eq!(steps.get(), 30);
        assert!(polls.get() < 5, "{} polls", polls.get());
    });
}

#[test]
fn a_group_does_not_run_on_while_the_one_above_has_a_failure_to_act_on() {
    run(async {
        let steps = Cell::new(0);
        let result = group(async |g| {
            g.spawn(async {
                yield_now().await;
                yield_now().await;
                Err::<(), _>("broken")
            });
            g.spawn_group(busy(&steps));
            Ok(())
        });
        assert_eq!(failed(result.await), "[broken]");
        assert_eq!(steps.get(), 3); // in the batch of the failure for the last time
    });
}

#[test]
fn a_group_does_not_run_on_while_somebody_waits_for_an_end_in_the_one_above() {
    run(async {
        let (steps, seen) = (Cell::new(0), Cell::new(0));
        group(async |g| {
            let end = g.spawn(async {
                yield_now().await;
                yield_now().await;
                Ok(())
            });
            let waiting = async move || end.await;
            g.spawn(async {
                drop(waiting().await);
                seen.set(steps.get());
                g.cancel("enough");
            });
            g.spawn_group(busy(&steps));
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(seen.get(), 3); // told right after the batch of the end
    });
}

#[test]
fn a_deadline_that_was_moved_over_by_hand_is_seen_at_once() {
    run(async {
        let steps = Cell::new(0);
        let scope = CancelScope::new();
        scope.set_deadline(now() + ms(1000));
        let ended = scope.run(group(async |g| {
            g.spawn_group(group(async |inner| {
                inner.spawn(async {
                    yield_now().await;
                    advance(ms(2000)).expect("the clock is virtual");
                    go_on(&steps).await
                });
                Ok(())
            }));
            Ok(())
        }));
        assert!(ended.await.is_err());
        assert!(steps.get() <= 3, "{} steps after the deadline", steps.get());
    });
}

/// Says its name again and again.
async fn say(log: &RefCell<String>, name: char) {
    for _ in 0..8 {
        log.borrow_mut().push(name);
        yield_now().await;
    }
}

#[test]
fn a_neighbour_behind_a_combinator_gets_its_turns() {
    run(async {
        let log = RefCell::new(String::new());
        let nested = async {
            let inner = || {
                group(async |h| {
                    h.spawn(say(&log, 'a'));
                    Ok(())
                })
            };
            drop(
                group(async |g| {
                    g.spawn_group(inner());
                    Ok(())
                })
                .await,
            );
        };
        let mut all = FuturesUnordered::<Pin<Box<dyn Future<Output = ()> + '_>>>::new();
        all.push(Box::pin(nested));
        all.push(Box::pin(say(&log, 'b')));
        while all.next().await.is_some() {}
        drop(all);
        assert!(!log.borrow().contains("aaaa"), "{log:?}");
    });
}

#[test]
fn a_group_that_was_given_away_does_not_count_as_one_of_the_next_task_in_its_place() {
    let log = RefCell::new(String::new());
    run(async {
        let given = RefCell::new(None);
        group(async |g| {
            let giver = g.spawn(async {
                let mut inner: Pin<Box<dyn Future<Output = _>>> = Box::pin(group(async |h| {
                    h.spawn(sleep(ms(1000)));
                    Ok(())
                }));
                assert!(poll_once(inner.as_mut()).await.is_pending());
                given.replace(Some(inner));
            });
            giver.await.map_err(|_| "it has a value")?;
            g.spawn(async {
                let inner = group(async |h| {
                    h.spawn(async {
                        yield_now().await;
                        yield_now().await;
                        say(&log, 'a').await;
                    });
                    Ok(())
                });
                let beside = async {
                    yield_now().await;
                    drop(given.take()); // owned by who was in this place before
                    yield_now().await;
                    say(&log, 'b').await;
                };
                drop(join(inner, beside).await);
            });
            Ok(())
        })
        .await
        .expect("no error");
    });
    assert!(!log.borrow().contains("aaaa"), "{log:?}");
}

/// So many tasks in a group that wake each other in a ring for ever, with so many wakes on their way. Gives how many polls
/// they get between the cause and the moment when a timer, a pipe and a task beside the group are served.
fn polls_of_a_ring_until_others_are_served(tasks: usize, wakes: usize) -> [u32; 3] {
    let runtime = Runtime::with_clock(Clock::Manual);
    let (polls, cause, served) = (Cell::new(0), Cell::new(0), Cell::new([None; 3]));
    let serve = |n: usize| {
        let mut all = served.get();
        all[n] = Some(polls.get() - cause.get());
        served.set(all);
    };
    let wakers: Vec<RefCell<Option<Waker>>> = (0..tasks).map(|_| RefCell::default()).collect();
    let gate = Gate::new();
    run_in(&runtime, async {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let reader = Async::new(reader).expect("a source");
        let ring = group(async |g| {
            for n in 0..tasks {
                let (wakers, polls) = (&wakers, &polls);
                g.spawn(poll_fn(move |cx| {
                    polls.set(polls.get() + 1);
                    if polls.get() > 100_000 {
                        return Poll::Pending; // the others are starved
                    }
                    let begins = wakers[n].replace(Some(cx.waker().clone())).is_none();
                    if !begins || n < wakes {
                        match wakers[(n + 1) % wakers.len()].take() {
                            Some(next) => next.wake(),
                            None => cx.waker().wake_by_ref(),
                        }
                    }
                    Poll::<()>::Pending
                }));
            }
            Ok(())
        });
        group(async |g| {
            let ring = g.spawn_group(ring);
            g.spawn(async {
                sleep(ms(5)).await;
                serve(0);
            });
            g.spawn(async {
                reader.read_with(|mut pipe| pipe.read(&mut [0])).await.expect("a byte");
                serve(1);
            });
            g.spawn(async {
                gate.wait().await;
                serve(2);
            });
            for _ in 0..10 {
                yield_now().await;
            }
            advance(ms(5)).expect("a manual clock");
            writer.write_all(b"x").expect("room");
            gate.open();
            cause.set(polls.get());
            while served.get().contains(&None) && polls.get() < cause.get() + 10_000 {
                yield_now().await;
            }
            ring.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
    });
    served.get().map(|polls| polls.expect("served"))
}

/// B2: rust-lang/futures-rs#2047, #2333.
#[test]
fn a_ring_inside_one_group_starves_neither_timer_nor_pipe_nor_neighbour() {
    for (tasks, wakes) in [(1, 1), (3, 1), (3, 3), (200, 200)] {
        let polls = polls_of_a_ring_until_others_are_served(tasks, wakes);
        let most = 64 + 2 * tasks as u32;
        assert!(polls.iter().all(|polls| *polls <= most), "{tasks} tasks, {wakes} wakes: {polls:?}");
    }
}
