//! Time: exact on virtual clocks, never early on the real one.

mod common;

use common::{AT_ONCE, Gate, Trace, in_time, inside, ms, poll_with, settle};
use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};
use taskgroup_runtime::{
    Async, Clock, Interval, MissedTicks, Runtime, Sleep, TICK, advance, interval, now, sleep, sleep_until, spawn,
    yield_now,
};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

fn autojump() -> Runtime<'static> {
    Runtime::with_clock(Clock::Autojump)
}

fn manual() -> Runtime<'static> {
    Runtime::with_clock(Clock::Manual)
}

// ---- Sleeping ----

#[test]
fn virtual_sleeps_are_exact() {
    autojump().block_on(async {
        for wait in [ms(1), ms(37), Duration::from_secs(3600), YEAR, 300 * YEAR] {
            let before = now();
            sleep(wait).await;
            assert_eq!(now() - before, wait);
        }
    });
}

// libuv/libuv#168, Smithay/calloop#142: a timer fired before its time.
#[test]
fn what_is_no_whole_number_of_ticks_is_rounded_up() {
    autojump().block_on(async {
        for (wait, slept) in [(Duration::from_nanos(1), TICK), (TICK, TICK), (TICK + Duration::from_nanos(1), 2 * TICK)]
        {
            let before = now();
            sleep(wait).await;
            assert_eq!(now() - before, slept);
        }
    });
}

/// The wait is counted from now, not from the tick before now.
#[test]
fn a_sleep_made_between_two_ticks_is_not_early() {
    autojump().block_on(async {
        advance(TICK / 5).expect("a virtual clock");
        let before = now();
        sleep(TICK).await;
        assert_eq!(now() - before, TICK * 9 / 5);
    });
}

/// Deadlines are rounded up, the present is rounded down.
#[test]
fn a_sleep_is_not_a_nanosecond_early() {
    let runtime = manual();
    let task = runtime.spawn(sleep(ms(1)));
    settle(&runtime);
    for (step, finished) in [(ms(1) - Duration::from_nanos(1), false), (Duration::from_nanos(1), true)] {
        runtime.advance(step).expect("a manual clock");
        settle(&runtime);
        assert_eq!(task.is_finished(), finished);
    }
}

#[test]
fn sleeps_end_in_the_order_of_deadlines_then_of_arming() {
    let trace = Trace::new();
    autojump().block_on(async {
        for (name, wait) in [("c", 7), ("a", 2), ("d", 7), ("b", 3), ("e", 7)] {
            let trace = trace.clone();
            spawn(async move {
                sleep(ms(wait)).await;
                trace.note(name);
            });
        }
        sleep(ms(8)).await;
    });
    assert_eq!(trace.so_far(), "a b c d e");
}

#[test]
fn ten_thousand_sleeps_end_in_order() {
    let ended = Rc::new(RefCell::new(Vec::new()));
    let runtime = autojump();
    for n in 0..10_000_u64 {
        let ended = ended.clone();
        runtime.spawn(async move {
            sleep(ms(n * 7919 % 10_007)).await;
            ended.borrow_mut().push(now());
        });
    }
    let start = runtime.now();
    runtime.block_on(sleep(ms(10_008)));
    let ended = ended.take();
    assert_eq!(ended.len(), 10_000);
    assert!(ended.is_sorted());
    assert_eq!(*ended.last().expect("many") - start, ms(10_006));
}

#[test]
fn a_zero_sleep_waits_for_one_turn() {
    let runtime = manual();
    let task = runtime.spawn(sleep(Duration::ZERO));
    for finished in [false, true] {
        assert!(runtime.turn(AT_ONCE).is_ok_and(|turn| turn.polled == 1));
        assert_eq!(task.is_finished(), finished);
    }
    assert_eq!(runtime.block_on(async { (now(), sleep(Duration::ZERO).await).0 }), runtime.now());
}

#[test]
fn a_sleep_until_the_past_waits_for_one_turn() {
    let runtime = manual();
    runtime.advance(ms(10)).expect("a manual clock");
    for past in [runtime.now(), runtime.now() - ms(1), runtime.now() - ms(3_600_000)] {
        let task = runtime.spawn(async move { sleep_until(past).await });
        for finished in [false, true] {
            runtime.turn(AT_ONCE).expect("a turn");
            assert_eq!(task.is_finished(), finished);
        }
    }
}

