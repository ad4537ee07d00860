//! The program of step 7: a gauge that is read every six hours, for three days.

use super::{Clock, block_on, now, sleep, spawn};
use std::future::pending;
use std::time::Duration;

// ANCHOR: three_days
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn three_days() {
    let readings = block_on(Clock::Virtual, async {
        spawn(async {
            sleep(33 * HOUR).await;
            println!("{:>5} h: the battery is changed", now().as_secs_f64() / 3600.0);
        });
        let mut readings = 0;
        while now() < 72 * HOUR {
            sleep(6 * HOUR).await;
            readings += 1;
        }
        println!("{:>5} h: {readings} readings", now().as_secs_f64() / 3600.0);
        readings
    });
    assert_eq!(readings.ok(), Some(12));

    let stalled = block_on(Clock::Virtual, pending::<()>()).expect_err("nobody wakes it");
    println!("stalled: {} task waits, and nothing will ever wake it", stalled.tasks);
}
// ANCHOR_END: three_days
