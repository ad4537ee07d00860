//! When everything waits and nothing will ever wake it.
//!
//! Before: nothing. After: `block_on.rs`, which notices.
#![forbid(unsafe_code)]

use crate::local::Local;
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

/// Who waits for whom in a runtime, a line each.
type Probe = fn(&Rc<Local>) -> Vec<String>;

thread_local! {
    static PROBE: Cell<Option<Probe>> = const { Cell::new(None) };
}

/// Who waits for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stall {
    /// Root tasks that wait, the future of `block_on` included.
    pub tasks: usize,
    /// Timers that are armed on a manual clock, which nobody moves.
    pub timers: usize,
    /// Who waits for whom, a line each, as far as a layer above knows; at most ten.
    pub waits: Vec<String>,
}

/// Sets who knows more about a stall on this thread: who waits for whom in a runtime, a line each. The function must not panic.
pub fn set_stall_probe(probe: fn(&Rc<Local>) -> Vec<String>) {
    PROBE.set(Some(probe));
}

impl Stall {
    pub(crate) fn new(local: &Rc<Local>, tasks: usize) -> Self {
        let timers = local.timers().len();
        let mut waits = PROBE.get().map(|probe| probe(local)).unwrap_or_default();
        let more = waits.len().saturating_sub(MOST);
        waits.truncate(MOST);
        if more > 0 {
            waits.push(format!("and {more} more"));
        }
        Self { tasks, timers, waits }
    }
}

/// How many lines are read.
const MOST: usize = 10;

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tasks, timers, waits } = self;
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
        waits.iter().try_for_each(|wait| write!(f, "\n- {wait}"))
    }
}

fn plural<'a>(n: usize, one: &'a str, many: &'a str) -> &'a str {
    if n == 1 { one } else { many }
}
