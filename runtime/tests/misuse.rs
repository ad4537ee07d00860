//! What goes wrong by the user's doing: each is an error or a panic that says what to do, and the runtime stays usable.

mod common;

use common::{AT_ONCE, Counter, Echo, Gate, OnDrop, in_time, inside, ms, panic_of, poll_with, settle};
use std::cell::Cell;
use std::future::{pending, ready};
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;
use taskgroup_runtime::{
    Async, BlockOnError, Clock, Local, Report, Runtime, Stall, advance, block_on, now, set_reporter, sleep, spawn,
    yield_now,
};

fn manual<'env>() -> Runtime<'env> {
    Runtime::with_clock(Clock::Manual)
}

fn autojump<'env>() -> Runtime<'env> {
    Runtime::with_clock(Clock::Autojump)
}

/// Spawning, sleeping, waking: all of it works.
#[track_caller]
fn assert_usable(runtime: &Runtime<'_>) {
    let five = runtime.block_on(async {
        let task = spawn(async {
            yield_now().await;
            sleep(Duration::ZERO).await;
            5
        });
        task.await.ok()
    });
    assert_eq!(five, Some(5));
}

#[track_caller]
fn assert_nested<T>(result: Result<T, BlockOnError>) {
    assert!(matches!(result, Err(BlockOnError::Nested)));
}

#[track_caller]
fn stall_of<T>(result: Result<T, BlockOnError>) -> Stall {
    match result {
        Err(BlockOnError::Stalled(stall)) => stall,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("no error"),
    }
}

// ---- Nesting: C9: tokio#504, #5177 ----

#[test]
fn block_on_inside_a_task_panics_with_advice() {
    let runtime = autojump();
    let text = runtime.block_on(async { panic_of(|| block_on(ready(1))) });
    assert!(text.contains("inside a task") && text.contains("`.await` the future instead"), "{text}");
    assert_usable(&runtime);
}

#[test]
fn try_block_on_inside_a_task_is_an_error() {
    let (outer, other) = (autojump(), manual());
    outer.block_on(async {
        assert_nested(outer.try_block_on(ready(1)));
        assert_nested(other.try_block_on(ready(1)));
        sleep(ms(1)).await;
    });
    assert_usable(&outer);
    assert_usable(&other);
}

#[test]
fn a_turn_inside_its_own_turn_is_an_error() {
    let runtime = autojump();
    runtime.block_on(async {
        assert_nested(runtime.turn(AT_ONCE));
        sleep(ms(1)).await;
    });
    assert_usable(&runtime);
}

#[test]
fn a_turn_inside_a_turn_of_another_inside_its_own_is_an_error() {
    let outer = autojump();
    outer.block_on(async {
        let inner = Runtime::with_clock(Clock::Manual);
        let task = inner.spawn(async { assert_nested(outer.turn(AT_ONCE)) });
        settle(&inner);
        assert!(task.is_finished());
        assert!(task.await.is_ok());
    });
    assert_usable(&outer);
}

#[test]
fn a_turn_of_another_runtime_inside_a_task_runs_its_tasks() {
    let outer = manual();
    outer.advance(ms(7)).expect("a manual clock");
    outer.block_on(async {
        let start = now();
        let mine = sleep(ms(1));
        let inner = manual();
        let task = inner.spawn(async {
            let start = now();
            sleep(ms(3)).await;
            now() - start
        });
        settle(&inner);
        inner.advance(ms(3)).expect("a manual clock");
        settle(&inner);
        assert_eq!(task.await.ok(), Some(ms(3)));
        // What was current is current again: its clock, its timers, its tasks.
        assert_eq!(now(), start);
        advance(ms(1)).expect("a manual clock");
        mine.await;
        assert_eq!(spawn(ready(5)).await.ok(), Some(5));
        assert_eq!(outer.census().tasks, 0);
    });
}

/// Nothing but a foreign waker can make a turn unwind: tasks are caught.
#[test]
fn a_turn_that_unwinds_restores_what_was_current() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker that panics");
        }
    }
    let outer = autojump();
    outer.block_on(async {
        let inner = manual();
        inner.spawn(async {
            let mut armed = pin!(sleep(ms(1)));
            assert!(poll_with(armed.as_mut(), &Arc::new(Panics).into()).is_pending());
            pending::<()>().await
        });
        let after = inner.spawn(sleep(ms(1)));
        settle(&inner);
        inner.advance(ms(1)).expect("a manual clock");
        assert_eq!(panic_of(|| inner.turn(AT_ONCE)), "a waker that panics");

        let before = now();
        sleep(ms(1)).await; // of the outer one
        assert_eq!(now() - before, ms(1));
        inner.turn(AT_ONCE).expect("it is not in its turn any more");
        assert!(after.is_finished());
    });
    assert_usable(&outer);
}

