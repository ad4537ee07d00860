//! What is allocated, and what is not: counted on the thread that asks, in a runtime whose tables have grown.
//!
//! Before: `benches/README.md`, where the same is measured beside others. After: nothing. `runtime/tests/alloc.rs` asks
//! the same of the runtime alone.
//!
//! Each test compares 1,100 of something with 100 of it, so that what starting up costs cancels out. A file of its own,
//! because the allocator is the process's.

mod common;

use allocation_counter::measure;
use common::{group, ms};
use futures_lite::AsyncReadExt;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};
use taskgroup::net::UnixStream;
use taskgroup::{Clock, Runtime, interval, sleep, timeout, yield_now};

/// Wakers are behind a reference count, and futures in a box of their own: one allocation more for each slot, and one for
/// each child.
const PLAIN: u64 = if cfg!(any(feature = "plain", not(target_pointer_width = "64"))) { 1 } else { 0 };

/// How much a thousand more of something allocate, in virtual time.
#[track_caller]
fn of_a_thousand(work: impl AsyncFn(u32)) -> u64 {
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.block_on(async {
        for power in 0..8 {
            sleep(ms(10_u64.pow(power))).await; // the wheel makes a level when time gets there first
        }
    });
    of_a_thousand_in(&runtime, work)
}

#[track_caller]
fn of_a_thousand_in(runtime: &Runtime<'_>, work: impl AsyncFn(u32)) -> u64 {
    let allocations = |n| measure(|| runtime.block_on(work(n))).count_total;
    allocations(1_100); // whatever grows has grown
    allocations(1_100) - allocations(100)
}

