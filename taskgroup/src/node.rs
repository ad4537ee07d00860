//! The nodes of the scope tree, and how they hang together.
//!
//! Before: `reason.rs`, `info.rs`. After: `tree.rs`, which asks the questions and gives the orders.
//!
//! Links between nodes are `u32` keys into a slab, `NONE` for nobody; the children of a node are a doubly linked list
//! in the order in which they were hung there, for tasks the order of spawning. Nothing here runs anybody's code: who
//! is to be woken is handed out.

use crate::info::{InTask, Label, TaskInfo};
use crate::reason::Reason;
use crate::task_local::Values;
use slab::Slab;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::time::Duration;
use taskgroup_runtime::current::NONE;
use taskgroup_runtime::ready::ReadySet;
use taskgroup_runtime::{Local, Sleep};

/// The name of a node in the tree of its thread.
pub(crate) type NodeId = u32;

/// Wakers to be woken when the tree is not borrowed any more.
pub(crate) type Outside = Vec<Rc<Waker>>;

#[derive(Default)]
pub(crate) struct Tree {
    nodes: Slab<Node>,
}

pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// Where the node was polled last; [`NONE`] for a scope in a root task or one that was never polled.
    parent: NodeId,
    first: NodeId,
    last: NodeId,
    before: NodeId,
    after: NodeId,
    /// The cancel that was asked of this node: the first one, kept to the end.
    pub(crate) reason: Option<Reason>,
    /// Who to wake so that the node is polled.
    pub(crate) wakeup: Wakeup,
    /// Woken and not polled since: set by a cancel, for regions, and by the waker that is handed on while one is in
    /// force. Made when first needed, and meaningless while no cancel is in force.
    pub(crate) flag: Option<Arc<AtomicBool>>,
    /// The waker that is handed on instead of another while a cancel is in force.
    pub(crate) handed: Option<Rc<Handed>>,
    /// Who awaited the handle of this task last; [`NONE`] for nobody. For stalls, which tell it: no more than a hint,
    /// since that node may be gone.
    pub(crate) awaited_by: NodeId,
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

/// What is below a node and has to end first.
#[derive(Default)]
pub(crate) struct Regions {
    pub(crate) any: bool,
    /// At least one is polled by its task, as far as we know.
    pub(crate) awaited: bool,
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

    /// Who waits for whom, and who for a place: a line each.
    pub(crate) fn waits(&self) -> Vec<String> {
        let waits = self.nodes.iter().filter_map(|(id, node)| {
            let is_awaited = node.awaited_by != NONE && self.nodes.contains(node.awaited_by as usize);
            let task = InTask(self.info(id as NodeId));
            let waiter = || InTask(self.info(node.awaited_by));
            match (is_awaited, node.is_queued) {
                (true, true) => {
                    Some(format!("{} waits for {task}, which waits for a place under the limit of its group", waiter()))
                }
                (true, false) => Some(format!("{} waits for {task}", waiter())),
                (false, true) => Some(format!("{task} waits for a place under the limit of its group")),
                (false, false) => None,
            }
        });
        waits.collect()
    }

    pub(crate) fn insert(&mut self, kind: Kind, parent: NodeId, wakeup: Wakeup) -> NodeId {
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
            awaited_by: NONE,
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

    /// Children that are part of the same task. Of a group that is the body, which was hung there first; the thousand
    /// tasks behind it are not looked at.
    fn inner(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let limit = if matches!(self.get(id).kind, Kind::Group(_)) { 1 } else { usize::MAX };
        self.children(id).take(limit).filter(|child| !self.get(*child).kind.is_task())
    }

    /// Wakes a node that was asked to end, and all below it that inherits from it; a shield hears of it too, and
    /// nothing inside. The recursion is as deep as scopes nest in one task.
    pub(crate) fn alarm(&mut self, id: NodeId, outside: &mut Outside) {
        self.alarm_one(id, outside);
        let inner: Vec<_> = self.inner(id).collect();
        for child in inner {
            match self.get(child).kind {
                Kind::Shield => self.alarm_one(child, outside),
                _ => self.alarm(child, outside),
            }
        }
    }

    fn alarm_one(&mut self, id: NodeId, outside: &mut Outside) {
        let node = self.get_mut(id);
        if matches!(node.kind, Kind::Region | Kind::Shield) {
            node.flag.get_or_insert_default(); // their slot does not know: it may be queued for something else
        }
        outside.extend(self.wake(id));
    }

    pub(crate) fn wake(&self, id: NodeId) -> Option<Rc<Waker>> {
        let node = self.get(id);
        if let Some(flag) = &node.flag {
            flag.store(true, Ordering::Relaxed);
        }
        match &node.wakeup {
            Wakeup::Nobody => None,
            Wakeup::Slot(local, slot) => local.mark(*slot),
            Wakeup::Waker(waker) => Some(waker.clone()),
        }
    }

    /// Wakes what is cancelled above a node, up to the outermost that was asked. In two walks: to ask at every step
    /// whether a cancel is in force there would be a walk each, and cost the cube of the depth when deep bodies end.
    ///
    /// Nobody is woken if the node above is being polled, `current` or around it: it looks after its poll. A wake would
    /// give it a place in the order of turns that it does not have.
    pub(crate) fn wake_cancelled_above(&self, id: NodeId, current: NodeId, outside: &mut Outside) {
        let parent = self.get(id).parent;
        if current == parent || current != NONE && self.above(current).any(|id| id == parent) {
            return;
        }
        let Some(top) = self.above(id).filter(|id| self.get(*id).reason.is_some()).last() else { return };
        for id in self.above(id) {
            // a group hears of it through its body
            if !matches!(self.get(id).kind, Kind::Group(_)) {
                outside.extend(self.wake(id));
            }
            if id == top {
                return;
            }
        }
    }

    /// The nodes above one, up to its task.
    fn above(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let mut next = self.get(id).parent;
        std::iter::from_fn(move || {
            let id = (next != NONE).then_some(next)?;
            next = if self.get(id).kind.is_cut() { NONE } else { self.get(id).parent };
            Some(id)
        })
    }

    /// Whether a node was woken and not polled since.
    pub(crate) fn is_woken(&self, id: NodeId) -> bool {
        let node = self.get(id);
        match (&node.kind, &node.wakeup) {
            (Kind::Group(set), _) => set.is_told(),
            (Kind::Task(_) | Kind::Scope, Wakeup::Slot(local, slot)) => local.is_queued(*slot),
            _ => node.flag.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)),
        }
    }

    pub(crate) fn regions_below(&self, id: NodeId) -> Regions {
        let mut regions = Regions::default();
        for child in self.inner(id) {
            if self.get(child).kind.is_region() {
                regions.any = true;
                // what is inside one that nobody polls, is polled by nobody either
                regions.awaited |= !self.is_woken(child);
            } else {
                let below = self.regions_below(child);
                regions.any |= below.any;
                regions.awaited |= below.awaited;
            }
            if regions.awaited {
                break;
            }
        }
        regions
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
