//! When everything waits and nothing will ever wake it.
//!
//! Before: `task_tree.rs`, which says who waits. After: `block_on.rs`, which notices.
#![forbid(unsafe_code)]

use crate::local::Local;
use crate::task_tree::TaskTree;
use std::fmt;
use std::rc::Rc;

/// Who waits for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stall {
    /// Root tasks that wait, the future of `block_on` included.
    pub tasks: usize,
    /// Timers that are armed on a manual clock, which nobody moves.
    pub timers: usize,
    /// Every task, and what it waits for.
    pub tree: TaskTree,
}

impl Stall {
    pub(crate) fn new(local: &Rc<Local>, tasks: usize) -> Self {
        Self { tasks, timers: local.timers().len(), tree: TaskTree::of(local) }
    }
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tasks, timers, tree } = self;
        write!(
            f,
            "stalled: {tasks} root task{} and nothing that could wake them: ",
            plural(*tasks, " waits", "s wait")
        )?;
        match timers {
            0 => {
                write!(
                    f,
                    "no timer, no socket, no hold (if a thread has their waker, keep a `hold()` while it works)"
                )?;
            }
            n => write!(f, "{n} timer{} on a manual clock that nobody advances", plural(*n, "", "s"))?,
        }
        write!(f, "\n{tree}")
    }
}

fn plural<'a>(n: usize, one: &'a str, many: &'a str) -> &'a str {
    if n == 1 { one } else { many }
}
