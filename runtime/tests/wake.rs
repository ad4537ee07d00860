//! Wakes: who is polled, how often, and that no wake is lost on any of its ways.
//!
//! A wake takes one of three ways: straight into the queue (this thread, the runtime is in its turn), through the
//! letter box (this thread, the runtime is not), through the letter box of a sleeping loop (another thread). The
//! numbers in the comments are those of the project's list of known bugs of other runtimes.

mod common;

use common::{AT_ONCE, Counter, Echo, Gate, OnDrop, in_time, ms, poll_with, settle};
use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};
use taskgroup_runtime::ready::ReadySet;
use taskgroup_runtime::{Async, Clock, JoinHandle, Local, Runtime, Sleep, hold, sleep, spawn, yield_now};

/// A pipe whose reading end can be awaited. To be made in a task.
fn pipe() -> (Async<PipeReader>, PipeWriter) {
    let (reader, writer) = io::pipe().expect("a pipe");
    (Async::new(reader).expect("a pipe can be waited for"), writer)
}

/// Reads one byte.
async fn byte(reader: &Async<PipeReader>) -> u8 {
    let mut byte = [0];
    let n = reader.read_with(|mut pipe| pipe.read(&mut byte)).await.expect("a byte");
    assert_eq!(n, 1, "the pipe was closed");
    byte[0]
}

// ---- On one thread ----

#[test]
fn a_wake_polls_the_woken_task_and_no_other_once() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let gates = [Gate::new(), Gate::new(), Gate::new()];
    let _tasks = gates.each_ref().map(|gate| runtime.spawn(gate.wait()));
    settle(&runtime);
    gates[1].waker().wake();
    assert_eq!(settle(&runtime), 1);
    assert_eq!(gates.each_ref().map(Gate::polls), [1, 2, 1]);
}

#[test]
fn a_thousand_wakes_are_one_poll() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let gate = Gate::new();
    runtime.spawn(gate.wait());
    settle(&runtime);
    let waker = gate.waker();
    runtime.spawn(async move { (0..1000).for_each(|_| waker.wake_by_ref()) });
    settle(&runtime);
    assert_eq!(gate.polls(), 2);
}

/// A6: ngx-rust#294, tokio#1972.
#[test]
fn a_wake_polls_nobody_on_the_stack_of_the_waker() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let ledger = Rc::new(RefCell::new(Vec::new()));
    let gate = Gate::new();
    let task = runtime.spawn({
        let (ledger, wait) = (ledger.clone(), gate.wait());
        async move {
            wait.await;
            ledger.borrow_mut().push("woken");
        }
    });
    settle(&runtime);
    runtime.spawn(async move {
        let mut ledger = ledger.borrow_mut();
        gate.open();
        ledger.push("waker");
        drop(ledger);
    });
    settle(&runtime);
    assert!(task.is_finished());
}

/// A10: async-io#171.
#[test]
fn a_task_keeps_one_waker_for_life() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let gate = Gate::new();
    runtime.spawn(gate.wait());
    settle(&runtime);
    let first = gate.waker();
    for _ in 0..10 {
        gate.waker().wake();
        settle(&runtime);
        assert!(gate.waker().will_wake(&first));
    }
    assert_eq!(gate.polls(), 11);
}

#[test]
fn the_waker_of_a_finished_task_wakes_nobody() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let (gate, bystander) = (Gate::new(), Gate::new());
    runtime.spawn(gate.wait());
    runtime.spawn(bystander.wait());
    settle(&runtime);
    let stale = gate.waker();
    gate.open();
    settle(&runtime);
    (0..1000).for_each(|_| stale.wake_by_ref());
    assert_eq!(settle(&runtime), 0);
}

/// A4: compio#502, RUSTSEC-2024-0019. Slots are reused with their wakers, so a stale wake may reach the next tenant:
/// it costs it one poll, whatever way it takes and however often it comes.
#[test]
fn a_stale_waker_costs_the_next_tenant_one_poll_at_most() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let (first, bystander, next) = (Gate::new(), Gate::new(), Gate::new());
    runtime.spawn(first.wait());
    runtime.spawn(bystander.wait());
    settle(&runtime);
    let stale = first.waker();
    first.open();
    settle(&runtime);
    let task = runtime.spawn(next.wait());
    settle(&runtime);
    assert!(cfg!(feature = "plain") || next.waker().will_wake(&stale), "the slot has a new tenant");

    (0..1000).for_each(|_| stale.wake_by_ref()); // through the letter box
    settle(&runtime);
    assert_eq!((next.polls(), bystander.polls()), (2, 1));

    let again = stale.clone();
    runtime.spawn(async move { (0..1000).for_each(|_| again.wake_by_ref()) }); // straight
    settle(&runtime);
    assert_eq!((next.polls(), bystander.polls()), (3, 1));

    next.open();
    (0..1000).for_each(|_| stale.wake_by_ref()); // beside a wake with a cause
    settle(&runtime);
    assert_eq!((next.polls(), bystander.polls()), (4, 1));
    assert!(task.is_finished());
}

