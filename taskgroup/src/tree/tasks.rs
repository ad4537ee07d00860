//! What the tree knows of a task: what it was asked, what it was called, what hangs in it.
//!
//! Before: `spot.rs`. After: `drive.rs`, `ledger.rs`.
//!
//! Most tasks are asked nothing and open nothing. So a task's node is made when it is needed, and found through the
//! number that a slot of the runtime has room for; the group's node through the one beside its set.

use crate::info::TaskInfo;
use crate::reason::Reason;
use crate::tree::branches::Tree;
use crate::tree::cancel::{Verdict, cancel, verdict_after, verdict_before};
use crate::tree::node::{NodeId, Wakeup};
use crate::tree::{self, read, write};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use taskgroup_runtime::current::NONE;
use taskgroup_runtime::{Local, is_quiet};

/// A task, by its slot; or the body of a group, or a root task, which are members of a set as well.
#[derive(Clone, Copy)]
pub(crate) struct TaskSpot<'a> {
    local: &'a Rc<Local>,
    slot: u32,
}

impl<'a> TaskSpot<'a> {
    #[inline(always)]
    pub(crate) fn new(local: &'a Rc<Local>, slot: u32) -> Self {
        Self { local, slot }
    }

    /// The node of its group. [`NONE`]: a root task.
    pub(crate) fn group(&self) -> NodeId {
        self.local.note_above(self.slot)
    }

    /// Its own node, if it has one.
    #[inline(always)]
    pub(crate) fn known_node(&self) -> NodeId {
        self.local.note(self.slot)
    }

    /// Its own node, made if need be.
    pub(crate) fn node(&self) -> NodeId {
        let known = self.known_node();
        if known != NONE {
            return known;
        }
        let wakeup = Wakeup::Slot(self.local.clone(), self.slot);
        let node = write(|tree| tree.insert_task(self.group(), wakeup)).unwrap_or(NONE);
        self.local.set_note(self.slot, node);
        node
    }

    /// Asks it to end.
    pub(crate) fn cancel(&self, reason: &Reason) {
        cancel(self.node(), reason);
    }

    /// Whether it was asked to end, by itself or with all the others of its group.
    pub(crate) fn is_cancelled(&self) -> bool {
        !is_quiet() && read(|tree| self.look(tree).is_some()).unwrap_or(false)
    }

    /// Why it was asked to end.
    pub(crate) fn reason(&self) -> Option<Reason> {
        if is_quiet() { None } else { read(|tree| self.look(tree).cloned()).flatten() }
    }

    /// The same, if it was asked by itself.
    pub(crate) fn own_reason(&self) -> Option<Reason> {
        match self.known_node() {
            NONE => None,
            node => read(|tree| tree.get(node).reason().cloned()).flatten(),
        }
    }

    fn look<'t>(&self, tree: &'t Tree) -> Option<&'t Reason> {
        match self.known_node() {
            NONE => tree.closing(self.group()),
            node => tree.reason_of(node),
        }
    }

    /// Who it is, and under whom. Of a body, the task that it is in.
    pub(crate) fn info(&self) -> Option<Arc<TaskInfo>> {
        let above = match self.group() {
            NONE => None,
            group => read(|tree| tree.info(group)).flatten(),
        };
        match read(|tree| tree.label(self.local, self.slot)).flatten() {
            Some(label) => Some(Arc::new(TaskInfo::new(label, above))),
            None => above,
        }
    }

    /// It has ended: its node goes, if it has one.
    #[inline(always)]
    pub(crate) fn end(&self) {
        match self.known_node() {
            NONE => {}
            node => tree::remove(node),
        }
    }

    /// Before a poll under a cancel: is its future to be dropped without one?
    pub(crate) fn verdict_before(&self, cx: &mut Context<'_>) -> Verdict {
        match self.known_node() {
            NONE if self.is_cancelled() => Verdict::Drop,
            NONE => Verdict::Keep,
            node => verdict_before(node, cx),
        }
    }

    /// After a poll that is pending, under a cancel: is its future to be polled again?
    pub(crate) fn verdict_after(&self) -> Verdict {
        match self.known_node() {
            NONE if self.is_cancelled() => Verdict::Drop,
            NONE => Verdict::Keep,
            node => verdict_after(node),
        }
    }
}
