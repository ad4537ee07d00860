//! Root tasks: joined, cancelled, panicking.

mod common;

use common::{AT_ONCE, Counter, Gate, OnDrop, Trace, ms, panic_of, poll_with, settle, text};
use std::cell::Cell;
use std::future::{pending, poll_fn, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use taskgroup_runtime::{Clock, JoinError, JoinHandle, Local, Runtime, sleep, spawn, yield_now};

fn runtime<'env>() -> Runtime<'env> {
    Runtime::with_clock(Clock::Autojump)
}

#[track_caller]
fn assert_cancelled<T>(joined: Result<T, JoinError>) {
    assert!(matches!(joined, Err(JoinError::Cancelled)));
}

// ---- Joining ----

#[test]
fn a_task_gives_its_value_to_its_handle() {
    let value = runtime().block_on(async {
        let task = spawn(async {
            sleep(ms(1)).await;
            Rc::new(7) // need not be Send
        });
        task.await
    });
    assert_eq!(value.ok().as_deref(), Some(&7));
}

#[test]
fn a_task_that_ended_before_the_join_gives_its_value() {
    let runtime = runtime();
    let task = runtime.spawn(ready(7));
    settle(&runtime);
    assert!(task.is_finished());
    assert_eq!(runtime.block_on(task).ok(), Some(7));
}

#[test]
fn a_join_is_woken_once_by_the_end_of_the_task() {
    let runtime = runtime();
    let gate = Gate::new();
    let mut task = runtime.spawn(gate.wait());
    settle(&runtime);
    let (waker, counter) = Counter::new();
    assert!(poll_with(Pin::new(&mut task), &waker).is_pending());
    gate.waker().wake();
    settle(&runtime);
    assert_eq!(counter.wakes(), 0);
    gate.open();
    settle(&runtime);
    assert_eq!(counter.wakes(), 1);
}

#[test]
fn a_value_can_be_taken_once() {
    runtime().block_on(async {
        let mut task = spawn(ready(7));
        assert_eq!((&mut task).await.ok(), Some(7));
        for _ in 0..2 {
            assert!(matches!((&mut task).await, Err(JoinError::Taken)));
        }
        assert!(task.is_finished());
    });
}

/// Also if somebody asked in vain to cancel it, and if its runtime is gone by now.
#[test]
fn a_value_that_was_taken_stays_taken() {
    let runtime = runtime();
    let place: Rc<Cell<Option<JoinHandle<i32>>>> = Rc::default();
    let own = place.clone();
    place.set(Some(runtime.spawn(async move {
        let itself = own.take().expect("set");
        assert!(itself.cancel());
        own.set(Some(itself));
        7
    })));
    settle(&runtime);
    let mut task = place.take().expect("put back");
    assert!(matches!(poll_with(Pin::new(&mut task), Waker::noop()), Poll::Ready(Ok(7))));
    assert!(matches!(poll_with(Pin::new(&mut task), Waker::noop()), Poll::Ready(Err(JoinError::Taken))));
    drop(runtime);
    assert!(matches!(poll_with(Pin::new(&mut task), Waker::noop()), Poll::Ready(Err(JoinError::Taken))));
}

#[test]
fn a_task_whose_handle_was_dropped_runs_on() {
    let runtime = runtime();
    let gate = Gate::new();
    drop(runtime.spawn(gate.wait()));
    settle(&runtime);
    gate.open();
    settle(&runtime);
    assert_eq!((gate.polls(), gate.drops()), (2, 1));
}

/// C6: rust#94644. When the join ends, nothing of the task is left.
#[test]
fn a_tasks_future_is_dropped_before_its_joiner_hears_of_the_end() {
    let trace = Trace::new();
    let (inside, outside) = (trace.clone(), trace.clone());
    runtime().block_on(async move {
        let task = spawn(async move {
            let _guard = OnDrop(|| inside.note("dropped"));
            yield_now().await;
        });
        task.await.expect("a value");
        outside.note("joined");
    });
    assert_eq!(trace.so_far(), "dropped joined");
}

/// C6 again: nor does the task count as finished before.
#[test]
fn a_task_whose_future_is_being_dropped_is_not_finished() {
    let runtime = runtime();
    let place: Rc<Cell<Option<JoinHandle<()>>>> = Rc::default();
    let own = place.clone();
    place.set(Some(runtime.spawn(async move {
        let _guard = OnDrop(|| {
            let itself = own.take().expect("set");
            assert!(!itself.is_finished());
            own.set(Some(itself));
        });
        pending::<()>().await;
    })));
    settle(&runtime);
    runtime.block_on(async {
        let task = place.take().expect("put back");
        assert!(task.cancel());
        place.set(Some(task));
    });
    settle(&runtime);
    assert_cancelled(runtime.block_on(place.take().expect("put back")));
}

#[test]
fn a_finished_task_leaves_nothing_behind() {
    let runtime = runtime();
    let tasks: Vec<_> = (0..100).map(|_| runtime.spawn(yield_now())).collect();
    assert_eq!(runtime.census().tasks, 100);
    settle(&runtime);
    assert_eq!(runtime.census().tasks, 0);
    assert!(tasks.iter().all(JoinHandle::is_finished));
}

// ---- Panics: C1 ----

#[test]
fn a_tasks_panic_goes_to_its_handle_and_the_loop_goes_on() {
    let runtime = runtime();
    let (before, after) = (Gate::new(), Gate::new());
    runtime.spawn(before.wait());
    let task: JoinHandle<()> = runtime.spawn(async {
        yield_now().await;
        panic!("number {}", 7)
    });
    runtime.spawn(after.wait());
    match runtime.block_on(task) {
        Err(JoinError::Panicked(payload)) => assert_eq!(text(&*payload), "number 7"),
        other => panic!("{other:?}"),
    }
    before.open();
    after.open();
    settle(&runtime);
    assert_eq!((before.drops(), after.drops(), runtime.census().tasks), (1, 1, 0));
}

#[test]
fn a_panic_keeps_its_payload() {
    let task = runtime().block_on(spawn_and_join(async { std::panic::panic_any(7_u8) }));
    assert!(matches!(task, Err(JoinError::Panicked(payload)) if payload.downcast_ref() == Some(&7_u8)));
}

async fn spawn_and_join(future: impl Future<Output = ()> + 'static) -> Result<(), JoinError> {
    spawn(future).await
}

#[test]
fn a_panic_can_be_taken_once() {
    runtime().block_on(async {
        let mut task = spawn(async { panic!("once") });
        let first: Result<(), _> = (&mut task).await;
        assert!(matches!(first, Err(JoinError::Panicked(_))));
        assert!(matches!(task.await, Err(JoinError::Taken)));
    });
}

#[test]
fn a_panic_in_a_destructor_is_the_tasks_panic() {
    runtime().block_on(async {
        let task = spawn(async {
            let _guard = OnDrop(|| panic!("in a destructor"));
            pending::<()>().await;
        });
        sleep(ms(1)).await;
        task.cancel();
        match task.await {
            Err(JoinError::Panicked(payload)) => assert_eq!(text(&*payload), "in a destructor"),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_panic_of_block_ons_future_passes_and_leaves_the_runtime_usable() {
    let runtime = runtime();
    let (first, last) = (Gate::new(), Gate::new());
    runtime.spawn(first.wait());
    let main = async {
        spawn(last.wait());
        panic!("in the main future")
    };
    assert_eq!(
        panic_of(|| runtime.block_on::<Pin<Box<dyn Future<Output = ()>>>>(Box::pin(main))),
        "in the main future"
    );
    assert!(Local::current().is_none());
    runtime.block_on(async {
        sleep(ms(1)).await;
        first.open();
        last.open();
        yield_now().await;
    });
    assert_eq!((first.drops(), last.drops(), runtime.census().tasks), (1, 1, 0));
}

/// The batch in which it happened is not lost: who was ready still is.
#[test]
fn a_panic_of_block_ons_future_loses_no_wake() {
    let runtime = runtime();
    let gates = [Gate::new(), Gate::new()];
    let _tasks = gates.each_ref().map(|gate| runtime.spawn(gate.wait()));
    settle(&runtime);
    let mut polled = false;
    let main = poll_fn(|cx| {
        if std::mem::replace(&mut polled, true) {
            panic!("second poll");
        }
        cx.waker().wake_by_ref(); // so that they stand behind us in the batch in which we panic
        gates[0].open();
        spawn(async {});
        gates[1].open();
        Poll::<()>::Pending
    });
    let text = panic_of(|| runtime.block_on(main));
    assert_eq!(text, "second poll");
    settle(&runtime);
    assert_eq!(gates.each_ref().map(Gate::drops), [1, 1]);
    assert_eq!(runtime.census().tasks, 0);
}

// ---- Cancelling ----

#[test]
fn a_task_cancelled_before_its_first_poll_is_never_polled() {
    let runtime = runtime();
    let (from_outside, from_a_task) = (Gate::new(), Gate::new());
    let task = runtime.spawn(from_outside.wait());
    assert!(task.cancel());
    assert_eq!(from_outside.drops(), 0);
    settle(&runtime);
    runtime.block_on(async {
        assert_cancelled(task.await);
        let task = spawn(from_a_task.wait());
        assert!(task.cancel());
        assert_cancelled(task.await);
    });
    assert_eq!((from_outside.polls(), from_outside.drops()), (0, 1));
    assert_eq!((from_a_task.polls(), from_a_task.drops()), (0, 1));
}

#[test]
fn a_cancelled_task_is_dropped_in_its_turn_and_not_in_the_call() {
    let runtime = runtime();
    let gate = Gate::new();
    let task = runtime.spawn(gate.wait());
    settle(&runtime);
    runtime.block_on(async {
        assert!(task.cancel());
        assert_eq!((gate.drops(), task.is_finished()), (0, false));
        assert_cancelled(task.await);
    });
    assert_eq!((gate.polls(), gate.drops()), (1, 1));
}

#[test]
fn a_cancel_beats_a_wake_that_is_not_polled_yet() {
    let runtime = runtime();
    let gate = Gate::new();
    let task = runtime.spawn(gate.wait());
    settle(&runtime);
    gate.open();
    assert!(task.cancel());
    assert_eq!(settle(&runtime), 1);
    assert_cancelled(runtime.block_on(task));
    assert_eq!((gate.polls(), gate.drops()), (1, 1));
}

#[test]
fn a_cancel_may_be_repeated() {
    let runtime = runtime();
    let gate = Gate::new();
    let task = runtime.spawn(gate.wait());
    settle(&runtime);
    assert!(task.cancel() && task.cancel());
    settle(&runtime);
    assert!(!task.cancel());
    assert_eq!(gate.drops(), 1);
}

#[test]
fn a_finished_task_cannot_be_cancelled() {
    let runtime = runtime();
    let task = runtime.spawn(ready(7));
    settle(&runtime);
    assert!(!task.cancel());
    assert_eq!(runtime.block_on(task).ok(), Some(7));
}

#[test]
fn a_finished_tasks_handle_cancels_nobody_else() {
    let runtime = runtime();
    let task = runtime.spawn(ready(7));
    settle(&runtime);
    let next = Gate::new(); // in the place and the slot of the first
    runtime.spawn(next.wait());
    settle(&runtime);
    assert!(!task.cancel());
    settle(&runtime);
    assert_eq!((next.polls(), next.drops()), (1, 0));
}

#[test]
fn a_joiner_hears_of_a_cancel() {
    let runtime = runtime();
    let gate = Gate::new();
    let task = Rc::new(runtime.spawn(gate.wait()));
    let asker = task.clone();
    settle(&runtime);
    runtime.spawn(async move { asker.cancel() });
    settle(&runtime);
    let task = Rc::into_inner(task).expect("the asker is gone");
    assert_cancelled(runtime.block_on(task));
}

#[test]
fn cancelling_a_joiner_leaves_its_target_alone() {
    let runtime = runtime();
    let gate = Gate::new();
    let target = runtime.spawn(gate.wait());
    let joiner = runtime.spawn(target);
    settle(&runtime);
    joiner.cancel();
    settle(&runtime);
    assert!(joiner.is_finished());
    assert_eq!(gate.drops(), 0);
    gate.open();
    settle(&runtime);
    assert_eq!((gate.polls(), gate.drops()), (2, 1));
}

#[test]
fn a_cancel_needs_a_turn_like_a_poll() {
    let runtime = runtime();
    let task = runtime.spawn(pending::<()>());
    settle(&runtime);
    task.cancel();
    let turn = runtime.turn(AT_ONCE).expect("a turn");
    assert_eq!((turn.polled, turn.live), (1, 0));
}

#[test]
fn join_errors_say_what_happened() {
    let texts = [JoinError::Cancelled, JoinError::Panicked(Box::new(1)), JoinError::Taken];
    let texts = texts.map(|error| format!("{error} {error:?}"));
    assert_eq!(texts[0], "the task was cancelled the task was cancelled");
    assert_eq!(texts[1], "the task panicked the task panicked");
    assert_eq!(texts[2], "the task's value was taken before the task's value was taken before");
}

/// As in asyncio: `create_task(x); await sleep(0)` runs `x` once before it goes on.
#[test]
fn a_spawned_task_runs_before_its_spawner_comes_back_from_a_yield() {
    let trace = Trace::new();
    runtime().block_on(async {
        let theirs = trace.clone();
        spawn(async move { theirs.note("spawned") });
        yield_now().await;
        trace.note("back");
    });
    assert_eq!(trace.so_far(), "spawned back");
}

#[test]
fn tasks_that_are_spawned_in_one_turn_start_in_the_order_of_spawning() {
    let trace = Trace::new();
    runtime().block_on(async {
        for name in ["a", "b", "c"] {
            let theirs = trace.clone();
            spawn(async move { theirs.note(name) });
        }
        yield_now().await;
    });
    assert_eq!(trace.so_far(), "a b c");
}