/// It is in the queue when it ends, and leaves a gap there that is no poll.
#[test]
fn a_task_that_wakes_itself_and_ends_is_polled_no_more() {
    let runtime = Runtime::with_clock(Clock::Manual);
    for _ in 0..3 {
        runtime.spawn(poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::Ready(())
        }));
    }
    assert_eq!(settle(&runtime), 3);
}

/// The runtime that comes after a dropped one takes its place in the table, and gets none of its wakes.
#[test]
fn a_waker_of_a_dropped_runtime_wakes_nobody_in_the_next() {
    let (first, second) = (Gate::new(), Gate::new());
    let dropped = Runtime::with_clock(Clock::Manual);
    dropped.spawn(first.wait());
    settle(&dropped);
    let stale = first.waker();
    drop(dropped);
    let next = Runtime::with_clock(Clock::Manual);
    next.spawn(second.wait());
    settle(&next);
    stale.wake_by_ref();
    next.spawn(async move { stale.wake() });
    settle(&next);
    assert_eq!((first.polls(), second.polls()), (1, 1));
}

#[test]
fn a_wake_that_is_under_way_when_its_task_ends_reaches_nobody() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let (gate, bystander) = (Gate::new(), Gate::new());
    let task = runtime.spawn(gate.wait());
    runtime.spawn(bystander.wait());
    settle(&runtime);
    let waker = gate.waker();
    runtime.spawn(async move {
        task.cancel();
        yield_now().await; // its turn has come now
        waker.wake();
    });
    settle(&runtime);
    assert_eq!((gate.polls(), gate.drops(), bystander.polls()), (1, 1, 1));
}

// ---- Two runtimes on one thread ----

#[test]
fn two_runtimes_wake_each_others_tasks() {
    in_time(|| {
        let (left, right) = (Runtime::with_clock(Clock::Manual), Runtime::with_clock(Clock::Manual));
        let (ping, pong) = (Gate::new(), Gate::new());
        let asks = left.spawn({
            let (ping, answer) = (ping.clone(), pong.wait());
            async move {
                ping.open();
                answer.await;
            }
        });
        right.spawn(async move {
            ping.wait().await;
            pong.open();
        });
        while !asks.is_finished() {
            right.turn(AT_ONCE).expect("a turn");
            left.turn(AT_ONCE).expect("a turn");
        }
    });
}

/// The woken runtime is not in its turn: the wake has to reach it before it sleeps.
#[test]
fn a_runtime_that_was_woken_by_another_does_not_sleep() {
    in_time(|| {
        let (left, right) = (Runtime::with_clock(Clock::Manual), Runtime::with_clock(Clock::Manual));
        let gate = Gate::new();
        let task = left.spawn(gate.wait());
        settle(&left);
        right.block_on(async { gate.open() });
        assert!(left.turn(None).is_ok_and(|turn| turn.polled == 1)); // would sleep for ever
        assert!(task.is_finished());
    });
}

#[test]
fn a_runtime_that_was_woken_by_another_does_not_sleep_in_its_poller() {
    in_time(|| {
        let (left, right) = (Runtime::with_clock(Clock::Manual), Runtime::with_clock(Clock::Manual));
        let gate = Gate::new();
        let task = left.spawn({
            let gate = gate.clone();
            async move {
                let (_reader, _writer) = pipe();
                gate.wait().await;
            }
        });
        settle(&left);
        right.block_on(async { gate.open() });
        assert!(left.turn(None).is_ok_and(|turn| turn.polled == 1));
        assert!(task.is_finished());
    });
}

/// The outer runtime *is* in its turn: the task of the inner one wakes it straight.
#[test]
fn a_task_of_an_inner_runtime_wakes_one_of_the_outer() {
    in_time(|| {
        let gate = Gate::new();
        Runtime::with_clock(Clock::Manual).block_on(async {
            let waits = spawn(gate.wait());
            yield_now().await;
            let inner = Runtime::with_clock(Clock::Manual);
            inner.spawn(async { gate.open() });
            inner.turn(AT_ONCE).expect("a turn");
            waits.await.expect("opened");
        });
    });
}

// ---- From outside the turn ----

