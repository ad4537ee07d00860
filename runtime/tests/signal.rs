//! Signals: what is heard, by whom, and what is left when nobody listens.
//!
//! Signals are for a whole process, so one test runs at a time. They are raised on the test's own thread: the handler has
//! run when `raise` returns.
#![forbid(unsafe_code)]

mod support;

use futures_core::Stream as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGSEGV, SIGSTOP, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
use signal_hook::low_level::raise;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::os::unix::process::ExitStatusExt;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;
use support::{as_a_child, is_child, poll_once, run, run_in, turn};
use taskgroup_runtime::signal::{SignalKind, Signals, ctrl_c};
use taskgroup_runtime::{BlockOnError, Clock, Local, Runtime, now, set_freeze_probe, sleep, spawn, tree, yield_now};
use taskgroup_runtime::{count_cancel_in, count_cancel_out};

fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

const USER1: SignalKind = SignalKind::USER_DEFINED1;
const USER2: SignalKind = SignalKind::USER_DEFINED2;

/// What has come and was not received.
async fn left(signals: &Signals) -> Vec<SignalKind> {
    let mut left = Vec::new();
    while let Poll::Ready(kind) = poll_once(pin!(signals.recv())).await {
        left.push(kind.expect("this is its runtime"));
    }
    left
}

// compio-rs/compio#895: the handler set a flag, and the wait went on.
#[test]
fn a_signal_wakes_who_waits_for_it() -> io::Result<()> {
    let _alone = alone();
    run(async {
        let signals = Signals::new([USER1])?;
        let waits = spawn(async move { signals.recv().await });
        turn().await;
        assert!(!waits.is_finished());
        let seen = tree().expect("we are in a runtime").to_string();
        assert!(seen.contains("root task #1: waits for a signal"), "{seen}");
        raise(SIGUSR1)?;
        assert_eq!(waits.await.expect("no panic")?, USER1);
        Ok(())
    })
}

#[test]
fn what_came_while_nobody_waited_is_kept_and_signals_of_one_kind_are_one() -> io::Result<()> {
    let _alone = alone();
    run(async {
        let signals = Signals::new([USER1, USER2])?;
        for signal in [SIGUSR1, SIGUSR2, SIGUSR1, SIGUSR1] {
            raise(signal)?;
        }
        assert_eq!(left(&signals).await, [USER1, USER2]);
        raise(SIGUSR2)?;
        turn().await;
        assert_eq!(left(&signals).await, [USER2]);
        Ok(())
    })
}

// python/cpython#74224: of several kinds, one was lost.
#[test]
fn a_flood_of_one_kind_keeps_no_other_back() -> io::Result<()> {
    let _alone = alone();
    run(async {
        let signals = Signals::new([USER1, USER2])?;
        raise(SIGUSR2)?;
        let mut heard = Vec::new();
        for _ in 0..2 {
            raise(SIGUSR1)?;
            heard.push(signals.recv().await?);
        }
        assert_eq!(heard, [USER1, USER2]);
        Ok(())
    })
}

#[test]
fn ten_thousand_signals_fill_no_pipe() -> io::Result<()> {
    let _alone = alone();
    run(async {
        let signals = Signals::new([USER1, USER2])?;
        for _ in 0..10_000 {
            raise(SIGUSR1)?;
        }
        raise(SIGUSR2)?;
        assert_eq!(left(&signals).await, [USER1, USER2]);
        let waits = spawn(async move { signals.recv().await });
        turn().await;
        turn().await; // the event of the flood is over
        raise(SIGUSR1)?; // there is room again
        assert_eq!(waits.await.expect("no panic")?, USER1);
        Ok(())
    })
}

#[test]
fn two_listeners_both_hear_it() -> io::Result<()> {
    let _alone = alone();
    run(async {
        let (one, two) = (Signals::new([USER1])?, Signals::new([USER2, USER1, USER1])?);
        raise(SIGUSR1)?;
        assert_eq!((left(&one).await, left(&two).await), (vec![USER1], vec![USER1]));
        Ok(())
    })
}

#[test]
fn two_runtimes_both_hear_it() -> io::Result<()> {
    let _alone = alone();
    let (one, two) = (Runtime::new(), Runtime::new());
    let listen = |runtime: &Runtime<'_>| run_in(runtime, async { Signals::new([USER1]) });
    let (first, second) = (listen(&one)?, listen(&two)?);
    raise(SIGUSR1)?;
    assert_eq!((run_in(&one, first.recv())?, run_in(&two, second.recv())?), (USER1, USER1));
    let elsewhere = run_in(&one, second.recv());
    assert!(elsewhere.is_err_and(|error| error.to_string().contains("belongs to another runtime")));
    Ok(())
}

