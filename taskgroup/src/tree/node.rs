//! What stands for a task, a scope or a region in the tree of scopes.
//!
//! Before: `reason.rs`, `info.rs`. After: `branches.rs`, which hangs nodes together.

use crate::info::Label;
use crate::reason::Reason;
use crate::task_local::Values;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::Waker;
use std::time::Duration;
use taskgroup_runtime::ready::ReadySet;
use taskgroup_runtime::{Local, Sleep};

/// The name of a node in the tree of its thread.
pub(crate) type NodeId = u32;

pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// Where the node was polled last; `NONE` for a scope in a root task or one that was never polled.
    pub(super) parent: NodeId,
    pub(super) first: NodeId,
    pub(super) last: NodeId,
    pub(super) before: NodeId,
    pub(super) after: NodeId,
    /// The cancel that was asked of this node: the first one, kept to the end.
    pub(crate) reason: Option<Reason>,
    /// Who to wake so that the node is polled.
    pub(crate) wakeup: Wakeup,
    /// Woken and not polled since: set by a cancel, for regions, and by the waker that is handed on while one is in
    /// force. Made when first needed, and meaningless while no cancel is in force.
    pub(crate) flag: Option<Arc<AtomicBool>>,
    /// The waker that is handed on instead of another while a cancel is in force.
    pub(crate) handed: Option<Rc<Handed>>,
    /// The number of its birth, since ids are used again.
    pub(super) born: u64,
    /// Who awaited the handle of this task last, and the number of its birth. For stalls, which tell it: no more than a
    /// hint, since that node may be gone, or wait for something else by now.
    pub(crate) awaited_by: Option<(NodeId, u64)>,
    /// The task was not started, since its group has no place for it.
    pub(crate) is_queued: bool,
    /// How long the node may take over its end, if there is a bound.
    pub(crate) grace: Option<Box<Grace>>,
    /// The task-local values that were set here, or inherited here from whoever spawned the task. `None`: those above.
    pub(crate) values: Option<Rc<Values>>,
}

/// What a node stands for.
pub(crate) enum Kind {
    /// A child of a group. Cut: cancels from above stop here.
    Task(Label),
    /// A timeout, the body of a group: whatever is inside is dropped when it is cancelled.
    Scope,
    /// What a cleanup waits for: a region, which a cancelled task polls until it has ended.
    Region,
    /// A running cleanup, or a shielded part: a region, and cut.
    Shield,
    /// A group: a region as well.
    Group(Rc<ReadySet>),
}

/// A waker that sets a flag besides, and the one that it stands for. Kept, so that `will_wake` sees one change when a
/// cancel comes, and not one at each poll.
pub(crate) struct Handed {
    pub(crate) instead_of: Waker,
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
    /// Whether the slot that it is woken through says if it was woken and not polled since. A region's does not: it may
    /// be queued for something else. Nor does the waker of a combinator.
    pub(crate) fn has_slot_of_its_own(&self) -> bool {
        matches!((&self.kind, &self.wakeup), (Kind::Task(_) | Kind::Group(_), _) | (Kind::Scope, Wakeup::Slot(..)))
    }
}

impl Kind {
    /// Nothing is inherited from above.
    pub(crate) fn is_cut(&self) -> bool {
        matches!(self, Self::Task(_) | Self::Shield)
    }

    /// A task of its own, which its group asks to end, and nobody else.
    pub(crate) fn is_task(&self) -> bool {
        matches!(self, Self::Task(_))
    }

    /// Has to be polled to its end before what is around it may be dropped.
    pub(crate) fn is_region(&self) -> bool {
        matches!(self, Self::Region | Self::Shield | Self::Group(_))
    }
}