/// What happens outside the turn rings a host that sleeps: here, parked where the loop itself would park.
#[track_caller]
fn rings(happens: impl FnOnce(&Runtime<'_>, &Gate, &JoinHandle<()>)) {
    let runtime = Runtime::with_clock(Clock::Manual);
    let gate = Gate::new();
    let task = runtime.spawn(gate.wait());
    settle(&runtime);
    thread::park_timeout(Duration::ZERO); // no ringing from before
    happens(&runtime, &gate, &task);
    let before = Instant::now();
    thread::park_timeout(Duration::from_secs(10));
    assert!(before.elapsed() < Duration::from_secs(5), "nobody rang");
}

#[test]
fn a_wake_outside_the_turn_rings() {
    rings(|_, gate, _| gate.open());
}

#[test]
fn a_spawn_outside_the_turn_rings() {
    rings(|runtime, gate, _| drop(runtime.spawn(gate.wait())));
}

#[test]
fn a_cancel_outside_the_turn_rings() {
    rings(|_, _, task| assert!(task.cancel()));
}

// ---- From other threads ----
//
// A1: tokio#1768, zio#610, async-io#78. Virtual clocks count a thread that they cannot see as a stall: hence the holds.

#[test]
fn a_thread_wakes_a_parked_loop() {
    in_time(|| {
        Runtime::with_clock(Clock::Autojump).block_on(async {
            let (_hold, echo) = (hold(), Echo::new());
            for round in 0..300 {
                echo.answer(round % 8).await;
            }
        });
    });
}

#[test]
fn a_thread_wakes_a_loop_in_its_poller() {
    in_time(|| {
        Runtime::with_clock(Clock::Autojump).block_on(async {
            let (_hold, echo, _pipe) = (hold(), Echo::new(), pipe());
            for round in 0..300 {
                echo.answer(round % 8).await;
            }
        });
    });
}

/// Until the first source is registered the loop parks; from then on it sleeps in the poller. The wake comes while one
/// becomes the other.
#[test]
fn a_thread_wakes_a_loop_that_is_getting_its_poller() {
    in_time(|| {
        let echo = Echo::new();
        for round in 0..300 {
            Runtime::with_clock(Clock::Autojump).block_on(async {
                let _hold = hold();
                let mut answer = pin!(echo.answer(round % 4));
                let asked = poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await;
                let _pipe = pipe();
                if asked.is_pending() {
                    answer.await;
                }
            });
        }
    });
}

/// A ring that nobody slept through, left over from before there was a poller, counted as a ring of the poller: the
/// next wake from a thread found "rung already" and kept quiet.
#[test]
fn a_hold_that_ends_before_the_first_source_comes_swallows_no_wake() {
    in_time(|| {
        let echo = Echo::new();
        for _ in 0..20 {
            Runtime::with_clock(Clock::Autojump).block_on(async {
                let _hold = hold();
                drop(hold());
                let _pipe = pipe();
                echo.answer(20).await;
            });
        }
    });
}

/// The same without a poller: the ring was a token to park, and somebody else on this thread has used it up.
#[test]
fn a_ring_that_another_sleeper_used_up_swallows_no_wake() {
    in_time(|| {
        Runtime::with_clock(Clock::Autojump).block_on(async {
            let (_hold, echo) = (hold(), Echo::new());
            for _ in 0..20 {
                drop(hold());
                thread::park_timeout(Duration::ZERO);
                echo.answer(20).await;
            }
        });
    });
}

#[test]
fn a_hold_that_a_thread_drops_wakes_the_loop() {
    in_time(|| {
        for delay in 0..20 {
            let runtime = Runtime::with_clock(Clock::Autojump);
            let hold = runtime.hold();
            thread::spawn(move || {
                (0..delay * 5).for_each(|_| thread::yield_now());
                drop(hold);
            });
            assert!(runtime.try_block_on(pending::<()>()).is_err(), "stalled, but only now");
        }
    });
}

/// A1, in numbers: four threads wake a hundred tasks 25,000 times each, and each task sees its last value.
#[test]
fn of_many_wakes_from_many_threads_each_task_sees_the_last() {
    const THREADS: usize = 4;
    const TASKS: usize = 25; // for each thread
    const LAST: u32 = 1000;
    in_time(|| {
        let runtime = Runtime::with_clock(Clock::Autojump);
        let _hold = runtime.hold();
        let cells: Vec<Arc<AtomicU32>> = (0..THREADS * TASKS).map(|_| Arc::default()).collect();
        let wakers: Rc<RefCell<Vec<Option<Waker>>>> = Rc::new(RefCell::new(vec![None; cells.len()]));
        let tasks: Vec<_> = (0..cells.len())
            .map(|n| {
                let (cell, wakers) = (cells[n].clone(), wakers.clone());
                runtime.spawn(poll_fn(move |cx| {
                    wakers.borrow_mut()[n] = Some(cx.waker().clone());
                    if cell.load(Ordering::Relaxed) == LAST { Poll::Ready(()) } else { Poll::Pending }
                }))
            })
            .collect();
        settle(&runtime);
        let all: Vec<_> = cells.into_iter().zip(wakers.take().into_iter().flatten()).collect();
        for part in all.chunks(TASKS) {
            let part = part.to_vec();
            thread::spawn(move || {
                for value in 1..=LAST {
                    for (cell, waker) in &part {
                        cell.store(value, Ordering::Relaxed);
                        waker.wake_by_ref();
                    }
                }
            });
        }
        wakers.replace(vec![None; THREADS * TASKS]);
        runtime.block_on(async {
            for task in tasks {
                task.await.expect("it saw its last value");
            }
        });
    });
}

/// A5: the letter box holds a slot once, however often it is woken.
#[test]
fn a_million_wakes_from_a_thread_are_one_letter() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let gate = Gate::new();
    runtime.spawn(gate.wait());
    settle(&runtime);
    let waker = gate.waker();
    let thread = thread::spawn(move || (0..1_000_000).for_each(|_| waker.wake_by_ref()));
    thread.join().expect("wakes do not fail");
    let turn = runtime.turn(AT_ONCE).expect("a turn");
    assert_eq!((turn.polled, turn.ready), (1, false));
    assert_eq!(settle(&runtime), 0);
    gate.waker().wake(); // the letter can be sent again
    assert_eq!(settle(&runtime), 1);
}

