//! A timeout for each task.

use super::block_on;
use std::time::Duration;
use taskgroup::{BoxError, boxed::task_group, sleep, timeout};

async fn answer(seconds: u64) -> Result<Option<u64>, BoxError> {
    let answer = timeout(Duration::from_secs(5), async {
        sleep(Duration::from_secs(seconds)).await;
        seconds
    });
    Ok(answer.await.ok())
}

pub(crate) fn main() -> Result<(), BoxError> {
    block_on(async {
        let tasks = task_group(async |g| Ok([1, 9, 2].map(|seconds| g.spawn(answer(seconds))))).await?;
        for task in tasks {
            match task.await? {
                Some(seconds) => println!("{seconds}"),
                None => println!("too late"),
            }
        }
        Ok(())
    })
}
