//! Programs that are grown from a seed: groups, deadlines, tasks, cancels, failures, in any order and nesting.

use super::parts::{Group, Parcel, Word, end, group, ms, nap, parcel, step_aside};
use crate::{Program, guard, probe};
use futures_util::future::select;
use futures_util::join;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use taskgroup::{CancelScope, Task, shield, timeout, with_cleanup};

/// A step of a program.
#[derive(Debug)]
enum Step {
    Nap(u64),
    Yield,
    Fail,
    /// A task in the group around it, if there is one.
    Spawn(Body),
    /// Waits for the task that was spawned last in the group around it.
    Join,
    CancelLast,
    CancelFirst,
    CancelGroup,
    Group(Body),
    Timeout(u64, Body),
    Both(Body, Body),
    Either(Body, Body),
    Unordered(Vec<Body>),
    /// A body, and what cleans up after it.
    Cleanup(Body, Body),
    Shield(Body),
    Scope(u64, Body),
}

/// Shared by the tasks that run it.
type Body = Rc<Vec<Step>>;

type Walk<'a> = Pin<Box<dyn Future<Output = Result<(), Word>> + 'a>>;

/// The program of a seed.
pub(super) fn program(seed: u64) -> Program {
    let has_unordered = grow(seed).iter().any(Step::has_unordered);
    let make = move || {
        let body = grow(seed);
        async move {
            let tasks = Tasks::default();
            let result = group(async |g| walk(body, Some(Around { group: g, tasks: tasks.list() })).await);
            end(result.await)
        }
    };
    // Much of it happens at one instant, and then a needless poll may change who is first.
    let program = Program::new(format!("grown/{seed}"), make).ordered();
    if has_unordered { program.leaks_when_a_drop_panics() } else { program }
}

fn grow(seed: u64) -> Body {
    Grower { random: fastrand::Rng::with_seed(seed) }.body(&mut 14, 0)
}

impl Step {
    fn has_unordered(&self) -> bool {
        match self {
            Self::Unordered(_) => true,
            Self::Spawn(body) | Self::Group(body) | Self::Shield(body) => body.iter().any(Self::has_unordered),
            Self::Timeout(_, body) | Self::Scope(_, body) => body.iter().any(Self::has_unordered),
            Self::Both(a, b) | Self::Either(a, b) | Self::Cleanup(a, b) => {
                a.iter().chain(&**b).any(Self::has_unordered)
            }
            _ => false,
        }
    }
}

struct Grower {
    random: fastrand::Rng,
}

impl Grower {
    fn body(&mut self, size: &mut u32, depth: u32) -> Body {
        let mut steps = Vec::new();
        let length = self.random.usize(1..=4);
        while steps.len() < length && *size > 0 {
            *size -= 1;
            let step = self.step(size, depth);
            steps.push(step);
        }
        Rc::new(steps)
    }

    fn step(&mut self, size: &mut u32, depth: u32) -> Step {
        let nap = self.random.u64(1..=12);
        match self.random.u32(0..if depth < 4 { 27 } else { 6 }) {
            0..=2 => Step::Nap(nap),
            3 => Step::Yield,
            4 => [Step::Fail, Step::CancelFirst, Step::CancelGroup, Step::Nap(nap)]
                .into_iter()
                .nth(nap as usize % 4)
                .unwrap_or(Step::Join),
            5 => [Step::Join, Step::CancelLast].into_iter().nth(nap as usize % 2).unwrap_or(Step::Join),
            6..=12 => Step::Spawn(self.body(size, depth + 1)),
            13..=15 => Step::Group(self.body(size, depth + 1)),
            16..=18 => Step::Timeout(nap, self.body(size, depth + 1)),
            19 => Step::Both(self.body(size, depth + 1), self.body(size, depth + 1)),
            20 => Step::Either(self.body(size, depth + 1), self.body(size, depth + 1)),
            21..=23 => Step::Cleanup(self.body(size, depth + 1), self.body(size, depth + 1)),
            24 => Step::Shield(self.body(size, depth + 1)),
            25 => Step::Scope(nap, self.body(size, depth + 1)),
            _ => Step::Unordered((0..3).map(|_| self.body(size, depth + 1)).collect()),
        }
    }
}