#[test]
fn after_a_turn_nothing_is_current() {
    let runtime = autojump();
    assert_usable(&runtime);
    assert!(Local::current().is_none());
    let panicked = catch_unwind(AssertUnwindSafe(|| runtime.block_on(async { panic!("in the future") })));
    assert!(panicked.is_err() && Local::current().is_none());
    assert_usable(&runtime);
}

// ---- Outside, or under another runtime ----

#[test]
fn spawn_outside_a_runtime_panics_with_advice() {
    let text = panic_of(|| spawn(ready(1)));
    assert_eq!(text, "`spawn` was called outside a runtime: call it in a task");
}

#[test]
fn a_sleep_polled_outside_a_runtime_panics_with_advice() {
    let text = panic_of(|| poll_with(pin!(sleep(ms(1))), Waker::noop()));
    assert!(text.contains("outside a runtime") && text.contains("await it inside `block_on"), "{text}");
}

// tokio-rs/tokio#8169: a timer was used from another runtime than its own.
#[test]
fn a_sleep_polled_under_another_runtime_panics_and_says_so() {
    for armed in [false, true] {
        let (home, away) = (manual(), manual());
        let mut moved = Box::pin(inside(&home, || sleep(ms(1))));
        if armed {
            home.block_on(async { assert!(poll_with(moved.as_mut(), Waker::noop()).is_pending()) });
        }
        let text = away.block_on(async { panic_of(|| poll_with(moved.as_mut(), Waker::noop())) });
        assert!(text.contains("polled under another runtime"), "{text}");
        assert_usable(&away);
        home.advance(ms(1)).expect("a manual clock");
        home.block_on(moved);
    }
}

/// The runtime that comes after a dropped one takes its place in the table, and is another all the same.
#[test]
fn a_sleep_of_a_dropped_runtime_polled_under_the_next_panics_and_says_so() {
    let dropped = autojump();
    let mut moved = Box::pin(inside(&dropped, || sleep(ms(1))));
    drop(dropped);
    let next = autojump();
    let text = next.block_on(async { panic_of(|| poll_with(moved.as_mut(), Waker::noop())) });
    assert!(text.contains("polled under another runtime"), "{text}");
    assert_usable(&next);
}

#[test]
fn a_source_made_outside_a_runtime_is_an_error() {
    let error = Async::new(io::pipe().expect("a pipe").0).expect_err("no runtime");
    assert_eq!(error.kind(), io::ErrorKind::NotConnected);
}

#[test]
fn a_source_used_under_another_runtime_is_an_error() {
    let home = autojump();
    let reader = home.block_on(async { Async::new(io::pipe().expect("a pipe").0).expect("a source") });
    let away = autojump();
    let error = away.block_on(reader.read_with(|mut pipe| pipe.read(&mut [0]))).expect_err("not here");
    assert!(error.to_string().contains("another runtime"), "{error}");
    drop(home);
    let next = autojump();
    let error = next.block_on(reader.read_with(|mut pipe| pipe.read(&mut [0]))).expect_err("nor here");
    assert!(error.to_string().contains("another runtime"), "{error}");
}

/// Not a misuse: a handle may be awaited anywhere on its thread.
#[test]
fn a_join_handle_is_awaited_under_another_runtime() {
    let (home, away) = (manual(), manual());
    let gate = Gate::new();
    let task = home.spawn(gate.wait());
    let joiner = away.spawn(task);
    settle(&away);
    settle(&home);
    gate.open();
    settle(&home);
    settle(&away);
    assert!(away.block_on(joiner).is_ok_and(|joined| joined.is_ok()));
}

// ---- Stalls ----

#[test]
fn a_stall_on_a_virtual_clock_is_an_error_that_counts() {
    let runtime = autojump();
    runtime.spawn(pending::<()>());
    runtime.spawn(pending::<()>());
    let error = runtime.try_block_on(pending::<()>());
    let text = error.as_ref().expect_err("a stall").to_string();
    assert!(text.contains("3 root tasks wait") && text.contains("no timer, no socket, no hold"), "{text}");
    let stall = stall_of(error);
    assert_eq!((stall.tasks, stall.timers), (3, 0));
    assert_usable(&runtime);
}

