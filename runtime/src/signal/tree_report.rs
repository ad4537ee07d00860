//! The task tree, when a signal asks for it.
//!
//! Before: `signals.rs`, `task_tree.rs`, `reporter.rs`. After: `event_loop.rs`, which asks once a turn.
#![forbid(unsafe_code)]

use crate::local::Local;
use crate::reporter::{Report, report};
use crate::runtime::Runtime;
use crate::signal::kind::SignalKind;
use crate::signal::signals::Signals;
use crate::task_tree::TaskTree;
use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::rc::Rc;

impl Runtime<'_> {
    /// From now on, whenever a signal of this kind comes, the reporter is given the [task tree](Self::tree): by default
    /// that goes to standard error. `SIGUSR1` is the usual one.
    ///
    /// The tree is made between two polls, also while everything waits; not while one task holds all others up. No task
    /// of yours is needed, and it counts for nothing: virtual time goes on, a stall is told, and the runtime is not kept
    /// busy. Costs two descriptors, and a look in each turn. Asked for again, nothing changes.
    ///
    /// # Errors
    ///
    /// As [`Signals::new`].
    ///
    /// ```
    /// use taskgroup_runtime::Runtime;
    /// use taskgroup_runtime::signal::SignalKind;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let runtime = Runtime::new();
    /// runtime.report_tree_on(SignalKind::USER_DEFINED1)?; // and then from a shell: kill -USR1 PID
    /// # Ok(())
    /// # }
    /// ```
    pub fn report_tree_on(&self, kind: SignalKind) -> io::Result<()> {
        report_in(&self.local, kind)
    }
}

/// The same for the current runtime, from inside a task. See [`Runtime::report_tree_on`].
///
/// # Errors
///
/// As [`Signals::new`].
pub fn report_tree_on(kind: SignalKind) -> io::Result<()> {
    let outside = || io::Error::new(ErrorKind::NotConnected, "there is no runtime here: call it inside `block_on`");
    report_in(&Local::current().ok_or_else(outside)?, kind)
}

fn report_in(local: &Rc<Local>, kind: SignalKind) -> io::Result<()> {
    local.tree_reports.add(local, kind)
}

/// The signals at which a runtime reports its tree. Emptied when it ends, since they keep its [`Local`] alive.
#[derive(Default)]
pub(crate) struct TreeReports(RefCell<Vec<Signals>>);

impl TreeReports {
    fn add(&self, local: &Rc<Local>, kind: SignalKind) -> io::Result<()> {
        if self.0.borrow().iter().all(|signals| !signals.hears(kind)) {
            let signals = Signals::new_in(local, kind)?; // nobody waits for it
            self.0.borrow_mut().push(signals);
        }
        Ok(())
    }

    /// Whether the tree is asked for. What has come meanwhile is one question.
    fn take(&self) -> bool {
        self.0.borrow().iter().filter(|signals| signals.take_all()).count() > 0
    }

    pub(crate) fn end(&self) {
        drop(self.0.take());
    }
}

/// Reports the tree, if it is asked for. Nothing is borrowed when the reporter is called.
pub(crate) fn report_if_asked(local: &Rc<Local>) {
    if local.tree_reports.take() {
        report(&Report::Tree(&TaskTree::of(local)));
    }
}
