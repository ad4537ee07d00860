//! Two tasks that wait for each other: an error, and not a test that hangs.

use async_lock::Mutex;
use std::time::Duration;
use taskgroup::{BlockOnError, BoxError, Clock, Runtime, boxed::task_group, sleep};

async fn take(first: &Mutex<()>, second: &Mutex<()>) {
    let _first = first.lock().await;
    sleep(Duration::from_secs(1)).await;
    let _second = second.lock().await;
}

pub(crate) fn main() -> Result<(), BoxError> {
    let (left, right) = (Mutex::new(()), Mutex::new(()));
    let ended = Runtime::with_clock(Clock::Autojump).try_block_on(task_group(async |g| {
        g.spawn(take(&left, &right)).named("one");
        g.spawn(take(&right, &left)).named("other");
        Ok(())
    }));
    if let Err(BlockOnError::Stalled(stall)) = ended {
        println!("{stall}");
    }
    Ok(())
}
