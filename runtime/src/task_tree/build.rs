//! Putting a task tree together: members become tasks, sets become groups, waits are looked up.
//!
//! Before: `task_tree.rs`, `task_tree/notes.rs`, `slots/seen.rs`. After: `task_tree/display.rs`.
//!
//! Four steps: see who there is ([`Sight`]); look up what each waits for; go down from the roots; and add what was not met on
//! the way. A set names its owner by slot, and slots are used again: a group that was moved out of its task and left
//! alone may seem to be in another one, even in one of its own tasks. So the way down goes through no group twice, and
//! what no way leads to is adrift.
#![forbid(unsafe_code)]

use super::index::Index;
use super::{Forest, Group, GroupNote, OpenPart, Task, TaskNote, TaskState, probe};
use crate::current::{Current, NONE};
use crate::event_loop::MAIN;
use crate::instrument::{GroupNumber, TaskNumber, WaitsFor};
use crate::local::Local;
use crate::ready::{ROOTS, Wait};
use crate::slots::Seen;
use crate::wakeup::Wakeup;
use std::mem;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

/// All that is known, before it is put in order.
struct Sight {
    members: Members,
    sets: Sets,
    wakers: Wakers,
}

/// By slot, ascending.
struct Members(Vec<Member>);

/// What is known of a member.
struct Member {
    seen: Seen,
    note: TaskNote,
    /// The sets that it polls.
    owned: Vec<GroupNumber>,
    parts: Vec<OpenPart>,
    waits: Vec<WaitsFor>,
    /// Waits that are believed if there is no other.
    perhaps: Vec<WaitsFor>,
    deadline: Option<Duration>,
    /// Being polled.
    is_polled: bool,
    /// It has its place in its set.
    is_listed: bool,
}

/// By number, ascending.
struct Sets(Vec<Set>);

struct Set {
    number: GroupNumber,
    note: GroupNote,
    /// In the order in which they are shown.
    members: Vec<TaskNumber>,
    /// The way down has been here.
    is_taken: bool,
}

/// Wakers that stand for those of members, and where they are by what they point to.
struct Wakers(Vec<(Waker, TaskNumber)>, Index);

pub(super) fn build(local: &Rc<Local>) -> Forest {
    let mut sight = Sight::of_members(local);
    sight.ask_above(local);
    sight.see_waits(local);
    let mut forest = Forest { at: local.time().elapsed(), ..Forest::default() };
    let roots = sight.sets.take(ROOTS).map(|set| set.members).unwrap_or_default();
    let (hidden, roots): (Vec<_>, Vec<_>) = roots.into_iter().rev().partition(|slot| local.background().has(*slot));
    let steps = |slots: Vec<_>| slots.into_iter().map(|slot| Step::Task { slot, group: NONE }).collect();
    sight.descend(&mut Forest::default(), steps(hidden)); // with all that is in them
    sight.descend(&mut forest, steps(roots));
    for at in 0..sight.sets.0.len() {
        let set = sight.sets.0[at].number;
        sight.descend(&mut forest, vec![Step::Group { set, owner: NONE, around: NONE }]); // if it was not met yet
    }
    forest.task_numbers = Index::new(forest.tasks.iter().map(|task| task.number));
    forest.group_numbers = Index::new(forest.groups.iter().map(|group| group.number));
    forest
}

/// A step of the way down.
enum Step {
    Task { slot: TaskNumber, group: u32 },
    Group { set: GroupNumber, owner: u32, around: u32 },
}

impl Members {
    fn get(&mut self, slot: TaskNumber) -> Option<&mut Member> {
        let at = self.0.binary_search_by_key(&slot, |member| member.seen.slot).ok()?;
        self.0.get_mut(at)
    }
}

impl Member {
    fn new(seen: Seen) -> Self {
        let (owned, parts, waits, perhaps) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (is_polled, is_listed) = (false, false);
        let note = TaskNote::default();
        Self { seen, note, owned, parts, waits, perhaps, deadline: None, is_polled, is_listed }
    }
}

impl Sets {
    fn get(&mut self, number: GroupNumber) -> Option<&mut Set> {
        let at = self.0.binary_search_by_key(&number, |set| set.number).ok()?;
        self.0.get_mut(at)
    }

