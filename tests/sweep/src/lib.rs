//! The sweep: replays a program once for every poll, with something going wrong at it.
//!
//! Each kind of injection is a [`Kind`]; a [`Program`] is anything deterministic on the virtual clock. After each run
//! every guarded object was dropped exactly once, no timer, source, task or scope is left, and the runtime runs a
//! reference program rightly. What a forgotten future held may be left, and nothing else; nobody touches it again.
//!
//! What counts as a poll: one of the whole program, or of a future inside that is wrapped in [`probe`]. Where somebody
//! is left waiting for ever, the program is cancelled when nothing happens any more, which has to end it; from inside a
//! cleanup or a shield, grace has to. A panic comes out of the program or is reported, but not lost in silence.
//!
//! What is not the library's: a value that a function is about to return is leaked by the language when a destructor of
//! its locals panics (rust-lang/rust#47949), and `FuturesUnordered` leaks what is left in it when one in it does.
//!
//! Which programs use what (`corpus`; the programs of `grown` use the first nine lines at random, and `oracle` has
//! those of `tests/oracle`, run by its interpreter, with every block of a program in a probe):
//!
//! | feature | programs |
//! | --- | --- |
//! | `task_group`, `spawn`, `Task` | all of `groups`, `failures`, `joins` |
//! | `spawn_group` | `groups/nested`, `failures/nested_trees`, `cancels/a_group_in_a_group` |
//! | `Task::cancel`, `TaskGroup::cancel` | all of `cancels`, `drops/a_dying_task_cancels` |
//! | `timeout`, `timeout_at` | all of `timeouts`, `depth/deadlines_in_deadlines` |
//! | `with_cleanup` | `regions/innermost_first`, `regions/a_cleanup_fails`, `results/gather_fails` |
//! | `shield` | `regions/shielded`, `regions/cut_off_by_a_group`, `scopes/checkpoints` |
//! | `CancelScope` | `scopes/*`, `regions/cut_off_by_a_scope` |
//! | `join!`, `select`, `FuturesUnordered` | all of `combinators`, `regions/beside_each_other`, `regions/unordered` |
//! | `sleep`, `yield_now` | nearly all; `time/sleeps`, `time/giving_way` |
//! | `try_spawn`, `SpawnError` | `failures/a_spawn_is_refused`, `admission/by_a_spawner` |
//! | `Task::result`, `named`, `info` | `groups/results_are_read_afterwards`, `groups/three_are_joined`, `cancels/in_a_ring` |
//! | `ExceptionGroup`, `error_of`, `single` | all of `failures` |
//! | `boxed`, `BoxError` | `failures/boxed_by_question_mark` |
//! | `with_resource` | all of `resources` |
//! | `grace` | `regions/cut_off_by_a_group`, `regions/cut_off_by_a_scope` |
//! | `limit`, `admit` | `admission/two_at_a_time` and five more |
//! | `start` | `admission/started`, `admission/start_fails`, `admission/start_is_given_up` |
//! | `spawner` | `admission/by_a_spawner`, `admission/a_spawner_that_stays` |
//! | `collect_all`, `collect_at_most` | `results/collect_all`, `results/collect_at_most`, `results/policies_change` |
//! | `supervise`, `fail_fast` | `results/supervise`, `results/supervise_and_a_panic`, `results/policies_change` |
//! | `gather`, `gather_settled` | `results/gather`, `results/gather_fails`, `results/gather_settled` |
//! | `race` | `results/race`, `results/nobody_wins`, `results/a_race_under_a_deadline` |
//! | `as_completed` | `results/as_completed`, `results/as_completed_and_left` |
//! | `stream` | `results/stream`, `results/stream_and_a_failure` |
//! | `checkpoint`, `cancel_reason` | `scopes/checkpoints`, `scopes/who_asks_is_told` |
//! | `TaskLocal` | `scopes/locals`, `scopes/locals_with_guards` |
//! | `interval` | `time/ticks`, `groups/a_server_of_ticks`, `combinators/a_stream_in_a_select` |
//! | `hold`, `advance` | `time/moved_by_hand`; every guard, and the harness itself |
//! | `net` | all of `net` |
//! | panics | all of `panics`, `regions/a_panic_is_cleaned_up_after`, `results/supervise_and_a_panic` |
//!
//! Read `injection.rs`, `stage.rs`, `probe.rs`, `run.rs`, `verdict.rs`, `sweep.rs`, `main.rs`; then the programs in
//! `corpus`.

#![forbid(unsafe_code)]

mod foreign;
mod guard;
mod hook;
mod injection;
mod losses;
mod observed;
mod probe;
mod program;
mod reference;
mod report;
mod run;
mod stage;
mod sweep;
mod verdict;
mod whole;

pub mod corpus;

pub use guard::{Guard, guard, value};
pub use injection::{Counted, Injection, Kind, Plan};
pub use probe::{Probe, probe};
pub use program::Program;
pub use report::{Failure, Report, Row};
pub use sweep::{Form, replay, sweep, sweep_one};
