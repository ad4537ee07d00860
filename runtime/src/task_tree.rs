//! The task tree: every task, and what it waits for, as plain data.
//!
//! Before: `local.rs`, in which all is that is looked at. After: `task_tree/notes.rs`, what a layer above adds; `task_tree/build.rs`, which
//! puts a tree together; `task_tree/node.rs`, to walk it; `task_tree/display.rs`, which draws it.
//!
//! **Free until it is asked for.** Nothing is kept for it where tasks are spawned, woken and polled: who waits for what
//! is found by looking through the tables, the timers and the descriptors, at the moment of asking.
//!
//! **Flat.** Tasks and groups lie in two vectors and name each other by number, so that a tree of any depth is cloned,
//! compared, drawn and dropped without recursion.
#![forbid(unsafe_code)]

mod build;
mod display;
mod index;
mod node;
mod notes;
mod words;

pub use display::TreeDisplay;
use index::Index;
pub use node::{GroupNode, TaskNode};
use notes::probe;
pub use notes::{GroupNote, TaskNote, TreeNotes, set_tree_probe};

use crate::instrument::{GroupNumber, Part, TaskNumber, WaitsFor};
use crate::local::Local;
use crate::runtime::Runtime;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

impl Runtime<'_> {
    /// Every task of this runtime, where it is, and what it waits for, at this moment.
    ///
    /// Costs a look at each task, timer and descriptor; nothing before it is asked for.
    ///
    /// ```
    /// use std::time::Duration;
    /// use taskgroup_runtime::{Clock, Runtime, sleep};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let runtime = Runtime::with_clock(Clock::Manual);
    /// runtime.spawn(sleep(Duration::from_secs(3)));
    /// runtime.turn(Some(Duration::ZERO))?;
    /// assert_eq!(runtime.tree().to_string(), "root task #0: waits for a timer in 3s");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn tree(&self) -> TaskTree {
        TaskTree::of(&self.local)
    }
}

/// The same for the current runtime, from inside a task. `None` outside.
///
/// ```
/// use taskgroup_runtime::{block_on, tree};
///
/// let seen = block_on(async { tree().map(|tree| tree.to_string()) });
/// assert_eq!(seen.as_deref(), Some("main (block_on): being polled"));
/// assert_eq!(tree(), None);
/// ```
#[must_use]
pub fn tree() -> Option<TaskTree> {
    Local::current().map(|local| TaskTree::of(&local))
}

/// Every task of a runtime, where it is, and what it waited for when this was made: by [`Runtime::tree`], or because
/// the runtime [stalled](crate::Stall).
///
/// Plain data, which may go to another thread. A group's body is no task of its own: what the body waits for, the task
/// that has opened the group waits for. `Display` (and `Debug`) draws the tree, with at most 15 members of a group and 10
/// levels; [`display`](Self::display) can be told otherwise. O(1) to clone.
///
/// ```
/// use taskgroup_runtime::{block_on, spawn, tree, yield_now};
///
/// let tree = block_on(async {
///     spawn(std::future::pending::<()>());
///     yield_now().await;
///     tree().expect("we are in a runtime")
/// });
/// assert_eq!(tree.tasks().map(|task| task.name().into_owned()).collect::<Vec<_>>(), ["main", "#1"]);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TaskTree(Arc<Forest>);

#[derive(Default, PartialEq, Eq)]
struct Forest {
    /// When it was made, since the runtime was.
    at: Duration,
    /// In the order in which they are drawn.
    tasks: Vec<Task>,
    groups: Vec<Group>,
    roots: Vec<u32>,
    /// Groups that no task polls.
    adrift: Vec<u32>,
    /// Where they are in `tasks`.
    task_numbers: Index,
    /// Where they are in `groups`.
    group_numbers: Index,
}