/// A8: async-executor#163, compio#489.
#[test]
fn a_waker_outlives_its_runtime() {
    const THREADS: usize = 4;
    for round in 0..20 {
        let runtime = Runtime::with_clock(Clock::Manual);
        if round % 2 > 0 {
            runtime.block_on(async { drop(pipe()) }); // from now on a ring goes into the poller, and not to the thread
        }
        let gates: Vec<Gate> = (0..100).map(|_| Gate::new()).collect();
        for gate in &gates {
            runtime.spawn(gate.wait());
        }
        settle(&runtime);
        let start = Arc::new(Barrier::new(THREADS + 1));
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let wakers: Vec<Waker> = gates.iter().map(Gate::waker).collect();
                let start = start.clone();
                thread::spawn(move || {
                    start.wait();
                    for waker in wakers {
                        waker.wake_by_ref();
                        let clone = waker.clone();
                        clone.wake_by_ref();
                        drop((waker, clone));
                    }
                })
            })
            .collect();
        start.wait();
        drop(runtime);
        threads.into_iter().for_each(|thread| thread.join().expect("late wakes do nothing"));
        gates.iter().for_each(Gate::open); // and on the runtime's own thread
        assert!(gates.iter().all(|gate| (gate.polls(), gate.drops()) == (1, 1)));
    }
}

