//! Builds a [`Model`] from records: one walk.
//!
//! Before: `model.rs`. After: `build/polls.rs`, `build/turns.rs`.

mod polls;
mod turns;

use super::model::{Cancel, End, Group, LeftOut, Model, Moment, Region, RegionKind, Span, Task, Wake, When};
use super::record::{GroupId, Record, Spot, TaskId, Wait, Waker, What};
use polls::Frame;
use std::collections::{BTreeMap, BTreeSet};
use taskgroup_runtime::instrument::{Part, WaitsFor};
use turns::LastSleep;

fn region_kind(part: Part) -> Option<RegionKind> {
    match part {
        Part::Scope => Some(RegionKind::Scope),
        Part::Guarded => Some(RegionKind::Guarded),
        Part::Cleanup => Some(RegionKind::Cleanup),
        Part::Shield => Some(RegionKind::Shield),
        _ => None,
    }
}

#[derive(Default)]
struct Builder {
    model: Model,
    /// The polls that are under way. Inner ones are last.
    stack: Vec<Frame>,
    /// How many polls of each task are under way.
    under_way: Vec<u32>,
    /// What each spot said that it waits for, in its last poll.
    said: BTreeMap<(usize, Option<GroupId>), Vec<Wait>>,
    /// Which wait of a task is under way: a place in its list.
    waiting: BTreeMap<usize, usize>,
    /// Regions that were entered and not left yet: of each task, places in its list.
    open: BTreeMap<usize, Vec<usize>>,
    /// Who was polled in this moment.
    polled: BTreeSet<Spot>,
    last_sleep: LastSleep,
}

pub(crate) fn build(records: &[Record]) -> Model {
    let mut builder = Builder::default();
    for (number, record) in records.iter().enumerate() {
        let when = When { at: record.at, record: number as u32 };
        builder.end_gap(when);
        builder.add_moment(when, &record.what);
        builder.add(when, &record.what);
        builder.model.end = Some(when);
    }
    builder.end()
}

impl Builder {
    fn add_moment(&mut self, when: When, what: &What) {
        // Nobody would see it: phases of the loop, and what is said of somebody.
        if let What::Phase(_) | What::Named { .. } | What::Waits { .. } | What::BodyEnded(_) = what {
            return;
        }
        let last = self.model.moments.last();
        let is_later = last.is_none_or(|last| last.begin.at < when.at);
        let is_again = matches!(what, What::PollBegins(spot) if self.polled.contains(spot));
        if is_later || is_again {
            let step = last.filter(|_| !is_later).map_or(0, |last| last.step + 1);
            self.model.moments.push(Moment { begin: when, step });
            self.polled.clear();
        }
        if let What::PollBegins(spot) = what {
            self.polled.insert(*spot);
        }
    }

    fn add(&mut self, when: When, what: &What) {
        if !matches!(what, What::Phase(_)) {
            self.end_sleep(when);
        }
        match what {
            What::Phase(phase) => self.begin_phase(when, *phase),
            What::Spawned { task, group, number, place } => {
                let (task, group) = (self.task(*task, when), group.map(|group| self.group(group, when)));
                if let Some(group) = group {
                    self.model.groups[group].members.push(task);
                }
                let task = &mut self.model.tasks[task];
                (task.group, task.number, task.place) = (group, *number, *place);
            }
            What::Named { task, name } => {
                let task = self.task(*task, when);
                self.model.tasks[task].name = Some(name.clone());
            }
            What::Woken { spot, by } => {
                let from = match by {
                    Waker::Task(spot) | Waker::Spawn(Some(spot)) | Waker::Cancel(Some(spot)) => {
                        Some(self.task(spot.task, when))
                    }
                    _ => None,
                };
                let to = self.task(spot.task, when);
                let ended = self.ended_now(&(to, spot.body_of), when);
                self.model.wakes.push(Wake { when, by: *by, from, ended, to });
                self.works(from);
            }
            What::PollBegins(spot) => self.begin_poll(when, *spot),
            What::PollEnds(spot) => self.end_poll(when, *spot),
            What::Waits { spot, wait } => {
                let task = self.task(spot.task, when);
                self.said.entry((task, spot.body_of)).or_default().push(*wait);
                if !self.is_polled(task) {
                    self.begin_wait(task, when);
                }
            }
            What::CancelAsked(asked) => {
                let by = asked.by.map(|spot| self.task(spot.task, when));
                self.works(by);
                let Some(spot) = asked.spot else { return };
                let task = self.task(spot.task, when);
                let cancel = Cancel { asked: when, seen: None, part: asked.part, reason: asked.reason.clone(), by };
                self.model.tasks[task].cancels.push(cancel);
            }
            What::CancelSeen { spot, .. } => {
                let task = self.task(spot.task, when);
                for cancel in &mut self.model.tasks[task].cancels {
                    cancel.seen.get_or_insert(when);
                }
            }
            What::Entered { spot, part } => self.enter(when, *spot, *part),
            What::Left { spot, part } => self.leave(when, *spot, *part),
            What::Ended { task, how } => {
                let task = self.task(*task, when);
                self.end_wait(task, when);
                let said: Vec<_> = self.said.range((task, None)..(task + 1, None)).map(|(spot, _)| *spot).collect();
                for spot in said {
                    self.said.remove(&spot);
                }
                self.model.tasks[task].end = Some(End { when, how: how.clone() });
            }
            What::GroupOpened { group, owner, place } => {
                let owner_task = self.task(owner.task, when);
                self.works(Some(owner_task));
                let inside = owner.body_of.or_else(|| self.body_of(owner_task)).map(|group| self.group(group, when));
                let group = self.group(*group, when);
                self.model.tasks[owner_task].groups.push(group);
                let group = &mut self.model.groups[group];
                (group.owner, group.inside, group.place) = (Some(owner_task), inside, Some(*place));
            }
            What::GroupClosing { group, reason } => {
                let group = self.group(*group, when);
                self.model.groups[group].closing.get_or_insert((when, reason.clone()));
            }
            What::BodyEnded(id) => {
                let group = self.group(*id, when);
                self.model.groups[group].body_ended = Some(when);
                if let Some(owner) = self.model.groups[group].owner {
                    self.said.remove(&(owner, Some(*id)));
                }
            }
            What::GroupEnded { group, errors } => {
                let group = self.group(*group, when);
                let group = &mut self.model.groups[group];
                (group.end, group.errors) = (Some(when), *errors);
            }
            What::LeftOut { events, tasks, until } => self.leave_out(when, *events, *tasks, *until),
        }
    }

