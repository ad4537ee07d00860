//! Handles: joined late, joined by many, joined in circles.

use super::parts::{after, end, fail_after, group, ms, nap, parcel, step_aside, told};
use crate::{Program, guard, probe};
use futures_util::future::{Either, select};
use std::cell::RefCell;
use std::pin::pin;
use taskgroup::{Task, timeout};

pub(super) fn programs() -> Vec<Program> {
    vec![
        Program::new("joins/a_circle_with_deadlines", a_circle_with_deadlines),
        Program::new("joins/the_first_of_two", the_first_of_two),
        Program::new("joins/of_what_was_cancelled", of_what_was_cancelled),
        Program::new("joins/a_handle_that_moves", a_handle_that_moves),
        Program::new("joins/dropped_while_waiting", dropped_while_waiting),
        Program::new("joins/of_an_outer_task", of_an_outer_task),
        Program::new("joins/of_what_failed", of_what_failed),
    ]
}

/// Each waits for the next, and nobody would ever end; deadlines break the circle.
async fn a_circle_with_deadlines() -> String {
    let ring: RefCell<Vec<Option<Task<()>>>> = RefCell::default();
    let result = group(async |g| {
        for n in 0..3 {
            let ring = &ring;
            let task = g.spawn(probe(async move {
                let _guard = guard();
                step_aside().await;
                let next = ring.borrow_mut()[(n + 1) % 3].take();
                if let Some(next) = next {
                    let late = pin!(probe(timeout(ms(3 + n as u64), nap(20))));
                    drop(select(probe(next), late).await);
                }
            }));
            ring.borrow_mut().push(Some(task));
        }
        Ok(())
    });
    end(result.await)
}

async fn the_first_of_two() -> String {
    let result = group(async |g| {
        let (a, b) = (g.spawn(after(3, 1)), g.spawn(after(5, 2)));
        match probe(select(a, b)).await {
            Either::Left((first, second)) => {
                second.cancel("lost");
                Ok((told(first), told(probe(second).await)))
            }
            Either::Right((second, _)) => Ok((told(second), String::new())),
        }
    });
    end(result.await)
}

async fn of_what_was_cancelled() -> String {
    let result = group(async |g| {
        let target = g.spawn(after(9, 1));
        let waiter = g.spawn(probe(async move {
            let short = probe(timeout(ms(1), nap(2))).await.is_err();
            Ok(parcel(told(target.await).len() as u64 + u64::from(short)))
        }));
        nap(3).await;
        waiter.cancel("waiter");
        let said = told(probe(waiter).await);
        g.cancel("all");
        Ok(said)
    });
    end(result.await)
}

async fn a_handle_that_moves() -> String {
    let result = group(async |g| {
        let mut task = g.spawn(after(5, 1));
        for n in 1..=3 {
            if probe(timeout(ms(n), &mut task)).await.is_ok() {
                return Ok("too early".to_owned());
            }
        }
        let last = g.spawn(probe(async move { Ok(parcel(told(task.await).len() as u64)) }));
        Ok(told(probe(last).await))
    });
    end(result.await)
}

async fn dropped_while_waiting() -> String {
    let result = group(async |g| {
        let target = g.spawn(after(4, 1));
        let waited = {
            let waiting = pin!(probe(target));
            let nap = pin!(nap(1));
            matches!(select(waiting, nap).await, Either::Right(_))
        };
        nap(1).await;
        Ok(waited)
    });
    end(result.await)
}

async fn of_an_outer_task() -> String {
    let result = group(async |g| {
        let mut outer = g.spawn(after(4, 7));
        let inner = group(async |inner| {
            let quick = inner.spawn(after(1, 1));
            let both = (told(probe(quick).await), told(probe(&mut outer).await));
            Ok(both)
        });
        let inner = end(inner.await);
        Ok(inner)
    });
    end(result.await)
}

async fn of_what_failed() -> String {
    let mut failing = None;
    let result = group(async |g| {
        let mut task = g.spawn(fail_after(2, "A"));
        let said = probe(&mut task).await.is_err();
        failing = Some((task, said));
        nap(9).await;
        Ok(())
    });
    let ended = end(result.await);
    let kind = match failing {
        Some((task, said)) => format!("{said} {:?}", task.await.map_err(|error| error.kind().clone())),
        None => "the body was cancelled first".to_owned(),
    };
    format!("{ended} {}", kind.len() > 1)
}
