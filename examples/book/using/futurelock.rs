//! A group that nobody polls: its task holds a lock, and who has left it alone wants that lock.

use async_lock::Mutex;
use futures_lite::future;
use std::pin::pin;
use std::time::Duration;
use taskgroup::{BlockOnError, BoxError, Clock, Runtime, Watchdog, boxed::task_group, set_reporter, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// The group gets a second, and is then left where it is.
async fn wrong(lock: &Mutex<()>) {
    let mut group = pin!(task_group(async |g| {
        g.spawn(async {
            let _guard = lock.lock().await;
            sleep(2 * SECOND).await;
        })
        .named("holder");
        Ok(())
    }));
    future::or(async { drop(group.as_mut().await) }, sleep(SECOND)).await;
    lock.lock().await; // the holder wakes at two seconds, and nobody polls it
    println!("not reached");
}

/// The group gets a second, and is then cancelled.
async fn right(lock: &Mutex<()>) {
    let group = task_group(async |g| {
        g.spawn(async {
            let _guard = lock.lock().await;
            sleep(2 * SECOND).await;
        })
        .named("holder");
        Ok(())
    });
    let late = timeout(SECOND, group).await.is_err();
    lock.lock().await;
    println!("late: {late}, and the lock is free");
}

pub(crate) fn main() -> Result<(), BoxError> {
    set_reporter(Some(|report| println!("{report}\n")));
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.instrument(Watchdog::with_limit(Duration::MAX));
    if let Err(BlockOnError::Stalled(stall)) = runtime.try_block_on(wrong(&Mutex::new(()))) {
        println!("{stall}");
    }
    runtime.block_on(right(&Mutex::new(())));
    Ok(())
}