#[derive(PartialEq, Eq)]
struct Task {
    number: TaskNumber,
    is_main: bool,
    /// Its place in `groups`. [`NONE`](crate::current::NONE): a root task.
    group: u32,
    /// Which child of its group it is, from 1 on; 0 if nobody has said.
    ordinal: u32,
    name: Option<Arc<str>>,
    place: Option<&'static Location<'static>>,
    state: TaskState,
    waits: Vec<WaitsFor>,
    deadline: Option<Duration>,
    reason: Option<Arc<str>>,
    parts: Vec<OpenPart>,
    /// Those that hang directly in the task.
    groups: Vec<u32>,
}

#[derive(PartialEq, Eq)]
struct Group {
    number: GroupNumber,
    /// [`NONE`](crate::current::NONE) if it is over and gone, or not known.
    body: TaskNumber,
    place: Option<&'static Location<'static>>,
    closing: Option<Arc<str>>,
    /// The task that it is in: [`NONE`](crate::current::NONE) if it is adrift.
    owner: u32,
    /// The group in whose body it was opened, or [`NONE`](crate::current::NONE).
    around: u32,
    tasks: Vec<u32>,
    /// Those that hang in the body.
    groups: Vec<u32>,
}

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskState {
    /// It was not polled yet. If it has been woken for that, it waits for its [first poll](WaitsFor::FirstPoll); if not,
    /// for a [place](WaitsFor::Place).
    NotStarted,
    /// It is woken, and was not polled since.
    Queued,
    /// It is being polled (or dropped) right now, or a task inside it is.
    Polled,
    /// It waits; see [`TaskNode::waits`].
    Waiting,
}

/// A region or scope that a task is in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenPart {
    /// Which kind.
    pub part: Part,
    /// Why it was asked to end, if it was.
    pub reason: Option<Arc<str>>,
}

impl TaskTree {
    pub(crate) fn of(local: &Rc<Local>) -> Self {
        Self(Arc::new(build::build(local)))
    }

    /// Root tasks, that of `block_on` first.
    pub fn roots(&self) -> impl Iterator<Item = TaskNode<'_>> {
        self.nodes(&self.0.roots)
    }

    /// Groups that no task polls: one that was moved out of its task and left alone, or forgotten.
    pub fn adrift(&self) -> impl Iterator<Item = GroupNode<'_>> {
        self.group_nodes(&self.0.adrift)
    }

    /// Every task once, in the order in which they are drawn.
    pub fn tasks(&self) -> impl Iterator<Item = TaskNode<'_>> {
        (0..self.0.tasks.len() as u32).map(|index| TaskNode { tree: self, index })
    }

    /// The task of that number: the one in [`WaitsFor::Task`].
    #[must_use]
    pub fn task(&self, number: TaskNumber) -> Option<TaskNode<'_>> {
        self.0.task_numbers.get(number).map(|index| TaskNode { tree: self, index: index as u32 })
    }

    /// The group of that number: the one in [`WaitsFor::Group`].
    #[must_use]
    pub fn group(&self, number: GroupNumber) -> Option<GroupNode<'_>> {
        self.0.group_numbers.get(number).map(|index| GroupNode { tree: self, index: index as u32 })
    }

    /// How many tasks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.tasks.len()
    }

    /// Whether there is no task.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.tasks.is_empty()
    }

    /// When it was made, counted from when the runtime was, on its clock: as times in [`WaitsFor::Timer`] are counted.
    #[must_use]
    pub fn at(&self) -> Duration {
        self.0.at
    }

    fn nodes<'a>(&'a self, tasks: &'a [u32]) -> impl Iterator<Item = TaskNode<'a>> {
        tasks.iter().map(|index| TaskNode { tree: self, index: *index })
    }

    fn group_nodes<'a>(&'a self, groups: &'a [u32]) -> impl Iterator<Item = GroupNode<'a>> {
        groups.iter().map(|index| GroupNode { tree: self, index: *index })
    }
}

impl fmt::Debug for TaskTree {
    /// As `Display`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
