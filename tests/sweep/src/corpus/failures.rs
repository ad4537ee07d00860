//! Groups in which something fails.

use super::parts::{Word, after, end, fail_after, group, nap, parcel, shape, step_aside, told};
use crate::{Program, guard, probe};
use taskgroup::{BoxError, Elapsed, ExceptionGroup, boxed, sleep, task_group, timeout};

use super::parts::ms;

pub(super) fn programs() -> Vec<Program> {
    vec![
        Program::new("failures/first_cancels_the_rest", first_cancels_the_rest),
        Program::new("failures/two_at_one_instant", two_at_one_instant),
        Program::new("failures/the_body_fails", the_body_fails),
        Program::new("failures/body_and_task", body_and_task),
        Program::new("failures/nested_trees", nested_trees),
        Program::new("failures/a_group_fails_while_cancelled", a_group_fails_while_cancelled),
        Program::new("failures/boxed_by_question_mark", boxed_by_question_mark),
        Program::new("failures/a_spawn_is_refused", a_spawn_is_refused),
        Program::new("failures/handled_and_gone_on", handled_and_gone_on),
        Program::new("failures/one_error_of_each_task", one_error_of_each_task),
    ]
}

async fn first_cancels_the_rest() -> String {
    let result = group(async |g| {
        let _guard = guard();
        g.spawn(after(9, 1));
        g.spawn(fail_after(2, "A"));
        g.spawn(nap(9));
        nap(9).await;
        Ok(())
    });
    end(result.await)
}

async fn two_at_one_instant() -> String {
    let result = group(async |g| {
        g.spawn(fail_after(2, "A"));
        g.spawn(fail_after(2, "B"));
        g.spawn(after(2, 3));
        Ok(parcel(1))
    });
    // Which of the two comes first depends on the order of their wakes.
    match result.await {
        Ok(_) => "no error".to_owned(),
        Err(errors) => {
            let mut words: Vec<Word> = errors.leaves().map(|leaf| *leaf.error()).collect();
            words.sort_unstable();
            format!("{words:?}")
        }
    }
}

async fn the_body_fails() -> String {
    let result = group(async |g| {
        g.spawn(after(9, 1));
        g.spawn(nap(9));
        nap(2).await;
        Err::<(), _>("body")
    });
    end(result.await)
}

async fn body_and_task() -> String {
    let result = group(async |g| {
        let task = g.spawn(fail_after(1, "task"));
        let joined = probe(task).await;
        nap(1).await;
        joined.map_err(|_| "body")
    });
    end(result.await)
}

async fn nested_trees() -> String {
    let result = group(async |g| {
        g.spawn_group(group(async |g| {
            g.spawn(fail_after(1, "A"));
            g.spawn_group(group(async |g| {
                g.spawn(fail_after(1, "B"));
                nap(5).await;
                Ok(())
            }));
            Ok(())
        }));
        nap(9).await;
        Ok(())
    });
    let mut words: Vec<Word> = match result.await {
        Ok(()) => Vec::new(),
        Err(errors) => errors.leaves().map(|leaf| *leaf.error()).collect(),
    };
    words.sort_unstable();
    format!("{words:?}")
}

/// The inner group fails on its way out: its errors are returned, and the cancel lands at the next await.
async fn a_group_fails_while_cancelled() -> String {
    let result = group(async |g| {
        let task = g.spawn(probe(async {
            let inner = group(async |g| {
                g.spawn(fail_after(2, "inner"));
                g.spawn(nap(9));
                nap(9).await;
                Ok(())
            });
            let ended = end(inner.await);
            nap(1).await;
            Ok(parcel(ended.len() as u64))
        }));
        nap(1).await;
        g.spawn(fail_after(1, "outer"));
        nap(1).await;
        Ok(told(task.await))
    });
    end(result.await)
}

async fn boxed_by_question_mark() -> String {
    async fn inner() -> Result<(), BoxError> {
        probe(boxed::task_group(async |g| {
            g.spawn(async {
                nap(1).await;
                let _: u32 = "seven".parse()?;
                Ok(())
            });
            nap(3).await;
            Ok(())
        }))
        .await?;
        Ok(())
    }
    let result: Result<(), ExceptionGroup<BoxError>> = probe(task_group(async |g| {
        g.spawn(inner());
        nap(5).await;
        timeout(ms(1), sleep(ms(9))).await.map_err(|error: Elapsed| error)?;
        Ok(())
    }))
    .await;
    result.map_or_else(|errors| shape(&errors), |()| "no error".to_owned())
}

async fn a_spawn_is_refused() -> String {
    let result = group(async |g| {
        g.spawn(fail_after(1, "A"));
        g.spawn(probe(async {
            nap(9).await;
        }));
        let late = probe(async {
            g.cancel("enough");
            let refused = g.spawn(after(1, 1)).await;
            let back = g.try_spawn(after(1, 2)).err().map(|error| error.into_future());
            let ran_elsewhere = match back {
                Some(future) => future.await.map_or(0, |parcel| parcel.0),
                None => 0,
            };
            format!("{} {ran_elsewhere}", told(refused))
        });
        Ok(late.await)
    });
    end(result.await)
}

async fn handled_and_gone_on() -> String {
    let mut said = String::new();
    for (n, error) in [(1, "A"), (2, "B")] {
        let result = group(async |g| {
            g.spawn(after(2, n));
            g.spawn(fail_after(n, error));
            Ok(())
        });
        if let Err(errors) = result.await {
            said += errors.single().unwrap_or("more");
        }
        step_aside().await;
    }
    said
}

async fn one_error_of_each_task() -> String {
    let mut tasks = Vec::new();
    let result = group(async |g| {
        tasks.push(g.spawn(fail_after(2, "A")).named("a"));
        tasks.push(g.spawn(fail_after(5, "never")).named("b"));
        Ok(())
    });
    let Err(errors) = result.await else { return "no error".to_owned() };
    let errors: Vec<_> = tasks.iter().map(|task| errors.error_of(task).is_some()).collect();
    format!("{errors:?}")
}
