//! Deadlines, over leaves, groups and each other.

use super::parts::{after, end, fail_after, group, ms, nap, parcel, told};
use crate::{Program, guard, probe};
use std::time::Duration;
use taskgroup::{now, timeout, timeout_at};

pub(super) fn programs() -> Vec<Program> {
    vec![
        Program::new("timeouts/in_time_and_late", in_time_and_late),
        Program::new("timeouts/over_a_group", over_a_group),
        Program::new("timeouts/nested", nested),
        Program::new("timeouts/for_each_task", for_each_task),
        Program::new("timeouts/zero_and_past", zero_and_past),
        Program::new("timeouts/a_group_fails_too_late", a_group_fails_too_late),
        Program::new("timeouts/in_a_cancelled_task", in_a_cancelled_task),
        Program::new("timeouts/at_the_same_instant", at_the_same_instant),
    ]
}

async fn in_time_and_late() -> String {
    let soon = probe(timeout(ms(5), after(1, 1))).await;
    let late = probe(timeout(ms(2), after(9, 2))).await;
    let never = probe(timeout(Duration::MAX, nap(1))).await;
    format!("{soon:?} {} {}", late.is_err(), never.is_ok())
}

async fn over_a_group() -> String {
    let result = probe(timeout(
        ms(3),
        group(async |g| {
            let _guard = guard();
            g.spawn(after(9, 1));
            g.spawn(after(1, 2));
            g.spawn_group(group(async |g| {
                g.spawn(nap(9));
                nap(9).await;
                Ok(())
            }));
            nap(9).await;
            Ok(())
        }),
    ));
    format!("{}", result.await.is_err())
}

async fn nested() -> String {
    let outer = probe(timeout(ms(2), async {
        let inner = probe(timeout(ms(5), nap(9))).await;
        nap(9).await;
        inner.is_ok()
    }));
    let outer = outer.await.is_err();
    let inner = probe(timeout(ms(5), async {
        let inner = probe(timeout(ms(2), nap(9))).await;
        nap(1).await;
        inner.is_err()
    }));
    format!("{outer} {:?}", inner.await)
}

async fn for_each_task() -> String {
    let result = group(async |g| {
        let tasks: Vec<_> = (1..=4)
            .map(|n| {
                g.spawn(probe(async move {
                    Ok(timeout(ms(5), after(2 * n, n)).await.ok().and_then(Result::ok).unwrap_or_else(|| parcel(0)))
                }))
            })
            .collect();
        let mut all = Vec::new();
        for task in tasks {
            all.push(told(task.await));
        }
        Ok(all)
    });
    end(result.await)
}

async fn zero_and_past() -> String {
    let zero = probe(timeout(Duration::ZERO, nap(1))).await.is_err();
    let ready = probe(timeout(Duration::ZERO, async { 7 })).await.ok();
    let past = now();
    nap(2).await;
    let late = probe(timeout_at(past, nap(1))).await.is_err();
    let soon = probe(timeout_at(now() + ms(2), nap(1))).await.is_ok();
    let group = probe(timeout(Duration::ZERO, group(async |g| Ok(told(g.spawn(after(1, 1)).await))))).await.is_err();
    format!("{zero} {ready:?} {late} {soon} {group}")
}

async fn a_group_fails_too_late() -> String {
    let result = probe(timeout(ms(3), async {
        let failed = group(async |g| {
            g.spawn_group(group(async |g| {
                g.spawn(fail_after(2, "A"));
                Ok(())
            }));
            nap(9).await;
            Ok(())
        });
        let failed = end(failed.await);
        nap(1).await;
        failed
    }));
    format!("{:?}", result.await.map_err(|error| error.limit()))
}

async fn in_a_cancelled_task() -> String {
    let result = group(async |g| {
        let task = g.spawn(probe(async {
            let _guard = guard();
            let inner = probe(timeout(
                ms(5),
                group(async |g| {
                    g.spawn(nap(9));
                    nap(9).await;
                    Ok(())
                }),
            ));
            drop(inner.await);
            nap(9).await;
            Ok(parcel(1))
        }));
        nap(3).await;
        task.cancel("before its deadline");
        Ok(told(task.await).is_empty())
    });
    end(result.await)
}

async fn at_the_same_instant() -> String {
    let inner_first = probe(timeout(ms(4), probe(timeout(ms(4), nap(9))))).await;
    let with_result = probe(timeout(ms(4), nap(4))).await.is_err();
    format!("{:?} {with_result}", inner_first.map(|inner| inner.is_err()).is_err())
}
