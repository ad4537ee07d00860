//! Ours inside what other crates offer.

use super::parts::{after, end, fail_after, group, ms, nap, told};
use crate::{Program, guard, probe};
use futures_util::future::{Either, join_all, select};
use futures_util::stream::{FuturesUnordered, StreamExt, iter};
use futures_util::{FutureExt, join, pin_mut, select_biased};
use std::pin::pin;
use taskgroup::{MissedTicks, interval, sleep, timeout};

pub(super) fn programs() -> Vec<Program> {
    vec![
        Program::new("combinators/join", join_of_groups),
        Program::new("combinators/select", select_of_groups),
        Program::new("combinators/unordered", unordered).leaks_when_a_drop_panics(),
        Program::new("combinators/join_all", join_all_of_groups),
        Program::new("combinators/polled_once_and_left", polled_once_and_left),
        Program::new("combinators/now_or_never", now_or_never),
        Program::new("combinators/moved_between_deadlines", moved_between_deadlines),
        Program::new("combinators/buffered", buffered).leaks_when_a_drop_panics(),
        Program::new("combinators/a_stream_in_a_select", a_stream_in_a_select),
        Program::new("combinators/groups_under_a_deadline", groups_under_a_deadline).leaks_when_a_drop_panics(),
        Program::new("combinators/cancelled_beside_each_other", cancelled_beside_each_other),
    ]
}

async fn pair(a: u64, b: u64) -> String {
    let result = group(async |g| {
        let _guard = guard();
        let (first, second) = (g.spawn(after(a, a)), g.spawn(after(b, b)));
        Ok(told(first.await) + &told(second.await))
    });
    end(result.await)
}

async fn join_of_groups() -> String {
    let (a, b, ()) = join!(probe(pair(1, 3)), probe(pair(2, 1)), nap(2));
    a + &b
}

async fn select_of_groups() -> String {
    let slow = probe(pair(5, 7)).fuse();
    let quick = probe(pair(1, 2)).fuse();
    pin_mut!(slow, quick);
    select_biased! {
        value = slow => format!("slow {value}"),
        value = quick => format!("quick {value}"),
    }
}

async fn unordered() -> String {
    let mut all: FuturesUnordered<_> = (1..=4).map(|n| Box::pin(probe(pair(5 - n, n)))).collect();
    let mut said = Vec::new();
    while let Some(one) = all.next().await {
        said.push(one);
    }
    said.sort();
    format!("{said:?}")
}

async fn join_all_of_groups() -> String {
    let result = group(async |g| {
        g.spawn(fail_after(3, "A"));
        let all = join_all((1..=3).map(|n| probe(pair(n, 2 * n)))).await;
        nap(9).await;
        Ok(all)
    });
    end(result.await)
}

/// The group is polled once and then left alone while something else is waited for.
async fn polled_once_and_left() -> String {
    let result = probe(timeout(ms(6), async {
        let left = pin!(probe(pair(3, 4)));
        let left = match select(left, pin!(nap(1))).await {
            Either::Left(_) => return "ended".to_owned(),
            Either::Right(((), left)) => left,
        };
        nap(4).await;
        left.await
    }));
    let result = result.await;
    let never = probe(timeout(ms(3), async {
        let left = pin!(probe(pair(3, 4)));
        let _left = select(left, pin!(nap(1))).await;
        nap(9).await;
    }));
    format!("{result:?} {}", never.await.is_err())
}

async fn now_or_never() -> String {
    let early = probe(pair(1, 1)).now_or_never();
    let late = group(async |g| {
        g.spawn(nap(2));
        let inner = probe(pair(3, 3)).now_or_never();
        nap(1).await;
        Ok(inner)
    });
    format!("{early:?} {}", end(late.await))
}

async fn moved_between_deadlines() -> String {
    let mut work = Box::pin(probe(pair(6, 4)));
    if let Either::Left((said, _)) = select(&mut work, pin!(nap(1))).await {
        return said;
    }
    let inside = probe(timeout(ms(9), async {
        let short = pin!(nap(1));
        match select(&mut work, short).await {
            Either::Left((said, _)) => return Some(said),
            Either::Right(_) => nap(1).await,
        }
        None
    }));
    match inside.await {
        Ok(Some(said)) => said,
        Ok(None) => work.await,
        Err(_) => "late".to_owned(), // to go on with the work would be a mistake: it was cancelled
    }
}

async fn buffered() -> String {
    let all = iter(1..=5).map(|n| probe(pair(n, 1))).buffer_unordered(2).collect::<Vec<_>>();
    let mut all = all.await;
    all.sort();
    format!("{all:?}")
}

async fn a_stream_in_a_select() -> String {
    let result = group(async |g| {
        let mut ticks = interval(ms(2)).on_missed(MissedTicks::Skip).fuse();
        let mut done = Box::pin(probe(sleep(ms(7)))).fuse();
        let mut count = 0;
        loop {
            select_biased! {
                _ = ticks.next() => { count += 1; g.spawn(after(1, count)); }
                () = done => return Ok(count),
            }
        }
    });
    end(result.await)
}

async fn groups_under_a_deadline() -> String {
    let result = probe(timeout(ms(4), async {
        let mut all: FuturesUnordered<_> = (3..=6).map(|n| probe(pair(n, n + 1))).collect();
        let mut count = 0;
        while all.next().await.is_some() {
            count += 1;
        }
        count
    }));
    format!("{:?}", result.await.is_err())
}

async fn cancelled_beside_each_other() -> String {
    let result = group(async |g| {
        let task = g.spawn(probe(async {
            let _guard = guard();
            drop(join!(probe(pair(9, 9)), nap(9), probe(timeout(ms(20), pair(9, 9)))));
        }));
        nap(2).await;
        task.cancel("both");
        Ok(probe(task).await.is_err())
    });
    end(result.await)
}
