//! The task tree, when a signal asks for it.
//!
//! One test at a time, since signals are for a whole process; they are raised on the test's own thread.
#![forbid(unsafe_code)]

mod support;

use signal_hook::consts::{SIGUSR1, SIGUSR2};
use signal_hook::low_level::raise;
use std::cell::RefCell;
use std::future::pending;
use std::io::{self, ErrorKind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use support::{run, turn};
use taskgroup_runtime::signal::{SignalKind, Signals, report_tree_on};
use taskgroup_runtime::{BlockOnError, Clock, Runtime, hold, set_reporter, sleep, spawn};

const USER1: SignalKind = SignalKind::USER_DEFINED1;

thread_local! {
    static REPORTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// From now on the reports of this thread are kept. No other test runs meanwhile.
fn keep_reports() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    set_reporter(Some(|report| REPORTS.with_borrow_mut(|reports| reports.push(report.to_string()))));
    alone
}

fn reports() -> Vec<String> {
    REPORTS.take()
}

#[test]
fn each_signal_reports_the_tree_once() -> io::Result<()> {
    let _alone = keep_reports();
    run(async {
        report_tree_on(USER1)?;
        let waits = spawn(pending::<()>());
        turn().await;
        raise(SIGUSR1)?;
        turn().await;
        let [report] = &reports()[..] else { panic!("one report") };
        assert!(report.starts_with("the tasks, as a signal asked:\nmain (block_on): "), "{report}");
        assert!(report.contains("\nroot task #1: waits"), "{report}");
        turn().await;
        assert!(reports().is_empty());
        raise(SIGUSR1)?;
        turn().await;
        assert_eq!(reports().len(), 1);
        waits.cancel();
        Ok(())
    })
}

#[test]
fn it_wakes_a_loop_in_which_everything_waits() -> io::Result<()> {
    let _alone = keep_reports();
    let runtime = Runtime::new();
    runtime.report_tree_on(USER1)?;
    runtime.spawn(pending::<()>());
    let user = thread::spawn(|| raise(SIGUSR1)); // the loop may sleep by then, or not yet
    while reports().is_empty() {
        runtime.turn(Some(Duration::from_secs(5))).expect("not nested");
    }
    user.join().expect("no panic")
}

#[test]
fn what_was_asked_while_the_loop_stood_is_answered_in_the_next_turn() -> io::Result<()> {
    let _alone = keep_reports();
    let runtime = Runtime::new();
    runtime.report_tree_on(USER1)?;
    for _ in 0..1000 {
        raise(SIGUSR1)?;
    }
    assert!(reports().is_empty());
    runtime.turn(Some(Duration::ZERO)).expect("not nested");
    assert_eq!(reports().len(), 1);
    let user = thread::spawn(|| raise(SIGUSR1));
    while reports().is_empty() {
        runtime.turn(None).expect("not nested"); // is woken: the pipe has room again
    }
    user.join().expect("no panic")
}

#[test]
fn two_runtimes_report_theirs_and_one_that_is_gone_does_not() -> io::Result<()> {
    let _alone = keep_reports();
    let at_once = |runtime: &Runtime<'_>| runtime.turn(Some(Duration::ZERO)).expect("not nested");
    let (one, two) = (Runtime::new(), Runtime::new());
    one.report_tree_on(USER1)?;
    one.report_tree_on(USER1)?; // again: nothing changes
    assert_eq!(one.census().sources, 1);
    two.report_tree_on(USER1)?;
    raise(SIGUSR1)?;
    at_once(&one);
    at_once(&two);
    assert_eq!(reports().len(), 2);
    drop(one);
    raise(SIGUSR1)?;
    at_once(&two);
    assert_eq!(reports().len(), 1);
    Ok(())
}

#[test]
fn a_runtime_that_ends_leaves_no_descriptor_open() -> io::Result<()> {
    let _alone = keep_reports();
    let open = || std::fs::read_dir("/dev/fd").map(Iterator::count);
    let before = open()?;
    for _ in 0..3 {
        Runtime::new().report_tree_on(USER1)?;
    }
    assert_eq!(open()?, before);
    Ok(())
}

#[test]
fn virtual_time_goes_on_and_a_stall_is_one() -> io::Result<()> {
    let _alone = keep_reports();
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.report_tree_on(USER1)?;
    let start = runtime.now();
    runtime.block_on(sleep(Duration::from_secs(3600)));
    assert_eq!(runtime.now() - start, Duration::from_secs(3600));
    let stalled = runtime.try_block_on(pending::<()>());
    assert!(matches!(stalled, Err(BlockOnError::Stalled(_))), "{stalled:?}");
    assert!(reports().is_empty());
    Ok(())
}

#[test]
fn a_listener_of_the_program_hears_the_signal_too() -> io::Result<()> {
    let _alone = keep_reports();
    run(async {
        report_tree_on(USER1)?;
        let signals = Signals::new([USER1])?;
        raise(SIGUSR1)?;
        assert_eq!(signals.recv().await?, USER1);
        turn().await;
        assert_eq!(reports().len(), 1);
        Ok(())
    })
}

#[test]
fn two_kinds_may_ask() -> io::Result<()> {
    let _alone = keep_reports();
    run(async {
        let _hold = hold();
        report_tree_on(USER1)?;
        report_tree_on(SignalKind::USER_DEFINED2)?;
        for signal in [SIGUSR1, SIGUSR2] {
            raise(signal)?;
            turn().await;
            assert_eq!(reports().len(), 1);
        }
        Ok(())
    })
}

#[test]
fn outside_a_runtime_and_for_a_signal_that_nobody_can_hear_it_is_an_error() {
    let outside = report_tree_on(USER1).expect_err("refused");
    assert_eq!(outside.kind(), ErrorKind::NotConnected);
    let refused = Runtime::new().report_tree_on(SignalKind::from_raw(9)).expect_err("refused");
    assert!(refused.to_string().starts_with("SIGKILL cannot be listened to"), "{refused}");
}
