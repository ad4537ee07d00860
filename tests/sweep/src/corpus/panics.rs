//! Panics of tasks, bodies and destructors.

use super::parts::{after, die, end, fail_after, group, nap, parcel, told};
use crate::{Guard, Program, guard, probe, value};
use futures_util::FutureExt;
use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::thread;

pub(super) fn programs() -> Vec<Program> {
    vec![
        Program::new("panics/a_task", a_task).panics(),
        Program::new("panics/the_body", the_body).panics(),
        Program::new("panics/two_tasks", two_tasks).panics(),
        Program::new("panics/a_destructor", a_destructor).panics(),
        Program::new("panics/beside_errors", beside_errors).panics(),
        Program::new("panics/caught_inside", caught_inside).panics(),
        Program::new("panics/nobody_catches", nobody_catches).panics(),
        Program::new("panics/a_value_nobody_wants", a_value_nobody_wants).panics(),
    ]
}

/// Dies when it is dropped, unless its frame unwinds.
struct Grenade(#[allow(dead_code, reason = "it is there to be dropped")] Guard);

impl Drop for Grenade {
    fn drop(&mut self) {
        if !thread::panicking() {
            die("grenade");
        }
    }
}

async fn caught<F: Future>(future: F) -> Result<F::Output, Box<dyn Any + Send>> {
    AssertUnwindSafe(probe(future)).catch_unwind().await
}

fn how<T: std::fmt::Debug>(caught: Result<T, Box<dyn Any + Send>>) -> String {
    match caught {
        Ok(value) => format!("{value:?}"),
        Err(payload) => format!("panicked: {}", payload.downcast_ref::<&str>().unwrap_or(&"with something else")),
    }
}

async fn a_task() -> String {
    let result = caught(group(async |g| {
        g.spawn(after(9, 1));
        g.spawn(probe(async {
            nap(1).await;
            die("task");
        }));
        nap(9).await;
        Ok(())
    }));
    how(result.await.map(end))
}

async fn the_body() -> String {
    let result = caught(group(async |g| {
        let _guard = guard();
        g.spawn(after(9, 1));
        g.spawn(nap(9));
        nap(1).await;
        die("body");
        Ok(())
    }));
    how(result.await.map(end))
}

async fn two_tasks() -> String {
    let result = caught(group(async |g| {
        for text in ["one", "two"] {
            g.spawn(probe(async move {
                let _guard = guard();
                nap(1).await;
                die(text);
            }));
        }
        nap(9).await;
        Ok(())
    }));
    how(result.await.map(end)).replace("two", "one")
}

async fn a_destructor() -> String {
    let result = caught(group(async |g| {
        g.spawn(probe(async {
            let _grenade = Grenade(guard());
            nap(9).await;
        }));
        g.spawn(after(9, 1));
        g.spawn(fail_after(2, "A"));
        Ok(())
    }));
    how(result.await.map(end))
}

async fn beside_errors() -> String {
    let result = caught(group(async |g| {
        g.spawn_group(group(async |g| {
            g.spawn(fail_after(1, "A"));
            nap(9).await;
            Ok(())
        }));
        g.spawn(probe(async {
            let _grenade = Grenade(guard());
            nap(9).await;
        }));
        g.spawn(nap(9));
        Ok(())
    }));
    how(result.await.map(end))
}

async fn caught_inside() -> String {
    let result = group(async |g| {
        let task = g.spawn(probe(async {
            let inner = caught(group(async |g| {
                g.spawn(probe(async {
                    nap(1).await;
                    die("inner");
                }));
                nap(9).await;
                Ok(())
            }));
            let said = how(inner.await.map(end));
            nap(1).await;
            Ok(parcel(said.len() as u64))
        }));
        g.spawn(after(3, 1));
        Ok(told(probe(task).await))
    });
    end(result.await)
}

async fn nobody_catches() {
    let result = group(async |g| {
        g.spawn_group(group(async |g| {
            g.spawn(nap(9));
            nap(2).await;
            g.spawn(probe(async { die("out") }));
            nap(9).await;
            Ok(())
        }));
        g.spawn(nap(9));
        nap(9).await;
        Ok(())
    });
    drop(result.await);
}

async fn a_value_nobody_wants() -> String {
    let result = caught(group(async |g| {
        drop(g.spawn(probe(async {
            nap(1).await;
            Ok(Grenade(value()))
        })));
        g.spawn(after(9, 1));
        nap(9).await;
        Ok(())
    }));
    how(result.await.map(end))
}