/// Somebody waits here, and somebody rings.
#[derive(Default)]
struct Bell {
    has_rung: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Bell {
    /// Waits for a ring. A waker that is there and still good is kept.
    async fn wait(&self) {
        poll_fn(|cx| {
            if self.has_rung.take() {
                return Poll::Ready(());
            }
            let mut waker = self.waker.borrow_mut();
            if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                *waker = Some(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    fn ring_by_reference(&self) {
        self.has_rung.set(true);
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// The next wait has to clone a waker.
    fn ring_and_use_up(&self) {
        self.has_rung.set(true);
        let waker = self.waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Two tasks, of which each rings for the other.
async fn ping_pong(rounds: u32, ring: impl Fn(&Bell)) {
    let (ping, pong) = (Bell::default(), Bell::default());
    group(async |g| {
        g.spawn(async {
            for _ in 0..rounds {
                ring(&ping);
                pong.wait().await;
            }
        });
        g.spawn(async {
            for _ in 0..rounds {
                ping.wait().await;
                ring(&pong);
            }
        });
        Ok(())
    })
    .await
    .expect("no task can fail");
}

/// The tables of a group and of the runtime's nodes double while it grows from 100 tasks to 1,100: four times each.
const GROWTH: u64 = 8;

#[test]
fn a_task_that_ends_in_nothing_costs_at_most_one_allocation() {
    let spawned = of_a_thousand(async |n| {
        let tasks = group(async |g| {
            for _ in 0..n {
                g.spawn(yield_now());
            }
            Ok(())
        });
        tasks.await.expect("no task can fail");
    });
    assert!(spawned <= 1_000 * (1 + 2 * PLAIN) + GROWTH, "{spawned} for a thousand tasks");
}

#[test]
fn a_task_with_a_value_costs_at_most_two_allocations() {
    let spawned = of_a_thousand(async |n| {
        let sum = group(async |g| {
            let mut tasks = Vec::with_capacity(n as usize);
            for k in 0..n {
                tasks.push(g.spawn(async move { Ok(k) }));
            }
            let mut sum = 0;
            for task in tasks {
                sum += task.await.expect("it has a value");
            }
            Ok(sum)
        });
        assert_eq!(sum.await.expect("no task fails"), (0..n).sum());
    });
    assert!(spawned <= 1_000 * (2 + 2 * PLAIN) + GROWTH, "{spawned} for a thousand tasks");
}

#[test]
fn a_yield_allocates_nothing() {
    let yielded = of_a_thousand(async |n| {
        let tasks = group(async |g| {
            for _ in 0..2 {
                g.spawn(async {
                    for _ in 0..n {
                        yield_now().await;
                    }
                });
            }
            Ok(())
        });
        tasks.await.expect("no task can fail");
    });
    assert_eq!(yielded, 0);
}

#[test]
fn a_wake_by_reference_allocates_nothing() {
    assert_eq!(of_a_thousand(async |n| ping_pong(n, Bell::ring_by_reference).await), 0);
}

#[test]
fn a_waker_that_is_cloned_and_used_up_allocates_nothing() {
    assert_eq!(of_a_thousand(async |n| ping_pong(n, Bell::ring_and_use_up).await), 0);
}

#[test]
fn a_wake_through_ten_groups_allocates_nothing() {
    let yielded = of_a_thousand(async |n| {
        async fn level(left: u32, yields: u32) -> Result<(), common::Errors> {
            group(async |g| {
                match left {
                    0 => drop(g.spawn(async move {
                        for _ in 0..yields {
                            yield_now().await;
                        }
                    })),
                    left => drop(g.spawn_group(Box::pin(level(left - 1, yields)))),
                }
                Ok(())
            })
            .await
        }
        level(10, n).await.expect("no task can fail");
    });
    assert_eq!(yielded, 0);
}

#[test]
fn to_sleep_again_and_again_allocates_nothing() {
    let slept = of_a_thousand(async |n| {
        for k in 0..n {
            sleep(ms(u64::from(k % 7))).await;
        }
    });
    assert_eq!(slept, 0);
}

#[test]
fn the_ticks_of_an_interval_allocate_nothing() {
    let ticked = of_a_thousand(async |n| {
        let mut ticks = interval(ms(1));
        for _ in 0..n {
            ticks.tick().await;
        }
    });
    assert_eq!(ticked, 0);
}

#[test]
fn a_timeout_that_does_not_fire_allocates_nothing() {
    let ended = of_a_thousand(async |n| {
        for _ in 0..n {
            timeout(ms(10_000), yield_now()).await.expect("it is in time");
        }
    });
    assert_eq!(ended, 0);
}

#[test]
fn a_group_costs_at_most_one_allocation_besides_its_tasks() {
    let opened = of_a_thousand(async |n| {
        for _ in 0..n {
            group(async |_| Ok(())).await.expect("no task can fail");
        }
    });
    assert!(opened <= 1_000 * (1 + PLAIN), "{opened} for a thousand groups");
}

#[test]
fn a_group_of_two_tasks_costs_at_most_three_allocations() {
    let opened = of_a_thousand(async |n| {
        for _ in 0..n {
            let tasks = group(async |g| {
                g.spawn(yield_now());
                g.spawn(yield_now());
                Ok(())
            });
            tasks.await.expect("no task can fail");
        }
    });
    assert!(opened <= 1_000 * (3 + 5 * PLAIN), "{opened} for a thousand groups");
}

// geldata/gel-python#140, python/cpython#98543: a group kept something of each task that had ended.
#[test]
fn a_group_keeps_nothing_of_tasks_that_have_ended() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let most_at_once = |tasks: u32| {
        let serve = group(async |g| {
            for _ in 0..tasks {
                g.spawn(yield_now());
                while g.live() > 0 {
                    yield_now().await;
                }
            }
            Ok(())
        });
        measure(|| runtime.block_on(serve).expect("no task can fail")).bytes_max
    };
    most_at_once(100); // whatever grows has grown
    let (few, many) = (most_at_once(100), most_at_once(10_000));
    assert_eq!(many, few, "bytes for ten thousand tasks one after the other, and for a hundred");
}

#[test]
fn an_echo_over_a_socket_allocates_nothing() {
    let runtime = Runtime::new();
    let (client, server) = runtime.block_on(async { UnixStream::pair().expect("two descriptors") });
    let echoed = of_a_thousand_in(&runtime, async |n| {
        let tasks = group(async |g| {
            g.spawn(async {
                for _ in 0..n {
                    let mut byte = [0];
                    (&server).read_exact(&mut byte).await.expect("a byte");
                    server.write_all(&byte).await.expect("room");
                }
            });
            g.spawn(async {
                for _ in 0..n {
                    client.write_all(b"x").await.expect("room");
                    (&client).read_exact(&mut [0]).await.expect("a byte");
                }
            });
            Ok(())
        });
        tasks.await.expect("no task can fail");
    });
    assert_eq!(echoed, 0);
}

/// The most that a server holds at any time, in bytes, while so many short tasks come and go.
fn most_at_once(tasks: u32) -> u64 {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let serve = async |tasks| {
        let served = group(async |g| {
            for n in 0..tasks {
                g.spawn(async { Ok(yield_now().await) });
                if n % 10 == 9 {
                    sleep(ms(1)).await; // ten at once
                }
            }
            Ok(())
        });
        served.await.expect("no task fails");
    };
    measure(|| runtime.block_on(serve(tasks))).bytes_max
}

/// Says with `--nocapture` what docs/RELIABILITY.md quotes. geldata/gel-python#140: what has ended was kept.
#[test]
#[allow(clippy::print_stdout, reason = "the figure is to be read")]
fn a_server_that_saw_a_million_tasks_holds_no_more_than_after_a_thousand() {
    let tasks = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    let (few, many) = (most_at_once(1_000), most_at_once(tasks));
    println!("a server holds {few} bytes for a thousand tasks and {many} for {tasks}");
    assert!(many <= few + 4096, "{few} bytes for a thousand tasks, {many} for {tasks}");
}
