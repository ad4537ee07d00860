//! Who is cancelled cleans up, from the inside out, for as long as the group allows.

use super::block_on;
use std::time::{Duration, Instant};
use taskgroup::{BoxError, boxed::task_group, now, set_reporter, shield, sleep, with_cleanup};

const SECOND: Duration = Duration::from_secs(1);

async fn order(begin: Instant) -> Result<(), BoxError> {
    let say = |what: &str| println!("{} s: {what}", (now() - begin).as_secs());
    let transaction = with_cleanup(sleep_for_ever(), async |why| {
        sleep(SECOND).await;
        say(&format!("rolled back, since it {why}"));
    });
    with_cleanup(transaction, async |_why| {
        sleep(SECOND).await;
        say("said goodbye");
    })
    .await
}

async fn sleep_for_ever() -> Result<(), BoxError> {
    sleep(Duration::MAX).await;
    Ok(())
}

async fn breaks() -> Result<(), BoxError> {
    sleep(SECOND).await;
    Err("connection lost".into())
}

pub(crate) fn main() -> Result<(), BoxError> {
    set_reporter(Some(|report| println!("reported: {report}")));
    block_on(async {
        let begin = now();
        let ended = task_group(async |g| {
            g.grace(5 * SECOND);
            g.spawn(order(begin)).named("order");
            g.spawn(shield(sleep(2 * SECOND))).named("short shield");
            g.spawn(shield(sleep(60 * SECOND))).named("long shield");
            g.spawn(breaks()).named("network");
            Ok(())
        })
        .await;
        println!("{} s: {:#}", (now() - begin).as_secs(), ended.err().ok_or("network fails")?);
        Ok(())
    })
}
