//! Deadlines: one inside another, and one that is moved.

use super::block_on;
use std::time::Duration;
use taskgroup::{BoxError, CancelScope, now, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn main() -> Result<(), BoxError> {
    block_on(async {
        let begin = now();
        let seconds = || (now() - begin).as_secs();

        let outer = timeout(3 * SECOND, async {
            let inner = timeout(SECOND, sleep(60 * SECOND)).await;
            println!("{} s: the inner one: {inner:?}", seconds());
            let inner = timeout(9 * SECOND, sleep(60 * SECOND)).await;
            println!("not reached: {inner:?}");
        })
        .await;
        println!("{} s: the outer one: {outer:?}", seconds());

        let idle = CancelScope::new();
        idle.set_timeout(4 * SECOND);
        let reader = idle.run(async {
            for pause in [1, 3, 2, 9] {
                sleep(pause * SECOND).await;
                println!("{} s: a message", seconds());
                idle.set_timeout(4 * SECOND);
            }
        });
        if reader.await.is_err() {
            println!("{} s: four seconds of silence", seconds());
        }
        Ok(())
    })
}
