//! Blocking work on other threads.

mod common;

use common::{ms, panic_of, poll_with};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;
use taskgroup_runtime::instrument::WaitsFor;
use taskgroup_runtime::{Clock, Runtime, TaskNode, block_on, sleep, spawn, unblock, yield_now};

const HOUR: Duration = Duration::from_secs(3600);

/// Work that says when it has begun, and blocks until it is told to end.
fn gated<T: Send + 'static>(value: T) -> (impl FnOnce() -> T + Send + 'static, Receiver<()>, Sender<()>) {
    let ((begin, begun), (end, ended)) = (channel(), channel());
    let work = move || {
        _ = begin.send(()); // the test may have seen enough
        _ = ended.recv();
        value
    };
    (work, begun, end)
}

#[test]
fn the_value_of_the_work_comes_back() {
    assert_eq!(block_on(async { unblock(|| 2 + 3).await }), 5);
}

#[test]
fn other_tasks_run_while_one_waits_for_work() {
    let (work, begun, end) = gated(7);
    let value = block_on(async {
        let other = spawn(async move {
            yield_now().await;
            begun.recv().expect("it has begun, or will");
            end.send(()).expect("it waits");
        });
        let value = unblock(work).await;
        drop(other.await);
        value
    });
    assert_eq!(value, 7);
}

#[test]
fn a_panic_of_the_work_goes_on_in_who_waits() {
    assert_eq!(panic_of(|| block_on(async { unblock(|| panic!("the disk is full")).await })), "the disk is full");
}

#[test]
fn virtual_time_stands_still_while_work_is_waited_for() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let start = runtime.now();
    let (work, begun, end) = gated(());
    runtime.spawn(sleep(HOUR));
    let work = runtime.spawn(async { unblock(work).await });
    for _ in 0..9 {
        runtime.turn(Some(Duration::from_nanos(1))).expect("a turn"); // may wait, and so would move time
    }
    begun.recv().expect("it has begun");
    assert_eq!(runtime.now(), start);
    end.send(()).expect("it waits");
    drop(runtime.block_on(work));
    assert_eq!(runtime.now(), start, "and so it is when the value has come");
    runtime.block_on(sleep(HOUR));
    assert_eq!(runtime.now(), start + HOUR);
}

#[test]
fn who_waits_for_work_has_not_stalled() {
    for _ in 0..100 {
        let runtime = Runtime::with_clock(Clock::Autojump);
        assert_eq!(runtime.try_block_on(async { unblock(|| 1).await }).ok(), Some(1));
    }
}

#[test]
fn work_that_is_never_polled_is_not_done() {
    let value = Arc::new(());
    let held = value.clone();
    block_on(async { drop(unblock(move || drop(held))) });
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn work_that_is_given_up_goes_on_and_time_does_not_wait_for_it() {
    let (value, ended) = (Arc::new(()), channel::<()>());
    let seen: Weak<()> = Arc::downgrade(&value);
    let (work, begun, end) = gated((value, ended.0));
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.block_on(async {
        {
            let mut given_up = pin!(unblock(work));
            poll_fn(|cx| {
                assert!(given_up.as_mut().poll(cx).is_pending());
                begun.recv().expect("it has begun"); // what has not is not done at all
                Poll::Ready(())
            })
            .await;
        }
        sleep(HOUR).await;
    });
    assert!(seen.upgrade().is_some(), "the work holds it");
    end.send(()).expect("it waits");
    assert!(ended.1.recv().is_err(), "its value is dropped");
    assert!(seen.upgrade().is_none());
}

#[test]
fn the_task_tree_says_who_waits_for_work() {
    let (work, _begun, _end) = gated(());
    let runtime = Runtime::new();
    runtime.spawn(async { unblock(work).await });
    runtime.turn(Some(Duration::ZERO)).expect("a turn");
    let tree = runtime.tree();
    assert_eq!(tree.tasks().flat_map(TaskNode::waits).collect::<Vec<_>>(), [&WaitsFor::Job]);
    assert_eq!(tree.to_string(), "root task #0: waits for a blocking job");
}

#[test]
fn who_waits_for_something_else_afterwards_is_not_said_to_wait_for_work() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let done = Rc::new(std::cell::Cell::new(false));
    let told = done.clone();
    runtime.spawn(async move {
        unblock(|| ()).await;
        told.set(true);
        sleep(ms(5)).await;
    });
    while !done.get() {
        runtime.turn(None).expect("a turn");
    }
    assert_eq!(runtime.tree().to_string(), "root task #0: waits for a timer in 5ms");
}

#[test]
fn outside_a_runtime_it_says_what_to_do() {
    let text = panic_of(|| poll_with(pin!(unblock(|| ())), std::task::Waker::noop()).is_ready());
    assert_eq!(text, "`unblock` was polled outside a runtime: await it inside `block_on(async { .. })`");
}