#[test]
fn a_timer_on_a_manual_clock_that_nobody_moves_is_a_stall() {
    let runtime = manual();
    let error = runtime.try_block_on(sleep(ms(1)));
    let text = error.as_ref().expect_err("a stall").to_string();
    assert!(text.contains("1 root task waits") && text.contains("1 timer on a manual clock"), "{text}");
    let stall = stall_of(error);
    assert_eq!((stall.tasks, stall.timers), (1, 1));
    assert_eq!(runtime.census().timers, 0, "the future has been dropped");
    assert_usable(&runtime);
}

#[test]
fn a_stall_panics_in_block_on_and_says_what_to_do() {
    let runtime = autojump();
    let text = panic_of(|| runtime.block_on(pending::<()>()));
    assert!(text.contains("stalled") && text.contains("hold()"), "{text}");
    assert_usable(&runtime);
}

#[test]
fn a_stall_on_the_real_clock_is_an_error_at_once_if_asked_for() {
    let runtime = Runtime::new().stall_is_an_error(true);
    let stall = stall_of(runtime.try_block_on(pending::<()>()));
    assert_eq!((stall.tasks, stall.timers), (1, 0));
    assert_usable(&runtime);
}

#[test]
fn a_stalled_future_is_dropped_once() {
    let (runtime, gate) = (autojump(), Gate::new());
    stall_of(runtime.try_block_on(gate.wait()));
    assert_eq!((gate.polls(), gate.drops()), (1, 1));
    let (waker, counter) = Counter::new();
    drop(waker);
    gate.open(); // its waker finds nobody
    assert_eq!((settle(&runtime), counter.wakes()), (0, 0));
}

/// It was: the spawn before the loop left a token to park, the first wait ended at once, and that was taken for the end
/// of the second for which a quiet loop is watched.
#[test]
fn a_wait_that_ends_early_is_not_reported_as_a_stall() {
    thread_local! {
        static REPORTS: Cell<u32> = const { Cell::new(0) };
    }
    in_time(|| {
        set_reporter(Some(|report: &Report<'_>| {
            assert!(matches!(report, Report::Stalled(_)));
            REPORTS.set(REPORTS.get() + 1);
        }));
        let runtime = Runtime::new();
        let echo = Echo::new();
        for _ in 0..5 {
            runtime.spawn(async {});
            runtime.block_on(echo.answer(50));
        }
        assert_eq!(REPORTS.get(), 0);
    });
}

// ---- Clocks ----

#[test]
fn the_real_clock_cannot_be_moved() {
    let runtime = Runtime::new();
    let error = runtime.advance(ms(1)).expect_err("real");
    assert!(error.to_string().contains("make the runtime with `Clock::Manual`"), "{error}");
    assert!(runtime.block_on(async { advance(ms(1)) }).is_err());
    assert!(advance(ms(1)).is_err(), "outside a runtime there is the system's clock only");
}

#[test]
fn a_future_that_a_stall_ends_is_dropped_in_a_turn() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let handle = Rc::new(Cell::new(None));
    let theirs = handle.clone();
    let stalled = runtime.try_block_on(async move {
        let _spawns = OnDrop(|| theirs.set(Some(spawn(async { 7 }))));
        pending::<()>().await;
    });
    stall_of(stalled);
    let task = handle.take().expect("spawned while the future was dropped");
    assert_eq!(runtime.block_on(task).ok(), Some(7));
}

/// What a hostile waker does is polled outside every task, and a waker without data is nobody's.
#[test]
fn a_sleep_polled_by_somebodys_wake_with_a_noop_waker_harms_nobody() {
    struct Polls;
    thread_local! {
        static SLEEP: std::cell::RefCell<Option<std::pin::Pin<Box<taskgroup_runtime::Sleep>>>> =
            const { std::cell::RefCell::new(None) };
    }
    impl Wake for Polls {
        fn wake(self: Arc<Self>) {
            let mut inner = Box::pin(sleep(ms(3)));
            assert!(poll_with(inner.as_mut(), Waker::noop()).is_pending());
            SLEEP.set(Some(inner));
        }
    }
    Runtime::with_clock(Clock::Autojump).block_on(async {
        let mut outer = Box::pin(sleep(ms(1)));
        assert!(poll_with(outer.as_mut(), &Waker::from(Arc::new(Polls))).is_pending());
        sleep(ms(50)).await;
    });
    SLEEP.set(None);
}
