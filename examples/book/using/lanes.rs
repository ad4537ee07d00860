//! The pictures of success and failure.

use super::block_on;
use std::time::Duration;
use taskgroup::{BoxError, boxed::task_group, sleep};

async fn job(seconds: u64, error: Option<&str>) -> Result<(), BoxError> {
    sleep(Duration::from_secs(seconds)).await;
    error.map_or(Ok(()), |error| Err(error.into()))
}

async fn show(jobs: &[(&'static str, u64, Option<&str>)]) {
    let mut tasks = Vec::new();
    let ended = task_group(async |g| {
        for (name, seconds, error) in jobs {
            tasks.push((name, g.spawn(job(*seconds, *error)).named(*name)));
        }
        Ok(())
    })
    .await;
    for (name, task) in &tasks {
        match task.result() {
            Some(Ok(())) => println!("[{name}] --> done"),
            Some(Err(error)) if error.is_cancelled() => println!("[{name}] --X cancelled"),
            _ => println!("[{name}] --X failed"),
        }
    }
    match &ended {
        Ok(()) => println!("all done"),
        Err(errors) => errors.leaves().for_each(|leaf| println!("{}", leaf.error())),
    }
}

pub(crate) fn main() -> Result<(), BoxError> {
    block_on(async {
        show(&[("A", 1, None), ("B", 2, None)]).await;
        show(&[("A", 1, None), ("B", 2, Some("broken")), ("C", 3, None)]).await;
        Ok(())
    })
}
