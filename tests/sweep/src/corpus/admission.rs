//! How tasks get in: limits, admission, tasks that say when they are ready, spawners.

use super::parts::{Word, after, end, fail_after, group, ms, nap, parcel, step_aside, told};
use crate::{Program, guard, probe};
use std::cell::Cell;
use taskgroup::{StartError, timeout};

pub(super) fn programs() -> Vec<Program> {
    vec![
        Program::new("admission/two_at_a_time", two_at_a_time),
        Program::new("admission/cancelled_in_the_queue", cancelled_in_the_queue),
        Program::new("admission/the_limit_moves", the_limit_moves),
        Program::new("admission/admitted_first", admitted_first),
        Program::new("admission/a_failure_empties_the_queue", a_failure_empties_the_queue),
        Program::new("admission/started", started),
        Program::new("admission/start_fails", start_fails),
        Program::new("admission/start_is_given_up", start_is_given_up).leaves_more(),
        Program::new("admission/by_a_spawner", by_a_spawner),
        Program::new("admission/a_spawner_that_stays", a_spawner_that_stays),
    ]
}

async fn two_at_a_time() -> String {
    let (running, most) = (Cell::new(0), Cell::new(0));
    let result = group(async |g| {
        g.limit(2);
        for n in 1..=5 {
            let (running, most) = (&running, &most);
            g.spawn(probe(async move {
                let _guard = guard();
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                nap(n).await;
                running.set(running.get() - 1);
            }));
        }
        Ok(())
    });
    format!("{} {}", end(result.await), most.get())
}

async fn cancelled_in_the_queue() -> String {
    let result = group(async |g| {
        g.limit(1);
        let tasks = [g.spawn(after(2, 1)), g.spawn(after(2, 2)), g.spawn(after(2, 3))];
        nap(1).await;
        tasks[1].cancel("never started");
        let mut all = Vec::new();
        for task in tasks {
            all.push(told(probe(task).await));
        }
        Ok(all)
    });
    end(result.await)
}

async fn the_limit_moves() -> String {
    let result = group(async |g| {
        g.limit(0);
        for n in 1..=4 {
            g.spawn(after(2, n));
        }
        nap(1).await;
        g.limit(1);
        nap(3).await;
        g.limit(3);
        Ok(g.live())
    });
    end(result.await)
}

async fn admitted_first() -> String {
    let result = group(async |g| {
        g.limit(2);
        let mut served = 0;
        for n in 1..=4 {
            probe(g.admit()).await;
            g.spawn(after(n, n));
            served += 1;
        }
        let late = probe(timeout(ms(1), g.admit())).await.is_err();
        g.cancel("closing");
        probe(g.admit()).await;
        Ok((served, late))
    });
    end(result.await)
}

async fn a_failure_empties_the_queue() -> String {
    let result = group(async |g| {
        g.limit(2);
        g.spawn(after(9, 1));
        g.spawn(fail_after(2, "A"));
        let queued = g.spawn(after(1, 2));
        probe(g.admit()).await;
        drop(queued.await);
        Ok(())
    });
    end(result.await)
}

async fn started() -> String {
    let result = group(async |g| {
        let start = g.start(|ready| {
            probe(async move {
                nap(2).await;
                ready.set(parcel(7));
                nap(2).await;
                Ok(())
            })
        });
        let (parcel, task) = probe(start).await.map_err(|_| "not ready")?;
        let joined = probe(task).await.is_ok();
        Ok((parcel.0, joined))
    });
    end(result.await)
}

async fn start_fails() -> String {
    let result = group(async |g| {
        g.spawn(nap(3));
        let failed = g.start(|ready| {
            probe(async move {
                nap(1).await;
                if g.live() > 9 {
                    ready.set(parcel(1));
                }
                Err("not today")
            })
        });
        let failed = match probe(failed).await {
            Err(StartError::Failed(error)) => error,
            _ => "something else",
        };
        let silent = g.start::<u64, _>(|ready| {
            probe(async move {
                step_aside().await;
                drop(ready);
                Ok(())
            })
        });
        let silent = matches!(probe(silent).await, Err(StartError::NotReady));
        Ok((failed, silent))
    });
    end(result.await)
}

async fn start_is_given_up() -> String {
    let result = group(async |g| {
        let slow = g.start(|ready| {
            probe(async move {
                nap(9).await;
                ready.set(parcel(1));
                Ok(())
            })
        });
        Ok(probe(timeout(ms(2), probe(slow))).await.is_err())
    });
    end(result.await)
}

async fn by_a_spawner() -> String {
    let result = group(async |g| {
        let spawner = g.spawner();
        let own = spawner.clone();
        let task = g.spawn(probe(async move {
            let inner = own.spawn(after(2, 5)).map_err(|_| "refused")?;
            nap(1).await;
            Ok::<_, Word>(parcel(told(inner.await).len() as u64))
        }));
        let said = told(probe(task).await);
        spawner.cancel("enough");
        Ok((said, spawner.spawn(after(1, 1)).is_err()))
    });
    end(result.await)
}

async fn a_spawner_that_stays() -> String {
    let mut kept = None;
    let result = group(async |g| {
        let spawner = g.spawner();
        for n in 1..=3 {
            drop(spawner.spawn(after(n, n)));
        }
        drop(spawner.spawn(fail_after(2, "A")));
        kept = Some(spawner);
        nap(9).await;
        Ok(())
    });
    let ended = end(result.await);
    let refused = kept.map(|spawner| spawner.spawn(after(1, 1)).is_err());
    format!("{ended} {refused:?}")
}
