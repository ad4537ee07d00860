//! How the nodes hang together, and what is found by going up and down.
//!
//! Before: `node.rs`. After: `alarm.rs`, which finds whom a cancel concerns.
//!
//! Links between nodes are `u32` keys into a slab, `NONE` for nobody; the children of a node are a doubly linked list
//! in the order in which they were hung there.

use crate::info::{Label, TaskInfo};
use crate::ledger::{BODY, Ledger, QUEUED};
use crate::reason::Reason;
use crate::task_local::Values;
use crate::tree::node::{Kind, Node, NodeId, Wakeup};
use slab::Slab;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use taskgroup_runtime::Local;
use taskgroup_runtime::current::NONE;

#[derive(Default)]
pub(crate) struct Tree {
    nodes: Slab<Node>,
}

impl Tree {
    #[inline(always)]
    pub(crate) fn get(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    #[inline(always)]
    pub(crate) fn get_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id as usize]
    }

    /// All nodes.
    pub(super) fn ids(&self) -> impl Iterator<Item = NodeId> {
        self.nodes.iter().map(|(id, _)| id as NodeId)
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// A new node, which hangs nowhere until it is polled.
    #[inline(always)]
    pub(crate) fn insert(&mut self, kind: Kind, wakeup: Wakeup) -> NodeId {
        self.add(kind, NONE, wakeup, Weak::new())
    }

    /// The node of a group, which knows its books.
    #[inline(always)]
    pub(crate) fn insert_group(&mut self, ledger: Weak<Ledger>, wakeup: Wakeup) -> NodeId {
        self.add(Kind::Group, NONE, wakeup, ledger)
    }

    /// The node of a task, which knows its group.
    pub(crate) fn insert_task(&mut self, group: NodeId, wakeup: Wakeup) -> NodeId {
        self.add(Kind::Task, group, wakeup, Weak::new())
    }

    #[inline(always)]
    fn add(&mut self, kind: Kind, parent: NodeId, wakeup: Wakeup, ledger: Weak<Ledger>) -> NodeId {
        let (first, last, before, after) = (NONE, NONE, NONE, NONE);
        let node = Node { kind, parent, first, last, before, after, wakeup, ledger, extra: None };
        self.nodes.insert(node) as NodeId
    }

    /// Takes a node out. What still hangs there was moved out of its future and lives on elsewhere.
    #[inline]
    pub(crate) fn remove(&mut self, id: NodeId) -> Node {
        self.clear(id);
        self.unhang(id);
        self.nodes.remove(id as usize)
    }

    /// Lets everything fall that hangs at a node. Whether there was something.
    pub(crate) fn clear(&mut self, id: NodeId) -> bool {
        let has_children = self.has_children(id);
        while self.has_children(id) {
            self.unhang(self.get(id).first);
        }
        has_children
    }

    pub(crate) fn has_children(&self, id: NodeId) -> bool {
        self.get(id).first != NONE
    }

    /// Hangs a node elsewhere.
    #[inline]
    pub(crate) fn relink(&mut self, id: NodeId, parent: NodeId) {
        self.unhang(id);
        self.hang(id, parent);
    }

    /// The reason at the node that `id` hangs below.
    pub(crate) fn reason_above(&self, id: NodeId) -> Option<&Reason> {
        self.reason_at(self.get(id).parent)
    }

    pub(crate) fn reason_at(&self, mut id: NodeId) -> Option<&Reason> {
        while id != NONE {
            let node = self.get(id);
            if node.kind.is_cut() {
                return self.reason_of(id);
            }
            if node.reason().is_some() {
                return node.reason();
            }
            id = node.parent;
        }
        None
    }

    /// Why a node itself was asked to end; a task also with all the others of its group.
    pub(crate) fn reason_of(&self, id: NodeId) -> Option<&Reason> {
        let node = self.get(id);
        let with_all = || if node.kind == Kind::Task { self.closing(node.parent) } else { None };
        node.reason().or_else(with_all)
    }

    /// Why all tasks of a group were asked to end.
    pub(crate) fn closing(&self, group: NodeId) -> Option<&Reason> {
        self.get(group).extra()?.closing.as_ref()
    }

    /// The slot through which a node is woken: that of its task. `None`: not polled yet, or woken through a combinator.
    pub(crate) fn slot_of(&self, id: NodeId) -> Option<u32> {
        match &self.get(id).wakeup {
            Wakeup::Slot(_, slot) => Some(*slot),
            Wakeup::Nobody | Wakeup::Waker(_) => None,
        }
    }

    /// The task-local values at `id`.
    pub(crate) fn values_at(&self, mut id: NodeId) -> Option<Rc<Values>> {
        while id != NONE {
            let node = self.get(id);
            let own = node.extra().and_then(|extra| extra.values.clone());
            if own.is_some() || node.kind == Kind::Task {
                return own; // a task got its own when it was spawned
            }
            id = node.parent;
        }
        None
    }

    /// Who the task is that a node is in, and under whom.
    pub(crate) fn info(&self, mut id: NodeId) -> Option<Arc<TaskInfo>> {
        let mut labels = Vec::new();
        while id != NONE {
            let node = self.get(id);
            if let (Kind::Task, Wakeup::Slot(local, slot)) = (node.kind, &node.wakeup) {
                labels.extend(self.label(local, *slot));
            }
            id = node.parent;
        }
        labels.into_iter().rev().fold(None, |parent, label| Some(Arc::new(TaskInfo::new(label, parent))))
    }

    /// What a task is called and where it was spawned. `None`: it is no task of a group, or its group is gone.
    pub(crate) fn label(&self, local: &Local, slot: u32) -> Option<Label> {
        let group = local.note_above(slot);
        let ledger = if group == NONE { None } else { self.get(group).ledger.upgrade() }?;
        match local.key(slot)? {
            BODY => None,
            key => Some(ledger.tasks.with(key & !QUEUED, |row| row.label())),
        }
    }

    pub(crate) fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let mut next = self.get(id).first;
        std::iter::from_fn(move || {
            let child = (next != NONE).then_some(next)?;
            next = self.get(child).after;
            Some(child)
        })
    }

    /// The nodes above one, up to its task.
    pub(super) fn above(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let mut next = self.get(id).parent;
        std::iter::from_fn(move || {
            let id = (next != NONE).then_some(next)?;
            next = if self.get(id).kind.is_cut() { NONE } else { self.get(id).parent };
            Some(id)
        })
    }

    /// Hangs a loose node behind the last child of `parent`.
    fn hang(&mut self, id: NodeId, parent: NodeId) {
        if parent == NONE {
            return;
        }
        let last = std::mem::replace(&mut self.get_mut(parent).last, id);
        match last {
            NONE => self.get_mut(parent).first = id,
            last => self.get_mut(last).after = id,
        }
        let node = self.get_mut(id);
        node.parent = parent;
        node.before = last;
    }

    fn unhang(&mut self, id: NodeId) {
        let node = self.get_mut(id);
        let parent = std::mem::replace(&mut node.parent, NONE);
        let before = std::mem::replace(&mut node.before, NONE);
        let after = std::mem::replace(&mut node.after, NONE);
        if parent == NONE || node.kind == Kind::Task {
            return;
        }
        match before {
            NONE => self.get_mut(parent).first = after,
            before => self.get_mut(before).after = after,
        }
        match after {
            NONE => self.get_mut(parent).last = before,
            after => self.get_mut(after).before = before,
        }
    }
}
