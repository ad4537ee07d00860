//! The program of step 5: three things that take their time.

use super::{block_on, now, sleep_until, spawn};
use std::time::Duration;

// ANCHOR: breakfast
pub(crate) fn breakfast() {
    block_on(async {
        let start = now();
        for (dish, ms) in [("tea", 6), ("egg", 4), ("toast", 2)] {
            spawn(async move {
                println!("{dish} is put on");
                sleep_until(start + Duration::from_millis(ms)).await;
                println!("{dish} is ready");
            });
        }
    });
}
// ANCHOR_END: breakfast
