//! Policies, and what comes of many tasks at once: gather, race, streams.

use super::parts::{Parcel, Word, after, die, end, fail_after, group, ms, nap, parcel, told};
use crate::{Program, guard, probe};
use futures_util::StreamExt;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use taskgroup::{What, as_completed, gather, gather_settled, race, timeout, with_cleanup};

pub(super) fn programs() -> Vec<Program> {
    vec![
        Program::new("results/collect_all", collect_all),
        Program::new("results/collect_at_most", collect_at_most),
        Program::new("results/supervise", supervise),
        Program::new("results/supervise_and_a_panic", supervise_and_a_panic).panics(),
        Program::new("results/policies_change", policies_change),
        Program::new("results/gather", gathered),
        Program::new("results/gather_fails", gather_fails),
        Program::new("results/gather_settled", settled),
        // the language leaks the winner's value when the destructor of a second one's panics (rust-lang/rust#47949)
        Program::new("results/race", raced),
        Program::new("results/nobody_wins", nobody_wins),
        Program::new("results/a_race_under_a_deadline", a_race_under_a_deadline),
        Program::new("results/as_completed", completed),
        Program::new("results/as_completed_and_left", completed_and_left),
        Program::new("results/stream", streamed),
        Program::new("results/stream_and_a_failure", stream_and_a_failure),
    ]
}

async fn collect_all() -> String {
    let result = group(async |g| {
        g.collect_all();
        g.spawn(fail_after(1, "A"));
        g.spawn(after(3, 1));
        g.spawn(fail_after(2, "B"));
        nap(2).await;
        Ok(parcel(1))
    });
    end(result.await)
}

async fn collect_at_most() -> String {
    let result = group(async |g| {
        g.collect_at_most(2);
        for (n, error) in [(1, "A"), (2, "B"), (3, "C"), (4, "D")] {
            g.spawn(fail_after(n, error));
        }
        Ok(())
    });
    end(result.await)
}

async fn supervise() -> String {
    let heard = RefCell::new(Vec::new());
    let result = group(async |g| {
        let captured = crate::value();
        let heard = &heard;
        g.supervise(move |member| {
            let _captured = &captured;
            if let What::Error(error) = member.into_what() {
                heard.borrow_mut().push(error);
                if error == "A" {
                    g.spawn(after(1, 1));
                }
            }
        });
        g.spawn(fail_after(1, "A"));
        g.spawn(fail_after(2, "B"));
        g.spawn_group(group(async |g| {
            g.spawn(fail_after(1, "C"));
            Ok(())
        }));
        g.spawn(after(4, 2));
        nap(3).await;
        Ok(())
    });
    let ended = end(result.await);
    let mut heard = heard.take();
    heard.sort_unstable();
    format!("{ended} {heard:?}")
}

async fn supervise_and_a_panic() {
    let result = group(async |g| {
        let captured = crate::value();
        g.supervise(move |_| {
            let _captured = &captured;
        });
        g.spawn(fail_after(1, "A"));
        g.spawn(after(9, 1));
        g.spawn(probe(async {
            nap(2).await;
            die("out");
        }));
        Ok(())
    });
    drop(result.await);
}

async fn policies_change() -> String {
    let result = group(async |g| {
        g.collect_all();
        g.spawn(fail_after(1, "kept"));
        g.supervise(|_| {});
        g.spawn(fail_after(2, "handled"));
        g.fail_fast();
        g.spawn(fail_after(3, "fatal"));
        g.spawn(after(9, 1));
        nap(9).await;
        Ok(())
    });
    end(result.await)
}

async fn gathered() -> String {
    let all = probe(gather((1..=4).map(|n| after(5 - n, n)))).await;
    let none = probe(gather(Vec::<Pin<Box<dyn Future<Output = Result<(), Word>>>>>::new())).await;
    format!("{} {}", end(all), end(none))
}

async fn gather_fails() -> String {
    let result = group(async |g| {
        g.spawn(nap(5));
        let failed = probe(gather((1..=4).map(async |n| {
            let _guard = guard();
            probe(with_cleanup(
                async {
                    nap(n).await;
                    if n == 2 { Err("two") } else { Ok(n) }
                },
                async |_| nap(1).await,
            ))
            .await
        })));
        Ok(end(failed.await))
    });
    end(result.await)
}

async fn settled() -> String {
    let all = probe(gather_settled((1..=4).map(async |n| {
        nap(5 - n).await;
        if n % 2 == 0 { Err("even") } else { Ok(parcel(n)) }
    })));
    format!("{:?}", all.await)
}

async fn raced() -> String {
    let won = probe(race((1..=4).map(async |n| {
        nap(5 - n).await;
        if n == 4 { Err("down") } else { Ok(parcel(n)) }
    })));
    format!("{:?}", won.await.map(|parcel| parcel.0).ok())
}

async fn nobody_wins() -> String {
    let lost = probe(race([fail_after(1, "A"), fail_after(2, "B")])).await;
    let errors = lost.err().and_then(taskgroup::NoWinner::into_errors).map_or(0, |errors| errors.leaves().count());
    let empty = probe(race(Vec::<Pin<Box<dyn Future<Output = Result<(), Word>>>>>::new())).await.is_err();
    format!("{errors} {empty}")
}

async fn a_race_under_a_deadline() -> String {
    let late = probe(timeout(
        ms(2),
        probe(race((5..=7).map(async |n| probe(with_cleanup(after(n, n), async |_| nap(2).await)).await))),
    ))
    .await;
    format!("{}", late.is_err())
}

async fn completed() -> String {
    let result = group(async |g| {
        let mut tasks = [g.spawn(after(3, 1)), g.spawn(after(1, 2)), g.spawn(after(2, 3))];
        let mut order = Vec::new();
        let mut ended = as_completed(&mut tasks);
        while let Some((place, joined)) = probe(ended.next()).await {
            order.push((place, told(joined)));
        }
        Ok(order)
    });
    end(result.await)
}

async fn completed_and_left() -> String {
    let result = group(async |g| {
        let tasks = [3, 1, 2].map(|n| g.spawn(after(n, n)));
        tasks[0].cancel("slowest");
        let mut ended = as_completed(tasks);
        let first = probe(ended.next()).await.map(|(place, _)| place);
        let second = probe(timeout(ms(9), ended.next())).await.ok().flatten().map(|(_, joined)| told(joined));
        Ok((first, second, ended.remaining()))
    });
    end(result.await)
}

async fn streamed() -> String {
    let result = group(async |g| {
        let results = g.stream::<Parcel>();
        for n in 1..=3 {
            results.spawn(after(4 - n, n));
        }
        results.spawn_named("last", after(5, 4));
        let mut order = Vec::new();
        while let Some(joined) = probe(results.next()).await {
            order.push(told(joined));
            if order.len() == 1 {
                results.spawn(after(1, 9));
            }
        }
        Ok(order)
    });
    end(result.await)
}

async fn stream_and_a_failure() -> String {
    let result = group(async |g| {
        let results = g.stream::<Parcel>();
        results.spawn(after(1, 1));
        results.spawn(after(9, 2));
        g.spawn(fail_after(2, "A"));
        let mut count = 0;
        let mut results = Box::pin(results);
        while let Some(joined) = probe(results.next()).await {
            count += usize::from(joined.is_ok());
        }
        Ok(count)
    });
    end(result.await)
}
