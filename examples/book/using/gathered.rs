//! Gather, in the order of the arguments.

use super::block_on;
use std::time::Duration;
use taskgroup::{BoxError, gather, sleep};

async fn after(seconds: u64) -> Result<u64, BoxError> {
    sleep(Duration::from_secs(seconds)).await;
    println!("{seconds} is done");
    Ok(seconds)
}

pub(crate) fn main() -> Result<(), BoxError> {
    block_on(async {
        println!("{:?}", gather([3, 1, 2].map(after)).await?);
        Ok(())
    })
}
