//! An error: from a task, through the group around it and the one around that, to the caller.

use super::block_on;
use std::time::Duration;
use taskgroup::{BoxError, boxed::task_group, sleep};

const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn main() -> Result<(), BoxError> {
    let ended = block_on(task_group(async |outer| {
        let basket = task_group(async |inner| {
            let price = async {
                sleep(SECOND).await;
                Err::<(), _>("no price".into())
            };
            inner.spawn(price).named("price");
            inner.spawn(sleep(3 * SECOND)).named("stock");
            Ok(())
        });
        outer.spawn_group(basket).named("basket");
        outer.spawn(sleep(3 * SECOND)).named("news");
        Ok(())
    }));
    println!("{:#}", ended.err().ok_or("price fails")?);
    Ok(())
}
