//! What happens to groups: each stage of the nursery plays those that it is about.

use super::lines::{HOUR, broken, ms, page, run, say};
use super::{show, task_group};
use taskgroup_runtime::sleep;

// ANCHOR: all_well
pub(crate) async fn all_well() {
    show(
        task_group(async |g| {
            g.spawn(page("home", ms(20)));
            g.spawn(page("news", ms(10)));
            say("the body is done");
            Ok(())
        })
        .await,
    );
}
// ANCHOR_END: all_well

// ANCHOR: two_fail
pub(crate) async fn two_fail() {
    show(
        task_group(async |g| {
            g.spawn(page("home", ms(20)));
            g.spawn(broken("news", ms(10)));
            g.spawn(broken("search", ms(10)));
            Ok(())
        })
        .await,
    );
}
// ANCHOR_END: two_fail

// ANCHOR: one_is_slow
pub(crate) async fn one_is_slow() {
    show(
        task_group(async |g| {
            g.spawn(page("archive", HOUR));
            g.spawn(page("home", HOUR));
            g.spawn(broken("news", ms(10)));
            Ok(())
        })
        .await,
    );
}
// ANCHOR_END: one_is_slow

// ANCHOR: links
pub(crate) async fn links() {
    show(
        task_group(async |g| {
            g.spawn(page("archive", HOUR));
            let inner = g.clone();
            g.spawn(async move {
                page("index", ms(10)).await?;
                inner.spawn(page("a link in it", ms(10)));
                Ok(())
            });
            Ok(())
        })
        .await,
    );
}
// ANCHOR_END: links

// ANCHOR: body_waits
pub(crate) async fn body_waits() {
    show(
        task_group(async |g| {
            g.spawn(page("archive", HOUR));
            g.spawn(broken("news", ms(10)));
            sleep(2 * HOUR).await; // for something else
            say("the body is done");
            Ok(())
        })
        .await,
    );
}
// ANCHOR_END: body_waits

// ANCHOR: body_fails
pub(crate) async fn body_fails() {
    show(
        task_group(async |g| {
            g.spawn(page("archive", HOUR));
            sleep(ms(10)).await;
            Err("the body has had enough".into())
        })
        .await,
    );
}
// ANCHOR_END: body_fails

/// Those in which the last stage and the crate do the same.
pub(crate) fn all() {
    run("all is well", all_well());
    run("one fails, and the others are slow", one_is_slow());
    run("a task spawns another", links());
    run("one fails while the body waits", body_waits());
    run("the body fails", body_fails());
}