#[test]
fn a_sleep_until_an_instant_ends_then() {
    autojump().block_on(async {
        let deadline = now() + ms(12);
        sleep(ms(5)).await;
        sleep_until(deadline).await;
        assert_eq!(now(), deadline);
    });
}

/// G1: tokio#6634, async-io#86, calloop#121.
#[test]
fn the_longest_sleep_never_ends() {
    let runtime = manual();
    let task = runtime.spawn(sleep(Duration::MAX));
    settle(&runtime);
    assert_eq!(runtime.census().timers, 0);
    for wait in [YEAR, 1000 * YEAR, Duration::MAX, Duration::MAX] {
        runtime.advance(wait).expect("a manual clock");
        settle(&runtime);
    }
    assert!(!task.is_finished());
}

/// G1.
#[test]
fn all_but_endless_sleeps_end_when_time_does() {
    let runtime = manual();
    for wait in [Duration::ZERO, Duration::from_nanos(1), TICK - Duration::from_nanos(1), TICK, YEAR, 584 * YEAR] {
        let start = runtime.now();
        let task = runtime.spawn(sleep(wait));
        settle(&runtime);
        runtime.advance(wait.saturating_sub(TICK)).expect("a manual clock");
        settle(&runtime);
        assert!(wait <= TICK || !task.is_finished(), "{wait:?} is early");
        runtime.advance(2 * TICK).expect("a manual clock");
        settle(&runtime);
        assert!(task.is_finished(), "{wait:?} is late at {:?}", runtime.now() - start);
    }
}

/// G1.
#[test]
fn time_ends_without_a_panic() {
    let runtime = manual();
    for _ in 0..2 {
        runtime.advance(Duration::MAX).expect("a manual clock");
        let end = runtime.now();
        assert!(runtime.block_on(async { now() }) >= end);
        let task = runtime.spawn(sleep(ms(1)));
        settle(&runtime);
        assert!(!task.is_finished(), "no time is left to pass");
    }
}

/// G4: embassy#4736.
#[test]
fn a_sleep_without_end_does_not_stop_a_short_one() {
    autojump().block_on(async {
        spawn(sleep(Duration::MAX));
        spawn(sleep(1000 * YEAR));
        yield_now().await;
        let before = now();
        sleep(ms(1)).await;
        assert_eq!(now() - before, ms(1));
    });
}

#[test]
fn a_dropped_sleep_leaves_no_timer() {
    let runtime = autojump();
    runtime.block_on(async {
        let mut sleeps: Vec<Pin<Box<Sleep>>> = (1..=1000).map(|n| Box::pin(sleep(ms(n)))).collect();
        for sleep in &mut sleeps {
            assert!(poll_with(sleep.as_mut(), Waker::noop()).is_pending());
        }
        assert_eq!(runtime.census().timers, 1000);
        sleeps.truncate(10);
        assert_eq!(runtime.census().timers, 10);
        drop(sleeps);
        assert_eq!(runtime.census().timers, 0);
    });
}

/// The wheel's next deadline may be that of a timer that is gone: virtual time takes no notice.
#[test]
fn dropped_sleeps_do_not_disturb_the_others() {
    autojump().block_on(async {
        let before = now();
        for n in 0..100 {
            let mut dropped = Box::pin(sleep(ms(n)));
            assert!(poll_with(dropped.as_mut(), Waker::noop()).is_pending());
        }
        sleep(ms(1234)).await;
        assert_eq!(now() - before, ms(1234));
    });
}

#[test]
fn a_sleep_made_in_a_runtime_starts_when_it_is_made() {
    autojump().block_on(async {
        let start = now();
        let early = sleep(ms(10));
        sleep(ms(6)).await;
        early.await;
        assert_eq!(now() - start, ms(10));
    });
}

#[test]
fn a_sleep_made_before_the_runtime_starts_with_its_first_poll() {
    let early = sleep(ms(10));
    let runtime = autojump();
    runtime.advance(ms(100)).expect("a virtual clock");
    let start = runtime.now();
    runtime.block_on(async {
        sleep(ms(6)).await;
        early.await;
    });
    assert_eq!(runtime.now() - start, ms(16));
}

