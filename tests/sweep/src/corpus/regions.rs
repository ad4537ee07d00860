//! Cleanups that wait, and shields; cut short by grace.

use super::parts::{Ends, after, die, end, fail_after, group, ms, nap, note, parcel, step_aside, told};
use crate::{Program, guard, probe, value};
use futures_util::future::{Either, select};
use futures_util::join;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::cell::RefCell;
use std::pin::pin;
use taskgroup::{CancelScope, shield, timeout, with_cleanup};

pub(super) fn programs() -> Vec<Program> {
    vec![
        Program::new("regions/however_the_body_ends", however_the_body_ends),
        Program::new("regions/innermost_first", innermost_first),
        Program::new("regions/a_cleanup_opens_a_group", a_cleanup_opens_a_group),
        Program::new("regions/a_cleanup_fails", a_cleanup_fails),
        Program::new("regions/shielded", shielded),
        Program::new("regions/beside_each_other", beside_each_other),
        Program::new("regions/unordered", unordered).leaks_when_a_drop_panics(),
        Program::new("regions/polled_once_and_left", polled_once_and_left),
        Program::new("regions/cut_off_by_a_group", cut_off_by_a_group),
        Program::new("regions/cut_off_by_a_scope", cut_off_by_a_scope),
        Program::new("regions/a_panic_is_cleaned_up_after", a_panic_is_cleaned_up_after).panics(),
        Program::new("regions/cancelled_again_in_the_cleanup", cancelled_again_in_the_cleanup),
    ]
}

/// Naps, and then naps again to clean up.
async fn cleaned<'a>(ends: Ends<'a>, name: &'static str, body: u64, cleanup: u64) -> Result<(), &'static str> {
    probe(with_cleanup(
        async {
            nap(body).await;
            Ok(())
        },
        async |why| {
            nap(cleanup).await;
            note(ends, name, &why);
        },
    ))
    .await
}

async fn however_the_body_ends() -> String {
    let ends = RefCell::default();
    let result = group(async |g| {
        g.spawn(cleaned(&ends, "a", 1, 1));
        g.spawn(cleaned(&ends, "b", 9, 2));
        g.spawn(probe(with_cleanup(fail_after(2, "E"), async |why| {
            nap(1).await;
            note(&ends, "c", &why);
        })));
        nap(9).await;
        Ok(())
    });
    format!("{} {:?}", end(result.await), ends.take())
}

async fn innermost_first() -> String {
    let ends = RefCell::default();
    let late = probe(timeout(
        ms(3),
        with_cleanup(
            async {
                probe(with_cleanup(
                    async {
                        cleaned(&ends, "inner", 9, 1).await?;
                        Ok::<_, &str>(parcel(1))
                    },
                    async |why| {
                        nap(1).await;
                        note(&ends, "middle", &why);
                    },
                ))
                .await
            },
            async |why| {
                nap(1).await;
                note(&ends, "outer", &why);
            },
        ),
    ));
    format!("{} {:?}", late.await.is_err(), ends.take())
}

async fn a_cleanup_opens_a_group() -> String {
    let ends = RefCell::<Vec<String>>::default();
    let late = probe(timeout(
        ms(3),
        with_cleanup(
            async {
                nap(9).await;
                Ok::<_, &str>(())
            },
            async |why| {
                let inner = group(async |g| {
                    g.spawn(after(2, 1));
                    let task = g.spawn(after(1, 2));
                    let late = probe(timeout(ms(1), nap(5))).await.is_err();
                    Ok((told(task.await), late))
                });
                let said = end(inner.await);
                ends.borrow_mut().push(said);
                note(&ends, "outer", &why);
            },
        ),
    ));
    format!("{} {:?}", late.await.is_err(), ends.take())
}

async fn a_cleanup_fails() -> String {
    let result = group(async |g| {
        let task = g.spawn(probe(async {
            let failed = probe(with_cleanup(
                async {
                    nap(9).await;
                    Ok(())
                },
                async |_| {
                    nap(1).await;
                    Err("cleanup")
                },
            ));
            failed.await
        }));
        nap(2).await;
        task.cancel("clean up");
        nap(9).await;
        Ok(())
    });
    end(result.await)
}

