//! A resource for each task, which has to be closed with an await.

use super::block_on;
use std::time::{Duration, Instant};
use taskgroup::{BoxError, boxed::task_group, now, sleep, with_resource};

struct Connection {
    name: &'static str,
}

impl Connection {
    async fn run(&mut self) -> Result<(), BoxError> {
        sleep(Duration::from_secs(1)).await;
        if self.name == "db" {
            return Err("db is down".into());
        }
        sleep(Duration::from_secs(60)).await;
        Ok(())
    }

    async fn close(self, begin: Instant) {
        sleep(Duration::from_secs(2)).await; // say goodbye
        println!("{} closed after {} s", self.name, (now() - begin).as_secs());
    }
}

pub(crate) fn main() -> Result<(), BoxError> {
    block_on(async {
        let begin = now();
        let ended = task_group(async |g| {
            for name in ["db", "cache"] {
                let connection = Connection { name };
                let work = with_resource(connection, async |c| c.run().await, async |c, _why| c.close(begin).await);
                g.spawn(work).named(name);
            }
            Ok(())
        })
        .await;
        if let Err(errors) = ended {
            println!("{}", errors.leaves().map(|leaf| leaf.error().to_string()).collect::<String>());
        }
        Ok(())
    })
}
