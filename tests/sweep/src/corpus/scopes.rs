//! Cancel scopes, checkpoints, task-locals.

use super::parts::{Parcel, after, end, group, ms, nap, parcel, step_aside, told};
use crate::{Program, guard, probe};
use std::cell::RefCell;
use std::rc::Rc;
use taskgroup::{CancelScope, TaskLocal, cancel_reason, checkpoint, now, shield, timeout, with_cleanup};

pub(super) fn programs() -> Vec<Program> {
    vec![
        Program::new("scopes/cancelled_by_a_task", cancelled_by_a_task),
        Program::new("scopes/a_deadline_that_moves", a_deadline_that_moves),
        Program::new("scopes/nested", nested),
        Program::new("scopes/before_and_again", before_and_again),
        Program::new("scopes/two_runs_at_once", two_runs_at_once),
        Program::new("scopes/checkpoints", checkpoints),
        Program::new("scopes/who_asks_is_told", who_asks_is_told),
        Program::new("scopes/locals", locals),
        Program::new("scopes/locals_with_guards", locals_with_guards),
    ]
}

async fn cancelled_by_a_task() -> String {
    let scope = CancelScope::new();
    let result = group(async |g| {
        let other = scope.clone();
        g.spawn(probe(async move {
            nap(2).await;
            other.cancel("enough");
            other.cancel("again");
        }));
        let ended = probe(scope.run(group(async |g| {
            g.spawn(after(9, 1));
            nap(9).await;
            Ok(parcel(1))
        })));
        let ended = ended.await.map_err(|cancelled| cancelled.reason().to_string());
        Ok(ended.is_err())
    });
    format!("{} {:?} {}", end(result.await), scope.reason(), scope.cancelled_caught())
}

async fn a_deadline_that_moves() -> String {
    let scope = CancelScope::new();
    scope.set_timeout(ms(2));
    let result = group(async |g| {
        let other = scope.clone();
        g.spawn(probe(async move {
            nap(1).await;
            other.set_deadline(now() + ms(4));
            nap(1).await;
            other.set_deadline(None);
            nap(1).await;
            other.set_timeout(ms(1));
        }));
        Ok(probe(scope.run(nap(9))).await.is_err())
    });
    format!("{} {}", end(result.await), scope.deadline().is_some())
}

async fn nested() -> String {
    let (outer, inner) = (CancelScope::new(), CancelScope::new());
    let ended = probe(outer.run(async {
        let within = probe(inner.run(async {
            let _guard = guard();
            nap(1).await;
            inner.cancel("inner");
            step_aside().await;
        }));
        let within = within.await.is_err();
        nap(1).await;
        outer.cancel("outer");
        let again = probe(inner.run(nap(1))).await.is_err();
        (within, again)
    }));
    format!("{:?} {} {}", ended.await.is_err(), inner.cancelled_caught(), outer.cancelled_caught())
}

async fn before_and_again() -> String {
    let scope = CancelScope::new();
    let first = probe(scope.run(after(1, 1))).await.is_ok();
    scope.cancel("from now on");
    let ready = probe(scope.run(async { 7 })).await.ok();
    let waits = probe(scope.run(after(1, 2))).await.is_err();
    let with_cleanup = probe(scope.run(with_cleanup(
        async {
            nap(9).await;
            Ok::<_, &str>(())
        },
        async |_| nap(2).await,
    )));
    format!("{first} {ready:?} {waits} {}", with_cleanup.await.is_err())
}

async fn two_runs_at_once() -> String {
    let scope = Rc::new(CancelScope::new());
    let result = group(async |g| {
        let runs: Vec<_> = (1..=3)
            .map(|n| {
                let scope = scope.clone();
                g.spawn(probe(async move { Ok(probe(scope.run(nap(2 * n))).await.is_ok()) }))
            })
            .collect();
        nap(3).await;
        scope.cancel("the rest");
        let mut ends = Vec::new();
        for run in runs {
            ends.push(probe(run).await.unwrap_or(false));
        }
        Ok(ends)
    });
    end(result.await)
}

async fn checkpoints() -> String {
    let mut rounds = 0;
    let late = probe(timeout(ms(3), async {
        loop {
            probe(checkpoint()).await;
            rounds += 1;
            nap(1).await;
        }
        #[allow(unreachable_code)]
        ()
    }));
    let late = late.await.is_err();
    let result = group(async |g| {
        let task = g.spawn(probe(async {
            let reason = probe(shield(async {
                nap(3).await;
                cancel_reason()
            }));
            let reason = reason.await;
            probe(checkpoint()).await;
            drop(reason);
            Ok(parcel(1))
        }));
        nap(1).await;
        task.cancel("why");
        Ok(told(probe(task).await))
    });
    format!("{late} {rounds} {}", end(result.await))
}

/// Asks why it is cancelled when it is dropped, as a destructor may.
struct Asks<'a>(&'a RefCell<Vec<bool>>);

impl Drop for Asks<'_> {
    fn drop(&mut self) {
        let is_cancelled = cancel_reason().is_some();
        self.0.borrow_mut().push(is_cancelled);
    }
}

async fn who_asks_is_told() -> String {
    let told = RefCell::default();
    let result = group(async |g| {
        let task = g.spawn(probe(with_cleanup(
            async {
                let _asks = Asks(&told);
                loop {
                    let _guard = guard();
                    probe(checkpoint()).await;
                    nap(1).await;
                }
                #[allow(unreachable_code)]
                Ok(())
            },
            async |_| {
                let _asks = Asks(&told);
                probe(checkpoint()).await; // it is shielded: nobody has cancelled the cleanup
            },
        )));
        nap(2).await;
        task.cancel("enough");
        let scope = CancelScope::new();
        let rounds = probe(scope.run(async {
            let mut rounds = 0;
            while cancel_reason().is_none() {
                let _guard = guard();
                rounds += 1;
                if rounds == 3 {
                    scope.cancel("three");
                }
            }
            rounds
        }));
        Ok((rounds.await.ok(), probe(task).await.is_err()))
    });
    format!("{} {:?}", end(result.await), told.take())
}

static NUMBER: TaskLocal<u64> = TaskLocal::new();
static PARCEL: TaskLocal<Parcel> = TaskLocal::new();

async fn locals() -> String {
    let inside = probe(NUMBER.scope(1, async {
        let result = group(async |g| {
            let inherited = g.spawn(probe(async {
                nap(1).await;
                Ok(parcel(NUMBER.get().unwrap_or(0)))
            }));
            let own = g.spawn(probe(NUMBER.scope(2, async {
                nap(1).await;
                let inner =
                    group(async |g| Ok(told(g.spawn(probe(async { Ok(parcel(NUMBER.get().unwrap_or(0))) })).await)));
                drop(inner.await);
                Ok(parcel(NUMBER.get().unwrap_or(0)))
            })));
            Ok((told(inherited.await), told(own.await)))
        });
        end(result.await)
    }));
    format!("{} {:?}", inside.await, NUMBER.get())
}

/// Nobody inherits what has a guard: who is forgotten would keep it, as it shares it.
async fn locals_with_guards() -> String {
    let late = probe(timeout(
        ms(4),
        group(async |g| {
            g.spawn(probe(PARCEL.scope(parcel(2), nap(2))));
            g.spawn(nap(9));
            probe(PARCEL.scope(parcel(1), nap(9))).await;
            Ok(())
        }),
    ));
    let late = late.await.is_err();
    let number = probe(PARCEL.scope(parcel(3), async { PARCEL.with(|parcel| parcel.map_or(0, |parcel| parcel.0)) }));
    format!("{late} {}", number.await)
}
