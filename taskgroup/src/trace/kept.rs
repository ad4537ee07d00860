//! The records that are kept: the first half and the last half of what there is room for.
//!
//! Before: `record.rs`. After: `recorder.rs`.
//!
//! What falls out between them leaves its *facts*: who somebody is, in which group, and how it ended, if anything that
//! is kept may speak of it. So memory is bounded by the room and the tasks that live, and a tree drawn later is right.

use super::record::{GroupId, Record, TaskId, What};
use std::collections::{BTreeMap, VecDeque};

pub(crate) struct Kept {
    first: Vec<Record>,
    first_room: usize,
    last: VecDeque<Record>,
    last_room: usize,
    /// How many fell out, facts included.
    fell_out: u64,
    /// When the first and the last of them happened.
    gap: (u64, u64),
    /// By whom they are about and what they say; each with its place in the order.
    facts: BTreeMap<(Who, Fact), (u64, Record)>,
    /// The highest numbers in `first`. Whoever is above and has ended in the gap is spoken of nowhere.
    known: (Option<TaskId>, Option<GroupId>),
    forgotten: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Task(TaskId),
    Group(GroupId),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fact {
    Begin,
    Name,
    Closing,
    BodyEnd,
    End,
}

impl Kept {
    /// Room for so many, two at least.
    pub(crate) fn new(room: usize) -> Self {
        let room = room.max(2);
        Self {
            first: Vec::new(),
            first_room: room / 2,
            last: VecDeque::new(),
            last_room: room - room / 2,
            fell_out: 0,
            gap: (0, 0),
            facts: BTreeMap::new(),
            known: (None, None),
            forgotten: 0,
        }
    }

    pub(crate) fn push(&mut self, record: Record) {
        if self.first.len() < self.first_room {
            match fact_of(&record.what) {
                Some((Who::Task(task), Fact::Begin)) => self.known.0 = Some(task),
                Some((Who::Group(group), Fact::Begin)) => self.known.1 = Some(group),
                _ => {}
            }
            self.first.push(record);
            return;
        }
        if self.last.len() == self.last_room
            && let Some(record) = self.last.pop_front()
        {
            self.fall_out(record);
        }
        self.last.push_back(record);
    }

    fn fall_out(&mut self, record: Record) {
        if self.fell_out == 0 {
            self.gap.0 = record.at;
        }
        self.gap.1 = record.at;
        self.fell_out += 1;
        let Some((who, fact)) = fact_of(&record.what) else { return };
        let is_known = match who {
            Who::Task(task) => Some(task) <= self.known.0,
            Who::Group(group) => Some(group) <= self.known.1,
        };
        if fact == Fact::End && !is_known {
            for fact in [Fact::Begin, Fact::Name, Fact::Closing, Fact::BodyEnd] {
                self.facts.remove(&(who, fact));
            }
            self.forgotten += u64::from(matches!(who, Who::Task(_)));
        } else {
            self.facts.insert((who, fact), (self.fell_out, record)); // of two names the last
        }
    }

    pub(crate) fn left_out(&self) -> u64 {
        self.fell_out - self.facts.len() as u64
    }

    /// All that is kept, in order, with a mark where something was left out. Linear.
    pub(crate) fn records(&self) -> Vec<Record> {
        let mut records = self.first.clone();
        if self.left_out() > 0 {
            let what = What::LeftOut { events: self.left_out(), tasks: self.forgotten, until: self.gap.1 };
            records.push(Record { at: self.gap.0, what });
        }
        let mut facts: Vec<_> = self.facts.values().collect();
        facts.sort_by_key(|(order, _)| *order);
        records.extend(facts.into_iter().map(|(_, record)| record.clone()));
        records.extend(self.last.iter().cloned());
        records
    }
}

fn fact_of(what: &What) -> Option<(Who, Fact)> {
    Some(match what {
        What::Spawned { task, .. } => (Who::Task(*task), Fact::Begin),
        What::Named { task, .. } => (Who::Task(*task), Fact::Name),
        What::Ended { task, .. } => (Who::Task(*task), Fact::End),
        What::GroupOpened { group, .. } => (Who::Group(*group), Fact::Begin),
        What::GroupClosing { group, .. } => (Who::Group(*group), Fact::Closing),
        What::BodyEnded(group) => (Who::Group(*group), Fact::BodyEnd),
        What::GroupEnded { group, .. } => (Who::Group(*group), Fact::End),
        _ => return None,
    })
}
