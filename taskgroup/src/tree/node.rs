//! What stands for a task, a scope or a region in the tree of scopes.
//!
//! Before: `reason.rs`, `info.rs`. After: `branches.rs`, which hangs nodes together.

use crate::ledger::Ledger;
use crate::reason::Reason;
use crate::task_local::Values;
use crate::tree::flag::Flag;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;
use taskgroup_runtime::instrument::Part;
use taskgroup_runtime::{Local, Sleep};

/// The name of a node in the tree of its thread.
pub(crate) type NodeId = u32;

pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// Where the node was polled last, of a task its group; `NONE` for a scope in a root task or one that was never
    /// polled.
    pub(super) parent: NodeId,
    pub(super) first: NodeId,
    pub(super) last: NodeId,
    pub(super) before: NodeId,
    pub(super) after: NodeId,
    /// Who to wake so that the node is polled.
    pub(crate) wakeup: Wakeup,
    /// Of a group: its books, in which the names of its tasks are.
    pub(super) ledger: Weak<Ledger>,
    /// What most nodes never need.
    pub(super) extra: Option<Box<Extra>>,
}

/// What most nodes never need.
#[derive(Default)]
pub(crate) struct Extra {
    /// The cancel that was asked of this node: the first one, kept to the end.
    pub(crate) reason: Option<Reason>,
    /// Of a group: why its tasks are asked to end, all of them.
    pub(crate) closing: Option<Reason>,
    /// Woken and not polled since: set by a cancel, for regions, and by the waker that is handed on while one is in
    /// force. Made when first needed, and meaningless while no cancel is in force.
    pub(crate) flag: Option<Arc<Flag>>,
    /// The waker that is handed on instead of another while a cancel is in force.
    pub(crate) handed: Option<Rc<Handed>>,
    /// How long the node may take over its end, if there is a bound.
    pub(crate) grace: Option<Grace>,
    /// The task-local values that were set here, or inherited here from whoever spawned the task. `None`: those above.
    pub(crate) values: Option<Rc<Values>>,
}

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A child of a group. Cut: cancels from above stop here. Such a node is made when there is something to keep in it
    /// or something to hang below it: most tasks have none. It hangs loose: it knows its group, and its group finds its
    /// tasks in its ready set.
    Task,
    /// A timeout: whatever is inside is dropped when it is cancelled.
    Scope,
    /// What a cleanup waits for: a region, which a cancelled task polls until it has ended.
    Region,
    /// A running cleanup: a region, and cut.
    Cleanup,
    /// A shielded part, likewise.
    Shield,
    /// A group. For what is around it a region; for its body, as long as that runs, a scope: what is asked of the node
    /// is asked of the body, whose slot wakes it.
    Group,
}

/// A waker that sets a flag besides, and the one that it stands for. Kept, so that `will_wake` sees one change when a
/// cancel comes, and not one at each poll.
pub(crate) struct Handed {
    pub(crate) instead_of: Waker,
    /// In which task.
    pub(crate) slot: u32,
    pub(crate) waker: Waker,
}

/// A bound on how long a cancelled node may take: it runs from the moment of the cancel.
pub(crate) struct Grace {
    pub(crate) limit: Duration,
    /// `None`: not polled since it was cancelled, or rung.
    pub(crate) alarm: Option<Sleep>,
    /// The time is over: destructors only, from now on.
    pub(crate) is_over: bool,
}

/// How a node is woken.
pub(crate) enum Wakeup {
    /// Not polled yet.
    Nobody,
    /// The slot of the task that it is in.
    Slot(Rc<Local>, u32),
    /// A combinator between the node and its task: the waker of the last poll.
    Waker(Rc<Waker>),
}

impl Node {
    /// The cancel that was asked of this very node.
    #[inline(always)]
    pub(crate) fn reason(&self) -> Option<&Reason> {
        self.extra.as_ref()?.reason.as_ref()
    }

    pub(crate) fn extra(&self) -> Option<&Extra> {
        self.extra.as_deref()
    }

    /// The same, to put something in.
    pub(crate) fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    /// Whether the slot that it is woken through says if it was woken and not polled since. A region's does not: it may
    /// be queued for something else. Nor does the waker of a combinator.
    pub(crate) fn has_slot_of_its_own(&self) -> bool {
        matches!((self.kind, &self.wakeup), (Kind::Task | Kind::Group, _) | (Kind::Scope, Wakeup::Slot(..)))
    }
}

impl Kind {
    /// As instruments call it.
    pub(crate) fn part(self) -> Part {
        match self {
            Self::Task => Part::Task,
            Self::Scope => Part::Scope,
            Self::Region => Part::Guarded,
            Self::Cleanup => Part::Cleanup,
            Self::Shield => Part::Shield,
            Self::Group => Part::Body,
        }
    }

    /// Nothing is inherited from above.
    pub(crate) fn is_cut(self) -> bool {
        matches!(self, Self::Task | Self::Cleanup | Self::Shield)
    }

    /// Has to be polled to its end before what is around it may be dropped.
    pub(crate) fn is_region(self) -> bool {
        matches!(self, Self::Region | Self::Cleanup | Self::Shield | Self::Group)
    }
}
