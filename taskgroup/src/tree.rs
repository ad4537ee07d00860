//! The tree of scopes: who is cancelled, why, and who has to hear of it.
//!
//! Before: `reason.rs`, `info.rs`. After: `tree/node.rs`, `branches.rs`, `alarm.rs`, `cancel.rs`, `spot.rs`, `tasks.rs`,
//! in this order; then `drive.rs`, which acts on what is found here.
//!
//! One tree for each thread. A node stands for a task, a scope inside a task (a timeout, a group's body), or a region
//! (a group, a body that has a cleanup, a shield: something that has work to do before its task may be dropped). A node
//! hangs where it was polled last.
//!
//! ```text
//!   task --- scope --- group ---- region --- ...     what its body has opened
//!                        : : . . task                cut: its group asks it
//!                        : . . . task --- shield     cut: a cleanup that runs
//! ```
//!
//! A cancel belongs to the node that was asked. It is *inherited* downwards, by looking up, and stops at cuts: a
//! child of a group takes nothing from above, so that the body can finish its cleanups before the children are asked;
//! a shield and a running cleanup take nothing from above, so that they can finish. A group that closes asks all its
//! children at once: that reason is kept with the group.
//! There is no counter to keep, and nothing to take back: a node that leaves takes its cancel along.
//!
//! While no cancel is in force on the thread, nobody looks here: every question is answered by one load ([`is_quiet`]).

use crate::drive::discard;
use crate::ledger::Ledger;
use crate::reason::Reason;
use crate::task_local::Values;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::task::Waker;
use std::time::Duration;
use taskgroup_runtime::current::{Current, NONE};
use taskgroup_runtime::instrument::Part;
use taskgroup_runtime::{Local, count_cancel_out, each_despite_panics, is_quiet, set_freeze_probe, set_tree_probe};

mod alarm;
mod branches;
mod cancel;
mod flag;
mod node;
mod notes;
mod spot;
mod tasks;

pub(crate) use cancel::{Verdict, cancel, cancel_all, cancel_tasks, flagging_waker, verdict_after, verdict_before};
pub(crate) use node::{Kind, NodeId, Wakeup};
pub(crate) use spot::Spot;
pub(crate) use tasks::TaskSpot;

use alarm::Outside;
use branches::Tree;
use node::Grace;

thread_local! {
    /// How often a node was removed under which others still hung; see [`Place`].
    static ORPHANED: Cell<u32> = const { Cell::new(0) };
    static TREE: RefCell<Tree> = {
        set_freeze_probe(|| Spot::here().is_cancelled());
        set_tree_probe(notes::tell);
        RefCell::default()
    };
}

/// Where a node was placed. While this has not changed, the node hangs where it should.
///
/// The numbers of slots and nodes are used again, so equal numbers alone do not mean the same place. This program
/// polls a group inside one timeout and then inside a second one, whose node gets the number of the first:
///
/// ```text
/// timeout(limit, select(&mut group, something)).await; // ends; the group hangs nowhere now
/// timeout(limit, &mut group).await;                    // has to hang the group anew
/// ```
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Place {
    pub(crate) current: Current,
    orphaned: u32,
    runtime: u32,
}

impl Place {
    /// Where a node that is polled now has to hang.
    #[inline(always)]
    pub(crate) fn here() -> Self {
        Self { current: Current::get(), orphaned: ORPHANED.with(Cell::get), runtime: Local::current_id() }
    }
}

/// Whether a cancel is in force above `node`.
pub(crate) fn is_cancelled_above(node: NodeId) -> bool {
    !is_quiet() && read(|tree| tree.reason_above(node).is_some()).unwrap_or(false)
}

/// Whether `node` itself was asked to end.
pub(crate) fn has_own_reason(node: NodeId) -> bool {
    !is_quiet() && read(|tree| tree.reason_of(node).is_some()).unwrap_or(false)
}

/// Why what is above `node` is cancelled.
pub(crate) fn reason_above(node: NodeId) -> Option<Reason> {
    if is_quiet() { None } else { read(|tree| tree.reason_above(node).cloned()).flatten() }
}

/// What a node stands for, as instruments call it.
pub(crate) fn part(node: NodeId) -> Part {
    read(|tree| tree.get(node).kind.part()).unwrap_or(Part::Scope)
}

/// A new node, which hangs nowhere yet. O(1), and no allocation once the tree has grown.
#[inline]
pub(crate) fn insert(kind: Kind, wakeup: Wakeup) -> NodeId {
    write(|tree| tree.insert(kind, wakeup)).expect(GONE)
}

