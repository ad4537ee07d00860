//! Await a task inside the block.

use super::block_on;
use std::time::Duration;
use taskgroup::{BoxError, boxed::task_group, now, sleep};

async fn breaks() -> Result<(), BoxError> {
    sleep(Duration::from_secs(1)).await;
    Err("broken".into())
}

pub(crate) fn main() -> Result<(), BoxError> {
    block_on(async {
        let begin = now();
        let ended = task_group(async |g| {
            let slow = g.spawn(sleep(Duration::from_secs(60)));
            g.spawn(breaks());
            let _ = slow.await;
            println!("this line is not reached");
            Ok(())
        })
        .await;
        for leaf in ended.as_ref().err().iter().flat_map(|errors| errors.leaves()) {
            println!("{} after {} s", leaf.error(), (now() - begin).as_secs());
        }
        Ok(())
    })
}
