//! Groups that go well.

use super::parts::{Errors, after, end, group, ms, nap, parcel, result_of, step_aside, told};
use crate::{Program, guard, probe};
use std::cell::{Cell, RefCell};
use taskgroup::{interval, now};

pub(super) fn programs() -> Vec<Program> {
    vec![
        Program::new("groups/three_are_joined", three_are_joined),
        Program::new("groups/nobody_joins", nobody_joins),
        Program::new("groups/nested", nested),
        Program::new("groups/children_spawn_siblings", children_spawn_siblings),
        Program::new("groups/children_borrow", children_borrow),
        Program::new("groups/spawned_after_the_body", spawned_after_the_body),
        Program::new("groups/results_are_read_afterwards", results_are_read_afterwards),
        Program::new("groups/a_server_of_ticks", a_server_of_ticks),
        Program::new("groups/one_after_the_other", one_after_the_other),
        Program::new("groups/beside_each_other", beside_each_other),
        Program::new("groups/empty", empty),
    ]
}

async fn three_are_joined() -> String {
    let joined = group(async |g| {
        let _guard = guard();
        let tasks = [g.spawn(after(3, 1)).named("slow"), g.spawn(after(1, 2)), g.spawn(after(2, 3))];
        let mut all = Vec::new();
        for task in tasks {
            all.push(told(probe(task).await));
        }
        Ok(all)
    });
    end(joined.await)
}

async fn nobody_joins() -> String {
    let result = group(async |g| {
        g.spawn(after(2, 1));
        drop(g.spawn(after(1, 2)));
        g.spawn(nap(3));
        Ok(parcel(0))
    });
    end(result.await)
}

async fn nested() -> String {
    let result = group(async |g| {
        let inner = g.spawn_group(group(async |g| {
            g.spawn(after(2, 1));
            let innermost = g.spawn_group(group(async |g| {
                let task = g.spawn(after(1, 2));
                nap(2).await;
                Ok(told(task.await))
            }));
            Ok(probe(innermost).await.unwrap_or_default())
        }));
        nap(1).await;
        Ok(inner.await.unwrap_or_default())
    });
    end(result.await)
}

async fn children_spawn_siblings() -> String {
    let total = Cell::new(0);
    let result = group(async |g| {
        for n in 1..=3 {
            let total = &total;
            g.spawn(probe(async move {
                let _guard = guard();
                nap(n).await;
                g.spawn(probe(async move {
                    nap(n).await;
                    total.set(total.get() + n);
                }));
            }));
        }
        Ok(())
    });
    format!("{} {}", end(result.await), total.get())
}

async fn children_borrow() -> String {
    let words = ["one".to_owned(), "two".to_owned(), "three".to_owned()];
    let mut lengths = [0; 3];
    let result = group(async |g| {
        for (word, length) in words.iter().zip(&mut lengths) {
            g.spawn(probe(async move {
                nap(word.len() as u64).await;
                *length = word.len();
            }));
        }
        Ok(())
    });
    let ended = end(result.await);
    format!("{ended} {lengths:?}")
}

async fn spawned_after_the_body() -> String {
    let log = RefCell::new(Vec::new());
    let result = group(async |g| {
        let log = &log;
        g.spawn(probe(async move {
            nap(1).await;
            for n in [3, 2, 1] {
                g.spawn(probe(async move {
                    nap(n).await;
                    log.borrow_mut().push(n);
                }));
            }
            step_aside().await;
        }));
        Ok(())
    });
    format!("{} {:?}", end(result.await), log.borrow())
}

async fn results_are_read_afterwards() -> String {
    let mut tasks = Vec::new();
    let result = group(async |g| {
        for n in 1..=3 {
            tasks.push(g.spawn(after(n, n)).named(format!("task {n}")));
        }
        Ok(())
    });
    let ended = end(result.await);
    let names: Vec<_> = tasks.iter().filter_map(|task| Some(task.info()?.path())).collect();
    let results: Vec<_> = tasks.iter().map(result_of).collect();
    let again: Vec<_> = tasks.iter().map(result_of).collect();
    format!("{ended} {names:?} {results:?} {again:?}")
}

async fn a_server_of_ticks() -> String {
    let served = Cell::new(0);
    let result = group(async |g| {
        let mut ticks = interval(ms(10));
        for n in 0..4 {
            probe(ticks.tick()).await;
            let served = &served;
            g.spawn(probe(async move {
                nap(25 - 3 * n).await;
                served.set(served.get() + 1);
            }));
        }
        Ok(g.live())
    });
    format!("{} {}", end(result.await), served.get())
}

async fn one_after_the_other() -> String {
    let start = now();
    let first = group(async |g| Ok(told(g.spawn(after(2, 1)).await))).await;
    let second = group(async |g| Ok(told(g.spawn(after(3, 2)).await))).await;
    format!("{} {} {:?}", end(first), end(second), now() - start)
}

async fn beside_each_other() -> String {
    let result = group(async |g| {
        for n in 1..=3 {
            g.spawn_group(side(n));
        }
        Ok(())
    });
    end(result.await)
}

async fn side(n: u64) -> Result<(), Errors> {
    group(async |g| {
        g.spawn(after(n, n));
        g.spawn(after(4 - n, n));
        nap(2).await;
        Ok(())
    })
    .await
}

async fn empty() -> String {
    let first = group(async |_| Ok(parcel(1))).await;
    let second = group(async |_| {
        step_aside().await;
        Ok(parcel(2))
    });
    format!("{} {}", end(first), end(second.await))
}