    /// Each only once.
    fn take(&mut self, number: GroupNumber) -> Option<Set> {
        let set = self.get(number).filter(|set| !set.is_taken)?;
        set.is_taken = true;
        Some(Set { note: mem::take(&mut set.note), members: mem::take(&mut set.members), ..*set })
    }

    /// Gives a member the next place in its set.
    fn list(&mut self, member: &mut Member) {
        if mem::replace(&mut member.is_listed, true) {
            return;
        }
        if let Some(set) = self.get(member.seen.set) {
            set.members.push(member.seen.slot);
        }
    }
}

impl Wakers {
    fn new(wakers: Vec<(Waker, TaskNumber)>) -> Self {
        let index = Index::new(wakers.iter().map(|(waker, _)| address(waker)));
        Self(wakers, index)
    }

    /// Who would be woken, as far as that can be told.
    fn slot_of(&self, local: &Local, wakeup: &Wakeup) -> Option<TaskNumber> {
        match wakeup {
            Wakeup::Slot(slot) | Wakeup::Deadline(slot) => Some(*slot),
            Wakeup::Waker(waker) => local.slot_of(waker).or_else(|| {
                let (own, slot) = &self.0[self.1.get(address(waker))?];
                own.will_wake(waker).then_some(*slot)
            }),
        }
    }
}

fn address(waker: &Waker) -> u64 {
    waker.data().addr() as u64
}

impl Sight {
    fn of_members(local: &Local) -> Self {
        let mut members = Members(local.slots().seen().into_iter().map(Member::new).collect());
        let mut sets = Sets(Vec::new());
        for (number, place) in Index::new(members.0.iter().map(|member| member.seen.set)).iter() {
            let number = number as GroupNumber;
            if sets.0.last().is_none_or(|last| last.number != number) {
                sets.0.push(Set { number, note: GroupNote::default(), members: Vec::new(), is_taken: false });
                let owner = members.0[place as usize].seen.owner;
                if let Some(owner) = members.get(owner) {
                    owner.owned.push(number);
                }
            }
        }
        if local.is_current() {
            let mut slot = Current::get().slot();
            while let Some(member) = members.get(slot).filter(|member| !member.is_polled) {
                member.is_polled = true;
                slot = member.seen.owner;
            }
        }
        Self { members, sets, wakers: Wakers::new(Vec::new()) }
    }

    /// Whom the layer above names comes first, in its order; the others in the order of their slots, the main task before
    /// them.
    fn ask_above(&mut self, local: &Rc<Local>) {
        let notes = probe(local);
        for (task, note) in notes.tasks {
            if let Some(member) = self.members.get(task) {
                member.note = note;
                self.sets.list(member);
            }
        }
        if let Some(main) = self.members.0.iter_mut().find(|member| member.seen.key == MAIN) {
            self.sets.list(main);
        }
        self.members.0.iter_mut().for_each(|member| self.sets.list(member));
        for (group, note) in notes.groups {
            if let Some(set) = self.sets.get(group) {
                set.note = note;
            }
        }
        for (task, part) in notes.parts {
            if let Some(member) = self.members.get(task) {
                member.parts.push(part);
            }
        }
        for (waiter, task) in notes.joins {
            if let Some(member) = self.members.get(waiter) {
                member.perhaps.push(WaitsFor::Task(task));
            }
        }
        for (waiter, group) in notes.admissions {
            self.waits(waiter, WaitsFor::Admission(group));
        }
        self.wakers = Wakers::new(notes.wakers);
    }

