//! How the nodes hang together, and what is found by going up and down.
//!
//! Before: `node.rs`. After: `alarm.rs`, which finds whom a cancel concerns.
//!
//! Links between nodes are `u32` keys into a slab, `NONE` for nobody; the children of a node are a doubly linked list
//! in the order in which they were hung there, for tasks the order of spawning.

use crate::info::{InTask, TaskInfo};
use crate::reason::Reason;
use crate::task_local::Values;
use crate::tree::node::{Kind, Node, NodeId, Wakeup};
use slab::Slab;
use std::rc::Rc;
use std::sync::Arc;
use taskgroup_runtime::current::NONE;

#[derive(Default)]
pub(crate) struct Tree {
    nodes: Slab<Node>,
    /// Nodes that ever were.
    births: u64,
}

impl Tree {
    pub(crate) fn get(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    pub(crate) fn get_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Notes who waits for a task.
    pub(crate) fn note_awaited(&mut self, task: NodeId, by: NodeId) {
        self.get_mut(task).awaited_by = (by != NONE).then(|| (by, self.get(by).born));
    }

    /// Who waits for whom, and who for a place: a line each.
    pub(crate) fn waits(&self) -> Vec<String> {
        let waits = self.nodes.iter().filter_map(|(id, node)| {
            let task = InTask(self.info(id as NodeId));
            let is_alive = |(waiter, born): &(NodeId, u64)| {
                self.nodes.get(*waiter as usize).is_some_and(|node| node.born == *born)
            };
            let waiter = node.awaited_by.filter(is_alive).map(|(waiter, _)| InTask(self.info(waiter)));
            match (waiter, node.is_queued) {
                (Some(waiter), true) => {
                    Some(format!("{waiter} waits for {task}, which waits for a place under the limit of its group"))
                }
                (Some(waiter), false) => Some(format!("{waiter} waits for {task}")),
                (None, true) => Some(format!("{task} waits for a place under the limit of its group")),
                (None, false) => None,
            }
        });
        waits.collect()
    }

    pub(crate) fn insert(&mut self, kind: Kind, parent: NodeId, wakeup: Wakeup) -> NodeId {
        self.births += 1;
        let node = Node {
            kind,
            parent: NONE,
            first: NONE,
            last: NONE,
            before: NONE,
            after: NONE,
            reason: None,
            wakeup,
            flag: None,
            handed: None,
            born: self.births,
            awaited_by: None,
            is_queued: false,
            grace: None,
            values: None,
        };
        let id = self.nodes.insert(node) as NodeId;
        self.hang(id, parent);
        id
    }

    /// Takes a node out. What still hangs there was moved out of its future and lives on elsewhere.
    pub(crate) fn remove(&mut self, id: NodeId) -> Node {
        while self.has_children(id) {
            self.unhang(self.get(id).first);
        }
        self.unhang(id);
        self.nodes.remove(id as usize)
    }

    pub(crate) fn has_children(&self, id: NodeId) -> bool {
        self.get(id).first != NONE
    }

    /// Hangs a node elsewhere.
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
            if node.reason.is_some() || node.kind.is_cut() {
                return node.reason.as_ref();
            }
            id = node.parent;
        }
        None
    }

    /// The task-local values at `id`.
    pub(crate) fn values_at(&self, mut id: NodeId) -> Option<Rc<Values>> {
        while id != NONE {
            let node = self.get(id);
            if node.values.is_some() || node.kind.is_task() {
                return node.values.clone(); // a task got its own when it was spawned
            }
            id = node.parent;
        }
        None
    }

    pub(crate) fn info(&self, mut id: NodeId) -> Option<Arc<TaskInfo>> {
        let mut labels = Vec::new();
        while id != NONE {
            let node = self.get(id);
            if let Kind::Task(label) = &node.kind {
                labels.push(label.clone());
            }
            id = node.parent;
        }
        labels.into_iter().rev().fold(None, |parent, label| Some(Arc::new(TaskInfo::new(label, parent))))
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
        if parent == NONE {
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
