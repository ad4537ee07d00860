//! What becomes of those that lose: in a race, and in a select of another crate.

use super::block_on;
use futures_lite::future;
use std::pin::pin;
use std::time::Duration;
use taskgroup::{BoxError, race, sleep, with_cleanup};

async fn mirror(name: &'static str, seconds: u64) -> Result<&'static str, BoxError> {
    let download = async {
        sleep(Duration::from_secs(seconds)).await;
        Ok(name)
    };
    with_cleanup(download, async |why| println!("  {name} says goodbye: it {why}")).await
}

pub(crate) fn main() -> Result<(), BoxError> {
    block_on(async {
        println!("`race` of taskgroup:");
        let first = race([mirror("near", 1), mirror("far", 2)]).await;
        println!("  the first: {:?}", first.map_err(|lost| lost.to_string()));

        println!("`or` of futures-lite:");
        let first = future::or(pin!(mirror("near", 1)), mirror("far", 2)).await;
        println!("  the first: {:?}", first.map_err(|error| error.to_string()));
        Ok(())
    })
}