/// A8. Thread-locals die last made first: at its end this thread's table of runtimes is gone when it wakes.
#[test]
fn a_waker_fires_from_the_destructor_of_a_thread_local() {
    thread_local! {
        static AT_THE_END: RefCell<Option<Box<dyn Send>>> = const { RefCell::new(None) };
    }
    in_time(|| {
        let done = Arc::new(AtomicU32::new(0));
        Runtime::with_clock(Clock::Autojump).block_on(async {
            let _hold = hold();
            let mut asked = false;
            poll_fn(|cx| {
                if !std::mem::replace(&mut asked, true) {
                    let (waker, done) = (cx.waker().clone(), done.clone());
                    thread::spawn(move || {
                        AT_THE_END.set(Some(Box::new(OnDrop(move || {
                            done.store(1, Ordering::SeqCst);
                            waker.wake_by_ref();
                        }))));
                        drop(Runtime::new()); // makes the table
                    });
                }
                if done.load(Ordering::SeqCst) == 1 { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        });
    });
}

// ---- Our own futures ----
//
// A2: embassy#4736, deno#19626: who polled last is woken, and nobody else.

/// Polls with three wakers in turn.
fn three_polls<F: Future>(mut future: Pin<&mut F>) -> [Arc<Counter>; 3] {
    std::array::from_fn(|_| {
        let (waker, counter) = Counter::new();
        assert!(poll_with(future.as_mut(), &waker).is_pending());
        counter
    })
}

#[track_caller]
fn assert_only_the_last_was_woken(counters: &[Arc<Counter>; 3]) {
    assert_eq!(counters.each_ref().map(|counter| counter.wakes()), [0, 0, 1]);
}

#[test]
fn a_sleep_wakes_only_who_polled_it_last() {
    Runtime::with_clock(Clock::Autojump).block_on(async {
        let mut future = pin!(sleep(ms(1)));
        let counters = three_polls(future.as_mut());
        sleep(ms(2)).await;
        assert_only_the_last_was_woken(&counters);

        let mut future = pin!(sleep(ms(1)));
        let counters = three_polls(future.as_mut());
        future.await; // the task's own waker, now
        assert!(counters.iter().all(|counter| counter.wakes() == 0));
    });
}

#[test]
fn a_join_handle_wakes_only_who_polled_it_last() {
    Runtime::with_clock(Clock::Autojump).block_on(async {
        let gate = Gate::new();
        let mut handle = spawn(gate.wait());
        let counters = three_polls(Pin::new(&mut handle));
        gate.open();
        sleep(ms(1)).await;
        assert_only_the_last_was_woken(&counters);

        let mut handle = spawn(sleep(ms(1)));
        let counters = three_polls(Pin::new(&mut handle));
        handle.await.expect("a value");
        assert!(counters.iter().all(|counter| counter.wakes() == 0));
    });
}

#[test]
fn a_read_wakes_only_who_polled_it_last() {
    Runtime::with_clock(Clock::Autojump).block_on(async {
        let (reader, mut writer) = pipe();
        let mut future = pin!(byte(&reader));
        let counters = three_polls(future.as_mut());
        writer.write_all(b"x").expect("room");
        sleep(ms(1)).await;
        assert_only_the_last_was_woken(&counters);
        future.await;

        let mut future = pin!(byte(&reader));
        let counters = three_polls(future.as_mut());
        writer.write_all(b"x").expect("room");
        future.await;
        assert!(counters.iter().all(|counter| counter.wakes() == 0));
    });
}

#[test]
fn a_poll_of_a_socket_wakes_only_who_polled_last() {
    Runtime::with_clock(Clock::Autojump).block_on(async {
        let (reader, mut writer) = pipe();
        let counters = three_polls(pin!(poll_fn(|cx| reader.poll_read_with(cx, |mut pipe| pipe.read(&mut [0])))));
        writer.write_all(b"x").expect("room");
        sleep(ms(1)).await;
        assert_only_the_last_was_woken(&counters);
    });
}

#[test]
fn a_yield_wakes_who_polled_it_and_is_over_at_the_next_poll() {
    let mut future = pin!(yield_now());
    let ((first, first_counter), (second, second_counter)) = (Counter::new(), Counter::new());
    assert!(poll_with(future.as_mut(), &first).is_pending());
    assert!(poll_with(future.as_mut(), &second).is_ready());
    assert_eq!((first_counter.wakes(), second_counter.wakes()), (1, 0));
}

/// Two readers of one pipe, one byte: whoever does not get it still waits, and gets the next.
#[test]
fn two_readers_of_one_pipe_are_both_served() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let (tasks, mut writer) = runtime.block_on(async {
        let (reader, writer) = pipe();
        let reader = Rc::new(reader);
        let tasks = [(); 2].map(|()| {
            let reader = reader.clone();
            spawn(async move { byte(&reader).await })
        });
        (tasks, writer)
    });
    settle(&runtime);
    for served in 1..=2 {
        writer.write_all(b"x").expect("room");
        settle(&runtime);
        assert_eq!(tasks.iter().filter(|task| task.is_finished()).count(), served);
    }
}

/// A4. Both readers are told of the byte; the second is quicker, reads it and waits again, in the place that was the
/// first one's. Now the first finds nothing and goes back to its place.
#[test]
fn a_reader_that_waits_again_keeps_its_place() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let quick_waker = Rc::new(RefCell::new(None::<Waker>));
    let (quick, mut writer) = runtime.block_on(async {
        let (reader, writer) = pipe();
        let reader = Rc::new(reader);
        let (slow_reader, quick_reader, place) = (reader.clone(), reader, quick_waker.clone());
        spawn(async move { byte(&slow_reader).await });
        let quick = spawn(async move {
            poll_fn(|cx| Poll::Ready(place.replace(Some(cx.waker().clone())))).await;
            byte(&quick_reader).await;
            byte(&quick_reader).await
        });
        (quick, writer)
    });
    settle(&runtime);
    for _ in 0..64 {
        runtime.spawn(async {}); // so that the turn ends when they and the next have run
    }
    runtime.spawn(async move { quick_waker.take().expect("polled").wake() });
    assert!(runtime.turn(AT_ONCE).expect("a turn").ready, "the quick one is at the head of the queue");
    writer.write_all(b"x").expect("room");
    settle(&runtime);
    writer.write_all(b"yz").expect("room");
    settle(&runtime);
    assert!(quick.is_finished());
}

// A3: tokio#7494, asterinas#1497: polls without cause change nothing.

/// A thousand polls with the task's own waker, none of which may end the wait.
async fn poll_in_vain<F: Future>(mut future: Pin<&mut F>) {
    poll_fn(|cx| Poll::Ready((0..1000).all(|_| future.as_mut().poll(cx).is_pending()).then_some(())))
        .await
        .expect("pending each time");
}

#[test]
fn polls_of_a_sleep_without_cause_change_nothing() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.block_on(async {
        let before = taskgroup_runtime::now();
        let mut future = pin!(sleep(ms(7)));
        poll_in_vain(future.as_mut()).await;
        assert_eq!(runtime.census().timers, 1);
        future.await;
        assert_eq!(taskgroup_runtime::now() - before, ms(7));
    });
}

