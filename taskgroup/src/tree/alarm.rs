//! Whom a cancel concerns: who is to be woken, and what has to end first.
//!
//! Before: `branches.rs`. After: `cancel.rs`, which acts on it. Nothing here runs anybody's code: who is to be woken is
//! handed out.

use crate::tree::branches::Tree;
use crate::tree::flag::Flag;
use crate::tree::node::{Kind, NodeId, Wakeup};
use std::rc::Rc;
use std::task::Waker;
use taskgroup_runtime::current::NONE;

/// Wakers to be woken when the tree is not borrowed any more.
pub(crate) type Outside = Vec<Rc<Waker>>;

/// What is below a node and has to end first.
#[derive(Default)]
pub(crate) struct Regions {
    pub(crate) any: bool,
    /// At least one is polled by its task, as far as we know.
    pub(crate) awaited: bool,
}

impl Tree {
    /// Wakes a node that was asked to end, and all below it that inherits from it; a shield hears of it too, and
    /// nothing inside. The recursion is as deep as scopes nest in one task.
    pub(crate) fn alarm(&mut self, id: NodeId, outside: &mut Outside) {
        self.alarm_one(id, outside);
        let inner: Vec<_> = self.children(id).collect();
        for child in inner {
            match self.get(child).kind {
                Kind::Cleanup | Kind::Shield => self.alarm_one(child, outside),
                _ => self.alarm(child, outside),
            }
        }
    }

    fn alarm_one(&mut self, id: NodeId, outside: &mut Outside) {
        let node = self.get_mut(id);
        if !node.has_slot_of_its_own() {
            node.extra_mut().flag.get_or_insert_default();
        }
        outside.extend(self.wake(id));
    }

    pub(crate) fn wake(&self, id: NodeId) -> Option<Rc<Waker>> {
        let node = self.get(id);
        if let Some(flag) = node.extra().and_then(|extra| extra.flag.as_ref()) {
            flag.wake();
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
        let Some(top) = self.above(id).filter(|id| self.reason_of(*id).is_some()).last() else { return };
        for id in self.above(id) {
            outside.extend(self.wake(id));
            if id == top {
                return;
            }
        }
    }

    /// Whether who polls a node was woken for it and has not polled it since: of a region, the task that it is in; of
    /// all others, the node itself.
    pub(crate) fn is_woken(&self, id: NodeId) -> bool {
        let node = self.get(id);
        match (node.kind, &node.wakeup) {
            (Kind::Task | Kind::Scope | Kind::Group, Wakeup::Slot(local, slot)) => local.is_queued(*slot),
            _ => self.flag(id).is_some_and(Flag::is_woken),
        }
    }

    /// Whether a region was woken and not polled since. A group is polled for the sake of all in it: the word has gone
    /// to its owner, or not.
    fn is_region_woken(&self, id: NodeId) -> bool {
        match (self.get(id).kind, &self.get(id).wakeup) {
            (Kind::Group, Wakeup::Slot(local, body)) => local.is_told(*body),
            _ => self.flag(id).is_some_and(Flag::is_left_alone),
        }
    }

    fn flag(&self, id: NodeId) -> Option<&Flag> {
        self.get(id).extra().and_then(|extra| extra.flag.as_deref())
    }

    pub(crate) fn regions_below(&self, id: NodeId) -> Regions {
        let mut regions = Regions::default();
        for child in self.children(id) {
            if self.get(child).kind.is_region() {
                regions.any = true;
                // what is inside one that nobody polls, is polled by nobody either
                regions.awaited |= !self.is_region_woken(child);
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
}
