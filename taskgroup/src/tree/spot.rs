//! Where something runs: what the tree has to say about the place.
//!
//! Before: `cancel.rs`. After: `tasks.rs`.
//!
//! What runs is named by its task's slot and by the innermost scope in the task ([`Current`]). Directly in a task there
//! is no scope, and then the task's own node counts, if it has one.

use crate::info::TaskInfo;
use crate::reason::Reason;
use crate::task_local::Values;
use crate::tree::tasks::TaskSpot;
use crate::tree::{NodeId, read};
use std::rc::Rc;
use std::sync::Arc;
use taskgroup_runtime::current::{Current, NONE};
use taskgroup_runtime::{Local, is_quiet};

/// Where something runs.
pub(crate) enum Spot {
    /// In a root task, or in none.
    Outside,
    /// In a scope, or in a task that has a node.
    Node(NodeId),
    /// In a task of a group, one without a node.
    Task(Rc<Local>, u32),
}

impl Spot {
    /// Where we are.
    pub(crate) fn here() -> Self {
        let current = Current::get();
        match (current.node(), Local::current()) {
            (NONE, None) => Self::Outside,
            (NONE, Some(local)) => Self::in_task(local, current.slot()),
            (node, _) => Self::Node(node),
        }
    }

    fn in_task(local: Rc<Local>, slot: u32) -> Self {
        let task = TaskSpot::new(&local, slot);
        match (task.known_node(), task.group()) {
            (NONE, NONE) => Self::Outside,
            (NONE, _) => Self::Task(local, slot),
            (node, _) => Self::Node(node),
        }
    }

    /// Whether a cancel is in force here.
    pub(crate) fn is_cancelled(&self) -> bool {
        if is_quiet() {
            return false;
        }
        match self {
            Self::Outside => false,
            Self::Node(node) => read(|tree| tree.reason_at(*node).is_some()).unwrap_or(false),
            Self::Task(local, slot) => TaskSpot::new(local, *slot).is_cancelled(),
        }
    }

    /// Why what runs here is cancelled: for its own reason, else for the nearest inherited one.
    pub(crate) fn reason(&self) -> Option<Reason> {
        if is_quiet() {
            return None;
        }
        match self {
            Self::Outside => None,
            Self::Node(node) => read(|tree| tree.reason_at(*node).cloned()).flatten(),
            Self::Task(local, slot) => TaskSpot::new(local, *slot).reason(),
        }
    }

    /// Who runs here, and under whom.
    pub(crate) fn info(&self) -> Option<Arc<TaskInfo>> {
        match self {
            Self::Outside => None,
            Self::Node(node) => read(|tree| tree.info(*node)).flatten(),
            Self::Task(local, slot) => TaskSpot::new(local, *slot).info(),
        }
    }

    /// The task-local values.
    pub(crate) fn values(&self) -> Option<Rc<Values>> {
        match self {
            Self::Node(node) => read(|tree| tree.values_at(*node)).flatten(),
            Self::Outside | Self::Task(..) => None, // a task that has inherited some has a node
        }
    }

    /// The node to hang something below that is polled here. [`NONE`]: that hangs nowhere.
    pub(crate) fn node(&self) -> NodeId {
        match self {
            Self::Outside => NONE,
            Self::Node(node) => *node,
            Self::Task(local, slot) => TaskSpot::new(local, *slot).node(),
        }
    }

    /// The same, without making one.
    pub(crate) fn known_node(&self) -> NodeId {
        if let Self::Node(node) = self { *node } else { NONE }
    }
}