#[test]
fn polls_of_a_join_handle_without_cause_change_nothing() {
    Runtime::with_clock(Clock::Autojump).block_on(async {
        let mut handle = spawn(async {
            sleep(ms(1)).await;
            7
        });
        let mut polls = 0;
        let value = poll_fn(|cx| {
            for _ in 0..1000 {
                polls += 1;
                match Pin::new(&mut handle).poll(cx) {
                    Poll::Pending => {}
                    ready => return ready,
                }
            }
            Poll::Pending
        })
        .await;
        assert_eq!((value.ok(), polls), (Some(7), 1001));
    });
}

#[test]
fn polls_of_a_read_without_cause_change_nothing() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.block_on(async {
        let (reader, mut writer) = pipe();
        {
            let mut future = pin!(byte(&reader));
            poll_in_vain(future.as_mut()).await;
            writer.write_all(b"x").expect("room");
            assert_eq!(future.await, b'x');
        }
        sleep(ms(1)).await; // jumps: nobody counts as waiting any more
    });
}

#[test]
fn wakes_of_a_task_without_cause_change_nothing() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let gate = Gate::new();
    let task = runtime.spawn(gate.wait());
    settle(&runtime);
    for n in 0..1000 {
        assert_eq!(gate.polls(), n + 1);
        gate.waker().wake();
        settle(&runtime);
    }
    gate.open();
    settle(&runtime);
    assert!(task.is_finished());
    assert_eq!(gate.drops(), 1);
}

// ---- Wakers that misbehave ----
//
// A7: tokio#4129, #5578: a waker's destructor and its `wake` are somebody's code, and may call back.

/// A waker that does everything it can, when it is woken and when it dies.
struct Hostile {
    wakes: Arc<AtomicU32>,
    drops: Arc<AtomicU32>,
}

thread_local! {
    static VICTIM: RefCell<Option<JoinHandle<()>>> = const { RefCell::new(None) };
    static ARMED: RefCell<Vec<Pin<Box<Sleep>>>> = const { RefCell::new(Vec::new()) };
}

/// Spawns, cancels, arms a timer and disarms another, registers a pipe and closes it.
fn mischief() {
    if Local::current().is_none() {
        return; // the test has failed: no second panic, please
    }
    let victim = VICTIM.replace(Some(spawn(pending())));
    let _was_there = victim.is_some_and(|victim| victim.cancel());
    for wait in [Duration::ZERO, ms(1)] {
        let mut armed = Box::pin(sleep(wait));
        assert!(poll_with(armed.as_mut(), Waker::noop()).is_pending());
        let before = ARMED.with_borrow_mut(|all| std::mem::replace(all, vec![armed]));
        drop(before);
    }
    let (reader, _writer) = pipe();
    let read = pin!(reader.read_with(|mut pipe| pipe.read(&mut [0])));
    let _ = poll_with(read, Waker::noop());
}

impl Hostile {
    fn waker() -> (Waker, [Arc<AtomicU32>; 2]) {
        let hostile = Self { wakes: Arc::default(), drops: Arc::default() };
        let counters = [hostile.wakes.clone(), hostile.drops.clone()];
        (Arc::new(hostile).into(), counters)
    }
}

impl Wake for Hostile {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
        mischief();
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::SeqCst);
        mischief();
    }
}

/// A future polled with a hostile waker survives that its waker is exchanged, that it is woken, and that it is dropped
/// with it. `cause` makes it ready.
async fn meets_a_hostile_waker<F: Future>(mut make: impl FnMut() -> F, mut cause: impl FnMut()) {
    for _ in 0..2 {
        let counts = |counters: &[Arc<AtomicU32>; 2]| counters.each_ref().map(|n| n.load(Ordering::SeqCst));

        let mut exchanged = Box::pin(make());
        let (waker, counters) = Hostile::waker();
        assert!(poll_with(exchanged.as_mut(), &waker).is_pending());
        drop(waker);
        assert!(poll_with(exchanged.as_mut(), Waker::noop()).is_pending());
        assert_eq!(counts(&counters), [0, 1]);
        drop(exchanged);

        let mut dropped = Box::pin(make());
        let (waker, counters) = Hostile::waker();
        assert!(poll_with(dropped.as_mut(), &waker).is_pending());
        drop(waker);
        drop(dropped);
        yield_now().await;
        assert_eq!(counts(&counters)[0], 0);

        let mut woken = Box::pin(make());
        let (waker, counters) = Hostile::waker();
        assert!(poll_with(woken.as_mut(), &waker).is_pending());
        drop(waker);
        cause();
        let mut turns = 0;
        while counts(&counters) != [1, 1] {
            sleep(Duration::ZERO).await; // a whole turn
            turns += 1;
            assert!(turns < 1000, "not woken: {:?}", counts(&counters));
        }
        assert!(poll_with(woken.as_mut(), Waker::noop()).is_ready());
    }
    VICTIM.take();
    ARMED.take();
}

