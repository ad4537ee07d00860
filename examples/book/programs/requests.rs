//! The program of step 6: requests, each with a timeout that it does not need.

#[path = "within.rs"]
mod within;

use super::{armed, block_on, sleep, spawn, yield_now};
use std::time::Duration;
use within::within;

// ANCHOR: requests
pub(crate) fn requests() {
    const HOUR: Duration = Duration::from_secs(3600);
    let left = block_on(async {
        for _ in 0..1000 {
            spawn(async {
                let request = yield_now(); // it is answered soon
                assert!(within(sleep(HOUR), request).await.is_some());
            });
        }
        for _ in 0..3 {
            yield_now().await; // all of them end
        }
        armed()
    });
    println!("1000 requests are answered, {left} timers are armed");
}
// ANCHOR_END: requests
