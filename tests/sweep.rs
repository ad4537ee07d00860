//! The sweep in its quick form: every program of the corpus, replayed with something going wrong at every poll.
//!
//! The harness and the programs are in `tests/sweep`; the deep form is `cargo run --release -p taskgroup-sweep --
//! deep`.

use taskgroup_sweep::{Form, Program, corpus, replay, sweep};

#[test]
fn nothing_is_left_whatever_goes_wrong_at_whichever_poll() {
    let report = sweep(&corpus::programs(Form::Quick), Form::Quick, |_| {});
    let failures: Vec<_> = report.failures().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{} failures, the first:\n{}", failures.len(), failures[0]);
    assert!(report.rows.len() >= 30 && report.injections() >= 100_000, "{report}");
}

#[test]
fn a_program_that_leaves_something_fails() {
    let leaks = Program::new("leaks", || async { std::mem::forget(taskgroup_sweep::guard()) });
    let row = replay(&leaks, &Default::default());
    assert_eq!(row.failures.len(), 1);
    assert!(row.failures[0].to_string().contains("1 guards are left"), "{}", row.failures[0]);
}

#[test]
fn a_program_that_hangs_fails() {
    let hangs = Program::new("hangs", std::future::pending::<()>);
    let row = replay(&hangs, &Default::default());
    assert!(row.failures[0].to_string().contains("nothing can wake it"), "{}", row.failures[0]);
}

#[test]
fn a_plan_is_read_as_it_is_written() {
    for plan in ["nothing", "cancel@3", "panic-in-drop@1+forget-part@12"] {
        assert_eq!(plan.parse::<taskgroup_sweep::Plan>().map(|plan| plan.to_string()).as_deref(), Ok(plan));
    }
}
