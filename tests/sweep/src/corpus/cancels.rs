//! Tasks that are cancelled: by siblings, by themselves, too early, too late, twice.

use super::parts::{after, end, fail_after, group, nap, parcel, result_of, step_aside, told};
use crate::{Program, guard, probe};
use std::cell::RefCell;
use std::rc::Rc;
use taskgroup::Task;

pub(super) fn programs() -> Vec<Program> {
    vec![
        Program::new("cancels/by_the_body", by_the_body),
        Program::new("cancels/by_a_sibling", by_a_sibling),
        Program::new("cancels/by_itself", by_itself),
        Program::new("cancels/before_the_first_poll", before_the_first_poll),
        Program::new("cancels/after_the_end_and_twice", after_the_end_and_twice),
        Program::new("cancels/a_group_in_a_group", a_group_in_a_group),
        Program::new("cancels/the_whole_group", the_whole_group),
        Program::new("cancels/in_a_chain", in_a_chain),
        Program::new("cancels/in_a_ring", in_a_ring),
        Program::new("cancels/with_a_ready_result", with_a_ready_result),
        Program::new("cancels/a_failure_meets_a_cancel", a_failure_meets_a_cancel),
    ]
}

async fn by_the_body() -> String {
    let result = group(async |g| {
        let tasks = [g.spawn(after(9, 1)), g.spawn(after(3, 2)), g.spawn(after(9, 3))];
        nap(1).await;
        let asked = [tasks[0].cancel("one"), tasks[2].cancel("three")];
        let mut all = Vec::new();
        for task in tasks {
            all.push(told(probe(task).await));
        }
        Ok((asked, all))
    });
    end(result.await)
}

async fn by_a_sibling() -> String {
    let result = group(async |g| {
        let victim = Rc::new(g.spawn(after(9, 1)));
        let seen = victim.clone();
        g.spawn(probe(async move {
            nap(2).await;
            victim.cancel("sibling");
            nap(1).await;
        }));
        nap(4).await;
        Ok(result_of(&seen))
    });
    end(result.await)
}

async fn by_itself() -> String {
    let own: RefCell<Option<Task<()>>> = RefCell::new(None);
    let result = group(async |g| {
        let task = g.spawn(probe(async {
            let _guard = guard();
            nap(1).await;
            if let Some(own) = &*own.borrow() {
                own.cancel("myself");
            }
            nap(9).await;
        }));
        own.replace(Some(task));
        nap(5).await;
        Ok(())
    });
    let ended = end(result.await);
    let own = own.borrow().as_ref().and_then(|task| Some(task.result()?.is_err()));
    format!("{ended} {own:?}")
}

async fn before_the_first_poll() -> String {
    let result = group(async |g| {
        let task = g.spawn(after(1, 1));
        let asked = task.cancel("too early");
        g.spawn(after(2, 2));
        Ok((asked, told(probe(task).await)))
    });
    end(result.await)
}

async fn after_the_end_and_twice() -> String {
    let result = group(async |g| {
        let (short, long) = (g.spawn(after(1, 1)), g.spawn(after(9, 2)));
        nap(2).await;
        let asked = [short.cancel("late"), long.cancel("first"), long.cancel("second")];
        step_aside().await;
        Ok((asked, told(long.await), told(short.await)))
    });
    end(result.await)
}

async fn a_group_in_a_group() -> String {
    let result = group(async |g| {
        let task = g.spawn_group(group(async |g| {
            let _guard = guard();
            g.spawn_group(group(async |g| {
                g.spawn(after(9, 1));
                nap(9).await;
                Ok(())
            }));
            g.spawn(nap(9));
            nap(9).await;
            Ok(())
        }));
        nap(2).await;
        task.cancel("outermost");
        Ok(probe(task).await.is_err())
    });
    end(result.await)
}

async fn the_whole_group() -> String {
    let result = group(async |g| {
        let tasks = [g.spawn(after(9, 1)), g.spawn(after(1, 2)), g.spawn(after(9, 3))];
        nap(2).await;
        g.cancel("enough");
        g.cancel("again");
        let mut all = Vec::new();
        for task in tasks {
            all.push(told(probe(task).await));
        }
        nap(2).await;
        Ok((all, parcel(1)))
    });
    end(result.await)
}

async fn in_a_chain() -> String {
    let result = group(async |g| {
        let mut next = g.spawn(after(9, 0));
        for n in 1..4 {
            let before = next;
            next = g.spawn(probe(async move {
                nap(n).await;
                before.cancel("chain");
                let said = told(probe(before).await);
                Ok(parcel(said.len() as u64))
            }));
        }
        Ok(told(probe(next).await))
    });
    end(result.await)
}

async fn in_a_ring() -> String {
    let ring: RefCell<Vec<Task<()>>> = RefCell::default();
    let result = group(async |g| {
        for n in 0..4 {
            let ring = &ring;
            let task = g.spawn(probe(async move {
                let _guard = guard();
                nap(1 + n as u64).await;
                let asked = ring.borrow()[(n + 1) % 4].cancel("ring");
                nap(if asked { 9 } else { 1 }).await;
            }));
            ring.borrow_mut().push(task);
        }
        Ok(())
    });
    let ended = end(result.await);
    let ends: Vec<_> = ring.borrow().iter().map(|task| task.result().is_some_and(|result| result.is_ok())).collect();
    format!("{ended} {ends:?}")
}

/// The waiter's join is ready when its own cancel comes.
async fn with_a_ready_result() -> String {
    let result = group(async |g| {
        let target = g.spawn(after(2, 7));
        let waiter = g.spawn(probe(async move {
            let joined = probe(target).await;
            nap(1).await;
            Ok(parcel(told(joined).len() as u64))
        }));
        nap(2).await;
        waiter.cancel("now");
        Ok(told(probe(waiter).await).is_empty())
    });
    end(result.await)
}

async fn a_failure_meets_a_cancel() -> String {
    let result = group(async |g| {
        let task = g.spawn_group(group(async |g| {
            g.spawn(fail_after(2, "A"));
            nap(9).await;
            Ok(())
        }));
        nap(2).await;
        task.cancel("same instant");
        let ended = probe(task).await.is_err();
        nap(1).await;
        Ok(ended)
    });
    let result = result.await;
    format!("{}", result.is_ok() || result.is_err())
}
