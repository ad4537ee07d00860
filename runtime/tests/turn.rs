//! One turn of the loop: its five steps, its batches, and who may not be starved by whom.

mod common;

use common::{AT_ONCE, Gate, Trace, in_time, ms, settle};
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};
use taskgroup_runtime::{Async, Clock, Runtime, advance, now, sleep, spawn, yield_now};

/// A task that is always ready, and counts its polls.
async fn spin(polls: Rc<Cell<u32>>) {
    loop {
        polls.set(polls.get() + 1);
        yield_now().await;
    }
}

#[test]
fn a_turn_dispatches_then_expires_then_runs() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let (trace, letter) = (Trace::new(), Gate::new());
    runtime.spawn({
        let trace = trace.clone();
        async move {
            sleep(ms(5)).await;
            trace.note("timer");
        }
    });
    runtime.spawn({
        let (trace, letter) = (trace.clone(), letter.wait());
        async move {
            letter.await;
            trace.note("letter");
        }
    });
    let mut writer = runtime.block_on(async {
        let (reader, writer) = io::pipe().expect("a pipe");
        let (reader, trace) = (Async::new(reader).expect("a source"), trace.clone());
        spawn(async move {
            reader.read_with(|mut pipe| pipe.read(&mut [0])).await.expect("a byte");
            trace.note("pipe");
        });
        writer
    });
    settle(&runtime);

    runtime.advance(ms(5)).expect("a manual clock");
    letter.open(); // outside the turn, as if from a thread
    writer.write_all(b"x").expect("room");
    let turn = runtime.turn(AT_ONCE).expect("a turn");
    assert_eq!((turn.polled, turn.live), (3, 0));
    assert_eq!(trace.so_far(), "pipe letter timer");
}

#[test]
fn tasks_run_in_the_order_of_their_spawns_and_wakes() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let trace = Trace::new();
    for names in [["a", "d"], ["b", "e"], ["c", "f"]] {
        let trace = trace.clone();
        runtime.spawn(async move {
            trace.note(names[0]);
            yield_now().await;
            trace.note(names[1]);
        });
    }
    settle(&runtime);
    assert_eq!(trace.so_far(), "a b c d e f");
}

// ---- Batches ----

#[test]
fn a_turn_of_one_busy_task_has_64_polls() {
    let runtime = Runtime::with_clock(Clock::Manual);
    runtime.spawn(spin(Rc::default()));
    let turn = runtime.turn(AT_ONCE).expect("a turn");
    assert_eq!((turn.polled, turn.ready, turn.live), (64, true, 1));
}

/// Looked at between batches: a batch is never cut.
#[test]
fn a_turn_of_63_busy_tasks_has_two_batches() {
    let runtime = Runtime::with_clock(Clock::Manual);
    for _ in 0..63 {
        runtime.spawn(spin(Rc::default()));
    }
    assert!(runtime.turn(AT_ONCE).is_ok_and(|turn| turn.polled == 126));
}

/// B1 with many.
#[test]
fn a_turn_of_a_thousand_busy_tasks_polls_each_once() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let polls: Vec<Rc<Cell<u32>>> = (0..1000).map(|_| Rc::default()).collect();
    for polls in &polls {
        runtime.spawn(spin(polls.clone()));
    }
    for turn in 1..=3 {
        assert!(runtime.turn(AT_ONCE).is_ok_and(|turn| turn.polled == 1000));
        assert!(polls.iter().all(|polls| polls.get() == turn));
    }
}

#[test]
fn a_task_spawned_in_a_batch_runs_in_the_next() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let trace = Trace::new();
    let (outer, other) = (trace.clone(), trace.clone());
    runtime.spawn(async move {
        let inner = outer.clone();
        spawn(async move { inner.note("spawned") });
        outer.note("spawner");
    });
    runtime.spawn(async move { other.note("other") });
    settle(&runtime);
    assert_eq!(trace.so_far(), "spawner other spawned");
}

// ---- Who may not be starved ----