/// G8: tokio#8169.
#[test]
fn a_sleep_outlives_its_runtime() {
    let runtime = manual();
    let mut armed = Box::pin(inside(&runtime, || sleep(ms(1))));
    runtime.block_on(async { assert!(poll_with(armed.as_mut(), Waker::noop()).is_pending()) });
    drop(runtime);
    assert_eq!(format!("{armed:?}"), r#"Sleep { state: "armed" }"#);
    drop(armed);
}

/// G3: muduo#668, jeromq#535. Both are due; the wake of one drops the other, which then wakes nobody.
#[test]
fn a_wake_may_drop_a_sleep_that_is_due_at_the_same_time() {
    thread_local! {
        static SLEEPS: RefCell<Vec<Pin<Box<Sleep>>>> = const { RefCell::new(Vec::new()) };
    }
    struct DropsAll;
    impl Wake for DropsAll {
        fn wake(self: Arc<Self>) {
            drop(SLEEPS.take());
        }
    }
    for polled_first in [0, 1] {
        let runtime = manual();
        let (other, woken) = common::Counter::new();
        runtime.block_on(async {
            let mut sleeps = vec![Box::pin(sleep(ms(5))), Box::pin(sleep(ms(5)))];
            assert!(poll_with(sleeps[polled_first].as_mut(), &Arc::new(DropsAll).into()).is_pending());
            assert!(poll_with(sleeps[1 - polled_first].as_mut(), &other).is_pending());
            SLEEPS.set(sleeps);
        });
        runtime.advance(ms(5)).expect("a manual clock");
        settle(&runtime);
        assert_eq!((woken.wakes(), runtime.census().timers), (0, 0));
    }
}

/// G3, with tasks.
#[test]
fn a_task_may_cancel_another_whose_sleep_ended_at_the_same_time() {
    let trace = Trace::new();
    autojump().block_on(async {
        let place = Rc::new(RefCell::new(None));
        let (first, second) = (trace.clone(), trace.clone());
        let victim = place.clone();
        spawn(async move {
            sleep(ms(5)).await;
            first.note("first");
            let victim: taskgroup_runtime::JoinHandle<()> = victim.take().expect("spawned");
            assert!(victim.cancel());
        });
        place.replace(Some(spawn(async move {
            sleep(ms(5)).await;
            second.note("second");
        })));
        sleep(ms(6)).await;
    });
    assert_eq!(trace.so_far(), "first");
}

// ---- Virtual clocks ----

#[test]
fn a_manual_clock_moves_only_when_told() {
    let runtime = manual();
    let start = runtime.now();
    let task = runtime.spawn(sleep(ms(10)));
    for _ in 0..3 {
        settle(&runtime);
    }
    assert_eq!(runtime.now(), start);
    for (step, finished) in [(ms(9), false), (ms(1), true)] {
        runtime.advance(step).expect("a manual clock");
        settle(&runtime);
        assert_eq!(task.is_finished(), finished);
    }
    assert_eq!(runtime.now(), start + ms(10));
}

/// G7: tokio-rs/tokio#684; and a machine that was suspended.
#[test]
fn a_jump_of_a_day_fires_once_what_is_overdue_and_nothing_else() {
    const HOUR: Duration = Duration::from_secs(3600);
    let runtime = manual();
    let fired = Rc::new(RefCell::new(Vec::new()));
    for hours in [25, 24, 5, 23, 1] {
        let fired = fired.clone();
        runtime.spawn(async move {
            sleep(hours * HOUR).await;
            fired.borrow_mut().push(hours);
        });
    }
    for (jump, in_all) in
        [(24 * HOUR, &[1, 5, 23, 24][..]), (Duration::ZERO, &[1, 5, 23, 24]), (HOUR, &[1, 5, 23, 24, 25])]
    {
        settle(&runtime);
        runtime.advance(jump).expect("a manual clock");
        settle(&runtime);
        assert_eq!(*fired.borrow(), in_all);
    }
}

#[test]
fn a_task_may_move_the_clock() {
    in_time(|| {
        manual().block_on(async {
            for _ in 0..3 {
                let before = now();
                let waits = spawn(sleep(ms(10)));
                advance(ms(10)).expect("a manual clock");
                waits.await.expect("it is due");
                assert_eq!(now() - before, ms(10));
            }
        });
    });
}

/// A timer that is due ends a wait, even if the clock does not move: this is no stall.
#[test]
fn a_timer_that_is_due_on_a_manual_clock_is_served_without_moving_it() {
    let runtime = manual();
    let start = runtime.now();
    runtime.block_on(sleep(Duration::ZERO));
    let mut late = Box::pin(inside(&runtime, || sleep(ms(1))));
    runtime.block_on(async { assert!(poll_with(late.as_mut(), Waker::noop()).is_pending()) });
    runtime.advance(ms(1)).expect("a manual clock");
    runtime.block_on(late);
    assert_eq!(runtime.now() - start, ms(1));
}

#[test]
fn autojump_does_not_jump_while_something_is_ready() {
    autojump().block_on(async {
        let before = now();
        let slow = spawn(sleep(ms(1)));
        for _ in 0..1000 {
            yield_now().await;
        }
        assert_eq!(now(), before);
        slow.await.expect("it jumps now");
    });
}

/// A turn that may jump, unlike one that does not wait at all.
const BRIEFLY: Option<Duration> = Some(Duration::from_nanos(1));

#[test]
fn autojump_does_not_jump_while_a_pipe_is_waited_on() {
    let runtime = autojump();
    let start = runtime.now();
    let task = runtime.spawn(sleep(ms(10)));
    let mut writer = runtime.block_on(async {
        let (reader, writer) = io::pipe().expect("a pipe");
        let reader = Async::new(reader).expect("a source");
        spawn(async move { reader.read_with(|mut pipe| pipe.read(&mut [0])).await });
        yield_now().await;
        writer
    });
    for _ in 0..10 {
        runtime.turn(BRIEFLY).expect("a turn");
    }
    assert_eq!((runtime.now(), task.is_finished()), (start, false));
    writer.write_all(b"x").expect("room");
    runtime.block_on(task).expect("it jumps now");
    assert_eq!(runtime.now(), start + ms(10));
}

#[test]
fn autojump_jumps_beside_a_pipe_that_nobody_waits_on() {
    in_time(|| {
        let runtime = autojump();
        runtime.block_on(async {
            let (reader, _writer) = io::pipe().expect("a pipe");
            let reader = Async::new(reader).expect("a source");
            {
                let mut read = std::pin::pin!(reader.read_with(|mut pipe| pipe.read(&mut [0])));
                assert!(poll_with(read.as_mut(), Waker::noop()).is_pending());
            } // waits no more
            sleep(ms(10)).await;
        });
    });
}

#[test]
fn autojump_does_not_jump_while_a_hold_lives() {
    let runtime = autojump();
    let start = runtime.now();
    let task = runtime.spawn(sleep(ms(10)));
    let (one, other) = (runtime.hold(), runtime.hold());
    for hold in [one, other] {
        for _ in 0..10 {
            runtime.turn(BRIEFLY).expect("a turn");
        }
        assert_eq!((runtime.now(), task.is_finished()), (start, false));
        drop(hold);
    }
    runtime.block_on(task).expect("it jumps now");
    assert_eq!(runtime.now(), start + ms(10));
}

#[test]
fn autojump_jumps_one_deadline_at_a_time() {
    let runtime = autojump();
    let start = runtime.now();
    let gate = Gate::new();
    runtime.spawn({
        let gate = gate.clone();
        async move {
            sleep(ms(10)).await;
            gate.open();
        }
    });
    runtime.block_on(async {
        spawn(sleep(ms(20)));
        gate.wait().await;
        assert_eq!(now() - start, ms(10));
    });
}

// ---- Intervals ----

/// G6: libuv#922. An hour, with a period that is no whole number of ticks.
#[test]
fn an_interval_does_not_drift_in_an_hour() {
    let period = Duration::from_nanos(99_999_999);
    autojump().block_on(async {
        let start = now();
        let mut ticks = interval(period);
        for n in 1..=36_000 {
            let due = ticks.tick().await;
            assert_eq!(due - start, n * period);
            assert!(now() >= due && now() - due < TICK, "tick {n} is late by {:?}", now() - due);
        }
    });
}

/// When the next `count` ticks come, and when each says it was due, in milliseconds since `start`.
async fn next_ticks(ticks: &mut Interval, start: Instant, count: usize) -> Vec<(u128, u128)> {
    let mut all = Vec::new();
    for _ in 0..count {
        let due = ticks.tick().await;
        all.push(((now() - start).as_millis(), (due - start).as_millis()));
    }
    all
}

/// Every 20 ms, but nobody asks before `pause` has passed.
fn after_a_pause_of(pause: u64, missed: MissedTicks) -> Vec<(u128, u128)> {
    autojump().block_on(async {
        let start = now();
        let mut ticks = interval(ms(20)).on_missed(missed);
        advance(ms(pause)).expect("a virtual clock");
        next_ticks(&mut ticks, start, 5).await
    })
}

#[test]
fn missed_ticks_in_a_burst_come_at_once() {
    assert_eq!(after_a_pause_of(65, MissedTicks::Burst), [(65, 20), (65, 40), (65, 60), (80, 80), (100, 100)]);
}

#[test]
fn missed_ticks_that_are_skipped_leave_the_rhythm_as_it_was() {
    assert_eq!(after_a_pause_of(65, MissedTicks::Skip), [(65, 20), (80, 80), (100, 100), (120, 120), (140, 140)]);
}

#[test]
fn missed_ticks_that_are_delayed_begin_a_new_rhythm() {
    assert_eq!(after_a_pause_of(65, MissedTicks::Delay), [(65, 20), (85, 85), (105, 105), (125, 125), (145, 145)]);
}

/// A tick that is due right now is not missed, however many are.
#[test]
fn a_tick_that_is_due_now_is_not_skipped() {
    assert_eq!(after_a_pause_of(40, MissedTicks::Skip)[..3], [(40, 20), (40, 40), (60, 60)]);
    assert_eq!(after_a_pause_of(60, MissedTicks::Skip)[..3], [(60, 20), (60, 60), (80, 80)]);
}

#[test]
fn a_tick_that_was_not_waited_for_to_the_end_is_not_lost() {
    autojump().block_on(async {
        let start = now();
        let mut ticks = interval(ms(20));
        for _ in 0..3 {
            let mut tick = Box::pin(ticks.tick());
            assert!(poll_with(tick.as_mut(), Waker::noop()).is_pending());
        }
        assert_eq!(next_ticks(&mut ticks, start, 2).await, [(20, 20), (40, 40)]);
    });
}

#[test]
fn the_shortest_interval_is_one_tick() {
    autojump().block_on(async {
        let start = now();
        let mut ticks = interval(Duration::ZERO);
        assert_eq!((ticks.tick().await - start, ticks.tick().await - start), (TICK, 2 * TICK));
    });
}

// smol-rs/async-io#92, async-rs/async-std#1037.
#[test]
fn the_longest_interval_never_ticks() {
    let runtime = autojump();
    let mut ticks = runtime.block_on(async { interval(Duration::MAX) });
    assert!(runtime.try_block_on(ticks.tick()).is_err(), "a stall");
}

// ---- The real clock: the one part that takes its time ----

#[test]
fn a_real_sleep_is_never_early() {
    let runtime = Runtime::new();
    runtime.block_on(async {
        for micros in [1, 40, 63, 500, 900, 1000, 2500] {
            let wait = Duration::from_micros(micros);
            let before = Instant::now();
            sleep(wait).await;
            assert!(before.elapsed() >= wait, "{wait:?} took {:?}", before.elapsed());
        }
    });
}

/// F10: smol#109, calloop#142. Also in the poller, whose timeouts are coarser on some systems.
#[test]
fn a_real_sleep_below_a_millisecond_does_not_spin() {
    let runtime = Runtime::new();
    let _source = runtime.block_on(async { Async::new(io::pipe().expect("a pipe").0).expect("a source") });
    for _ in 0..3 {
        let task = runtime.spawn(sleep(Duration::from_micros(900)));
        let mut turns = 0;
        while !task.is_finished() {
            runtime.turn(None).expect("a turn");
            turns += 1;
        }
        assert!(turns <= 4, "{turns} turns for one sleep");
    }
}

#[test]
fn a_turn_with_a_limit_of_zero_does_not_move_virtual_time() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let before = runtime.now();
    let task = runtime.spawn(sleep(ms(5)));
    for _ in 0..3 {
        runtime.turn(Some(Duration::ZERO)).expect("a turn");
    }
    assert_eq!(runtime.now(), before);
    runtime.turn(None).expect("a turn");
    assert_eq!((runtime.now() - before, task.is_finished()), (ms(5), true));
}