#[test]
fn of_two_tasks_at_one_listener_each_signal_is_for_one() -> io::Result<()> {
    let _alone = alone();
    run(async {
        let signals = std::rc::Rc::new(Signals::new([USER1])?);
        let wait = || {
            let signals = signals.clone();
            spawn(async move { signals.recv().await })
        };
        let (one, two) = (wait(), wait());
        turn().await;
        raise(SIGUSR1)?;
        assert_eq!(one.await.expect("no panic")?, USER1);
        turn().await;
        assert!(!two.is_finished());
        raise(SIGUSR1)?;
        assert_eq!(two.await.expect("no panic")?, USER1);
        Ok(())
    })
}

#[test]
fn a_listener_is_a_stream() -> io::Result<()> {
    let _alone = alone();
    run(async {
        let mut signals = Signals::new([USER1])?;
        raise(SIGUSR1)?;
        let next = poll_fn(|cx| Pin::new(&mut signals).poll_next(cx)).await;
        assert_eq!(next.transpose()?, Some(USER1));
        Ok(())
    })
}

#[test]
fn a_wait_that_is_dropped_or_frozen_loses_no_signal() -> io::Result<()> {
    let _alone = alone();
    run(async {
        let signals = Signals::new([USER1])?;
        {
            let mut wait = pin!(signals.recv());
            assert!(poll_once(wait.as_mut()).await.is_pending());
            raise(SIGUSR1)?;
            turn().await; // the wait has been woken
        }
        set_freeze_probe(|| true);
        count_cancel_in();
        let frozen = poll_once(pin!(signals.recv())).await;
        count_cancel_out();
        set_freeze_probe(|| false);
        assert!(frozen.is_pending());
        assert_eq!(signals.recv().await?, USER1);
        Ok(())
    })
}

#[test]
fn a_dropped_listener_leaves_nothing_behind() -> io::Result<()> {
    let _alone = alone();
    let open = || std::fs::read_dir("/dev/fd").map(Iterator::count);
    let runtime = Runtime::new();
    let make = || run_in(&runtime, async { Signals::new([USER1, SignalKind::WINDOW_CHANGE]) });
    drop(make()?); // the poller is made
    let before = open()?;
    for _ in 0..3 {
        drop(make()?);
    }
    assert_eq!((open()?, runtime.census().sources), (before, 0));
    raise(SIGWINCH)?;
    raise(SIGUSR1) // and has no effect any more, as it says
}

#[test]
fn ctrl_c_ends_at_the_next_one() -> io::Result<()> {
    let _alone = alone();
    run(async {
        for _ in 0..2 {
            let mut wait = pin!(ctrl_c());
            assert!(poll_once(wait.as_mut()).await.is_pending());
            raise(SIGINT)?;
            wait.await?;
        }
        Ok(())
    })
}

#[test]
fn a_signal_that_nobody_can_hear_is_an_error() {
    let _alone = alone();
    run(async {
        for number in [SIGKILL, SIGSTOP, SIGSEGV, 0, -1, 4000] {
            let kind = SignalKind::from_raw(number);
            let error = Signals::new([USER1, kind]).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().starts_with(&format!("{kind} cannot be listened to: ")), "{error}");
        }
        let none = Signals::new([]).expect_err("refused");
        assert!(none.to_string().contains("name at least one kind"), "{none}");
    });
    let outside = Signals::new([USER1]).expect_err("refused");
    assert_eq!(outside.kind(), ErrorKind::NotConnected);
}

#[test]
fn virtual_time_stands_still_while_a_signal_is_waited_for() -> io::Result<()> {
    let _alone = alone();
    let runtime = Runtime::with_clock(Clock::Autojump);
    let signals = runtime.block_on(async { Signals::new([USER1]) })?;
    let wait = runtime.spawn(async move { signals.recv().await });
    runtime.spawn(sleep(Duration::from_secs(1)));
    runtime.turn(Some(Duration::ZERO)).expect("not nested");
    let start = runtime.now();
    raise(SIGUSR1)?;
    assert_eq!(runtime.block_on(wait).expect("no panic")?, USER1);
    assert_eq!(runtime.now(), start);
    Ok(())
}

