//! Spawn several, read the results after the block.

use super::block_on;
use std::time::Duration;
use taskgroup::{BoxError, boxed::task_group, sleep};

async fn price(of: &str) -> Result<usize, BoxError> {
    sleep(Duration::from_secs(1)).await;
    Ok(of.len())
}

pub(crate) fn main() -> Result<(), BoxError> {
    block_on(async {
        let (tea, coffee) = task_group(async |g| {
            let tea = g.spawn(price("tea"));
            let coffee = g.spawn(price("coffee"));
            Ok((tea, coffee)) // the handles leave the group
        })
        .await?;
        println!("tea {}, coffee {}", tea.await?, coffee.await?); // both have ended: nobody waits here
        Ok(())
    })
}
