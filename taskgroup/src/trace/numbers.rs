//! Slots and sets are used again: who a number means now.
//!
//! Before: nothing. After: `record.rs`.

use super::record::{GroupId, Spot, TaskId};
use std::collections::HashMap;
use std::num::NonZeroU64;
use taskgroup_runtime::instrument::{GroupNumber, TaskNumber};

/// Turns the runtime's numbers into such as mean one task, one group of a run. The maps are only asked, never walked.
#[derive(Default)]
pub(crate) struct Numbers {
    spots: HashMap<TaskNumber, Spot>,
    groups: HashMap<GroupNumber, GroupId>,
    tasks_seen: u64,
    groups_seen: u64,
}

impl Numbers {
    /// A task that is new.
    pub(crate) fn new_task(&mut self, number: TaskNumber) -> TaskId {
        self.tasks_seen += 1;
        let task = TaskId(NonZeroU64::new(self.tasks_seen).expect("it was counted"));
        self.spots.insert(number, Spot::of(task));
        task
    }

    /// A group that is new, whose body is a part of its owner.
    pub(crate) fn new_group(&mut self, number: GroupNumber, owner: TaskNumber, body: TaskNumber) -> (GroupId, Spot) {
        let owner = self.spot(owner);
        let group = self.add_group(number);
        self.spots.insert(body, Spot { task: owner.task, body_of: Some(group) });
        (group, owner)
    }

    /// Who that is. Somebody of whom nothing was heard before was there before the recorder.
    pub(crate) fn spot(&mut self, number: TaskNumber) -> Spot {
        match self.spots.get(&number) {
            Some(spot) => *spot,
            None => Spot::of(self.new_task(number)),
        }
    }

    /// Which group that is; the root tasks are in none.
    pub(crate) fn group(&mut self, number: GroupNumber) -> Option<GroupId> {
        match self.groups.get(&number) {
            _ if number == 0 => None,
            Some(group) => Some(*group),
            None => Some(self.add_group(number)),
        }
    }

    fn add_group(&mut self, number: GroupNumber) -> GroupId {
        self.groups_seen += 1;
        let group = GroupId(NonZeroU64::new(self.groups_seen).expect("it was counted"));
        self.groups.insert(number, group);
        group
    }
}