#[test]
fn in_the_background_virtual_time_goes_on_and_a_stall_is_one() -> io::Result<()> {
    let _alone = alone();
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.block_on(async {
        let signals = Signals::new([USER1])?.in_background();
        let listener = spawn(async move {
            signals.recv().await?;
            io::Result::Ok(signals)
        });
        let start = now();
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(now() - start, Duration::from_secs(3600));
        raise(SIGUSR1)?;
        let late = spawn(sleep(Duration::from_secs(3600)));
        let signals = listener.await.expect("no panic")?;
        assert_eq!(now() - start, Duration::from_secs(3600)); // what has come is heard before time goes on
        late.cancel();
        let again = spawn(async move {
            signals.recv().await?;
            signals.recv().await
        });
        turn().await;
        raise(SIGUSR1)?;
        turn().await;
        raise(SIGUSR1)?; // and before a stall is told
        assert_eq!(again.await.expect("no panic")?, USER1);
        io::Result::Ok(())
    })?;
    let stalled = runtime.try_block_on(std::future::pending::<()>());
    assert!(matches!(stalled, Err(BlockOnError::Stalled(_))), "{stalled:?}");
    Ok(())
}

#[test]
fn the_second_signal_has_its_default_effect_where_only_the_first_is_heard() -> io::Result<()> {
    let test = "the_second_signal_has_its_default_effect_where_only_the_first_is_heard";
    if !is_child() {
        assert_eq!(as_a_child(test)?.signal(), Some(SIGTERM));
        return Ok(());
    }
    run(async {
        let signals = Signals::then_default([SignalKind::INTERRUPT, SignalKind::TERMINATE])?;
        raise(SIGINT)?;
        assert_eq!(signals.recv().await?, SignalKind::INTERRUPT);
        raise(SIGTERM)?;
        panic!("it has ended by then")
    })
}

#[test]
fn a_listener_for_the_first_gives_the_signal_back() -> io::Result<()> {
    let test = "a_listener_for_the_first_gives_the_signal_back";
    if !is_child() {
        assert_eq!(as_a_child(test)?.signal(), Some(SIGHUP));
        return Ok(());
    }
    run(async {
        drop(Signals::then_default([SignalKind::HANGUP])?);
        raise(SIGHUP)?;
        panic!("it has ended by then")
    })
}

#[test]
fn a_signal_that_was_given_back_can_be_heard_again() -> io::Result<()> {
    let test = "a_signal_that_was_given_back_can_be_heard_again";
    if !is_child() {
        assert_eq!(as_a_child(test)?.code(), Some(0));
        return Ok(());
    }
    run(async {
        let other = Signals::new([SignalKind::QUIT])?;
        drop(Signals::then_default([SignalKind::QUIT])?);
        raise(SIGQUIT)?; // not given back to the system: there is another listener
        assert_eq!(other.recv().await?, SignalKind::QUIT);
        drop(other);
        drop(Signals::then_default([SignalKind::QUIT])?);
        let again = Signals::new([SignalKind::QUIT])?;
        raise(SIGQUIT)?;
        assert_eq!(again.recv().await?, SignalKind::QUIT);
        Ok(())
    })
}

#[test]
fn a_listener_of_the_background_that_is_put_there_is_counted_once() {
    let _alone = alone();
    let runtime = Runtime::with_clock(Clock::Autojump);
    let counts = Rc::new(RefCell::new(Vec::new()));
    let counted = counts.clone();
    runtime.spawn_in_background(async move {
        let local = Local::current().expect("we are in a runtime");
        let signals = Signals::new([SignalKind::WINDOW_CHANGE]).expect("it can be heard").in_background();
        counted.borrow_mut().push(local.armed_and_registered());
        drop(signals);
        counted.borrow_mut().push(local.armed_and_registered());
    });
    runtime.block_on(yield_now());
    assert_eq!(*counts.borrow(), [(0, 0), (0, 0)]);
}

#[test]
fn a_listener_that_is_waited_for_can_be_put_into_the_background() {
    let _alone = alone();
    Runtime::with_clock(Clock::Autojump).block_on(async {
        let signals = Signals::new([SignalKind::WINDOW_CHANGE]).expect("it can be heard");
        poll_fn(|cx| {
            assert!(signals.poll_recv(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        let _signals = signals.in_background();
        sleep(Duration::from_secs(3600)).await; // at once: nothing holds time up
    });
}