    /// Of those that a spot waits for, one that has just ended.
    fn ended_now(&self, spot: &(usize, Option<GroupId>), when: When) -> Option<usize> {
        let tasks = self.said.get(spot)?.iter().filter_map(|wait| match wait {
            Wait::Task(other) => self.model.task_of.get(&other.task).copied(),
            _ => None,
        });
        tasks.into_iter().find(|task| self.model.tasks[*task].end.as_ref().is_some_and(|end| end.when.at == when.at))
    }

    fn enter(&mut self, when: When, spot: Spot, part: Part) {
        let task = self.task(spot.task, when);
        self.works(Some(task));
        let open = self.open.entry(task).or_default();
        let regions = &mut self.model.tasks[task].regions;
        if let Some(kind) = region_kind(part) {
            open.push(regions.len());
            regions.push(Region { kind, span: Span { from: when, to: when } });
        }
    }

    fn leave(&mut self, when: When, spot: Spot, part: Part) {
        let task = self.task(spot.task, when);
        let open = self.open.entry(task).or_default();
        let regions = &mut self.model.tasks[task].regions;
        let kind = region_kind(part);
        if let Some(place) = open.iter().rposition(|region| Some(regions[*region].kind) == kind) {
            regions[open.remove(place)].span.to = when;
        }
    }

    /// Nobody knows who was polled meanwhile: what is under way ends here, and is there again where it is heard of.
    fn leave_out(&mut self, when: When, events: u64, tasks: u64, until: u64) {
        self.close(when);
        let span = Span { from: when, to: When { at: until, record: when.record } };
        self.model.left_out = Some(LeftOut { span, events, tasks });
    }

    /// Behind the mark there are facts of the time in which the rest was left out.
    fn end_gap(&mut self, when: When) {
        if let Some(left_out) = &mut self.model.left_out
            && left_out.span.to.record == left_out.span.from.record
            && when.at >= left_out.span.to.at
        {
            left_out.span.to = when;
        }
    }

    fn close(&mut self, when: When) {
        self.end_sleep(when);
        self.end_frames(when, 0);
        let waiting: Vec<_> = self.waiting.keys().copied().collect();
        for task in waiting {
            self.end_wait(task, when);
        }
        self.said.clear();
    }

    fn task(&mut self, id: TaskId, when: When) -> usize {
        let tasks = &mut self.model.tasks;
        *self.model.task_of.entry(id).or_insert_with(|| {
            self.under_way.push(0);
            tasks.push(Task {
                id,
                group: None,
                number: 0,
                name: None,
                place: None,
                begin: when,
                started: None,
                polls: Vec::new(),
                waits: Vec::new(),
                cancels: Vec::new(),
                regions: Vec::new(),
                end: None,
                groups: Vec::new(),
            });
            tasks.len() - 1
        })
    }

    fn group(&mut self, id: GroupId, when: When) -> usize {
        let groups = &mut self.model.groups;
        *self.model.group_of.entry(id).or_insert_with(|| {
            groups.push(Group {
                id,
                owner: None,
                inside: None,
                place: None,
                begin: when,
                closing: None,
                body_ended: None,
                end: None,
                errors: 0,
                members: Vec::new(),
            });
            groups.len() - 1
        })
    }

    fn end(mut self) -> Model {
        let end = self.model.end();
        self.close(end);
        let gap = self.model.gap();
        for task in &mut self.model.tasks {
            task.started = task.polls.first().map(|poll| poll.span.from);
            let never = task.never_ran();
            if never {
                task.cancels.iter_mut().for_each(|cancel| cancel.seen = None); // it was dropped, and notices nothing
            }
            // Its first poll is among what was left out.
            if let Some(gap) = gap
                && task.begin.record < gap.to.record
                && task.started.is_none_or(|at| at.record >= gap.to.record)
                && !never
            {
                task.started = Some(if task.begin.record > gap.from.record { task.begin } else { gap.from });
            }
        }
        for (task, open) in std::mem::take(&mut self.open) {
            let end = self.model.end_of(&self.model.tasks[task]);
            for region in open {
                self.model.tasks[task].regions[region].span.to = end;
            }
        }
        self.model
    }
}

/// Whether it says anything that the lane does not show by itself.
pub(crate) fn is_told(wait: &Wait) -> bool {
    !matches!(wait, Wait::Else(WaitsFor::FirstPoll))
}