/// The group around a step, and the tasks that were spawned in it.
#[derive(Clone)]
struct Around<'scope, 'env> {
    group: &'scope Group<'scope, 'env>,
    tasks: TaskList,
}

type TaskList = Rc<RefCell<Vec<Rc<RefCell<Task<Parcel>>>>>>;

/// The tasks of a group. A task that is forgotten forgets its share of the list, so the group empties it.
#[derive(Default)]
struct Tasks(TaskList);

impl Tasks {
    fn list(&self) -> TaskList {
        self.0.clone()
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        let tasks = self.0.take();
        drop(tasks);
    }
}

fn walk<'scope, 'env: 'scope>(body: Body, around: Option<Around<'scope, 'env>>) -> Walk<'scope> {
    Box::pin(probe(async move {
        let _guard = guard();
        for step in &*body {
            take(step, around.as_ref()).await?;
        }
        Ok(())
    }))
}

async fn take<'scope, 'env: 'scope>(step: &Step, around: Option<&Around<'scope, 'env>>) -> Result<(), Word> {
    match step {
        Step::Nap(n) => nap(*n).await,
        Step::Yield => step_aside().await,
        Step::Fail => return Err("E"),
        Step::Spawn(body) => {
            if let Some(around) = around {
                let walked = walk(body.clone(), Some(around.clone()));
                let task = around.group.spawn(async move {
                    walked.await?;
                    Ok(parcel(1))
                });
                around.tasks.borrow_mut().push(Rc::new(RefCell::new(task)));
            }
        }
        Step::Join => {
            // Taken out: it may wait for itself, and then only a cancel ends it.
            let task = around.and_then(|around| around.tasks.borrow_mut().pop());
            if let Some(task) = task.and_then(Rc::into_inner) {
                let joined = probe(timeout(ms(30), probe(task.into_inner()))).await;
                drop(joined);
            }
        }
        Step::CancelLast | Step::CancelFirst => {
            let tasks = around.map(|around| around.tasks.borrow().clone()).unwrap_or_default();
            let task = if matches!(step, Step::CancelFirst) { tasks.first() } else { tasks.last() };
            if let Some(task) = task {
                task.borrow().cancel("step");
            }
        }
        Step::CancelGroup => {
            if let Some(around) = around {
                around.group.cancel("step");
            }
        }
        Step::Group(body) => {
            let body = body.clone();
            let tasks = Tasks::default();
            let result = group(async |g| walk(body, Some(Around { group: g, tasks: tasks.list() })).await);
            drop(result.await);
        }
        Step::Timeout(n, body) => {
            let late = probe(timeout(ms(*n), walk(body.clone(), around.cloned()))).await;
            if let Ok(result) = late {
                result?;
            }
        }
        Step::Cleanup(body, cleanup) => {
            let body = walk(body.clone(), around.cloned());
            probe(with_cleanup(body, async |_| walk(cleanup.clone(), around.cloned()).await)).await?;
        }
        Step::Shield(body) => probe(shield(walk(body.clone(), around.cloned()))).await?,
        Step::Scope(n, body) => {
            let scope = CancelScope::new();
            scope.set_timeout(ms(*n));
            if let Ok(result) = probe(scope.run(walk(body.clone(), around.cloned()))).await {
                result?;
            }
        }
        Step::Both(a, b) => {
            let (a, b) = join!(walk(a.clone(), around.cloned()), walk(b.clone(), around.cloned()));
            a.and(b)?;
        }
        Step::Either(a, b) => {
            let first = select(walk(a.clone(), around.cloned()), walk(b.clone(), around.cloned())).await;
            first.factor_first().0?;
        }
        Step::Unordered(bodies) => {
            let mut all: FuturesUnordered<_> = bodies.iter().map(|body| walk(body.clone(), around.cloned())).collect();
            while let Some(result) = all.next().await {
                result?;
            }
        }
    }
    Ok(())
}
