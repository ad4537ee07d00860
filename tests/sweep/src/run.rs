//! One run of a program: a runtime of its own, the loop driven by hand, everything counted afterwards.
//!
//! Before: `whole.rs`, `observed.rs`. After: `verdict.rs`, which judges what was observed here.

use crate::hook;
use crate::injection::{Kind, Plan};
use crate::observed::{Bounds, Ended, Observed, Outcome};
use crate::program::{Boxed, Program};
use crate::reference;
use crate::stage::{REASON, Rescue, Stage, TWO_DAYS};
use crate::whole::Whole;
use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use taskgroup::{CancelScope, Clock, JoinErrorKind, Reason, Runtime, node_count, task_group, timeout};
use taskgroup_runtime::JoinError as RootError;

/// How much time cleanups have that somebody else's fault keeps from ending.
const GRACE: Duration = Duration::from_secs(1);

/// How long the loop waits for descriptors, in real time, before it counts as quiet.
const QUIET: Duration = Duration::from_millis(20);
/// The same where it is expected to be quiet.
const EXPECTED_QUIET: Duration = Duration::from_millis(2);

/// Runs a program once.
pub(crate) fn run(program: &Program, plan: &Plan, bounds: Bounds) -> Observed {
    let nodes_before = node_count();
    let stage = Stage::set(plan.clone(), bounds.polls);
    stage.may_panic.set(program.traits().panics);
    hook::take();
    hook::take_reports();
    let runtime = Rc::new(Runtime::with_clock(Clock::Autojump));
    *stage.runtime.borrow_mut() = Some(runtime.clone());
    let start = runtime.now();
    let mut root = Box::pin(runtime.spawn(host(program.make(), stage.clone())));
    let driven = drive(&stage, runtime, &|| root.is_finished(), bounds);

    let elapsed = stage.runtime.borrow().as_ref().map_or(Duration::ZERO, |runtime| runtime.now() - start);
    let outcome = match &driven {
        Driven::Gone => Outcome::Gone,
        Driven::Hung(how) => Outcome::Hung(how.clone()),
        Driven::Finished => outcome(root.as_mut().poll(&mut Context::from_waker(Waker::noop()))),
    };
    stage.halted.set(None);
    let (rescued, reports) = (stage.rescued.get() != Rescue::NotYet, hook::take_reports());
    *stage.task.borrow_mut() = None;
    *stage.scope.borrow_mut() = None;
    let (mut left, tasks_left) = (stage.count(), tasks(&stage));
    left.nodes = left.nodes.saturating_sub(nodes_before);

    if driven == Driven::Finished {
        check_usable(&stage);
    }
    let (polls, drops) = (stage.polls.get(), stage.drops.get());
    let (turns, fired) = (stage.turns.get(), stage.fired.get());
    drop(root);
    let runtime = stage.runtime.take();
    quietly(&stage, "dropping the runtime", || drop(runtime));
    stage.find_again_put_away();
    let mut left_at_last = stage.count();
    left_at_last.nodes = left_at_last.nodes.saturating_sub(nodes_before);
    let mut violations = stage.take_violations();
    violations.extend(hook::take().into_iter().map(|text| format!("a panic that nobody asked for: {text}")));
    Stage::leave();
    Observed {
        outcome,
        polls,
        turns,
        drops,
        whole_polls: stage.whole_polls.take(),
        elapsed,
        fired,
        rescued,
        reports,
        left,
        tasks_left,
        left_at_last,
        wakers_left: stage.alive.count(),
        held: stage.held.get(),
        values_later: stage.losses.values_later(),
        violations,
    }
}

/// The program as a task of a group, and what became of it.
async fn host(program: Boxed, stage: Rc<Stage>) -> Option<Outcome> {
    let whole = Whole::new(program, stage.clone());
    let scope = CancelScope::new();
    scope.grace(GRACE);
    *stage.scope.borrow_mut() = Some(scope.clone());
    let group = task_group(async |g| {
        let has_deadline = stage.plan().has(|kind| kind == Kind::Deadline);
        let task = g.spawn(async move {
            let whole = scope.run(whole);
            let ended = if has_deadline { timeout(TWO_DAYS, whole).await } else { Ok(whole.await) };
            Ok::<_, Infallible>(ended.map_or(Ended::Elapsed, |ended| ended.unwrap_or(Ended::CutOff)))
        });
        let task = Rc::new(task);
        *stage.task.borrow_mut() = Some(task.clone());
        Ok(task)
    });
    let task = group.await.ok()?;
    Some(match task.result()? {
        Ok(Ended::Value(value)) => Outcome::Value(value),
        Ok(Ended::Dropped) => Outcome::Dropped,
        Ok(Ended::Forgotten) => Outcome::Forgotten,
        Ok(Ended::Elapsed) => Outcome::Elapsed,
        Ok(Ended::CutOff) => Outcome::Cancelled { by_the_sweep: true },
        Err(error) => match error.kind() {
            JoinErrorKind::Cancelled(reason) => Outcome::Cancelled { by_the_sweep: *reason == Reason::from(REASON) },
            kind => Outcome::Hung(format!("the task ended as {kind:?}")),
        },
    })
}