/// B1: tokio#5209, wstd#78, tokio-core#165. How many polls a busy task, or each of many, gets between the cause and
/// the moment a timer and a pipe are served.
fn polls_until_served(busy: usize) -> [u32; 2] {
    let runtime = Runtime::with_clock(Clock::Manual);
    let polls: Rc<Cell<u32>> = Rc::default();
    let served = Rc::new(Cell::new([0; 2]));
    let cause = 100;
    runtime.block_on(async {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let reader = Async::new(reader).expect("a source");
        let timer = spawn({
            let (polls, served) = (polls.clone(), served.clone());
            async move {
                sleep(ms(5)).await;
                served.set([polls.get() - cause, served.get()[1]]);
            }
        });
        let pipe = spawn({
            let (polls, served) = (polls.clone(), served.clone());
            async move {
                reader.read_with(|mut pipe| pipe.read(&mut [0])).await.expect("a byte");
                served.set([served.get()[0], polls.get() - cause]);
            }
        });
        spawn({
            let polls = polls.clone();
            async move {
                while polls.get() < cause {
                    yield_now().await;
                }
                advance(ms(5)).expect("a manual clock");
                writer.write_all(b"x").expect("room");
                pending::<()>().await;
            }
        });
        spawn(spin(polls.clone()));
        for _ in 1..busy {
            spawn(spin(Rc::default()));
        }
        timer.await.expect("served");
        pipe.await.expect("served");
    });
    served.get()
}

#[test]
fn a_task_that_wakes_itself_starves_neither_timer_nor_pipe() {
    let polls = in_time(|| polls_until_served(1));
    assert!(polls.iter().all(|polls| *polls <= 64 + 1), "{polls:?}");
}

#[test]
fn a_thousand_tasks_that_wake_themselves_starve_neither_timer_nor_pipe() {
    let polls = in_time(|| polls_until_served(1000));
    assert!(polls.iter().all(|polls| *polls <= 2), "{polls:?}");
}

/// B5: libuv#4245.
#[test]
fn a_loop_of_zero_sleeps_starves_no_pipe() {
    let sleeps = in_time(|| {
        let runtime = Runtime::with_clock(Clock::Manual);
        let sleeps: Rc<Cell<u32>> = Rc::default();
        runtime.block_on(async {
            let (reader, mut writer) = io::pipe().expect("a pipe");
            let reader = Async::new(reader).expect("a source");
            let count = sleeps.clone();
            spawn(async move {
                loop {
                    sleep(Duration::ZERO).await;
                    count.set(count.get() + 1);
                    if count.get() == 10 {
                        writer.write_all(b"x").expect("room");
                    }
                }
            });
            reader.read_with(|mut pipe| pipe.read(&mut [0])).await.expect("a byte");
        });
        sleeps.get()
    });
    assert!((10..=12).contains(&sleeps), "{sleeps}");
}

/// B6: Trio's starvation test. A thread wakes one task as fast as it can; the others get on.
#[test]
fn a_flood_of_wakes_from_a_thread_starves_nobody() {
    in_time(|| {
        let runtime = Runtime::with_clock(Clock::Autojump);
        let (gate, done) = (Gate::new(), Arc::new(AtomicBool::new(false)));
        runtime.spawn(gate.wait());
        settle(&runtime);
        let (waker, stop) = (gate.waker(), done.clone());
        let flood = thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                waker.wake_by_ref();
            }
        });
        runtime.block_on(async {
            for _ in 0..50 {
                sleep(Duration::ZERO).await; // a whole turn
                yield_now().await;
            }
        });
        done.store(true, Ordering::Relaxed);
        flood.join().expect("wakes do not fail");
    });
}