#[test]
fn a_sleep_bears_a_hostile_waker() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let cause = || taskgroup_runtime::advance(ms(1)).expect("a manual clock");
    runtime.block_on(meets_a_hostile_waker(|| sleep(ms(1)), cause));
    assert_eq!(runtime.census().timers, 0);
}

#[test]
fn a_join_handle_bears_a_hostile_waker() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let gate = RefCell::new(Gate::new());
    let make = || {
        let fresh = Gate::new();
        gate.replace(fresh.clone());
        spawn(fresh.wait())
    };
    runtime.block_on(meets_a_hostile_waker(make, || gate.borrow().open()));
}

#[test]
fn a_read_bears_a_hostile_waker() {
    let runtime = Runtime::with_clock(Clock::Manual);
    runtime.block_on(async {
        let (reader, mut writer) = pipe();
        meets_a_hostile_waker(|| byte(&reader), || writer.write_all(b"x").expect("room")).await;
    });
    assert_eq!(runtime.census().sources, 0);
}

#[test]
fn a_poll_of_a_socket_bears_a_hostile_waker() {
    let runtime = Runtime::with_clock(Clock::Manual);
    runtime.block_on(async {
        let (reader, mut writer) = pipe();
        let make = || poll_fn(|cx| reader.poll_read_with(cx, |mut pipe| pipe.read(&mut [0])));
        meets_a_hostile_waker(make, || writer.write_all(b"x").expect("room")).await;
    });
}

// libuv/libuv#4250, tokio-rs/tokio#8252.
/// A timer that is armed for "now" by the wake of another is for the next turn.
#[test]
fn a_waker_that_arms_a_timer_for_now_whenever_it_is_woken_does_not_keep_the_turn() {
    struct Again(AtomicU32);
    impl Wake for Again {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
            assert!(self.0.load(Ordering::SeqCst) < 1000, "the turn does not end");
            let mut armed = Box::pin(sleep(Duration::ZERO));
            assert!(poll_with(armed.as_mut(), &self.into()).is_pending());
            ARMED.with_borrow_mut(|all| all.push(armed));
        }
    }
    let runtime = Runtime::with_clock(Clock::Manual);
    let again = Arc::new(Again(AtomicU32::new(0)));
    runtime.block_on(async { again.clone().wake() });
    runtime.turn(AT_ONCE).expect("a turn");
    let in_one_turn = again.0.load(Ordering::SeqCst);
    ARMED.take();
    assert_eq!(in_one_turn, 2);
}

struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("a waker that panics");
    }
}

#[test]
fn letters_behind_a_wake_that_panics_are_still_read() {
    let runtime = Runtime::new();
    let (sender, receiver) = std::sync::mpsc::channel::<Waker>();
    let first = sender.clone();
    runtime.spawn(async move {
        let local = Local::current().expect("a runtime");
        let set = ReadySet::new(&local);
        let member = set.join(0);
        let bomb = Waker::from(Arc::new(Bomb));
        set.owned_by(&Context::from_waker(&bomb));
        first.send(Waker::clone(&local.waker(member))).expect("somebody receives");
        pending::<()>().await;
        set.leave(member);
    });
    let polls = Rc::new(std::cell::Cell::new(0));
    let count = polls.clone();
    runtime.spawn(poll_fn(move |cx| {
        sender.send(cx.waker().clone()).ok();
        count.set(count.get() + 1);
        Poll::<()>::Pending
    }));
    runtime.turn(AT_ONCE).expect("a turn");
    let (first, second) = (receiver.recv().expect("sent"), receiver.recv().expect("sent"));
    let waking = thread::spawn(move || {
        first.wake();
        second.wake();
    });
    waking.join().expect("no panic there");
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.turn(AT_ONCE))).is_err());
    runtime.turn(AT_ONCE).expect("a turn");
    assert_eq!(polls.get(), 2);
}

