//! What is accepted when, in virtual time: the connections are made up.

use super::Acceptor;
use crate::{ExceptionGroup, set_reporter, sleep, task_group, timeout};
use std::cell::{Cell, RefCell};
use std::io;
use std::time::Duration;
use taskgroup_runtime::{Clock, Report, Runtime, now};

const EMFILE: i32 = 24; // on every system that this runs on
const EINVAL: i32 = 22;

type Test = Result<(), ExceptionGroup<io::Error>>;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn full() -> io::Error {
    io::Error::from_raw_os_error(EMFILE)
}

thread_local! {
    static REPORTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Runs in virtual time. Gives what was reported.
fn run(body: impl AsyncFnOnce() -> Test) -> Result<Vec<String>, ExceptionGroup<io::Error>> {
    set_reporter(Some(|report: &Report<'_>| REPORTED.with_borrow_mut(|lines| lines.push(report.to_string()))));
    Runtime::with_clock(Clock::Autojump).block_on(body())?;
    Ok(REPORTED.take())
}

#[test]
fn a_shortage_is_seen_through_with_twenty_attempts_a_second_and_told_once() -> Test {
    let attempts = Cell::new(0);
    let reported = run(async || {
        task_group(async |g| {
            let start = now();
            let mut acceptor = Acceptor::new(async || {
                attempts.set(attempts.get() + 1);
                if now() - start < ms(10_000) { Err(full()) } else { Ok(7) }
            });
            assert_eq!(acceptor.accept(g).await?, 7);
            Ok(())
        })
        .await
    })?;
    assert!((190..=201).contains(&attempts.get()), "{}", attempts.get());
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert!(reported[0].starts_with("cannot accept connections for now: "), "{reported:?}");
    Ok(())
}

#[test]
fn a_server_that_stays_full_is_told_once_though_connections_come_in_between() -> Test {
    let reported = run(async || {
        task_group(async |g| {
            let fails = Cell::new(false);
            let mut acceptor = Acceptor::new(async || {
                fails.set(!fails.get());
                if fails.get() { Err(full()) } else { Ok(()) }
            });
            for _ in 0..100 {
                acceptor.accept(g).await?;
            }
            Ok(())
        })
        .await
    })?;
    assert_eq!(reported.len(), 1, "{reported:?}");
    Ok(())
}

#[test]
fn the_next_shortage_is_told_again() -> Test {
    let reported = run(async || {
        task_group(async |g| {
            let results = RefCell::new(vec![Ok(2), Err(full()), Ok(1), Err(full())]);
            let mut acceptor = Acceptor::new(async || results.borrow_mut().pop().expect("asked once too often"));
            assert_eq!(acceptor.accept(g).await?, 1);
            sleep(ms(1_100)).await;
            assert_eq!(acceptor.accept(g).await?, 2);
            Ok(())
        })
        .await
    })?;
    assert_eq!(reported.len(), 2, "{reported:?}");
    Ok(())
}

#[test]
fn an_error_that_stays_is_the_callers() -> Test {
    let reported = run(async || {
        task_group(async |g| {
            let mut acceptor = Acceptor::new(async || io::Result::<()>::Err(io::Error::from_raw_os_error(EINVAL)));
            let error = acceptor.accept(g).await.expect_err("the listener was shut down");
            assert_eq!(error.raw_os_error(), Some(EINVAL));
            Ok(())
        })
        .await
    })?;
    assert!(reported.is_empty(), "{reported:?}");
    Ok(())
}

// oven-sh/bun#32705: as many connections were accepted as came.
#[test]
fn nothing_is_accepted_while_the_group_is_full() -> Test {
    let (accepted, most) = (Cell::new(0), Cell::new(0));
    run(async || {
        task_group(async |g| {
            g.limit(2);
            let mut acceptor = Acceptor::new(async || {
                accepted.set(accepted.get() + 1);
                most.set(most.get().max(g.live()));
                Ok(())
            });
            for _ in 0..3 {
                acceptor.accept(g).await?;
                g.spawn(sleep(ms(100)));
            }
            assert_eq!((accepted.get(), most.get()), (3, 1), "the third when one had ended");
            Ok(())
        })
        .await
    })
    .map(drop)
}

#[test]
fn a_cancelled_wait_takes_no_connection_and_one_that_was_taken_is_handed_out_at_once() -> Test {
    let taken = Cell::new(0);
    run(async || {
        task_group(async |g| {
            let mut acceptor = Acceptor::new(async || {
                sleep(ms(10)).await;
                taken.set(taken.get() + 1);
                Ok(())
            });
            assert!(timeout(ms(5), acceptor.accept(g)).await.is_err());
            assert_eq!(taken.get(), 0);
            assert!(timeout(ms(11), acceptor.accept(g)).await.is_ok());
            assert_eq!(taken.get(), 1);
            Ok(())
        })
        .await
    })
    .map(drop)
}
