//! The tree of scopes: who is cancelled, why, and who has to hear of it.
//!
//! Before: `node.rs`, the data. After: `drive.rs`, which acts on what is found here.
//!
//! One tree for each thread. A node stands for a task, a scope inside a task (a timeout, a group's body), or a region
//! (a group, a body that has a cleanup, a shield: something that has work to do before its task may be dropped). A node
//! hangs where it was polled last.
//!
//! ```text
//!   task --- scope --- group ==+== body (a scope) --- region --- ...
//!                              +== task  (cut: its group asks it, by name)
//!                              +== task --- shield (cut: a cleanup that runs)
//! ```
//!
//! A cancel belongs to the node that was asked. It is *inherited* downwards, by looking up, and stops at cuts: a
//! child of a group takes nothing from above, so that the body can finish its cleanups before the children are asked;
//! a shield and a running cleanup take nothing from above, so that they can finish.
//! There is no counter to keep, and nothing to take back: a node that leaves takes its cancel along.
//!
//! While no cancel is in force on the thread, nobody looks here: every question is answered by one load ([`quiet`]).

use crate::info::{Label, TaskInfo};
use crate::reason::Reason;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;
use taskgroup_runtime::current::Current;
use taskgroup_runtime::{set_freeze_probe, set_stall_probe, sleep};

use crate::node::{Grace, Handed, Node, Outside, Regions, Tree};
pub(crate) use crate::node::{Kind, NodeId, Wakeup};
use crate::task_local::Values;

