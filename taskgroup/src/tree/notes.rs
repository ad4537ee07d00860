//! What we know of the tasks of a runtime, for its task tree: names, places, groups, cancels.
//!
//! Before: `tasks.rs`, `ledger.rs`. After: nothing; the tree itself is the runtime's (`runtime/src/task_tree.rs`).
//!
//! The runtime knows who is in whose ready set, and finds timers and descriptors by itself. Names and places are in the
//! books of the groups, and those are found through the groups' nodes.

use crate::ledger::{BODY, Ledger};
use crate::news::Joiner;
use crate::reason::Reason;
use crate::tree::branches::Tree;
use crate::tree::node::{Handed, Kind, NodeId, Wakeup};
use crate::tree::{TaskSpot, read};
use std::rc::Rc;
use std::sync::Arc;
use taskgroup_runtime::current::NONE;
use taskgroup_runtime::instrument::Part;
use taskgroup_runtime::{GroupNote, Local, TaskNote, TreeNotes};

/// Tells all of it.
pub(super) fn tell(local: &Rc<Local>, notes: &mut TreeNotes) {
    for ledger in read(Tree::ledgers).unwrap_or_default() {
        if Rc::ptr_eq(ledger.set.local(), local) {
            tell_group(local, &ledger, notes);
        }
    }
    for handed in read(Tree::handed).unwrap_or_default() {
        notes.waker(handed.waker.clone(), handed.slot);
    }
    for (slot, part, reason) in read(|tree| tree.parts(local)).unwrap_or_default() {
        notes.part(slot, part, reason.as_ref().map(text));
    }
}

fn text(reason: &Reason) -> Arc<str> {
    reason.to_string().into()
}

fn tell_group(local: &Rc<Local>, ledger: &Ledger, notes: &mut TreeNotes) {
    let group = ledger.set.number();
    let closing = ledger.closing().as_ref().map(text);
    // A group that ends has no body any more, and the slot may be another's.
    let has_body = local.key(ledger.body_slot) == Some(BODY) && local.note_above(ledger.body_slot) == ledger.node;
    notes.group(
        group,
        GroupNote {
            body: has_body.then_some(ledger.body_slot),
            is_body_over: !ledger.body_lives(),
            place: Some(ledger.place),
            closing: closing.clone(),
        },
    );
    for (key, slot) in ledger.tasks.live() {
        let (label, line) = ledger.tasks.with(key, |row| {
            let line = match row.extra().and_then(|extra| extra.joiner.as_ref()) {
                Some(Joiner::Line(line, _)) => Some(line.clone()),
                _ => None,
            };
            (row.label(), line)
        });
        let reason = TaskSpot::new(local, slot).own_reason().as_ref().map(text).or_else(|| closing.clone());
        notes.task(slot, TaskNote { name: label.name, ordinal: label.number, place: Some(label.place), reason });
        for waiter in line.into_iter().flat_map(|line| line.waiters.slots(local)) {
            notes.joins(waiter, slot);
        }
    }
    for waiter in ledger.books_if_any().into_iter().flat_map(|books| books.limit.admitting.slots(local)) {
        notes.admission(waiter, group);
    }
}

impl Tree {
    /// The books of all groups.
    fn ledgers(&self) -> Vec<Rc<Ledger>> {
        self.ids().filter_map(|id| self.get(id).ledger.upgrade()).collect()
    }

    /// The wakers that are handed on while a cancel is in force: what a cleanup waits for, wakes one of these.
    fn handed(&self) -> Vec<Rc<Handed>> {
        self.ids().filter_map(|id| self.get(id).extra()?.handed.clone()).collect()
    }

    /// The scopes and regions in the tasks of a runtime, outer ones first; and in which member they are: a task, or the
    /// body of a group.
    fn parts(&self, local: &Rc<Local>) -> Vec<(u32, Part, Option<Reason>)> {
        let mut parts = Vec::new();
        let tops = self.ids().filter(|id| self.get(*id).parent == NONE || self.get(*id).kind == Kind::Task);
        let mut steps: Vec<(NodeId, u32)> = tops.map(|id| (id, NONE)).collect();
        steps.reverse(); // the last is the next
        while let Some((id, above)) = steps.pop() {
            let node = self.get(id);
            let slot = match &node.wakeup {
                Wakeup::Slot(own, slot) if Rc::ptr_eq(own, local) => *slot,
                Wakeup::Slot(..) => NONE,
                Wakeup::Nobody | Wakeup::Waker(_) => above, // behind a combinator
            };
            let part = match node.kind {
                Kind::Task => None,
                Kind::Group => node.reason().map(|_| Part::Body),
                kind => Some(kind.part()),
            };
            if let (Some(part), true) = (part, slot != NONE) {
                parts.push((slot, part, node.reason().cloned()));
            }
            let at = steps.len();
            steps.extend(self.children(id).map(|child| (child, slot)));
            steps[at..].reverse();
        }
        parts
    }
}
