//! A small program with a known result: a runtime that runs it rightly is usable.

use std::time::Duration;
use taskgroup::{ExceptionGroup, now, sleep, task_group, timeout, yield_now};

/// A sum, a count of errors, whether a deadline passed, and how many milliseconds it took.
pub(crate) type Result = (u64, usize, bool, u128);

/// What the reference program ends in.
pub(crate) const RESULT: Result = (42, 1, true, 5);

/// Two tasks that are joined, one that fails beside one that would sleep for ever, a deadline that passes.
pub(crate) async fn program() -> Result {
    let start = now();
    let joined: std::result::Result<u64, ExceptionGroup<()>> = task_group(async |g| {
        let (a, b) = (g.spawn(later(2, 40)), g.spawn(later(1, 2)));
        yield_now().await;
        Ok(a.await.unwrap_or(0) + b.await.unwrap_or(0))
    })
    .await;
    let failed: std::result::Result<(), ExceptionGroup<()>> = task_group(async |g| {
        g.spawn(sleep(Duration::MAX));
        g.spawn(async {
            sleep(Duration::from_millis(1)).await;
            Err::<(), ()>(())
        });
        Ok(())
    })
    .await;
    let late = timeout(Duration::from_millis(2), sleep(Duration::from_secs(1))).await;
    let errors = failed.err().map_or(0, |errors| errors.leaves().count());
    (joined.unwrap_or(0), errors, late.is_err(), (now() - start).as_millis())
}

async fn later(ms: u64, value: u64) -> std::result::Result<u64, ()> {
    sleep(Duration::from_millis(ms)).await;
    Ok(value)
}