thread_local! {
    /// Cancels in force on this thread.
    static IN_FORCE: Cell<u32> = const { Cell::new(0) };
    /// How often a node was removed under which others still hung; see [`Place`].
    static ORPHANED: Cell<u32> = const { Cell::new(0) };
    static TREE: RefCell<Tree> = {
        set_freeze_probe(is_current_cancelled);
        set_stall_probe(|| read(Tree::waits).unwrap_or_default());
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
}

impl Place {
    /// Where a node that is polled now has to hang.
    #[inline(always)]
    pub(crate) fn here() -> Self {
        Self { current: Current::get(), orphaned: ORPHANED.with(Cell::get) }
    }
}

/// Whether no cancel is in force on this thread: the usual case, in one load.
#[inline(always)]
pub(crate) fn quiet() -> bool {
    IN_FORCE.with(Cell::get) == 0
}

/// The answer to the question that every wait of ours asks first.
fn is_current_cancelled() -> bool {
    is_cancelled(Current::get().node())
}

/// Whether a cancel is in force at `node`, its own or an inherited one.
#[inline(always)]
pub(crate) fn is_cancelled(node: NodeId) -> bool {
    !quiet() && read(|tree| tree.reason_at(node).is_some()).unwrap_or(false)
}

/// Whether a cancel is in force above `node`.
pub(crate) fn is_cancelled_above(node: NodeId) -> bool {
    !quiet() && read(|tree| tree.reason_above(node).is_some()).unwrap_or(false)
}

/// Whether `node` itself was asked to end.
pub(crate) fn has_own_reason(node: NodeId) -> bool {
    !quiet() && read(|tree| tree.get(node).reason.is_some()).unwrap_or(false)
}

/// Why `node` is cancelled: its own reason, else the nearest inherited one.
pub(crate) fn reason(node: NodeId) -> Option<Reason> {
    if quiet() { None } else { read(|tree| tree.reason_at(node).cloned()).flatten() }
}

/// Why what is above `node` is cancelled.
pub(crate) fn reason_above(node: NodeId) -> Option<Reason> {
    if quiet() { None } else { read(|tree| tree.reason_above(node).cloned()).flatten() }
}

/// Hangs a new node under `parent`. O(1), and no allocation once the tree has grown.
pub(crate) fn insert(kind: Kind, parent: NodeId, wakeup: Wakeup) -> NodeId {
    write(|tree| tree.insert(kind, parent, wakeup))
        .expect("groups and timeouts need this thread's scope tree, which is gone while the thread ends")
}

/// Hangs a node where it is polled now. A future may have moved since its last poll.
pub(crate) fn relink(node: NodeId, parent: NodeId) {
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

/// Notes that what runs now waits for a task.
pub(crate) fn note_awaited(task: NodeId) {
    write(|tree| tree.get_mut(task).awaited_by = Current::get().node());
}

/// Notes whether a task waits for a place.
pub(crate) fn note_queued(task: NodeId, is_queued: bool) {
    write(|tree| tree.get_mut(task).is_queued = is_queued);
}

/// Names a task.
pub(crate) fn set_name(node: NodeId, name: Arc<str>) {
    write(|tree| {
        if let Kind::Task(label) = &mut tree.get_mut(node).kind {
            label.name = Some(name);
        }
    });
}

/// What a task is called and where it was spawned.
pub(crate) fn label(node: NodeId) -> Option<Label> {
    read(|tree| match &tree.get(node).kind {
        Kind::Task(label) => Some(label.clone()),
        _ => None,
    })
    .flatten()
}

/// Who a task is, and under whom; of another node, the task it is in.
pub(crate) fn info(node: NodeId) -> Option<Arc<TaskInfo>> {
    read(|tree| tree.info(node)).flatten()
}

/// Asks a node to end: keeps the first reason, and wakes it and what is below. Runs no user code but wakers; what is
/// dropped, is dropped in the target's own turn.
pub(crate) fn cancel(node: NodeId, reason: &Reason) {
    cancel_all([node], reason);
}

/// Asks the tasks of a group to end, in the order of their spawning.
pub(crate) fn cancel_tasks(group: NodeId, reason: &Reason) {
    let tasks = read(|tree| tree.children(group).filter(|child| tree.get(*child).kind.is_task()).collect::<Vec<_>>());
    cancel_all(tasks.into_iter().flatten(), reason);
}

/// All are marked before the first waker of somebody else is woken: that may do anything, also end one of them.
pub(crate) fn cancel_all(nodes: impl IntoIterator<Item = NodeId>, reason: &Reason) {
    let outside = write(|tree| {
        let mut outside = Vec::new();
        for node in nodes {
            mark(tree.get_mut(node), reason);
            tree.alarm(node, &mut outside);
        }
        outside
    });
    wake_all(outside);
}

fn mark(node: &mut Node, reason: &Reason) {
    if node.reason.is_some() {
        return;
    }
    node.reason = Some(reason.clone());
    IN_FORCE.set(IN_FORCE.get() + 1);
    if let Some(grace) = &mut node.grace {
        grace.is_over = grace.limit.is_zero();
    }
}

/// Wakes whoever polls these nodes.
pub(crate) fn wake(nodes: impl IntoIterator<Item = NodeId>) {
    wake_all(read(|tree| nodes.into_iter().filter_map(|node| tree.wake(node)).collect()));
}

/// Bounds how long a node may take over its end, once it is asked to end.
pub(crate) fn set_grace(node: NodeId, limit: Duration) {
    write(|tree| {
        let grace = &mut tree.get_mut(node).grace;
        match grace {
            Some(grace) => grace.limit = limit,
            None => *grace = Some(Box::new(Grace { limit, alarm: None, is_over: false })),
        }
    });
}

/// Looks whether the grace of a cancelled node is over. To be called at each poll under a cancel.
///
/// The alarm is made in the first one, which is in the same turn as the cancel or in the next: whoever cancels may be a
/// task of another runtime, with another clock.
fn watch_grace(node: NodeId, cx: &mut Context<'_>) {
    let alarm = write(|tree| {
        let node = tree.get_mut(node);
        node.reason.as_ref()?; // the grace is that of the node that was asked
        let grace = node.grace.as_mut().filter(|grace| !grace.is_over)?;
        Some(grace.alarm.take().unwrap_or_else(|| sleep(grace.limit)))
    });
    let Some(mut alarm) = alarm.flatten() else { return };
    let rings = alarm.poll_unfrozen(cx).is_ready(); // out of the tree: that may clone somebody else's waker
    write(|tree| {
        if let Some(grace) = &mut tree.get_mut(node).grace {
            grace.is_over = rings;
            grace.alarm = (!rings).then_some(alarm);
        }
    });
}

/// The task-local values at a node.
pub(crate) fn values_at(node: NodeId) -> Option<Rc<Values>> {
    read(|tree| tree.values_at(node)).flatten()
}

/// Sets the task-local values of a node, for itself and for what is below.
pub(crate) fn set_values(node: NodeId, values: Rc<Values>) {
    let before = write(|tree| tree.get_mut(node).values.replace(values));
    drop(before); // they are the user's
}

/// What is to become of a future.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is polled, or polled again.
    Keep,
    Drop,
    /// Dropped with a region in it that nobody polls any more.
    Abandon,
    /// Dropped with a region in it, because its grace is over.
    CutOff,
}

/// Before a poll under a cancel: is the future to be dropped without one?
pub(crate) fn verdict_before(node: NodeId, cx: &mut Context<'_>) -> Verdict {
    watch_grace(node, cx);
    judge(node, |_, _| Verdict::Keep)
}

/// After a poll that is pending, under a cancel: is the future to be polled again?
///
/// It is kept while a region below it is being awaited. A region that was woken and not polled since is not awaited
/// (it was polled once and then left alone, as by `select` on a reference) unless the node itself was woken meanwhile
/// and so may poll it next time.
pub(crate) fn verdict_after(node: NodeId) -> Verdict {
    judge(node, |tree, regions| match regions.awaited || tree.is_woken(node) {
        true => Verdict::Keep,
        false => Verdict::Abandon,
    })
}

/// What becomes of a future that is cancelled; `with_regions` judges one that has regions in it, and time.
fn judge(node: NodeId, with_regions: impl FnOnce(&Tree, Regions) -> Verdict) -> Verdict {
    let verdict = read(|tree| {
        if tree.reason_at(node).is_none() {
            return Verdict::Keep;
        }
        let regions = tree.regions_below(node);
        match regions.any {
            false => Verdict::Drop,
            true if tree.get(node).grace.as_ref().is_some_and(|grace| grace.is_over) => Verdict::CutOff,
            true => with_regions(tree, regions),
        }
    });
    verdict.unwrap_or(Verdict::Keep)
}

/// The waker to hand on under a cancel: one that notes that it was woken. `None`: hand on the one you have.
///
/// A shield is polled under a cancel too, though none is in force inside: the cancel is above it.
pub(crate) fn flagging_waker(node: NodeId, waker: &Waker) -> Option<Waker> {
    let (flag, handed) = write(|tree| {
        let in_force = tree.reason_at(node).is_some() || tree.reason_above(node).is_some();
        let node = tree.get_mut(node);
        if let Some(flag) = &node.flag {
            flag.store(false, Ordering::Relaxed);
        }
        // a task, and a scope that is woken through its task, need no flag: the slot knows whether it is queued
        let has_slot = matches!((&node.kind, &node.wakeup), (Kind::Task(_), _) | (Kind::Scope, Wakeup::Slot(..)));
        (in_force && !has_slot).then(|| (node.flag.get_or_insert_default().clone(), node.handed.clone()))
    })
    .flatten()?;
    let handed = match handed {
        Some(handed) if handed.instead_of.will_wake(waker) => handed,
        _ => {
            let inner = waker.clone();
            let flagging = Waker::from(Arc::new(Flagging { flag, waker: inner }));
            let handed = Rc::new(Handed { instead_of: waker.clone(), waker: flagging });
            let before = write(|tree| tree.get_mut(node).handed.replace(handed.clone()));
            drop(before); // a foreign waker's drop is user code
            handed
        }
    };
    Some(handed.waker.clone())
}

struct Flagging {
    flag: Arc<AtomicBool>,
    waker: Waker,
}

impl std::task::Wake for Flagging {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.flag.store(true, Ordering::Relaxed);
        self.waker.wake_by_ref();
    }
}

/// A node has ended: takes it out, and its cancel with it. Cancelled scopes above are woken, since they may have
/// waited for just this.
pub(crate) fn remove(node: NodeId) {
    let removed = write(|tree| {
        let mut outside = Vec::new();
        if !quiet() && !tree.get(node).kind.is_task() {
            tree.wake_cancelled_above(node, Current::get().node(), &mut outside);
        }
        if tree.has_children(node) {
            ORPHANED.set(ORPHANED.get().wrapping_add(1));
        }
        let removed = tree.remove(node);
        if removed.reason.is_some() {
            IN_FORCE.set(IN_FORCE.get() - 1);
        }
        (removed, outside)
    });
    if let Some((removed, outside)) = removed {
        drop(removed); // its waker may be somebody else's
        wake_all(Some(outside));
    }
}

fn wake_all(outside: Option<Outside>) {
    for waker in outside.into_iter().flatten() {
        waker.wake_by_ref();
    }
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
