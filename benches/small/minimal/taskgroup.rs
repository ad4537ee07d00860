use std::time::Duration;
use taskgroup::{BoxError, ExceptionGroup, block_on, sleep, task_group};

const WHILE: Duration = Duration::from_millis(300);

fn main() -> Result<(), ExceptionGroup<BoxError>> {
    block_on(task_group(async |g| {
        g.spawn(sleep(WHILE));
        g.spawn(sleep(WHILE));
        Ok(())
    }))
}
