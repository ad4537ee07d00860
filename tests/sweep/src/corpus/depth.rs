//! Deep and wide.

use super::parts::{after, end, fail_after, group, ms, nap};
use crate::{Program, guard, probe};
use std::future::Future;
use std::pin::Pin;
use taskgroup::timeout;

pub(super) fn programs() -> Vec<Program> {
    vec![
        Program::new("depth/groups_in_groups", || probe(groups(8, None))),
        Program::new("depth/the_innermost_fails", || probe(groups(8, Some("A")))),
        Program::new("depth/under_a_deadline", || probe(timeout(ms(1), groups(8, None)))),
        Program::new("depth/deadlines_in_deadlines", || probe(deadlines(8))),
        Program::new("depth/wide", wide),
        Program::new("depth/wide_and_one_fails", wide_and_one_fails),
    ]
}

type Boxed = Pin<Box<dyn Future<Output = String>>>;

fn groups(depth: u64, error: Option<&'static str>) -> Boxed {
    Box::pin(async move {
        let _guard = guard();
        if depth == 0 {
            return end(group(async |g| {
                g.spawn(after(9, 1));
                nap(2).await;
                error.map_or(Ok(1), Err)
            })
            .await);
        }
        let result = group(async |g| {
            let inner = g.spawn(async move { Ok(probe(groups(depth - 1, error)).await) });
            g.spawn(after(2, depth));
            inner.await.map_err(|_| "inner")
        });
        end(result.await)
    })
}

fn deadlines(depth: u64) -> Boxed {
    Box::pin(async move {
        let _guard = guard();
        if depth == 0 {
            nap(20).await;
            return "end".to_owned();
        }
        let result = probe(timeout(ms(3 + depth % 3), deadlines(depth - 1))).await;
        nap(1).await;
        result.unwrap_or_else(|_| depth.to_string())
    })
}

async fn wide() -> String {
    let result = group(async |g| {
        let tasks: Vec<_> = (0..30).map(|n| g.spawn(after(n % 4, n))).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.map_or(0, |parcel| parcel.0);
        }
        Ok(sum)
    });
    end(result.await)
}

async fn wide_and_one_fails() -> String {
    let result = group(async |g| {
        for n in 0..20 {
            g.spawn(after(5 + n, n));
        }
        g.spawn(fail_after(3, "A"));
        nap(9).await;
        Ok(())
    });
    end(result.await)
}
