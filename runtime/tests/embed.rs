//! A runtime in a host's loop.

mod common;

use common::{AT_ONCE, Gate, ms};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::cell::Cell;
use std::future::poll_fn;
use std::io::{Read, Write};
use std::mem::replace;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Instant;
use taskgroup_runtime::{Async, Clock, Runtime, sleep, yield_now};

/// Whether a host that waits for the poller would be woken now.
fn shows(runtime: &Runtime<'_>) -> bool {
    let poller = runtime.poller().expect("there are descriptors left");
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::from_borrowed_fd(poller, PollFlags::IN)], Some(&now)).expect("it can be polled") == 1
}

/// Wakes who waits at a gate, from another thread.
fn wake_from_elsewhere(gate: &Gate) {
    let waker = gate.waker();
    thread::spawn(move || waker.wake()).join().expect("it wakes");
}

/// Turns as long as there is something to do at once.
fn turn(runtime: &Runtime<'_>) {
    while runtime.turn(AT_ONCE).expect("a turn").ready {}
}

#[test]
fn the_poller_shows_a_spawn_until_the_next_turn() {
    let runtime = Runtime::new();
    assert!(!shows(&runtime));
    runtime.spawn(async {});
    assert!(shows(&runtime));
    assert!(shows(&runtime), "looked at, it stays");
    turn(&runtime);
    assert!(!shows(&runtime));
}

#[test]
fn the_poller_shows_a_wake_between_two_turns() {
    let runtime = Runtime::new();
    let gate = Gate::new();
    let waits = runtime.spawn(gate.wait());
    turn(&runtime);
    assert!(!shows(&runtime));
    gate.open();
    assert!(shows(&runtime));
    turn(&runtime);
    assert!(waits.is_finished() && !shows(&runtime));
}

#[test]
fn the_poller_shows_the_cancel_of_a_root_task() {
    let runtime = Runtime::new();
    let task = runtime.spawn(std::future::pending::<()>());
    turn(&runtime);
    task.cancel();
    assert!(shows(&runtime));
    turn(&runtime);
    assert!(task.is_finished() && !shows(&runtime));
}

#[test]
fn the_poller_shows_a_wake_from_another_thread() {
    let runtime = Runtime::new();
    let gate = Gate::new();
    runtime.spawn(gate.wait());
    turn(&runtime);
    assert!(!shows(&runtime));
    wake_from_elsewhere(&gate);
    assert!(shows(&runtime));
    turn(&runtime);
    assert!(gate.polls() == 2 && !shows(&runtime));
}

#[test]
fn the_poller_shows_a_hold_that_ends() {
    let runtime = Runtime::new();
    let hold = runtime.hold();
    assert!(!shows(&runtime));
    drop(hold);
    assert!(shows(&runtime));
    turn(&runtime);
    assert!(!shows(&runtime));
}

#[test]
fn the_poller_shows_a_descriptor_that_is_ready() {
    let runtime = Runtime::new();
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let read = runtime.spawn(async {
        let reader = Async::new(reader).expect("in a runtime");
        reader.read_with(|mut pipe| pipe.read(&mut [0; 8])).await.ok()
    });
    turn(&runtime);
    assert!(!shows(&runtime));
    writer.write_all(b"hello").expect("there is room");
    assert!(shows(&runtime));
    turn(&runtime);
    assert!(read.is_finished() && !shows(&runtime));
}

#[test]
fn a_wake_inside_a_turn_is_not_shown_after_it() {
    let runtime = Runtime::new();
    assert!(!shows(&runtime));
    let (gate, opener) = (Gate::new(), Gate::new());
    runtime.spawn(gate.wait());
    runtime.spawn({
        let (gate, wait) = (gate.clone(), opener.wait());
        async move {
            wait.await;
            gate.open();
        }
    });
    turn(&runtime);
    opener.open();
    turn(&runtime);
    assert!(!shows(&runtime));
}

#[test]
fn a_poller_that_is_shown_first_after_a_wake_shows_it() {
    let runtime = Runtime::new();
    let task = runtime.spawn(async {});
    let turned = runtime.turn(AT_ONCE).expect("a turn");
    assert!(task.is_finished() && !turned.ready);
    runtime.spawn(async {});
    assert!(shows(&runtime), "also of before there was a poller");
    turn(&runtime);
    assert!(!shows(&runtime));
}