/// B6, where each wake is another task's: a turn acts on the letters that were there when it looked.
#[test]
fn a_flood_of_wakes_of_many_tasks_starves_nobody() {
    in_time(|| {
        let runtime = Runtime::with_clock(Clock::Autojump);
        let (gates, done) = ([(); 300].map(|()| Gate::new()), Arc::new(AtomicBool::new(false)));
        gates.iter().for_each(|gate| drop(runtime.spawn(gate.wait())));
        settle(&runtime);
        let floods = [0, 150].map(|first| {
            let wakers: Vec<_> = gates[first..first + 150].iter().map(Gate::waker).collect();
            let stop = done.clone();
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    wakers.iter().for_each(std::task::Waker::wake_by_ref);
                }
            })
        });
        let before = runtime.now();
        runtime.block_on(async {
            for _ in 0..50 {
                sleep(ms(1)).await;
                yield_now().await;
            }
        });
        assert_eq!(runtime.now() - before, ms(50));
        done.store(true, Ordering::Relaxed);
        floods.into_iter().for_each(|flood| flood.join().expect("wakes do not fail"));
    });
}

// ---- Without waiting ----

#[test]
fn a_turn_with_no_time_to_wait_does_not_wait_and_says_what_is_left() {
    in_time(|| {
        let runtime = Runtime::with_clock(Clock::Manual);
        runtime.spawn(pending::<()>());
        runtime.spawn(async {
            sleep(ms(30)).await;
            sleep(ms(1)).await;
        });
        let start = runtime.now();
        for polled in [2, 0, 0] {
            let turn = runtime.turn(AT_ONCE).expect("a turn");
            assert_eq!((turn.polled, turn.live, turn.ready), (polled, 2, false));
            assert_eq!(turn.next_deadline, Some(start + ms(30)));
        }
        runtime.advance(ms(30)).expect("a manual clock");
        let turn = runtime.turn(AT_ONCE).expect("a turn");
        assert_eq!((turn.polled, turn.next_deadline), (1, Some(start + ms(31))));
    });
}

/// The same in the poller.
#[test]
fn a_turn_with_no_time_to_wait_does_not_wait_for_a_pipe() {
    in_time(|| {
        let runtime = Runtime::with_clock(Clock::Manual);
        let _writer = runtime.block_on(async {
            let (reader, writer) = io::pipe().expect("a pipe");
            let reader = Async::new(reader).expect("a source");
            spawn(async move { reader.read_with(|mut pipe| pipe.read(&mut [0])).await });
            writer
        });
        settle(&runtime);
        let turn = runtime.turn(AT_ONCE).expect("a turn");
        assert_eq!((turn.polled, turn.live, turn.next_deadline), (0, 1, None));
    });
}

#[test]
fn a_turn_never_waits_while_something_is_ready() {
    in_time(|| {
        let runtime = Runtime::with_clock(Clock::Manual);
        runtime.spawn(spin(Rc::default()));
        for _ in 0..3 {
            assert!(runtime.turn(None).is_ok_and(|turn| turn.polled == 64));
        }
    });
}

#[test]
fn a_turn_without_tasks_does_nothing() {
    let turn = Runtime::new().turn(AT_ONCE).expect("a turn");
    assert_eq!((turn.polled, turn.live, turn.ready, turn.next_deadline), (0, 0, false, None));
}

// ---- The runtime as a value ----

#[test]
fn tasks_may_borrow_what_outlives_the_runtime() {
    let words = [String::from("structured"), String::from("concurrency")];
    let sum = Cell::new(0);
    {
        let runtime = Runtime::with_clock(Clock::Autojump);
        for word in &words {
            let sum = &sum;
            runtime.spawn(async move {
                sleep(ms(1)).await;
                sum.set(sum.get() + word.len());
            });
        }
        runtime.block_on(sleep(ms(2)));
    }
    assert_eq!(sum.get(), 21);
}

#[test]
fn what_block_on_leaves_undone_goes_on_in_the_next() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let start = runtime.now();
    let task = runtime.spawn(async {
        sleep(ms(10)).await;
        now()
    });
    assert_eq!(runtime.block_on(async { 1 }), 1);
    assert_eq!(runtime.block_on(async { 2 }), 2);
    assert_eq!(runtime.census().tasks, 1);
    assert_eq!(runtime.block_on(task).ok(), Some(start + ms(10)));
}

