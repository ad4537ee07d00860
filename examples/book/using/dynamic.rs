//! Tasks that spawn tasks.

use super::block_on;
use std::cell::RefCell;
use std::time::Duration;
use taskgroup::{BoxError, TaskGroup, boxed::task_group, sleep};

type Group<'scope, 'env> = TaskGroup<'scope, 'env, BoxError>;

fn links(page: &str) -> &'static [&'static str] {
    match page {
        "/" => &["/a", "/b"],
        "/a" => &["/b", "/c"],
        _ => &[],
    }
}

async fn visit<'scope>(g: &'scope Group<'scope, '_>, page: &'static str, seen: &'scope RefCell<Vec<&'static str>>) {
    sleep(Duration::from_secs(1)).await;
    for link in links(page) {
        if !seen.borrow().contains(link) {
            seen.borrow_mut().push(link);
            g.spawn(visit(g, link, seen));
        }
    }
}

pub(crate) fn main() -> Result<(), BoxError> {
    block_on(async {
        let seen = RefCell::new(vec!["/"]);
        task_group(async |g| {
            g.spawn(visit(g, "/", &seen));
            Ok(())
        })
        .await?;
        println!("read {}", seen.into_inner().join(" "));
        Ok(())
    })
}
