//! One after the other, and at once.

use super::block_on;
use std::time::Duration;
use taskgroup::{BoxError, boxed::task_group, now, sleep};

pub(crate) fn main() -> Result<(), BoxError> {
    block_on(async {
        let begin = now();
        for seconds in [3, 2, 1] {
            sleep(Duration::from_secs(seconds)).await;
        }
        println!("in turn: {} s", (now() - begin).as_secs());

        let begin = now();
        task_group(async |g| {
            for seconds in [3, 2, 1] {
                g.spawn(sleep(Duration::from_secs(seconds)));
            }
            Ok(())
        })
        .await?;
        println!("at once: {} s", (now() - begin).as_secs());
        Ok(())
    })
}
