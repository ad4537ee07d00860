//! Putting a task tree together: members become tasks, sets become groups, waits are looked up.
//!
//! Before: `task_tree.rs`, `task_tree/notes.rs`, `slots/seen.rs`. After: `task_tree/display.rs`.
//!
//! Four steps: see who there is ([`Sight`]); look up what each waits for; go down from the roots; and add what was not met on
//! the way. A set names its owner by slot, and slots are used again: a group that was moved out of its task and left
//! alone may seem to be in another one, even in one of its own tasks. So the way down goes through no group twice, and
//! what no way leads to is adrift.
#![forbid(unsafe_code)]

use super::{Forest, Group, GroupNote, OpenPart, Task, TaskNote, TaskState, probe};
use crate::current::{Current, NONE};
use crate::event_loop::MAIN;
use crate::instrument::{GroupNumber, TaskNumber, WaitsFor};
use crate::local::Local;
use crate::ready::{ROOTS, Wait};
use crate::slots::Seen;
use crate::wakeup::Wakeup;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

/// All that is known, before it is put in order.
#[derive(Default)]
struct Sight {
    members: HashMap<TaskNumber, Seen>,
    /// Of each set, its members in the order in which they are shown, and who polls it.
    sets: BTreeMap<GroupNumber, (Vec<TaskNumber>, TaskNumber)>,
    /// The sets that a member polls.
    owned: HashMap<TaskNumber, Vec<GroupNumber>>,
    tasks: HashMap<TaskNumber, TaskNote>,
    groups: HashMap<GroupNumber, GroupNote>,
    parts: HashMap<TaskNumber, Vec<OpenPart>>,
    waits: HashMap<TaskNumber, Vec<WaitsFor>>,
    /// Waits that are believed if there is no other.
    perhaps: HashMap<TaskNumber, Vec<WaitsFor>>,
    deadlines: HashMap<TaskNumber, Duration>,
    /// Wakers that stand for those of members, by what they point to.
    wakers: HashMap<*const (), (Waker, TaskNumber)>,
    /// Who is being polled.
    polled: HashSet<TaskNumber>,
}

pub(super) fn build(local: &Rc<Local>) -> Forest {
    let mut sight = Sight::default();
    sight.see_members(local);
    sight.ask_above(local);
    sight.see_waits(local);
    let mut forest = Forest { at: local.time().elapsed(), ..Forest::default() };
    let roots = sight.sets.remove(&ROOTS).unwrap_or_default().0;
    let (hidden, roots): (Vec<_>, Vec<_>) = roots.into_iter().rev().partition(|slot| local.background().has(*slot));
    let steps = |slots: Vec<_>| slots.into_iter().map(|slot| Step::Task { slot, group: NONE }).collect();
    sight.descend(&mut Forest::default(), steps(hidden)); // with all that is in them
    sight.descend(&mut forest, steps(roots));
    while let Some((set, _)) = sight.sets.first_key_value() {
        let step = Step::Group { set: *set, owner: NONE, around: NONE };
        sight.descend(&mut forest, vec![step]);
    }
    forest.task_numbers = forest.tasks.iter().map(|task| task.number).zip(0..).collect();
    forest.task_numbers.sort_unstable();
    forest.group_numbers = forest.groups.iter().map(|group| group.number).zip(0..).collect();
    forest.group_numbers.sort_unstable();
    forest
}

/// A step of the way down.
enum Step {
    Task { slot: TaskNumber, group: u32 },
    Group { set: GroupNumber, owner: u32, around: u32 },
}

/// Who would be woken, as far as that can be told.
fn slot_of(wakers: &HashMap<*const (), (Waker, TaskNumber)>, local: &Local, wakeup: &Wakeup) -> Option<TaskNumber> {
    match wakeup {
        Wakeup::Slot(slot) | Wakeup::Deadline(slot) => Some(*slot),
        Wakeup::Waker(waker) => local.slot_of(waker).or_else(|| {
            let (own, slot) = wakers.get(&waker.data())?;
            own.will_wake(waker).then_some(*slot)
        }),
    }
}

impl Sight {
    fn see_members(&mut self, local: &Local) {
        for seen in local.slots().seen() {
            self.sets.entry(seen.set).or_insert_with(|| (Vec::new(), seen.owner)).0.push(seen.slot);
            self.members.insert(seen.slot, seen);
        }
        for (set, (members, owner)) in &mut self.sets {
            self.owned.entry(*owner).or_default().push(*set);
            members.sort_by_key(|slot| self.members[slot].key != MAIN); // the others stay in the order of their slots
        }
        if local.is_current() {
            let mut slot = Current::get().slot();
            while let Some(seen) = self.members.get(&slot) {
                if !self.polled.insert(slot) {
                    break;
                }
                slot = seen.owner;
            }
        }
    }

    fn ask_above(&mut self, local: &Rc<Local>) {
        let notes = probe(local);
        let order: HashMap<_, _> = notes.tasks.iter().map(|(task, _)| *task).zip(0_usize..).collect();
        for (members, _) in self.sets.values_mut() {
            members.sort_by_key(|slot| order.get(slot).copied().unwrap_or(usize::MAX));
        }
        self.wakers = notes.wakers.into_iter().map(|(waker, task)| (waker.data(), (waker, task))).collect();
        self.tasks = notes.tasks.into_iter().collect();
        self.groups = notes.groups.into_iter().collect();
        for (task, part) in notes.parts {
            self.parts.entry(task).or_default().push(part);
        }
        for (waiter, task) in notes.joins {
            self.perhaps.entry(waiter).or_default().push(WaitsFor::Task(task));
        }
        for (waiter, group) in notes.admissions {
            self.waits.entry(waiter).or_default().push(WaitsFor::Admission(group));
        }
    }

