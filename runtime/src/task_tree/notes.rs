//! What a layer above knows of the tasks: names, places, groups, cancels.
//!
//! Before: `task_tree.rs`. After: `task_tree/build.rs`.
#![forbid(unsafe_code)]

use super::OpenPart;
use crate::instrument::{GroupNumber, Part, TaskNumber};
use crate::local::Local;
use std::cell::Cell;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

/// Tells what it knows of a runtime's tasks.
type Probe = fn(&Rc<Local>, &mut TreeNotes);

thread_local! {
    static PROBE: Cell<Option<Probe>> = const { Cell::new(None) };
}

/// Sets who knows more about the tasks of this thread's runtimes, for a [`TaskTree`](crate::TaskTree). The function must
/// not panic, and must not drop, wake or poll what is somebody else's.
///
/// ```
/// use std::sync::Arc;
/// use taskgroup_runtime::{Runtime, TaskNote, set_tree_probe};
///
/// set_tree_probe(|local, notes| {
///     for member in local.members() {
///         notes.task(member, TaskNote { name: Some(Arc::from("db")), ..TaskNote::default() });
///     }
/// });
/// let runtime = Runtime::new();
/// runtime.spawn(async {});
/// assert_eq!(runtime.tree().to_string(), "root task db: not started");
/// ```
pub fn set_tree_probe(probe: fn(&Rc<Local>, &mut TreeNotes)) {
    PROBE.set(Some(probe));
}

/// Asks the layer above.
pub(crate) fn probe(local: &Rc<Local>) -> TreeNotes {
    let mut notes = TreeNotes::default();
    if let Some(probe) = PROBE.get() {
        probe(local, &mut notes);
    }
    notes
}

/// What is known of a task.
#[derive(Clone, Debug, Default)]
pub struct TaskNote {
    /// What it was called.
    pub name: Option<Arc<str>>,
    /// Which child of its group it is, from 1 on; 0 if it has no such number.
    pub ordinal: u32,
    /// Where it was spawned.
    pub place: Option<&'static Location<'static>>,
    /// Why it was asked to end, if it was.
    pub reason: Option<Arc<str>>,
}

/// What is known of a group.
#[derive(Clone, Debug, Default)]
pub struct GroupNote {
    /// The member that is its body, if there is one: no task of its own, but a part of the task that polls the group.
    pub body: Option<TaskNumber>,
    /// The body has ended, and the group waits for its tasks.
    pub is_body_over: bool,
    /// Where it was opened.
    pub place: Option<&'static Location<'static>>,
    /// Why its tasks were asked to end, if they were.
    pub closing: Option<Arc<str>>,
}

/// What a layer above adds to a [`TaskTree`](crate::TaskTree); see [`set_tree_probe`].
#[derive(Debug, Default)]
pub struct TreeNotes {
    pub(super) tasks: Vec<(TaskNumber, TaskNote)>,
    pub(super) groups: Vec<(GroupNumber, GroupNote)>,
    pub(super) parts: Vec<(TaskNumber, OpenPart)>,
    pub(super) joins: Vec<(TaskNumber, TaskNumber)>,
    pub(super) admissions: Vec<(TaskNumber, GroupNumber)>,
    pub(super) wakers: Vec<(Waker, TaskNumber)>,
}

impl TreeNotes {
    /// A task: those of a group in the order in which they are to be shown.
    pub fn task(&mut self, task: TaskNumber, note: TaskNote) {
        self.tasks.push((task, note));
    }

    /// A group: of what set, and what is known of it.
    pub fn group(&mut self, group: GroupNumber, note: GroupNote) {
        self.groups.push((group, note));
    }

    /// A region or scope that a task or a body is in, outer ones first; and why it was asked to end, if it was.
    pub fn part(&mut self, task: TaskNumber, part: Part, reason: Option<Arc<str>>) {
        self.parts.push((task, OpenPart { part, reason }));
    }

    /// A task or a body that waits for a task, perhaps: that is believed if nothing else is known of it.
    pub fn joins(&mut self, waiter: TaskNumber, task: TaskNumber) {
        self.joins.push((waiter, task));
    }

    /// A task or a body that waits for a place under the limit of a group, to spawn into it.
    pub fn admission(&mut self, waiter: TaskNumber, group: GroupNumber) {
        self.admissions.push((waiter, group));
    }

    /// A waker that stands for that of a task or a body: what it is woken by, the task waits for.
    pub fn waker(&mut self, waker: Waker, task: TaskNumber) {
        self.wakers.push((waker, task));
    }
}
