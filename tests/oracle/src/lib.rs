//! The judge: programs over tasks and groups, run on `taskgroup`, and the traces that they should leave.
//!
//! `LANGUAGE.md` beside this crate specifies a small language, and `cases/` pairs 695 programs with what CPython's
//! `asyncio.TaskGroup` makes of them (and, where this project differs on purpose, with what it should do). This crate
//! interprets such a program through the public API of `taskgroup` and nothing else, and compares.
//!
//! ```
//! use taskgroup_oracle::{Program, Wakers, run};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let program = Program::parse(r#"{"main": [{"op": "sleep", "ms": 5}, {"op": "return", "value": 1}]}"#)?;
//! let recorded = run(&program, Wakers::Own)?;
//! assert_eq!(recorded.outcome, serde_json::json!({"ok": 1}));
//! assert_eq!(serde_json::to_string(&recorded.trace)?, r#"[[0,"main","start",null],[5,"main","end",{"ok":1}]]"#);
//! # Ok(())
//! # }
//! ```
//!
//! To read it, in this order:
//!
//! 1. what goes in: `program.rs` (the steps), `validate.rs` (the rules no grammar can state);
//! 2. what comes out: `tree.rs` (errors), `trace.rs` (events), `recorded.rs` (traces as files have them, compared);
//! 3. the interpreter: `world.rs` and `task.rs` (what the tasks of a program share), `interpret.rs` (a run, a body, the
//!    plain steps), `blocks.rs` (the steps around a body), `gather.rs`, `wakers.rs` (to run it all behind wakers of
//!    another make);
//! 4. the use: `answer.rs` (a line in, a line out), `cases.rs` and `differences.rs` (what is recorded, what is
//!    known), `check.rs` (all of it, counted).
//!
//! The rules of the language's section 4, about who is cancelled when, are nowhere in here: they are what is judged.

#![forbid(unsafe_code)]

mod answer;
mod blocks;
mod cases;
mod check;
mod differences;
mod gather;
mod interpret;
mod program;
mod recorded;
mod task;
mod trace;
mod tree;
mod validate;
mod wakers;
mod world;

pub use answer::answer;
pub use cases::{Case, CasesError, Tier, load, recorded_cases};
pub use check::{Check, Verdict};
pub use differences::{Differences, NoReason};
pub use interpret::{future, run};
pub use program::{Body, Member, Name, OnError, OnReject, OnTimeout, Op, Program, ProgramError, Step};
pub use recorded::Recorded;
pub use validate::Invalid;
pub use wakers::{Steps, StepsEnd, Wakers};
pub use world::Fault;
