//! Tasks that borrow, shared and mutably.

use super::block_on;
use std::time::Duration;
use taskgroup::{BoxError, boxed::task_group, sleep};

pub(crate) fn main() -> Result<(), BoxError> {
    let mut numbers = [1, 2, 3, 4, 5];
    let factor = String::from("10");
    block_on(task_group(async |g| {
        for piece in numbers.chunks_mut(2) {
            let factor = &factor;
            g.spawn(async move {
                sleep(Duration::from_secs(1)).await;
                for number in piece {
                    *number *= factor.parse::<i32>()?;
                }
                Ok(())
            });
        }
        Ok(())
    }))?;
    println!("{numbers:?}"); // no task has it any more
    Ok(())
}
