//! The clock, and waits that are no task's.

use super::parts::{after, end, group, ms, nap, step_aside};
use crate::{Program, guard, probe};
use std::cell::Cell;
use taskgroup::{MissedTicks, advance, hold, interval, now, sleep, sleep_until, yield_now};

pub(super) fn programs() -> Vec<Program> {
    vec![
        Program::new("time/sleeps", sleeps),
        Program::new("time/ticks", ticks),
        Program::new("time/giving_way", giving_way),
        Program::new("time/moved_by_hand", moved_by_hand),
    ]
}

async fn sleeps() -> String {
    let start = now();
    probe(sleep_until(start + ms(3))).await;
    probe(sleep(ms(0))).await;
    probe(sleep_until(start)).await;
    let made = sleep(ms(4));
    nap(2).await;
    probe(made).await;
    format!("{:?}", now() - start)
}

async fn ticks() -> String {
    let start = now();
    let mut seen = Vec::new();
    for missed in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        let mut ticks = interval(ms(2)).on_missed(missed);
        for n in 0..3 {
            nap(3 * n).await;
            seen.push((probe(ticks.tick()).await - start).as_millis());
        }
    }
    format!("{seen:?}")
}

async fn giving_way() -> String {
    let count = Cell::new(0);
    let result = group(async |g| {
        for n in 1..=4 {
            let count = &count;
            g.spawn(probe(async move {
                let _guard = guard();
                for _ in 0..n {
                    step_aside().await;
                    count.set(count.get() + 1);
                }
            }));
        }
        probe(yield_now()).await;
        Ok(())
    });
    format!("{} {}", end(result.await), count.get())
}

async fn moved_by_hand() -> String {
    let start = now();
    let result = group(async |g| {
        g.spawn(after(5, 1));
        g.spawn(after(50, 2));
        let hold = hold();
        let moved = advance(ms(10)).is_ok();
        step_aside().await;
        drop(hold);
        nap(1).await;
        Ok(moved)
    });
    format!("{} {:?}", end(result.await), now() - start)
}
