//! Destructors that do things: spawn, cancel, wake, drop more.

use super::parts::{Group, after, end, fail_after, group, ms, nap, parcel};
use crate::{Guard, Program, guard, probe, value};
use futures_util::future::select;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use taskgroup::{Task, timeout};

pub(super) fn programs() -> Vec<Program> {
    vec![
        Program::new("drops/a_dying_task_spawns", a_dying_task_spawns),
        Program::new("drops/a_dying_task_cancels", a_dying_task_cancels),
        Program::new("drops/a_dying_task_wakes", a_dying_task_wakes),
        Program::new("drops/a_group_is_dropped_in_a_select", a_group_is_dropped_in_a_select),
        Program::new("drops/what_nobody_collects", what_nobody_collects),
        Program::new("drops/a_dying_body_spawns", a_dying_body_spawns),
        Program::new("drops/handles_in_values", handles_in_values),
    ]
}

/// Does something when it is dropped.
struct OnDrop<F: FnMut()>(F, #[allow(dead_code, reason = "it is there to be dropped")] Guard);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn spawns_when_it_dies<'scope, 'env>(g: &'scope Group<'scope, 'env>, n: u64) -> impl Drop + 'scope {
    OnDrop(move || drop(g.spawn(after(n, n))), guard())
}

async fn a_dying_task_spawns() -> String {
    let result = group(async |g| {
        let task = g.spawn(probe(async {
            let _dying = spawns_when_it_dies(g, 3);
            nap(9).await;
        }));
        g.spawn(probe(async {
            let _dying = spawns_when_it_dies(g, 2);
            nap(1).await;
        }));
        nap(2).await;
        task.cancel("die");
        probe(task).await.map_err(|_| "cancelled")
    });
    end(result.await)
}

async fn a_dying_task_cancels() -> String {
    let tasks: RefCell<Vec<Rc<Task<()>>>> = RefCell::default();
    let result = group(async |g| {
        for n in 0..3 {
            let tasks = &tasks;
            let task = g.spawn(probe(async move {
                let _dying = OnDrop(
                    || {
                        let all = tasks.borrow().clone();
                        for task in all {
                            task.cancel("with me");
                        }
                        g.cancel("all of you");
                    },
                    guard(),
                );
                nap(3 + n).await;
            }));
            tasks.borrow_mut().push(Rc::new(task));
        }
        nap(2).await;
        let first = tasks.borrow()[0].clone();
        first.cancel("go");
        nap(9).await;
        Ok(first.is_finished())
    });
    end(result.await)
}

/// Holds futures back until it is opened; a leaf of somebody else's.
#[derive(Default)]
struct Gate {
    open: Cell<bool>,
    wakers: RefCell<Vec<Waker>>,
}

impl Gate {
    fn open(&self) {
        self.open.set(true);
        for waker in self.wakers.take() {
            waker.wake();
        }
    }

    async fn wait(&self) {
        poll_fn(|cx| {
            if self.open.get() {
                return Poll::Ready(());
            }
            let waker = cx.waker().clone();
            self.wakers.borrow_mut().push(waker);
            Poll::Pending
        })
        .await;
    }
}

async fn a_dying_task_wakes() -> String {
    let gate = Gate::default();
    let result = group(async |g| {
        let waits = g.spawn(probe(async {
            probe(gate.wait()).await;
            nap(1).await;
            Ok(parcel(1))
        }));
        g.spawn(probe(async {
            let _opens = OnDrop(|| gate.open(), guard());
            nap(2).await;
        }));
        let ended = probe(waits).await.is_ok();
        Ok(ended)
    });
    end(result.await)
}

async fn a_group_is_dropped_in_a_select() -> String {
    let log = Rc::new(Cell::new(0));
    for n in 1..=3 {
        let work = group(async |g| {
            let log = &log;
            g.spawn(fail_after(2, "A"));
            g.spawn_group(group(async |g| {
                g.spawn(probe(async {
                    let _counts = OnDrop(|| log.set(log.get() + 1), guard());
                    let _dying = spawns_when_it_dies(g, 1);
                    nap(9).await;
                }));
                nap(9).await;
                Ok(())
            }));
            nap(9).await;
            Ok(())
        });
        let short = pin!(nap(n));
        drop(select(short, work).await);
    }
    format!("{}", log.get())
}

async fn what_nobody_collects() -> String {
    let kept = value();
    let result = group(async |g| {
        let outlived = g.spawn(after(3, 1));
        for n in 1..=3 {
            drop(g.spawn(after(n, n)));
        }
        let late = probe(timeout(ms(2), outlived)).await;
        Ok(late.is_err())
    });
    let ended = end(result.await);
    drop(kept);
    ended
}

async fn a_dying_body_spawns() -> String {
    let result = probe(timeout(
        ms(3),
        group(async |g| {
            let _dying = spawns_when_it_dies(g, 4);
            g.spawn(probe(async {
                let _dying = spawns_when_it_dies(g, 2);
                nap(9).await;
            }));
            nap(9).await;
            Ok(())
        }),
    ));
    format!("{}", result.await.is_err())
}

/// A task's value holds the handle of another.
async fn handles_in_values() -> String {
    let result = group(async |g| {
        let task = g.spawn(probe(async {
            nap(1).await;
            let inner = g.spawn(after(2, 5));
            Ok((parcel(1), inner))
        }));
        let (outer, inner) = match probe(task).await {
            Ok((outer, inner)) => (outer, inner),
            Err(_) => return Err("cancelled"),
        };
        Ok((outer, probe(inner).await.map(|parcel| parcel.0).ok()))
    });
    end(result.await)
}