async fn shielded() -> String {
    let mut halves = 0;
    let late = probe(timeout(ms(2), async {
        probe(shield(async {
            let _guard = guard();
            nap(4).await;
            halves += 1;
            let inner = group(async |g| Ok(told(g.spawn(after(1, 1)).await)));
            drop(inner.await);
            halves += 1;
        }))
        .await;
        nap(9).await;
        halves += 1;
    }));
    let late = late.await.is_err();
    let never = probe(shield(after(1, 7))).await.is_ok();
    format!("{late} {never} {halves}")
}

async fn beside_each_other() -> String {
    let ends = RefCell::default();
    let result = group(async |g| {
        let task = g.spawn(probe(async {
            let _ = join!(cleaned(&ends, "a", 9, 1), nap(9), cleaned(&ends, "b", 9, 3), probe(shield(nap(5))));
        }));
        nap(2).await;
        task.cancel("both");
        Ok(probe(task).await.is_err())
    });
    format!("{} {:?}", end(result.await), ends.take())
}

async fn unordered() -> String {
    let ends = RefCell::default();
    let late = probe(timeout(ms(3), async {
        let mut all: FuturesUnordered<_> = (1..=4).map(|n| cleaned(&ends, "one", 2 * n, 1)).collect();
        while all.next().await.is_some() {}
    }));
    format!("{} {:?}", late.await.is_err(), ends.take())
}

async fn polled_once_and_left() -> String {
    let ends = RefCell::default();
    let late = probe(timeout(ms(4), async {
        let left = Box::pin(cleaned(&ends, "left", 9, 1));
        let left = match select(left, pin!(nap(1))).await {
            Either::Left(_) => return,
            Either::Right(((), left)) => left,
        };
        nap(9).await;
        let _ = left.await;
    }));
    format!("{} {:?}", late.await.is_err(), ends.take())
}

async fn cut_off_by_a_group() -> String {
    let ends = RefCell::default();
    let result = group(async |g| {
        g.grace(ms(3));
        g.spawn(cleaned(&ends, "quick", 9, 1));
        g.spawn(cleaned(&ends, "slow", 9, 50));
        g.spawn(probe(shield(nap(60))));
        nap(2).await;
        g.cancel("enough");
        Ok(parcel(1))
    });
    format!("{} {:?}", end(result.await), ends.take())
}

async fn cut_off_by_a_scope() -> String {
    let ends = RefCell::default();
    let scope = CancelScope::new();
    scope.grace(ms(2));
    scope.set_timeout(ms(3));
    let cancelled = probe(scope.run(async {
        let inner = group(async |g| {
            g.spawn(cleaned(&ends, "slow", 9, 50));
            g.spawn(probe(shield(nap(60))));
            cleaned(&ends, "body", 9, 1).await
        });
        drop(inner.await);
    }));
    let cut_off = cancelled.await.is_err_and(|cancelled| cancelled.was_cut_off());
    format!("{cut_off} {:?}", ends.take())
}

async fn a_panic_is_cleaned_up_after() {
    let ends = RefCell::default();
    let kept = value();
    let result = group(async |g| {
        g.spawn(cleaned(&ends, "sibling", 9, 2));
        g.spawn(probe(with_cleanup(
            async {
                nap(1).await;
                die("body");
                Ok(())
            },
            async |why| {
                nap(1).await;
                note(&ends, "panicked", &why);
            },
        )));
        nap(9).await;
        Ok(())
    });
    drop(result.await);
    drop(kept);
}

async fn cancelled_again_in_the_cleanup() -> String {
    let ends = RefCell::default();
    let result = group(async |g| {
        let task = g.spawn(cleaned(&ends, "once", 9, 3));
        nap(1).await;
        task.cancel("first");
        nap(1).await;
        task.cancel("second");
        step_aside().await;
        g.cancel("third");
        Ok(probe(task).await.is_err())
    });
    format!("{} {:?}", end(result.await), ends.take())
}
