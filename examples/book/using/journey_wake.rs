//! A wake: one task lets go of a lock, and another, one group deeper, goes on.

use super::block_on;
use async_lock::Mutex;
use std::time::Duration;
use taskgroup::{BoxError, boxed::task_group, sleep};

pub(crate) fn main() -> Result<(), BoxError> {
    let lock = Mutex::new(());
    block_on(task_group(async |outer| {
        let holder = async {
            let _guard = lock.lock().await;
            sleep(Duration::from_secs(1)).await;
            println!("holder lets go");
        };
        let waiter = async {
            lock.lock().await;
            println!("waiter goes on");
        };
        outer.spawn(holder).named("holder");
        let inner = task_group(async |inner| {
            inner.spawn(waiter).named("waiter");
            Ok(())
        });
        outer.spawn_group(inner).named("owner");
        Ok(())
    }))?;
    Ok(())
}
