//! Small programs whose runs are recorded: each is told by its picture in `docs/TRACES.md`.
//!
//! Before: nothing. After: `../traces.rs`, which runs them. Line numbers of this file are in the pictures.

use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt;
use taskgroup::{ExceptionGroup, race, shield, sleep, task_group, timeout, with_cleanup};

/// A program, and what stands over its picture.
pub struct Program {
    pub name: &'static str,
    pub title: &'static str,
    pub run: fn() -> Pin<Box<dyn Future<Output = Ended>>>,
}

type Errors = ExceptionGroup<&'static str>;
pub type Ended = Result<(), Errors>;

macro_rules! programs {
    ($($name:ident: $title:literal,)*) => {
        pub const PROGRAMS: &[Program] = &[$(Program {
            name: stringify!($name),
            title: $title,
            run: || Box::pin($name()),
        }),*];
    };
}

programs! {
    success: "Three pages, all there in the end",
    failure: "The database fails, and the others are cancelled",
    nested_failure: "A price is missing: the basket fails, and then the shop",
    timeout_and_fallback: "The slow answer is given up after 200 ms",
    cleanup_with_grace: "One cleanup ends within its grace, one is cut off",
    shielded: "What must not be interrupted is finished first",
    mirrors: "The first mirror that answers wins",
    supervisor: "A worker that fails is started again",
    limited: "At most two downloads at a time",
    panicked: "A panic goes on when the others have ended",
}

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A page that takes so long.
async fn page(time: u64) -> Result<(), &'static str> {
    sleep(ms(time)).await;
    Ok(())
}

async fn fails(time: u64, error: &'static str) -> Result<(), &'static str> {
    sleep(ms(time)).await;
    Err(error)
}

async fn success() -> Ended {
    task_group(async |g| {
        g.spawn(page(100)).named("home");
        g.spawn(page(200)).named("news");
        g.spawn(page(150)).named("weather");
        Ok(())
    })
    .await
}

async fn failure() -> Ended {
    task_group(async |g| {
        g.spawn(page(100)).named("home");
        g.spawn(page(400)).named("news");
        let database = async {
            sleep(ms(250)).await;
            g.spawn(page(10)).named("retry"); // has no time to start
            Err::<(), _>("connection refused")
        };
        g.spawn(database).named("database");
        page(500).await // the body waits for something too
    })
    .await
}

async fn nested_failure() -> Ended {
    task_group(async |g| {
        let basket = task_group(async |g| {
            g.spawn(page(300)).named("stock");
            g.spawn(fails(200, "no price for item 17")).named("price");
            Ok(())
        });
        g.spawn(page(100)).named("home");
        g.spawn_group(basket).named("basket");
        g.spawn(page(500)).named("search");
        Ok(())
    })
    .await
}

async fn timeout_and_fallback() -> Ended {
    task_group(async |g| {
        g.spawn(page(80)).named("quick");
        let slow = async {
            match timeout(ms(200), page(5_000)).await {
                Ok(page) => page,
                Err(_late) => page(60).await, // the fallback
            }
        };
        let slow = g.spawn(slow).named("slow");
        let patient = async move { slow.await.map_err(|_| "there is no page") };
        g.spawn(patient).named("patient");
        Ok(())
    })
    .await
}

async fn cleanup_with_grace() -> Ended {
    task_group(async |g| {
        g.grace(ms(200));
        g.spawn(with_cleanup(page(1_000), async |_| sleep(ms(120)).await)).named("upload");
        g.spawn(with_cleanup(page(1_000), async |_| sleep(ms(9_000)).await)).named("stubborn");
        g.spawn(page(1_000)).named("plain");
        g.spawn(fails(300, "the sensor is gone")).named("sensor");
        Ok(())
    })
    .await
}

async fn shielded() -> Ended {
    task_group(async |g| {
        let writer = async {
            shield(page(300)).await?;
            page(500).await // it never comes to that
        };
        g.spawn(writer).named("writer");
        g.spawn(page(500)).named("reader");
        sleep(ms(100)).await;
        g.cancel("the disk is full");
        Ok(())
    })
    .await
}

async fn mirrors() -> Ended {
    let answers = [(300, Ok("far")), (120, Err("404")), (200, Ok("near"))];
    let winner = race(answers.map(async |(time, answer)| {
        sleep(ms(time)).await;
        answer
    }));
    winner.await.map(drop).map_err(|lost| lost.into_errors().expect("there were three"))
}

async fn supervisor() -> Ended {
    task_group(async |g| {
        g.supervise(|_| {}); // a failure ends nobody else
        g.spawn(pending::<Result<(), _>>()).named("metrics");
        let mut backoff = ms(50);
        for life in [200, 150, 400] {
            let worker = g.spawn(fails(life, "broken pipe")).named("worker");
            if worker.await.is_err() {
                sleep(backoff).await;
                backoff *= 2;
            }
        }
        g.cancel("no more restarts");
        Ok(())
    })
    .await
}

async fn limited() -> Ended {
    task_group(async |g| {
        g.limit(2);
        for (name, time) in [("one", 100), ("two", 150), ("three", 100)] {
            g.spawn(page(time)).named(name);
        }
        g.admit().await; // goes on when there is a place
        g.spawn(page(80)).named("four");
        Ok(())
    })
    .await
}

async fn panicked() -> Ended {
    let run = task_group(async |g| {
        g.spawn(page(100)).named("careful");
        let careless = async {
            sleep(ms(60)).await;
            Err::<(), _>(["a", "b"].get(5).copied().expect("there are six"))
        };
        g.spawn(careless).named("careless");
        Ok(())
    });
    // A program would let it end the process.
    AssertUnwindSafe(run).catch_unwind().await.unwrap_or(Ok(()))
}
