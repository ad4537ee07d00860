//! Fetch a list, and stop at the first failure.

use super::block_on;
use std::time::Duration;
use taskgroup::{BoxError, ExceptionGroup, boxed::task_group, now, sleep};

async fn size(page: &str) -> Result<usize, BoxError> {
    sleep(Duration::from_secs(page.len() as u64)).await;
    if page == "/b" { Err("/b is gone".into()) } else { Ok(page.len()) }
}

/// The tasks borrow the pages from the caller.
async fn sizes(pages: &[String]) -> Result<Vec<usize>, ExceptionGroup> {
    task_group(async |g| {
        let tasks: Vec<_> = pages.iter().map(|page| g.spawn(size(page))).collect();
        let mut sizes = Vec::new();
        for task in tasks {
            sizes.push(task.await?);
        }
        Ok(sizes)
    })
    .await
}

pub(crate) fn main() -> Result<(), BoxError> {
    block_on(async {
        let begin = now();
        let seconds = || (now() - begin).as_secs();
        println!("{:?} after {} s", sizes(&["/index".into(), "/about".into()]).await?, seconds());
        if let Err(errors) = sizes(&["/index".into(), "/b".into(), "/about".into()]).await {
            for leaf in errors.leaves() {
                println!("{} after {} s", leaf.error(), seconds());
            }
        }
        Ok(())
    })
}
