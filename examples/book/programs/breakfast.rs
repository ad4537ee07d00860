//! The program of step 5: three things that take their time.

use super::{block_on, sleep, spawn};
use std::time::Duration;

// ANCHOR: breakfast
pub(crate) fn breakfast() {
    block_on(async {
        for (dish, ms) in [("tea", 6), ("egg", 4), ("toast", 2)] {
            spawn(async move {
                println!("{dish} is put on");
                sleep(Duration::from_millis(ms)).await;
                println!("{dish} is ready");
            });
        }
    });
}
// ANCHOR_END: breakfast