    fn see_waits(&mut self, local: &Local) {
        for seen in self.members.values() {
            let wait = match seen.wait {
                Wait::FirstPoll => WaitsFor::FirstPoll,
                Wait::Place => WaitsFor::Place,
                Wait::Job => WaitsFor::Job,
                Wait::Member(task) if self.members.contains_key(&task) => WaitsFor::Task(task),
                Wait::Member(_) | Wait::Unknown => continue,
            };
            self.waits.entry(seen.slot).or_default().push(wait);
        }
        for (set, group) in &self.groups {
            if let Some(body) = group.body.filter(|_| group.is_body_over) {
                self.waits.insert(body, vec![WaitsFor::Group(*set)]);
            }
        }
        let mut timers = Vec::new();
        local.timers().each(|tick, wakeup| {
            let Some(slot) = slot_of(&self.wakers, local, wakeup) else { return };
            let at = local.time().start_of(tick);
            if let Wakeup::Deadline(_) = wakeup {
                let deadline = self.deadlines.entry(slot).or_insert(at);
                *deadline = at.min(*deadline);
            } else {
                timers.push((at, slot));
            }
        });
        timers.sort_unstable(); // a wheel is in no order
        for (at, slot) in timers {
            self.waits.entry(slot).or_default().push(WaitsFor::Timer(Some(at)));
        }
        local.reactor().each_waiter(|wait, wakeup| {
            if let Some(slot) = slot_of(&self.wakers, local, wakeup) {
                self.waits.entry(slot).or_default().push(wait);
            }
        });
    }

    /// Goes down from what is in `steps`, the last one first. Each set is taken out on the way.
    fn descend(&mut self, forest: &mut Forest, mut steps: Vec<Step>) {
        while let Some(step) = steps.pop() {
            match step {
                Step::Task { slot, group } => {
                    let index = forest.tasks.len() as u32;
                    let task = self.task(slot, group);
                    forest.tasks.push(task);
                    match group {
                        NONE => forest.roots.push(index),
                        group => forest.groups[group as usize].tasks.push(index),
                    }
                    self.add_waits(forest, slot, index);
                    self.step_into_groups(&mut steps, slot, index, NONE);
                }
                Step::Group { set, owner, around } => {
                    let Some((members, _)) = self.sets.remove(&set) else { continue };
                    let index = forest.groups.len() as u32;
                    let GroupNote { body, place, closing, .. } = self.groups.remove(&set).unwrap_or_default();
                    let (tasks, groups) = (Vec::new(), Vec::new());
                    let number = body.unwrap_or(NONE);
                    forest.groups.push(Group {
                        number: set,
                        body: number,
                        place,
                        closing,
                        owner,
                        around,
                        tasks,
                        groups,
                    });
                    match (around, owner) {
                        (NONE, NONE) => forest.adrift.push(index),
                        (NONE, owner) => forest.tasks[owner as usize].groups.push(index),
                        (around, _) => forest.groups[around as usize].groups.push(index),
                    }
                    let tasks = members.into_iter().rev().filter(|slot| Some(*slot) != body);
                    steps.extend(tasks.map(|slot| Step::Task { slot, group: index }));
                    if let Some(body) = body {
                        self.add_waits(forest, body, owner);
                        self.step_into_groups(&mut steps, body, owner, index);
                    }
                }
            }
        }
    }

    fn step_into_groups(&self, steps: &mut Vec<Step>, slot: TaskNumber, owner: u32, around: u32) {
        let sets = self.owned.get(&slot).into_iter().flatten().rev();
        steps.extend(sets.map(|set| Step::Group { set: *set, owner, around }));
    }

    fn task(&mut self, slot: TaskNumber, group: u32) -> Task {
        let (seen, note) = (self.members[&slot], self.tasks.remove(&slot).unwrap_or_default());
        let state = match seen.wait {
            _ if self.polled.contains(&slot) => TaskState::Polled,
            Wait::FirstPoll | Wait::Place => TaskState::NotStarted,
            _ => TaskState::Waiting,
        };
        let TaskNote { name, ordinal, place, reason } = note;
        let (waits, parts, groups) = (Vec::new(), Vec::new(), Vec::new());
        let (is_main, deadline) = (seen.key == MAIN && group == NONE, None);
        Task { number: slot, is_main, group, ordinal, name, place, state, waits, deadline, reason, parts, groups }
    }

    /// Adds to a task what it waits for itself, or what the body of a group does that it has opened.
    fn add_waits(&mut self, forest: &mut Forest, slot: TaskNumber, task: u32) {
        let (Some(seen), Some(task)) = (self.members.get(&slot), forest.tasks.get_mut(task as usize)) else { return };
        if let Some(deadline) = self.deadlines.get(&slot) {
            task.deadline = Some(task.deadline.map_or(*deadline, |other| other.min(*deadline)));
        }
        task.parts.extend(self.parts.remove(&slot).into_iter().flatten());
        if seen.is_woken && task.state == TaskState::Waiting {
            task.state = TaskState::Queued;
        }
        if matches!(task.state, TaskState::Queued | TaskState::Polled) {
            task.waits.clear();
            return;
        }
        let known = self.waits.remove(&slot).or_else(|| self.perhaps.remove(&slot)).unwrap_or_default();
        let is_other = known.is_empty() && !self.owned.contains_key(&slot);
        let is_known_other = task.waits.contains(&WaitsFor::Other);
        task.waits.extend(known);
        if is_other && !is_known_other {
            task.waits.push(WaitsFor::Other);
        }
    }
}