    fn see_waits(&mut self, local: &Local) {
        for at in 0..self.members.0.len() {
            let seen = self.members.0[at].seen;
            let wait = match seen.wait {
                Wait::FirstPoll => WaitsFor::FirstPoll,
                Wait::Place => WaitsFor::Place,
                Wait::Job => WaitsFor::Job,
                Wait::Member(task) if self.members.get(task).is_some() => WaitsFor::Task(task),
                Wait::Member(_) | Wait::Unknown => continue,
            };
            self.members.0[at].waits.push(wait);
        }
        for set in &self.sets.0 {
            let body = set.note.body.filter(|_| set.note.is_body_over);
            if let Some(body) = body.and_then(|body| self.members.get(body)) {
                body.waits = vec![WaitsFor::Group(set.number)];
            }
        }
        let mut timers = Vec::new();
        local.timers().each(|tick, wakeup| {
            let Some(slot) = self.wakers.slot_of(local, wakeup) else { return };
            if let Wakeup::Waker(_) | Wakeup::Slot(_) = wakeup {
                timers.push((tick, slot));
            } else if let Some(member) = self.members.get(slot) {
                let at = local.time().start_of(tick);
                member.deadline = Some(member.deadline.map_or(at, |other| other.min(at)));
            }
        });
        for (tick, slot) in Index::of_pairs(timers).iter() {
            self.waits(slot, WaitsFor::Timer(Some(local.time().start_of(tick)))); // a wheel is in no order
        }
        let mut waiters = Vec::new();
        local.reactor().each_waiter(|wait, wakeup| waiters.push((self.wakers.slot_of(local, wakeup), wait)));
        for (slot, wait) in waiters {
            if let Some(slot) = slot {
                self.waits(slot, wait);
            }
        }
    }

    fn waits(&mut self, slot: TaskNumber, wait: WaitsFor) {
        if let Some(member) = self.members.get(slot) {
            member.waits.push(wait);
        }
    }

    /// Goes down from what is in `steps`, the last one first. Each set is taken out on the way.
    fn descend(&mut self, forest: &mut Forest, mut steps: Vec<Step>) {
        while let Some(step) = steps.pop() {
            match step {
                Step::Task { slot, group } => {
                    let index = forest.tasks.len() as u32;
                    let Some(task) = self.task(slot, group) else { continue };
                    forest.tasks.push(task);
                    match group {
                        NONE => forest.roots.push(index),
                        group => forest.groups[group as usize].tasks.push(index),
                    }
                    self.add_waits(forest, slot, index);
                    self.step_into_groups(&mut steps, slot, index, NONE);
                }
                Step::Group { set, owner, around } => {
                    let Some(Set { members, note, .. }) = self.sets.take(set) else { continue };
                    let index = forest.groups.len() as u32;
                    let GroupNote { body, place, closing, .. } = note;
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

    fn step_into_groups(&mut self, steps: &mut Vec<Step>, slot: TaskNumber, owner: u32, around: u32) {
        let Some(member) = self.members.get(slot) else { return };
        steps.extend(member.owned.iter().rev().map(|set| Step::Group { set: *set, owner, around }));
    }

    fn task(&mut self, slot: TaskNumber, group: u32) -> Option<Task> {
        let member = self.members.get(slot)?;
        let seen = member.seen;
        let state = match seen.wait {
            _ if member.is_polled => TaskState::Polled,
            Wait::FirstPoll | Wait::Place => TaskState::NotStarted,
            _ => TaskState::Waiting,
        };
        let TaskNote { name, ordinal, place, reason } = mem::take(&mut member.note);
        let (waits, parts, groups) = (Vec::new(), Vec::new(), Vec::new());
        let (is_main, deadline) = (seen.key == MAIN && group == NONE, None);
        Some(Task { number: slot, is_main, group, ordinal, name, place, state, waits, deadline, reason, parts, groups })
    }

    /// Adds to a task what it waits for itself, or what the body of a group does that it has opened.
    fn add_waits(&mut self, forest: &mut Forest, slot: TaskNumber, task: u32) {
        let (Some(member), Some(task)) = (self.members.get(slot), forest.tasks.get_mut(task as usize)) else { return };
        if let Some(deadline) = member.deadline {
            task.deadline = Some(task.deadline.map_or(deadline, |other| other.min(deadline)));
        }
        task.parts.append(&mut member.parts);
        if member.seen.is_woken && task.state == TaskState::Waiting {
            task.state = TaskState::Queued;
        }
        if matches!(task.state, TaskState::Queued | TaskState::Polled) {
            task.waits.clear();
            return;
        }
        let known = if member.waits.is_empty() { &mut member.perhaps } else { &mut member.waits };
        let is_other = known.is_empty() && member.owned.is_empty();
        let is_known_other = task.waits.contains(&WaitsFor::Other);
        task.waits.append(known);
        if is_other && !is_known_other {
            task.waits.push(WaitsFor::Other);
        }
    }
}
