//! Spans of the `tracing` crate: one for each task, in that of its group, in that of the task which opened the group.
//!
//! Before: `trace.rs`, the recorder, which hears the same events. After: nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;
use taskgroup_runtime::instrument::{Event, GroupNumber, HowEnded, Instrument, TaskNumber};
use tracing::field::{Empty, display};
use tracing::{Level, Span, event, span};

/// Tells `tracing` of tasks and groups: with the feature `tracing`.
///
/// A task is a span `task` with the fields `name`, `number` (which child of its group) and `place`; a group is a span
/// `group` with a `place`. The span of a task is entered whenever the task is polled, that of a group while its body is.
/// So whatever the program logs says in which task, in which group, in which task it was; from any library. Cancels and
/// failures are events of the level `DEBUG` in the span of the task; a failure has the field `error`, or `error.type` if
/// the error cannot be told. Spans have the level `INFO`.
///
/// Costs, for each poll, what entering a span costs with the subscriber at hand.
///
/// ```
/// use taskgroup::{ExceptionGroup, Runtime, Spans, task_group};
///
/// # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let runtime = Runtime::new();
/// runtime.instrument(Spans::new());
/// runtime.block_on(task_group(async |g| {
///     g.spawn(async { tracing::info!("in a span of its own") }).named("db");
///     Ok(())
/// }))
/// # }
/// ```
#[derive(Default)]
pub struct Spans {
    open: RefCell<Open>,
}

#[derive(Default)]
struct Open {
    tasks: BTreeMap<TaskNumber, Span>,
    groups: BTreeMap<GroupNumber, (Span, TaskNumber)>,
}

impl Spans {
    /// To be given to [`Runtime::instrument`](crate::Runtime::instrument).
    #[must_use]
    pub fn new() -> Rc<Self> {
        Rc::default()
    }

    /// The span of a task; of a group's body, that of the group. (A clone: a subscriber is somebody else's code, and may
    /// not run under the borrow.)
    fn of_task(&self, task: TaskNumber) -> Span {
        self.open.borrow().tasks.get(&task).cloned().unwrap_or_else(Span::none)
    }

    fn of_group(&self, group: GroupNumber) -> Span {
        self.open.borrow().groups.get(&group).map_or_else(Span::none, |(span, _)| span.clone())
    }

    fn insert(&self, task: TaskNumber, span: Span) {
        let before = self.open.borrow_mut().tasks.insert(task, span);
        drop(before);
    }

    fn remove(&self, task: TaskNumber) {
        let gone = self.open.borrow_mut().tasks.remove(&task);
        drop(gone);
    }
}

impl Instrument for Spans {
    fn hear(&self, _: Duration, event: &Event<'_>) {
        match *event {
            Event::Spawned { task, group, number, place } => {
                let place = place.map(Place);
                let parent = self.of_group(group).id();
                let span = span!(parent: parent, Level::INFO, "task", name = Empty, number, place = Empty);
                if let Some(place) = place {
                    span.record("place", display(place));
                }
                self.insert(task, span);
            }
            Event::Named { task, name } => {
                self.of_task(task).record("name", name);
            }
            Event::GroupOpened { group, owner, body, place } => {
                let parent = self.of_task(owner).id();
                let span = span!(parent: parent, Level::INFO, "group", place = %Place(place));
                self.insert(body, span.clone());
                let before = self.open.borrow_mut().groups.insert(group, (span, body));
                drop(before);
            }
            Event::GroupEnded { group, .. } => {
                let gone = self.open.borrow_mut().groups.remove(&group);
                if let Some((_, body)) = gone {
                    self.remove(body);
                }
            }
            Event::PollBegins { task } => {
                self.of_task(task).with_subscriber(|(span, subscriber)| subscriber.enter(span));
            }
            Event::PollEnds { task } => {
                self.of_task(task).with_subscriber(|(span, subscriber)| subscriber.exit(span));
            }
            Event::CancelAsked { task: Some(task), reason, .. } => {
                let span = self.of_task(task).id();
                event!(parent: span, Level::DEBUG, reason = %reason, "cancelled");
            }
            Event::Ended { task, how } => {
                let span = self.of_task(task).id();
                match how {
                    HowEnded::Failed { error: Some(error), .. } => {
                        event!(parent: span, Level::DEBUG, error = %error, "failed");
                    }
                    HowEnded::Failed { type_name, .. } => {
                        event!(parent: span, Level::DEBUG, "error.type" = type_name, "failed");
                    }
                    HowEnded::Panicked(_) => event!(parent: span, Level::DEBUG, "panicked"),
                    _ => {}
                }
                self.remove(task);
            }
            _ => {}
        }
    }
}

struct Place(&'static Location<'static>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.file(), self.0.line())
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spans").finish_non_exhaustive()
    }
}
