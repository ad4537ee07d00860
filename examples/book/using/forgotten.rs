//! A group is forgotten while its task borrows something.

use super::block_on;
use futures_lite::future;
use std::mem;
use std::time::Duration;
use taskgroup::{BoxError, boxed::task_group, sleep};

const SECOND: Duration = Duration::from_secs(1);

struct Local(&'static str);

impl Drop for Local {
    fn drop(&mut self) {
        println!("{} is dropped", self.0);
    }
}

pub(crate) fn main() -> Result<(), BoxError> {
    block_on(async {
        {
            let local = Local("what the task borrows");
            let mut group = Box::pin(task_group(async |g| {
                g.spawn(async {
                    let _own = Local("what the task owns");
                    println!("the task has begun");
                    sleep(SECOND).await;
                    println!("the task reads {}", local.0);
                });
                Ok(())
            }));
            future::or(async { drop(group.as_mut().await) }, sleep(SECOND / 2)).await; // it runs for half a second
            mem::forget(group);
            println!("the group is forgotten");
        }
        sleep(2 * SECOND).await;
        println!("after two seconds the task has not run again");
        Ok(())
    })
}
