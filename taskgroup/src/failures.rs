//! What went wrong in a group so far.
//!
//! Before: `policy.rs`. After: `ledger.rs`, which hands in the failures, and `task_group.rs`, which takes them out.

use crate::BoxError;
use crate::drive::{Payload, discard};
use crate::exception_group::ExceptionGroup;
use crate::info::TaskInfo;
use crate::policy::Policy;
use crate::reason::Reason;
use crate::timeout::Elapsed;
use std::any::{self, Any};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use taskgroup_runtime::{Report, report};

/// An error on its way to the group: an `E`, or an `ExceptionGroup<E>`.
pub(crate) type Failure = Box<dyn AnyError>;

/// What a group asks of its errors: nothing. So each has it; but what was erased can still say of which type it is.
pub(crate) trait AnyError: Any {
    fn type_name(&self) -> &'static str;
}

impl<E: Any> AnyError for E {
    fn type_name(&self) -> &'static str {
        any::type_name::<E>()
    }
}

/// In the place of an error that somebody else has got; it knows the name of its type.
pub(crate) struct GivenAway(&'static str);

impl GivenAway {
    pub(crate) fn of<E>() -> Self {
        Self(any::type_name::<E>())
    }
}

/// The name of the error's type.
pub(crate) fn type_of(failure: &Failure) -> &'static str {
    let error: &dyn AnyError = &**failure; // the box would name itself
    match (error as &dyn Any).downcast_ref() {
        Some(GivenAway(name)) => name,
        None => error.type_name(),
    }
}

/// An error in words, where its type is one of those that many use.
pub(crate) fn in_words(failure: &Failure) -> Option<String> {
    fn look<E: fmt::Display + 'static>(failure: &dyn Any) -> Option<String> {
        let error = failure.downcast_ref().map(|error: &E| error.to_string());
        error.or_else(|| failure.downcast_ref().map(|errors: &ExceptionGroup<E>| errors.to_string()))
    }
    let failure: &dyn Any = &**failure;
    #[cfg(feature = "anyhow")]
    if let Some(text) = look::<anyhow::Error>(failure) {
        return Some(text);
    }
    look::<BoxError>(failure)
        .or_else(|| look::<&'static str>(failure))
        .or_else(|| look::<String>(failure))
        .or_else(|| look::<io::Error>(failure))
        .or_else(|| failure.downcast_ref().map(Elapsed::to_string))
}

/// What a panic says, if it is text.
pub(crate) fn panic_in_words(payload: &Payload) -> Option<String> {
    let text = payload.downcast_ref().map(|text: &&str| (*text).to_owned());
    text.or_else(|| payload.downcast_ref().cloned())
}

/// An error, and whose it was.
pub(crate) struct Failed {
    pub(crate) failure: Failure,
    pub(crate) task: Arc<TaskInfo>,
    /// Why the task was cancelled when it failed: on its way out, then, in a cleanup.
    pub(crate) cancelled: Option<Reason>,
    /// How long after the opening of its group.
    pub(crate) elapsed: Duration,
}

#[derive(Default)]
pub(crate) struct Failures {
    /// In the order in which the children ended.
    errors: RefCell<Vec<Failed>>,
    /// How many errors are kept of tasks whose failure cancels nobody. `None`: all.
    most: Cell<Option<usize>>,
    /// How many were not.
    left_out: Cell<usize>,
    /// The body has failed too, so long after the opening of the group. Its error is elsewhere.
    body_failed: Cell<Option<Duration>>,
    /// The first panic.
    panic: RefCell<Option<Payload>>,
    /// The first task whose failure or panic cancels the others.
    first: RefCell<Option<Arc<TaskInfo>>>,
}

impl Failures {
    pub(crate) fn keep_at_most(&self, most: usize) {
        self.most.set(Some(most));
    }

    /// A task has failed. The error comes back if it is a handler's.
    pub(crate) fn failed(&self, failed: Failed, policy: Policy) -> Option<Failed> {
        match policy {
            Policy::Supervise(_) => return Some(failed),
            Policy::Collect if self.most.get().is_some_and(|most| self.errors.borrow().len() >= most) => {
                self.left_out.set(self.left_out.get() + 1);
                report(&Report::LeftOut(&format_args!("the error of {}", OfTask(Some(&failed.task)))));
                discard(failed);
                return None;
            }
            Policy::Collect => {}
            Policy::FailFast => self.note_first(&failed.task),
        }
        self.errors.borrow_mut().push(failed);
        None
    }

    pub(crate) fn body_failed(&self, elapsed: Duration) {
        self.body_failed.set(Some(elapsed));
    }

    pub(crate) fn body_failed_after(&self) -> Option<Duration> {
        self.body_failed.get()
    }

    /// Whether the group will end with errors, as far as that is known.
    pub(crate) fn has_errors(&self) -> bool {
        self.body_failed.get().is_some() || self.count() > 0
    }

    fn note_first(&self, task: &Arc<TaskInfo>) {
        self.first.borrow_mut().get_or_insert_with(|| task.clone());
    }

    /// Keeps the first panic, of a task or of the body; further ones go to the reporter.
    pub(crate) fn panicked(&self, payload: Payload, task: Option<&Arc<TaskInfo>>) {
        if let Some(task) = task {
            self.note_first(task);
        }
        let mut panic = self.panic.borrow_mut();
        if panic.is_none() {
            *panic = Some(payload);
            return;
        }
        drop(panic);
        discard(payload);
        report(&Report::Displaced(&format_args!("a second panic, of {}", OfTask(task.map(|task| &**task)))));
    }

    /// The task whose failure cancels the others, if there is one.
    pub(crate) fn first(&self) -> Option<Arc<TaskInfo>> {
        self.first.borrow().clone()
    }

    /// How many there are, those included that were not kept.
    pub(crate) fn count(&self) -> usize {
        self.errors.borrow().len() + self.left_out.get()
    }

    /// The errors that were kept, and how many were not.
    pub(crate) fn take_errors(&self) -> (Vec<Failed>, usize) {
        (self.errors.take(), self.left_out.get())
    }

    /// The panic that goes on in the owner. What it displaces is reported: errors of tasks, and the body's if there is
    /// one.
    pub(crate) fn take_panic(&self, body_failed: bool) -> Option<Payload> {
        let payload = self.panic.take()?;
        self.report_errors(|what| Report::Displaced(what));
        if body_failed {
            report(&Report::Displaced(&format_args!("the error of {}", OfTask(None))));
        }
        Some(payload)
    }

    /// Tells the reporter of errors that nobody will get, and how that came.
    pub(crate) fn report_errors(&self, how: for<'a> fn(&'a dyn fmt::Display) -> Report<'a>) {
        let errors = self.errors.take();
        for failed in errors {
            report(&how(&format_args!("the error of {}", OfTask(Some(&failed.task)))));
            discard(failed);
        }
    }
}

/// A task, or the body.
struct OfTask<'a>(Option<&'a TaskInfo>);

impl fmt::Display for OfTask<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(task) => write!(f, "task {task}"),
            None => f.write_str("the body of the group"),
        }
    }
}
