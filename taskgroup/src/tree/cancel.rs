//! Asking to end, and judging who may.
//!
//! Before: `alarm.rs`. After: `drive.rs`, which drops what is judged.

use crate::reason::Reason;
use crate::tree::alarm::Regions;
use crate::tree::branches::Tree;
use crate::tree::flag::Flag;
use crate::tree::node::{Handed, NodeId};
use crate::tree::{part, read, wake_all, write};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};
use taskgroup_runtime::current::{Current, NONE};
use taskgroup_runtime::instrument::{Event, Part, WokenBy};
use taskgroup_runtime::{Local, count_cancel_in, sleep};

/// Asks a node to end: keeps the first reason, and wakes it and what is below. Runs no user code but wakers; what is
/// dropped, is dropped in the target's own turn.
pub(crate) fn cancel(node: NodeId, reason: &Reason) {
    cancel_all([node], reason);
}

/// All are marked before the first waker of somebody else is woken: that may do anything, also end one of them.
pub(crate) fn cancel_all(nodes: impl IntoIterator<Item = NodeId>, reason: &Reason) {
    let nodes = nodes.into_iter().inspect(|node| tell(*node, reason));
    let nodes: Vec<_> = nodes.collect();
    let outside = waking(|| {
        write(|tree| {
            let mut outside = Vec::new();
            for node in nodes {
                tree.mark(node, reason);
                tree.alarm(node, &mut outside);
            }
            outside
        })
    });
    wake_all(outside);
}

/// Tells the instruments whom a cancel is asked of.
#[inline(always)]
fn tell(node: NodeId, reason: &Reason) {
    taskgroup_runtime::tell(|| {
        let task = read(|tree| tree.slot_of(node)).flatten();
        Event::CancelAsked { task, part: part(node), reason, by: Current::get().task() }
    });
}

/// Wakes in the name of a cancel.
fn waking<R>(wake: impl FnOnce() -> R) -> R {
    match Local::current().filter(|local| local.is_heard()) {
        Some(local) => local.waking(WokenBy::Cancel, wake),
        None => wake(),
    }
}

/// Asks the tasks of a group to end, in the order of their spawning; they are known by their keys and slots.
///
/// The reason is kept once, with the group: a million tasks are only queued here. Who looks for the reason of a task
/// finds it there ([`Tree::reason_of`]).
pub(crate) fn cancel_tasks(group: NodeId, local: &Local, tasks: &[(u32, u32)], reason: &Reason) {
    if local.is_heard() {
        for (_, slot) in tasks {
            local.tell(|| Event::CancelAsked {
                task: Some(*slot),
                part: Part::Task,
                reason,
                by: Current::get().task(),
            });
        }
    }
    let ask = || {
        write(|tree| {
            let mut outside = Vec::new();
            tree.get_mut(group).extra_mut().closing = Some(reason.clone());
            count_cancel_in();
            for (_, slot) in tasks {
                match local.note(*slot) {
                    NONE => outside.extend(local.mark(*slot)),
                    task => {
                        tree.start_grace(task);
                        tree.alarm(task, &mut outside);
                    }
                }
            }
            outside
        })
    };
    let outside = local.waking(WokenBy::Cancel, ask);
    wake_all(outside);
}

impl Tree {
    fn mark(&mut self, id: NodeId, reason: &Reason) {
        if self.reason_of(id).is_some() {
            return;
        }
        self.get_mut(id).extra_mut().reason = Some(reason.clone());
        count_cancel_in();
        self.start_grace(id);
    }

    /// A grace of nothing is over at once.
    fn start_grace(&mut self, id: NodeId) {
        if let Some(grace) = self.get_mut(id).extra.as_mut().and_then(|extra| extra.grace.as_mut()) {
            grace.is_over |= grace.limit.is_zero();
        }
    }
}

/// Looks whether the grace of a cancelled node is over. To be called at each poll under a cancel.
///
/// The alarm is made in the first one, which is in the same turn as the cancel or in the next: whoever cancels may be a
/// task of another runtime, with another clock.
fn watch_grace(node: NodeId, cx: &mut Context<'_>) {
    let alarm = write(|tree| {
        tree.reason_of(node)?; // the grace is that of the node that was asked
        let extra = tree.get_mut(node).extra.as_mut()?;
        let grace = extra.grace.as_mut().filter(|grace| !grace.is_over)?;
        Some(grace.alarm.take().unwrap_or_else(|| sleep(grace.limit)))
    });
    let Some(mut alarm) = alarm.flatten() else { return };
    let rings = alarm.poll_unfrozen(cx).is_ready(); // out of the tree: that may clone somebody else's waker
    write(|tree| {
        if let Some(grace) = &mut tree.get_mut(node).extra_mut().grace {
            grace.is_over = rings;
            grace.alarm = (!rings).then_some(alarm);
        }
    });
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

impl Tree {
    fn is_grace_over(&self, id: NodeId) -> bool {
        let grace = self.get(id).extra().and_then(|extra| extra.grace.as_ref());
        grace.is_some_and(|grace| grace.is_over)
    }
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
            true if tree.is_grace_over(node) => Verdict::CutOff,
            true => with_regions(tree, regions),
        }
    });
    verdict.unwrap_or(Verdict::Keep)
}

/// The waker to hand on under a cancel: one that notes that it was woken. `None`: hand on the one you have.
///
/// A shield is polled under a cancel too, though none is in force inside: the cancel is above it.
///
/// It wakes the task besides, if the one in hand is a combinator's: that passes one wake on, and further ones not until
/// it is polled again; and if the task does not do that, it has to be asked whether it still waits for what is inside.
pub(crate) fn flagging_waker(node: NodeId, cx: &Context<'_>) -> Option<Waker> {
    let waker = cx.waker();
    let (flag, handed) = write(|tree| {
        let in_force = tree.reason_at(node).is_some() || tree.reason_above(node).is_some();
        let node = tree.get_mut(node);
        if let Some(flag) = node.extra().and_then(|extra| extra.flag.as_ref()) {
            flag.calm();
        }
        if !in_force || node.has_slot_of_its_own() {
            return None;
        }
        let extra = node.extra_mut();
        Some((extra.flag.get_or_insert_default().clone(), extra.handed.clone()))
    })
    .flatten()?;
    let slot = Current::get().slot();
    let handed = match handed {
        Some(handed) if handed.instead_of.will_wake(waker) && handed.slot == slot => handed,
        _ => {
            let local = Local::current().filter(|_| !Local::owns(cx));
            let task = local.map(|local| Waker::clone(&local.waker(slot)));
            let flagging =
                Waker::from(Arc::new(Flagging { runtime: Local::current_id(), flag, waker: waker.clone(), task }));
            let handed = Rc::new(Handed { instead_of: waker.clone(), slot, waker: flagging });
            let before = write(|tree| tree.get_mut(node).extra_mut().handed.replace(handed.clone()));
            drop(before); // a foreign waker's drop is user code
            handed
        }
    };
    Some(handed.waker.clone())
}

struct Flagging {
    /// The runtime whose task this is.
    runtime: u32,
    flag: Arc<Flag>,
    waker: Waker,
    task: Option<Waker>,
}

impl std::task::Wake for Flagging {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        match Local::current_id() == self.runtime {
            true => self.flag.wake(),
            false => self.flag.wake_from_elsewhere(),
        }
        self.waker.wake_by_ref();
        if let Some(task) = &self.task {
            task.wake_by_ref();
        }
    }
}