#[test]
fn a_host_that_waits_in_poll_turns_only_when_there_is_something_to_do() {
    let runtime = Runtime::new();
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let echoed = Rc::new(Cell::new(0));
    let counts = echoed.clone();
    runtime.spawn(async move {
        let reader = Async::new(reader).expect("in a runtime");
        loop {
            match reader.read_with(|mut pipe| pipe.read(&mut [0; 1])).await {
                Ok(1) => counts.set(counts.get() + 1),
                _ => return,
            }
        }
    });
    turn(&runtime);
    let mut turns = 0;
    for n in 1..=10 {
        writer.write_all(b"x").expect("there is room");
        while shows(&runtime) {
            turn(&runtime);
            turns += 1;
        }
        assert_eq!(echoed.get(), n);
    }
    assert!((10..=20).contains(&turns), "{turns} turns for ten bytes");
}

#[test]
fn two_runtimes_of_a_thread_show_each_its_own() {
    let (one, two) = (Runtime::new(), Runtime::new());
    assert!(!shows(&one) && !shows(&two));
    two.spawn(async {});
    assert!(!shows(&one) && shows(&two));
    turn(&one);
    assert!(shows(&two));
    turn(&two);
    assert!(!shows(&two));
}

#[test]
fn what_a_turn_says_of_deadlines_is_when_to_turn_again() {
    let runtime = Runtime::with_clock(Clock::Manual);
    let task = runtime.spawn(sleep(ms(5)));
    let turned = runtime.turn(AT_ONCE).expect("a turn");
    let wait = turned.next_deadline.expect("a timer") - runtime.now();
    assert!(wait >= ms(5) && wait < ms(6), "{wait:?}");
    runtime.advance(wait).expect("it is virtual");
    turn(&runtime);
    assert!(task.is_finished());
}

#[test]
fn what_block_on_leaves_ready_is_shown() {
    let runtime = Runtime::new();
    assert!(!shows(&runtime));
    runtime.spawn(async {
        for _ in 0..200 {
            yield_now().await;
        }
    });
    runtime.block_on(yield_now()); // a turn has 64 polls
    assert!(shows(&runtime));
    turn(&runtime);
    assert!(!shows(&runtime));
}

/// A runtime whose hook counts.
fn hooked() -> (Runtime<'static>, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counts = count.clone();
    let runtime = Runtime::new().wake_hook(move || _ = counts.fetch_add(1, Ordering::SeqCst));
    (runtime, count)
}

#[test]
fn the_hook_is_called_at_the_first_wake_since_the_last_turn_and_at_no_other() {
    let (runtime, count) = hooked();
    assert_eq!(count.load(Ordering::SeqCst), 0);
    runtime.spawn(async {});
    runtime.spawn(async {});
    assert_eq!(count.load(Ordering::SeqCst), 1);
    turn(&runtime);
    runtime.spawn(async {});
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[test]
fn the_hook_is_called_for_another_thread() {
    let (runtime, count) = hooked();
    let gate = Gate::new();
    runtime.spawn(gate.wait());
    turn(&runtime);
    let before = count.load(Ordering::SeqCst);
    wake_from_elsewhere(&gate);
    assert_eq!(count.load(Ordering::SeqCst), before + 1);
}

#[test]
fn the_hook_is_not_called_for_wakes_of_the_turn_itself() {
    let (runtime, count) = hooked();
    runtime.spawn(async {
        for _ in 0..9 {
            yield_now().await;
        }
    });
    let before = count.load(Ordering::SeqCst);
    turn(&runtime);
    assert_eq!(count.load(Ordering::SeqCst), before);
}

#[test]
fn a_second_hook_is_not_taken() {
    let (runtime, count) = hooked();
    let runtime = runtime.wake_hook(|| panic!("it is not called"));
    runtime.spawn(async {});
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn a_host_without_descriptors_runs_everything_by_its_hook_and_deadlines() {
    let (post, events) = std::sync::mpsc::channel();
    let runtime = Runtime::new().wake_hook(move || _ = post.send(()));
    let waker = Arc::new(Mutex::new(None::<Waker>));
    let waits = waker.clone();
    let task = runtime.spawn(async move {
        let mut has_waited = false;
        poll_fn(|cx| {
            *waits.lock().expect("nobody panics") = Some(cx.waker().clone());
            if replace(&mut has_waited, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        sleep(ms(1)).await;
    });
    let opener = thread::spawn(move || {
        loop {
            let waker = waker.lock().expect("nobody panics").take();
            match waker {
                Some(waker) => return waker.wake(),
                None => thread::yield_now(),
            }
        }
    });
    let start = Instant::now();
    let mut deadline = None;
    while !task.is_finished() {
        match deadline {
            None => events.recv().expect("the hook lives"),
            Some(deadline) => _ = events.recv_timeout(Instant::saturating_duration_since(&deadline, Instant::now())),
        }
        loop {
            let turned = runtime.turn(AT_ONCE).expect("a turn");
            deadline = turned.next_deadline;
            if !turned.ready {
                break;
            }
        }
    }
    opener.join().expect("it has opened");
    assert!(start.elapsed() >= ms(1));
}
