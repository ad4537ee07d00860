//! The task tree of root tasks, where no layer above adds anything.

mod common;

use common::{AT_ONCE, ms};
use std::future::pending;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use taskgroup_runtime::instrument::WaitsFor;
use taskgroup_runtime::{Async, Clock, Runtime, TaskNode, TaskState, sleep, spawn, tree, yield_now};

fn seen() -> taskgroup_runtime::TaskTree {
    tree().expect("we are in a runtime")
}

#[test]
fn main_comes_first_and_the_others_by_their_numbers() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.spawn(pending::<()>());
    let tree = runtime.block_on(async {
        spawn(sleep(ms(5)));
        yield_now().await;
        seen()
    });
    let drawn = "main (block_on): being polled
root task #0: waits for something of somebody else's (a channel, a lock)
root task #2: waits for a timer in 5ms";
    assert_eq!(tree.to_string(), drawn);
    assert_eq!(tree.roots().map(TaskNode::number).collect::<Vec<_>>(), [1, 0, 2]);
}

#[test]
fn a_root_task_that_joins_another_waits_for_it() {
    let tree = Runtime::with_clock(Clock::Autojump).block_on(async {
        let slow = spawn(sleep(ms(5)));
        let joins = spawn(async { drop(slow.await) });
        yield_now().await;
        let tree = seen();
        drop(joins.await);
        tree
    });
    assert!(tree.to_string().ends_with("root task #2: waits for root task #1"), "{tree}");
}

#[test]
fn both_directions_of_a_descriptor_are_told_of() {
    let runtime = Runtime::new();
    let (near, _far) = UnixStream::pair().expect("sockets");
    let near = Rc::new(runtime.block_on(async { Async::new(near) }).expect("can be waited for"));
    let (fd, writer) = (near.get_ref().as_raw_fd(), near.clone());
    runtime.spawn(async move { drop(near.read_with(|mut socket| socket.read(&mut [0])).await) });
    runtime.spawn(async move { while writer.write_with(|mut socket| socket.write(&[0; 65_536])).await.is_ok() {} });
    for _ in 0..99 {
        runtime.turn(AT_ONCE).expect("a turn");
    }
    let tree = runtime.tree();
    let waits: Vec<_> = tree.tasks().flat_map(|task| task.waits().to_vec()).collect();
    assert_eq!(waits, [WaitsFor::Readable(fd), WaitsFor::Writable(fd)], "{tree}");
    let drawn = format!(
        "root task #0: waits for descriptor {fd} to be readable\nroot task #1: waits for descriptor {fd} to be writable"
    );
    assert_eq!(tree.to_string(), drawn);
}

#[test]
fn an_empty_runtime_has_an_empty_tree() {
    let tree = Runtime::new().tree();
    assert!(tree.is_empty() && tree.tasks().next().is_none());
    assert_eq!(tree.to_string(), "no tasks");
}

#[test]
fn a_task_that_is_woken_between_turns_is_queued() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let task = runtime.spawn(pending::<()>());
    assert_eq!(runtime.tree().tasks().next().map(TaskNode::state), Some(TaskState::NotStarted));
    runtime.turn(AT_ONCE).expect("a turn");
    assert_eq!(runtime.tree().tasks().next().map(TaskNode::state), Some(TaskState::Waiting));
    task.cancel();
    assert_eq!(runtime.tree().to_string(), "root task #0: woken");
}

/// The tree of another runtime says nothing of what is being polled in the one that we are in.
#[test]
fn a_task_of_another_runtime_is_not_taken_for_the_one_that_is_polled() {
    let other = Runtime::with_clock(Clock::Manual);
    other.spawn(pending::<()>());
    other.turn(AT_ONCE).expect("a turn");
    let text = Runtime::new().block_on(async { other.tree().to_string() });
    assert!(text.starts_with("root task #0: waits for something"), "{text}");
}

#[test]
fn a_time_that_was_replaced_by_a_poll_elsewhere_is_still_attributed() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let handle = runtime.spawn(async {
        let mut sleep = Box::pin(sleep(ms(7)));
        std::future::poll_fn(|cx| std::task::Poll::Ready(sleep.as_mut().poll(cx))).await.is_pending().then_some(sleep)
    });
    runtime.turn(AT_ONCE).expect("a turn");
    let sleep = runtime.block_on(handle).ok().flatten().expect("it was pending");
    runtime.spawn(sleep);
    runtime.turn(AT_ONCE).expect("a turn");
    assert!(runtime.tree().to_string().ends_with(": waits for a timer in 7ms"), "{}", runtime.tree());
}
