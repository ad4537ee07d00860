//! Wakes from another thread: against the loop that goes to sleep, the task that ends, the runtime that is dropped.
//!
//! Before: `lib.rs`. After: `region.rs`.

use crate::{every_order, interrupted_at_most, run};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread::{self, JoinHandle};
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;
use taskgroup_runtime::{Runtime, hold, make_poller, spawn};

/// What a thread has done, for a task that waits for it.
#[derive(Debug, Default)]
pub(crate) struct Flag(AtomicBool);

impl Flag {
    fn raise(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_up_now(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Looks once per poll, and asks nobody to wake it.
    fn is_up(&self) -> impl Future<Output = ()> + '_ {
        poll_fn(|_| if self.is_up_now() { Poll::Ready(()) } else { Poll::Pending })
    }
}

/// The waker of who asks.
async fn waker() -> Waker {
    poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
}

/// A thread that raises a flag, then wakes.
pub(crate) fn raise(flag: &Arc<Flag>, waker: Waker) -> JoinHandle<()> {
    let flag = flag.clone();
    thread::spawn(move || {
        flag.raise();
        waker.wake();
    })
}

/// To be called before the runtime is dropped: what happens then has models of its own.
fn join(thread: JoinHandle<()>) {
    thread.join().expect("it panics nowhere");
}

#[test]
fn a_wake_while_the_loop_is_about_to_park_ends_the_sleep() {
    every_order(|| {
        let (runtime, flag) = (Runtime::new(), Arc::new(Flag::default()));
        join(run(&runtime, async move {
            let thread = raise(&flag, waker().await);
            flag.is_up().await;
            thread
        }));
    });
}

#[test]
fn a_wake_while_the_loop_is_about_to_wait_in_the_poller_ends_the_wait() {
    every_order(|| {
        let (runtime, flag) = (Runtime::new(), Arc::new(Flag::default()));
        join(run(&runtime, async move {
            make_poller();
            let thread = raise(&flag, waker().await);
            flag.is_up().await;
            thread
        }));
    });
}

/// The sender may still unpark a thread that waits in the poller from now on.
#[test]
fn a_wake_while_the_loop_changes_over_from_parking_to_the_poller_is_not_lost() {
    every_order(|| {
        let (runtime, flag) = (Runtime::new(), Arc::new(Flag::default()));
        join(run(&runtime, async move {
            let thread = raise(&flag, waker().await);
            make_poller();
            flag.is_up().await;
            thread
        }));
    });
}

/// The second wake finds that the sleeper has been disturbed, by the first, and does not ring: the loop, awake for the
/// first, has to look for its letter.
#[test]
fn two_wakes_of_which_the_second_rings_for_nobody_are_both_heard() {
    interrupted_at_most(3, || {
        let (runtime, flags) = (Runtime::new(), Arc::<[Flag; 2]>::default());
        join(run(&runtime, async move {
            let (first, raised) = (waker().await, flags.clone());
            let other = spawn(async move {
                let (second, seen) = (waker().await, raised.clone());
                let thread = thread::spawn(move || {
                    for (flag, waker) in raised.iter().zip([first, second]) {
                        flag.raise();
                        waker.wake();
                    }
                });
                seen[1].is_up().await;
                thread
            });
            flags[0].is_up().await;
            other.await.expect("it ends")
        }));
    });
}

/// The second wake finds the first one's letter still there, or just gone.
#[test]
fn two_wakes_of_one_task_that_may_share_a_letter_are_both_heard() {
    interrupted_at_most(3, || {
        let (runtime, flags) = (Runtime::new(), Arc::<[Flag; 2]>::default());
        join(run(&runtime, async move {
            let (waker, raised) = (waker().await, flags.clone());
            let thread = thread::spawn(move || {
                for flag in &*raised {
                    flag.raise();
                    waker.wake_by_ref();
                }
            });
            flags[0].is_up().await;
            flags[1].is_up().await;
            thread
        }));
    });
}

#[test]
fn two_threads_that_wake_one_task_are_both_heard() {
    interrupted_at_most(3, || {
        let (runtime, flags) = (Runtime::new(), [Arc::new(Flag::default()), Arc::new(Flag::default())]);
        let threads = run(&runtime, async move {
            let waker = waker().await;
            let threads = [raise(&flags[0], waker.clone()), raise(&flags[1], waker)];
            flags[0].is_up().await;
            flags[1].is_up().await;
            threads
        });
        threads.into_iter().for_each(join);
    });
}

#[test]
fn two_threads_that_wake_two_tasks_are_both_heard() {
    interrupted_at_most(2, || {
        let (runtime, flags) = (Runtime::new(), [Arc::new(Flag::default()), Arc::new(Flag::default())]);
        let threads = run(&runtime, async move {
            let flag = flags[1].clone();
            let other = spawn(async move {
                let thread = raise(&flag, waker().await);
                flag.is_up().await;
                thread
            });
            let thread = raise(&flags[0], waker().await);
            flags[0].is_up().await;
            [thread, other.await.expect("it ends")]
        });
        threads.into_iter().for_each(join);
    });
}

/// The wake may come before its task ends, after that, or when another task has the slot: that one is then polled once
/// for nothing.
#[test]
fn a_wake_while_its_task_ends_costs_the_next_in_its_slot_one_poll_at_most() {
    every_order(|| {
        let polls = Cell::new(0);
        let runtime = Runtime::new();
        let thread = run(&runtime, async {
            let first = spawn(async {
                let waker = waker().await;
                thread::spawn(move || waker.wake())
            });
            first.await.expect("it ends")
        });
        // by itself it needs two
        let second = poll_fn(|cx| {
            polls.set(polls.get() + 1);
            if polls.get() > 1 {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        });
        runtime.block_on(second);
        join(thread);
        assert_eq!(polls.get(), 2, "a poll for nothing takes the place of the second one");
    });
}

/// What is lost is the wake, and nothing else: the sender neither waits nor panics, and keeps nothing alive.
#[test]
fn a_wake_while_its_runtime_is_dropped_reaches_nobody() {
    every_order(|| {
        let runtime = Runtime::new();
        let waker = run(&runtime, waker());
        let thread = thread::spawn(move || waker.wake());
        drop(runtime);
        join(thread);
    });
}

#[test]
fn a_wake_while_its_runtime_is_dropped_does_not_disturb_the_next_one() {
    every_order(|| {
        let runtime = Runtime::new();
        let waker = run(&runtime, waker());
        let thread = thread::spawn(move || waker.wake());
        drop(runtime);
        let (next, polls) = (Runtime::new(), Cell::new(0));
        next.block_on(poll_fn(|_| {
            polls.set(polls.get() + 1);
            Poll::Ready(())
        }));
        assert_eq!(polls.get(), 1);
        join(thread);
    });
}

/// A thread sends its letter before it drops its hold; who finds no hold any more finds the letter.
#[test]
fn a_wake_before_the_last_hold_is_dropped_is_not_taken_for_a_stall() {
    every_order(|| {
        let flag = Arc::new(Flag::default());
        let runtime = Runtime::new().stall_is_an_error(true);
        join(runtime.block_on(async {
            let (waker, raised, hold) = (waker().await, flag.clone(), hold());
            let thread = thread::spawn(move || {
                raised.raise();
                waker.wake();
                drop(hold);
            });
            flag.is_up().await;
            thread
        }));
    });
}

/// A host that sleeps until the hook calls, and turns then: each call is worth one turn, and those that it asks for.
#[test]
fn a_host_that_turns_only_when_its_hook_calls_misses_no_wake() {
    every_order(|| {
        let calls = Arc::new((Mutex::new(0), Condvar::new()));
        let posted = calls.clone();
        let runtime = Runtime::new().wake_hook(move || {
            *posted.0.lock().expect("nobody panics with it") += 1;
            posted.1.notify_one();
        });
        let flag = Arc::new(Flag::default());
        let task = runtime.spawn(async move {
            let thread = raise(&flag, waker().await);
            flag.is_up().await;
            thread
        });
        while !task.is_finished() {
            let mut waiting = calls.0.lock().expect("nobody panics with it");
            while *waiting == 0 {
                waiting = calls.1.wait(waiting).expect("nobody panics with it");
            }
            *waiting -= 1;
            drop(waiting);
            while runtime.turn(Some(Duration::ZERO)).expect("it is in no turn").ready {}
        }
        join(run(&runtime, task).expect("it ends"));
    });
}