/// `block_on`'s own future is not polled by a turn that somebody else makes, nor after it ended.
#[test]
fn turns_and_block_on_take_turns() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let gate = Gate::new();
    runtime.spawn(gate.wait());
    runtime.block_on(yield_now());
    assert!(runtime.turn(AT_ONCE).is_ok_and(|turn| turn.polled == 0));
    runtime.block_on(async {
        gate.open();
        yield_now().await;
    });
    assert_eq!((gate.polls(), runtime.census().tasks), (2, 0));
}

#[test]
fn two_runtimes_take_turns_each_on_its_own_clock() {
    let (left, right) = (Runtime::with_clock(Clock::Manual), Runtime::with_clock(Clock::Manual));
    let trace = Trace::new();
    for (runtime, names) in [(&left, ["l1", "l2"]), (&right, ["r1", "r2"])] {
        let trace = trace.clone();
        runtime.spawn(async move {
            trace.note(names[0]);
            sleep(ms(1)).await;
            trace.note(names[1]);
        });
    }
    settle(&right);
    settle(&left);
    left.advance(ms(1)).expect("a manual clock");
    settle(&right);
    settle(&left);
    right.advance(ms(1)).expect("a manual clock");
    settle(&right);
    assert_eq!(trace.so_far(), "r1 l1 l2 r2");
}

#[test]
fn each_thread_has_its_own_runtime() {
    let threads: Vec<_> = (0..4)
        .map(|n| {
            thread::spawn(move || {
                Runtime::with_clock(Clock::Autojump).block_on(async move {
                    let tasks: Vec<_> = (0..100)
                        .map(|m| {
                            spawn(async move {
                                sleep(ms(m % 7)).await;
                                m * n
                            })
                        })
                        .collect();
                    let mut sum = 0;
                    for task in tasks {
                        sum += task.await.expect("a value");
                    }
                    sum
                })
            })
        })
        .collect();
    let sums: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
    assert_eq!(sums, [0, 4950, 2 * 4950, 3 * 4950]);
}

#[test]
fn a_host_can_run_the_loop_turn_by_turn() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let task = runtime.spawn(async {
        let mut sum = 0;
        for n in 0..5 {
            sleep(ms(10)).await;
            sum += n;
        }
        sum
    });
    let mut waits = Vec::new();
    loop {
        let turn = runtime.turn(AT_ONCE).expect("a turn");
        if turn.live == 0 {
            break;
        }
        let wait = turn.next_deadline.expect("it sleeps") - runtime.now();
        waits.push(wait);
        runtime.advance(wait).expect("a manual clock");
    }
    assert_eq!(waits, [ms(10); 5]);
    assert_eq!(runtime.block_on(task).ok(), Some(10));
}

#[test]
fn a_future_that_is_ready_at_once_needs_one_poll() {
    let polls = RefCell::new(0);
    let before = Instant::now();
    let value = Runtime::new().block_on(poll_fn(|_| {
        *polls.borrow_mut() += 1;
        Poll::Ready(before)
    }));
    assert_eq!((value, polls.take()), (before, 1));
}

/// B1: tokio#5209 is the same for a task that wakes itself.
#[test]
fn a_task_that_never_has_to_wait_for_its_pipe_starves_nobody() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let (reader, mut writer) = io::pipe().expect("a pipe");
    writer.write_all(&[0; 1000]).expect("room");
    let read = Rc::new(Cell::new(0));
    let counter = read.clone();
    runtime.block_on(async move {
        let reader = Async::new(reader).expect("a source");
        spawn(async move {
            while reader.read_with(|mut pipe| pipe.read(&mut [0])).await.is_ok() {
                counter.set(counter.get() + 1);
            }
        });
        yield_now().await; // the reader has had one poll
        assert_eq!(read.get(), 64);
        yield_now().await;
        assert_eq!(read.get(), 128);
    });
}
