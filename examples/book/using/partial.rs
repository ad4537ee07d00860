//! Successes and failures apart.

use super::block_on;
use std::time::Duration;
use taskgroup::{BoxError, What, boxed::task_group, sleep};

async fn fetch(page: &str, seconds: u64) -> Result<String, BoxError> {
    sleep(Duration::from_secs(seconds)).await;
    if page == "/b" { Err("/b is gone".into()) } else { Ok(page.to_uppercase()) }
}

pub(crate) fn main() -> Result<(), BoxError> {
    block_on(async {
        let mut tasks = Vec::new(); // around the group: it is there after a failure, too
        let ended = task_group(async |g| {
            for (page, seconds) in [("/a", 1), ("/b", 2), ("/c", 3)] {
                tasks.push((page, g.spawn(fetch(page, seconds)).named(page)));
            }
            Ok(())
        })
        .await;
        let Err(errors) = ended else { return Ok(()) };
        println!("errors: {}", errors.count());
        for (page, task) in &tasks {
            match (task.result(), errors.error_of(task)) {
                (Some(Ok(text)), _) => println!("{page}: {text}"),
                (_, Some(What::Error(error))) => println!("{page}: failed: {error}"),
                (Some(Err(error)), _) => println!("{page}: {}", error.kind()),
                _ => unreachable!("a group ends after its tasks"),
            }
        }
        println!("\n{errors:#}");
        Ok(())
    })
}
