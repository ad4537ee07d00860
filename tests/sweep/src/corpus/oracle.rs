//! The programs that the oracle has recorded, every block of them probed and with guards.

use crate::{Form, Program, guard, probe, value};
use taskgroup_oracle::{Case, Recorded, Steps, Tier, Wakers, future, recorded_cases};

/// Robust, and yet not after a needless poll: a task that is spawned at the instant of a cancel starts before it or
/// not.
const ORDERED: [&str; 2] = ["v0245", "v0448"];

/// In the quick form, the cases written by hand.
pub(super) fn programs(form: Form) -> Vec<Program> {
    let mut cases = recorded_cases().expect("the oracle's cases are in the tree");
    cases.retain(|case| form != Form::Quick || case.set == "hand");
    cases.into_iter().map(program).collect()
}

/// They spawn into a group that should be over. If that was forgotten instead, it is open, and takes the task: one node
/// more is left than when it is dropped.
const SPAWN_LATER: [&str; 3] =
    ["a_finished_group_rejects_and_the_outer_group_fails", "no_spawn_into_a_finished_group", "v0275"];

/// The interpreter catches panics, to note them in the trace.
fn program(case: Case) -> Program {
    let Case { id, tier, program, .. } = case;
    let run = move || {
        let program = taskgroup_oracle::Program::parse(program.get()).expect("a recorded program");
        async move { future(&program, Wakers::Around(around)).await.map(by_task) }
    };
    let mut program = Program::new(format!("oracle/{id}"), run).panics();
    if SPAWN_LATER.contains(&&*id) {
        program = program.leaves_more();
    }
    if tier != Tier::Robust || ORDERED.contains(&&*id) {
        program = program.ordered();
    }
    program
}

/// What a robust case fixes: each task's own events, and not how those of different tasks interleave.
fn by_task(mut recorded: Recorded) -> Recorded {
    recorded.trace.sort_by(|a, b| a.1.cmp(&b.1));
    recorded
}

fn around(steps: Steps) -> Steps {
    let captured = value();
    Box::pin(probe(async move {
        let _captured = captured;
        let _guard = guard();
        steps.await
    }))
}