fn outcome(root: Poll<Result<Option<Outcome>, RootError>>) -> Outcome {
    match root {
        Poll::Ready(Ok(Some(outcome))) => outcome,
        Poll::Ready(Err(RootError::Panicked(_))) => Outcome::Panicked,
        other => Outcome::Hung(format!("the root task ended in {other:?}")),
    }
}

#[derive(PartialEq)]
enum Driven {
    Finished,
    /// The runtime was dropped on the way.
    Gone,
    Hung(String),
}

/// Turns the loop until the program has ended. Where an injection lets somebody wait for ever, the program is cancelled
/// when nothing happens any more. That has to end it, unless the one who waits is in a cleanup or a shield: then grace
/// has to.
fn drive(stage: &Stage, runtime: Rc<Runtime<'static>>, is_finished: &dyn Fn() -> bool, bounds: Bounds) -> Driven {
    let may_hang = stage.plan().has(Kind::may_hang);
    let limit = if may_hang { EXPECTED_QUIET } else { QUIET };
    let mut deadline = runtime.now() + bounds.time;
    let mut turns_left = bounds.turns;
    loop {
        stage.turns.set(stage.turns.get() + 1);
        if stage.is_due_before_turn(Kind::CancelOutside) {
            stage.cancel();
        }
        if stage.is_due_before_turn(Kind::DropRuntime) {
            *stage.runtime.borrow_mut() = None;
            quietly(stage, "dropping the runtime", || drop(runtime));
            return Driven::Gone;
        }
        let before = runtime.now();
        let turn = match catch_unwind(AssertUnwindSafe(|| runtime.turn(Some(limit)))) {
            Ok(Ok(turn)) => turn,
            Ok(Err(error)) => return Driven::Hung(format!("the loop failed: {error}")),
            // Whoever woke passes it on, and that may be the loop. Nothing else may come of it.
            Err(_) if stage.plan().has(|kind| kind == Kind::PanicInWake) => continue,
            Err(_) => return Driven::Hung("a panic left the loop".to_owned()),
        };
        if is_finished() {
            return Driven::Finished;
        }
        turns_left -= 1;
        let is_quiet = turn.polled == 0 && !turn.ready;
        let sources = runtime.census().sources;
        let why = match turn.next_deadline {
            None if is_quiet || !turn.ready && sources == 0 => "nothing can wake it",
            _ if runtime.now() > deadline + stage.leaped.get() => "it takes too long",
            _ if turns_left == 0 => "it turns for ever",
            Some(due) if is_quiet && runtime.now() == before => {
                // A clock does not jump while a descriptor is waited for or held. Nothing came, so time may pass.
                if let Err(error) = runtime.advance(due.saturating_duration_since(runtime.now())) {
                    return Driven::Hung(error.to_string());
                }
                continue;
            }
            _ => continue,
        };
        if !may_hang || !stage.rescue() {
            return Driven::Hung(why.to_owned());
        }
        deadline = runtime.now() + bounds.time - stage.leaped.get();
        turns_left = bounds.turns;
    }
}

fn tasks(stage: &Stage) -> usize {
    stage.runtime.borrow().as_ref().map_or(0, |runtime| runtime.census().tasks)
}

/// The runtime has to run another program as if nothing had happened.
fn check_usable(stage: &Stage) {
    let Some(runtime) = stage.runtime.borrow().clone() else { return };
    let (task, timers) = (runtime.census().tasks, runtime.census().timers);
    Stage::leave();
    match catch_unwind(AssertUnwindSafe(|| run_reference(&runtime))) {
        Ok(result) if result == Some(reference::RESULT) => {}
        Ok(result) => stage.violate(format!("the runtime is not usable: the reference program gave {result:?}")),
        Err(_) => stage.violate("the runtime is not usable: a panic left the loop".to_owned()),
    }
    let census = runtime.census();
    if census.tasks > task || census.timers > timers {
        stage.violate(format!("the reference program left something: {census:?}"));
    }
}

/// Runs the reference program, and moves the clock by hand: a descriptor that was forgotten while it was waited for
/// keeps an `Autojump` clock from jumping, as it should.
fn run_reference(runtime: &Runtime<'static>) -> Option<reference::Result> {
    let mut root = Box::pin(runtime.spawn(reference::program()));
    for _ in 0..1000 {
        let turn = runtime.turn(Some(Duration::ZERO)).ok()?;
        if let Poll::Ready(result) = root.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result.ok();
        }
        if !turn.ready {
            runtime.advance(turn.next_deadline?.saturating_duration_since(runtime.now())).ok()?;
        }
    }
    None
}

/// Drops something whose destructors must not panic.
fn quietly(stage: &Stage, what: &str, drop: impl FnOnce()) {
    // A group that is dropped while it holds a panic lets that go on.
    let may_panic = stage.may_panic.get() || stage.plan().has(Kind::panics);
    if catch_unwind(AssertUnwindSafe(drop)).is_err() && !may_panic {
        stage.violate(format!("{what} panicked"));
    }
}

impl Stage {
    /// Drops a program that was put away: late, after its runtime.
    fn find_again_put_away(&self) {
        if let Some(program) = self.put_away.take() {
            self.losses.find_again();
            quietly(self, "dropping the program after its runtime", || drop(program));
        }
    }
}
