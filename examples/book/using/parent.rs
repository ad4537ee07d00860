//! A task cancels its parent.

use super::block_on;
use std::time::Duration;
use taskgroup::{BoxError, CancelScope, boxed::task_group, now, sleep};

async fn search(parent: &CancelScope) {
    sleep(Duration::from_secs(1)).await;
    parent.cancel("found");
}

pub(crate) fn main() -> Result<(), BoxError> {
    block_on(async {
        let begin = now();
        let parent = CancelScope::new();
        let ended = parent.run(task_group(async |g| {
            g.spawn(sleep(Duration::from_secs(60)));
            g.spawn(search(&parent));
            Ok(())
        }));
        if let Err(why) = ended.await {
            println!("{why}, after {} s", (now() - begin).as_secs());
        }
        Ok(())
    })
}
