//! Where the library says what nobody asked for: a stall on the real clock, an error that a panic displaced.
//!
//! Before: nothing. After: `block_on.rs`; most of what is said comes from the layer above.
//!
//! The default writes a line to standard error, the only print in these crates.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::fmt;

thread_local! {
    static REPORTER: Cell<Option<fn(&Report<'_>)>> = const { Cell::new(None) };
}

/// Something that no caller's `Result` can carry.
#[non_exhaustive]
pub enum Report<'a> {
    /// Everything waits, and nothing that the runtime knows of will ever wake it.
    Stalled(&'a crate::Stall),
    /// What every task waits for, since a signal [asked](crate::Runtime#method.report_tree_on).
    Tree(&'a crate::TaskTree),
    /// A run ended in a panic or a stall, and its runtime was [shuffled](crate::Runtime::shuffled): with this seed.
    Shuffled(u64),
    /// A panic went on to the owner and displaced this: an error, or a further panic.
    Displaced(&'a dyn fmt::Display),
    /// A group was dropped before its end, and with it this error, which it had collected; or a body's end, while its
    /// cleanup ran.
    Dropped(&'a dyn fmt::Display),
    /// A cleanup failed or panicked, and that took the place of this: an error, or a panic.
    Replaced(&'a dyn fmt::Display),
    /// This error is over the number that its group keeps.
    LeftOut(&'a dyn fmt::Display),
    /// Something was cancelled and had not ended when its grace was over: it was dropped with its cleanups half-way.
    CutOff(&'a dyn fmt::Display),
    /// A task was cancelled while it left this alone, which so was dropped with it: its async cleanup is lost.
    Abandoned(&'a dyn fmt::Display),
    /// A poll took longer than a [`Watchdog`](crate::Watchdog) allows: it held everything else up.
    SlowPoll(&'a dyn fmt::Display),
    /// A [`Watchdog`](crate::Watchdog) has found a group with a woken task that nobody polls.
    LeftAlone(&'a dyn fmt::Display),
    /// A listener accepts nothing for now, for this error. It is tried again and again; that is said once.
    NotAccepting(&'a dyn fmt::Display),
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stalled(stall) => write!(f, "{stall}"),
            Self::Tree(tree) => write!(f, "the tasks, as a signal asked:\n{tree}"),
            Self::Shuffled(seed) => {
                write!(f, "this run was shuffled with seed {seed}: `Runtime::shuffled({seed})` repeats it")
            }
            Self::Displaced(what) => write!(f, "displaced by a panic: {what}"),
            Self::Dropped(what) => write!(f, "lost with a dropped future: {what}"),
            Self::Replaced(what) => write!(f, "replaced by what its cleanup ended in: {what}"),
            Self::LeftOut(what) => write!(f, "left out of the errors of its group: {what}"),
            Self::CutOff(what) => write!(f, "cut off: {what}"),
            Self::SlowPoll(what) => write!(f, "slow: {what}, and nothing else could run meanwhile"),
            Self::LeftAlone(what) => write!(f, "left alone: {what}"),
            Self::NotAccepting(why) => write!(f, "cannot accept connections for now: {why}"),
            Self::Abandoned(what) => write!(f, "abandoned, and dropped without its cleanup: {what}"),
        }
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Sends what would be printed to `reporter` instead, on this thread. Gives back who was set before.
///
/// The function is called in the middle of things: it should write down and return.
pub fn set_reporter(reporter: Option<fn(&Report<'_>)>) -> Option<fn(&Report<'_>)> {
    REPORTER.replace(reporter)
}

/// Hands a report to the reporter of this thread.
pub fn report(what: &Report<'_>) {
    match REPORTER.get() {
        Some(reporter) => reporter(what),
        None => print(what),
    }
}

#[allow(clippy::print_stderr, reason = "the one print of these crates")]
fn print(what: &Report<'_>) {
    eprintln!("taskgroup: {what}");
}