/// The same for a group.
#[inline(always)]
pub(crate) fn insert_group(ledger: Weak<Ledger>, wakeup: Wakeup) -> NodeId {
    write(|tree| tree.insert_group(ledger, wakeup)).expect(GONE)
}

const GONE: &str = "groups and timeouts need this thread's scope tree, which is gone while the thread ends";

/// Hangs a node where it is polled now. A future may have moved since its last poll.
pub(crate) fn hang_here(node: NodeId) {
    let parent = Spot::here().node();
    write(|tree| tree.relink(node, parent));
}

/// Sets how a node is woken.
pub(crate) fn set_wakeup(node: NodeId, wakeup: Wakeup) {
    let before = write(|tree| std::mem::replace(&mut tree.get_mut(node).wakeup, wakeup));
    drop(before); // a foreign waker's drop is user code
}

/// Whether a node is woken by this very waker.
pub(crate) fn is_woken_by(node: NodeId, waker: &Waker) -> bool {
    read(|tree| match &tree.get(node).wakeup {
        Wakeup::Waker(own) => own.will_wake(waker),
        _ => false,
    })
    .unwrap_or(false)
}

/// Wakes whoever polls these nodes.
pub(crate) fn wake(nodes: impl IntoIterator<Item = NodeId>) {
    wake_all(read(|tree| nodes.into_iter().filter_map(|node| tree.wake(node)).collect()));
}

/// Bounds how long a node may take over its end, from when it is asked to end; from now, if it was.
pub(crate) fn set_grace(node: NodeId, limit: Duration) {
    let is_cancelled = write(|tree| {
        let is_cancelled = tree.reason_of(node).is_some();
        let is_over = is_cancelled && limit.is_zero();
        tree.get_mut(node).extra_mut().grace = Some(Grace { limit, alarm: None, is_over });
        is_cancelled
    });
    if is_cancelled == Some(true) {
        wake([node]); // it runs from now on
    }
}

/// Sets the task-local values of a node, for itself and for what is below.
pub(crate) fn set_values(node: NodeId, values: Rc<Values>) {
    let before = write(|tree| tree.get_mut(node).extra_mut().values.replace(values));
    drop(before); // they are the user's
}

/// A node has ended: takes it out, and its cancel with it. Cancelled scopes above are woken, since they may have
/// waited for just this.
pub(crate) fn remove(node: NodeId) {
    let current = if is_quiet() { NONE } else { Spot::here().known_node() };
    let removed = write(|tree| {
        let mut outside = Vec::new();
        if !is_quiet() && tree.get(node).kind != Kind::Task {
            tree.wake_cancelled_above(node, current, &mut outside);
        }
        note_orphans(tree.has_children(node));
        (tree.remove(node), outside)
    });
    let Some((removed, outside)) = removed else { return };
    let is_foreign = matches!(removed.wakeup, Wakeup::Waker(_));
    if let Some(extra) = &removed.extra() {
        [&extra.reason, &extra.closing].into_iter().flatten().for_each(|_| count_cancel_out());
    }
    if is_foreign || removed.extra().is_some() {
        discard(removed); // somebody else's wakers, and the user's values
    }
    wake_all(Some(outside));
}

/// The body of a group has ended, or is gone: what was asked of it is over, and what hung in it hangs nowhere. The
/// group's node stays.
pub(crate) fn end_body(group: NodeId) {
    let gone = write(|tree| {
        note_orphans(tree.clear(group));
        let extra = tree.get_mut(group).extra.as_mut()?;
        Some((extra.reason.take(), extra.grace.take()))
    });
    if let Some(Some((Some(_), _))) = gone {
        count_cancel_out();
    }
}

fn note_orphans(are_there: bool) {
    if are_there {
        ORPHANED.set(ORPHANED.get().wrapping_add(1));
    }
}

fn wake_all(outside: Option<Outside>) {
    each_despite_panics(outside.into_iter().flatten(), |waker| waker.wake_by_ref());
}

fn read<R>(look: impl FnOnce(&Tree) -> R) -> Option<R> {
    TREE.try_with(|tree| look(&tree.borrow())).ok()
}

/// `None`: the thread is ending, and so is all that hangs here.
fn write<R>(change: impl FnOnce(&mut Tree) -> R) -> Option<R> {
    TREE.try_with(|tree| change(&mut tree.borrow_mut())).ok()
}

/// How many nodes live on this thread. For tests that count.
#[doc(hidden)]
#[must_use]
pub fn node_count() -> usize {
    read(|tree| tree.len()).unwrap_or(0)
}
