//! A cancel: a deadline, and a task with a cleanup inside it.

use super::block_on;
use std::time::Duration;
use taskgroup::{BoxError, boxed::task_group, sleep, timeout, with_cleanup};

const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn main() -> Result<(), BoxError> {
    let ended = block_on(timeout(2 * SECOND, task_group(async |g| {
        let upload = async {
            sleep(9 * SECOND).await;
            Ok::<_, BoxError>(())
        };
        let tidy = async |why| {
            sleep(SECOND).await;
            println!("upload {why}, and is tidy");
        };
        g.spawn(with_cleanup(upload, tidy)).named("upload");
        g.spawn(sleep(9 * SECOND)).named("clock");
        Ok(())
    })));
    println!("{}", ended.err().ok_or("it is late")?);
    Ok(())
}