/// The edge that an event tells of does not come twice: who was taken out to be woken has to be woken.
#[test]
fn waits_for_descriptors_behind_a_wake_that_panics_are_still_woken() {
    let runtime = Runtime::new();
    let (ready, mut writers) = (Rc::new(std::cell::Cell::new(0)), Vec::new());
    for n in 0..3 {
        let (reader, writer) = runtime.block_on(async { pipe() });
        writers.push(writer);
        let ready = ready.clone();
        runtime.spawn(async move {
            let mut other = Box::pin(byte(&reader)); // two wait for each: this one with a bomb
            if n == 0 {
                assert!(poll_with(other.as_mut(), &Arc::new(Bomb).into()).is_pending());
            }
            byte(&reader).await;
            ready.set(ready.get() + 1);
            pending::<()>().await;
        });
    }
    settle(&runtime);
    for writer in &mut writers {
        writer.write_all(b"xx").expect("room");
    }
    assert_eq!(common::panic_of(|| drop(runtime.turn(AT_ONCE))), "a waker that panics");
    settle(&runtime);
    assert_eq!(ready.get(), 3);
}

/// C3. And what is left of the runtime is as it should be: nothing.
#[test]
fn a_wake_that_panics_while_its_runtime_is_dropped_keeps_no_task_from_its_drop() {
    let (home, away) = (Runtime::with_clock(Clock::Manual), Runtime::with_clock(Clock::Manual));
    let gates: [Gate; 3] = Default::default();
    let mut tasks = gates.each_ref().map(|gate| home.spawn(gate.wait()));
    settle(&home);
    let local = home.block_on(async { Local::current().map(|local| Rc::downgrade(&local)) }).expect("current");
    away.block_on(async {
        for task in &mut tasks[..2] {
            assert!(poll_with(Pin::new(task), &Arc::new(Bomb).into()).is_pending());
        }
    });
    assert_eq!(common::panic_of(|| drop(home)), "a waker that panics");
    assert_eq!(gates.each_ref().map(Gate::drops), [1, 1, 1]);
    assert!(tasks.iter().all(JoinHandle::is_finished));
    drop(tasks);
    assert!(local.upgrade().is_none(), "something keeps it");
}

/// A5: compio-rs/compio#1044, where the queue of wakes had an end: who waited for room in it held what the loop waited
/// for.
#[test]
fn a_thread_that_holds_what_the_loop_waits_for_wakes_any_number_without_waiting() {
    in_time(|| {
        let runtime = Runtime::with_clock(Clock::Autojump);
        let _hold = runtime.hold();
        let lock = Arc::new(std::sync::Mutex::new(0));
        let gates: Vec<Gate> = (0..5000).map(|_| Gate::new()).collect();
        for gate in &gates {
            runtime.spawn(gate.wait());
        }
        settle(&runtime);
        let wakers: Vec<Waker> = gates.iter().map(Gate::waker).collect();
        let (held, is_held) = std::sync::mpsc::channel();
        let thread = thread::spawn({
            let lock = lock.clone();
            move || {
                let mut count = lock.lock().expect("nobody panics");
                held.send(()).expect("somebody waits");
                for waker in wakers {
                    waker.wake();
                    *count += 1;
                }
            }
        });
        is_held.recv().expect("the thread has the lock");
        runtime.block_on(async { assert_eq!(*lock.lock().expect("nobody panics"), 5000) });
        thread.join().expect("no panic");
        settle(&runtime);
        assert!(gates.iter().all(|gate| gate.polls() == 2));
    });
}

/// B6: Trio's starvation test, with a sender that never tires: each wake out of the box is answered by a letter.
#[test]
fn a_letter_that_is_sent_while_the_box_is_emptied_is_for_the_next_turn() {
    thread_local! {
        static SET: RefCell<Option<(ReadySet, Waker)>> = const { RefCell::new(None) };
        static WAKES: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
    }
    struct Answers;
    impl Wake for Answers {
        fn wake(self: Arc<Self>) {
            WAKES.set(WAKES.get() + 1);
            assert!(WAKES.get() < 1000, "the turn does not end");
            let waker = SET.with_borrow(|set| {
                let (set, waker) = set.as_ref().expect("the test goes on");
                set.begin().for_each(drop); // it can be woken again
                set.end();
                waker.clone()
            });
            thread::spawn(move || waker.wake()).join().expect("wakes do not fail");
        }
    }
    let runtime = Runtime::with_clock(Clock::Manual);
    let waker = runtime.block_on(async {
        let local = Local::current().expect("a runtime");
        let set = ReadySet::new(&local);
        let member = set.join(0);
        set.owned_by(&Context::from_waker(&Arc::new(Answers).into()));
        let waker = Waker::clone(&local.waker(member));
        SET.set(Some((set, waker.clone())));
        waker
    });
    thread::spawn(move || waker.wake()).join().expect("wakes do not fail");
    for turn in 1..4 {
        runtime.turn(AT_ONCE).expect("a turn");
        assert_eq!(WAKES.get(), turn);
    }
    SET.take();
}
