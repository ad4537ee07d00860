//! What the watchdog finds: groups that are left alone, polls that take long.

mod common;

use common::{Gate, Word, group, keep_reports, ms, poll_once, reports};
use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::future::pending;
use std::pin::pin;
use std::time::Duration;
use taskgroup::{Clock, Runtime, Watchdog, sleep, timeout, yield_now};

/// What is reported of a run in virtual time.
fn found<T>(limit: Duration, future: impl Future<Output = T>) -> Vec<String> {
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.instrument(Watchdog::with_limit(limit));
    keep_reports();
    runtime.block_on(future);
    reports()
}

const LONG: Duration = Duration::from_secs(3600);

#[test]
fn a_futurelock_is_named_at_the_end_of_the_first_poll_that_leaves_the_group_alone() {
    let reports = found(LONG, async {
        let gate = Gate::new();
        drop(
            group(async |g| {
                g.spawn(async {
                    let mut inner = pin!(group(async |inner| {
                        inner.spawn(gate.wait()).named("holder");
                        Ok(())
                    }));
                    drop(select(inner.as_mut(), pin!(sleep(ms(1)))).await);
                    sleep(ms(5)).await; // the group is not polled here, though
                    drop(inner.await);
                })
                .named("owner");
                g.spawn(async {
                    sleep(ms(3)).await;
                    gate.open(); // its task is woken
                });
                Ok(())
            })
            .await,
        );
    });
    let [report] = &reports[..] else { panic!("{reports:#?}") };
    assert!(report.starts_with("left alone: task owner/holder is woken"), "{report}");
    assert!(report.contains("but task owner holds that group and awaits something else"), "{report}");
}

#[test]
fn a_group_in_a_select_that_is_polled_each_time_is_not_left_alone() {
    let reports = found(LONG, async {
        let mut work = pin!(group(async |g| {
            for n in 1..5 {
                g.spawn(async move {
                    sleep(ms(n)).await;
                    yield_now().await;
                });
            }
            Ok(())
        }));
        while let Either::Left(_) = select(pin!(sleep(ms(1))), work.as_mut()).await {}
    });
    assert_eq!(reports, [""; 0]);
}

#[test]
fn groups_in_a_combinator_of_another_crate_are_not_left_alone() {
    let reports = found(LONG, async {
        let groups = (1..20).map(|n| {
            group(async move |g| {
                g.spawn(async move {
                    sleep(ms(n % 5)).await;
                    yield_now().await;
                });
                Ok(())
            })
        });
        let mut groups: FuturesUnordered<_> = groups.collect();
        while groups.next().await.is_some() {}
    });
    assert_eq!(reports, [""; 0]);
}

#[test]
fn a_group_that_is_moved_to_another_task_is_watched_there() {
    let reports = found(LONG, async {
        let mut work = Box::pin(group(async |g| {
            g.spawn(sleep(ms(5)));
            Ok(())
        }));
        assert!(poll_once(work.as_mut()).await.is_pending());
        group(async |g| {
            g.spawn(async move { work.await.map_err(|_| "none fails") });
            sleep(ms(9)).await;
            Ok(())
        })
        .await
        .expect("no error");
    });
    assert_eq!(reports, [""; 0]);
}

#[test]
fn a_task_that_was_cancelled_leaves_nobody_alone() {
    let reports = found(LONG, async {
        let late = timeout(ms(3), async {
            group(async |g| {
                g.spawn(sleep(ms(3)));
                pending::<Result<(), Word>>().await
            })
            .await
        });
        assert!(late.await.is_err());
    });
    assert_eq!(reports, [""; 0]);
}

#[test]
fn a_slow_poll_is_reported_with_its_task() {
    let reports = found(Duration::ZERO, async {
        group(async |g| {
            g.spawn(async {}).named("slow\none");
            Ok(())
        })
        .await
        .expect("no error");
    });
    assert!(reports.iter().any(|report| report.starts_with("slow: a poll of task slow\\none took ")), "{reports:#?}");
}
