//! What a run was: tasks with their polls, waits and ends, groups, wakes, and the moments at which anything happened.
//!
//! Before: `recorder.rs`. After: `build.rs`.

use super::record::{GroupId, How, Life, Place, Spot, TaskId, Text, Wait, Waker};
use std::collections::BTreeMap;
use taskgroup_runtime::instrument::Part;

/// When: the time, and where among the records, since on a virtual clock much happens at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct When {
    /// Nanoseconds since the runtime was made.
    pub(crate) at: u64,
    /// The number of the record.
    pub(crate) record: u32,
}

/// From when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: When,
    pub(crate) to: When,
}

impl Span {
    pub(crate) fn nanos(&self) -> u64 {
        self.to.at.saturating_sub(self.from.at)
    }
}

/// Tasks and groups are named by their places in these lists, which are in the order of their beginnings.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) tasks: Vec<Task>,
    pub(crate) groups: Vec<Group>,
    pub(crate) wakes: Vec<Wake>,
    pub(crate) turns: Turns,
    pub(crate) left_out: Option<LeftOut>,
    /// Never empty but in an empty trace.
    pub(crate) moments: Vec<Moment>,
    pub(crate) end: Option<When>,
    pub(crate) task_of: BTreeMap<TaskId, usize>,
    pub(crate) group_of: BTreeMap<GroupId, usize>,
}

/// An instant, or a part of one: in it nobody was polled twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) begin: When,
    /// Which part of its instant, from 0 on.
    pub(crate) step: u32,
}

/// What the loop did.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    pub(crate) count: u64,
    /// When anybody was polled.
    pub(crate) runs: Vec<Span>,
    pub(crate) sleeps: Vec<Sleep>,
}

/// The loop waits for something from outside, or for a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sleep {
    pub(crate) span: Span,
    /// When it would have ended by itself; `None`: never.
    pub(crate) at_most: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct LeftOut {
    pub(crate) span: Span,
    pub(crate) events: u64,
    pub(crate) tasks: u64,
}

#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) id: TaskId,
    /// `None`: a root task, or one whose beginning nobody heard.
    pub(crate) group: Option<usize>,
    /// Which child of its group, from 1 on; 0 for a root task.
    pub(crate) number: u32,
    pub(crate) name: Option<Text>,
    pub(crate) place: Option<Place>,
    pub(crate) begin: When,
    /// Its first poll, as far as is known.
    pub(crate) started: Option<When>,
    /// Frames, in the order of their beginnings, inner ones behind outer ones.
    pub(crate) polls: Vec<Poll>,
    /// Between polls; they do not overlap.
    pub(crate) waits: Vec<Waiting>,
    pub(crate) cancels: Vec<Cancel>,
    pub(crate) regions: Vec<Region>,
    pub(crate) end: Option<End>,
    /// Those that it opened.
    pub(crate) groups: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Poll {
    pub(crate) spot: Spot,
    pub(crate) span: Span,
    pub(crate) work: Work,
}

/// Who ran in a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// The polled itself.
    Own,
    /// Those inside only: its tasks, or its body, which has a poll of its own.
    Inner,
}

#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) span: Span,
    /// Not empty.
    pub(crate) waits: Vec<Wait>,
}

/// A cancel, from its request on.
#[derive(Clone, Debug)]
pub(crate) struct Cancel {
    pub(crate) asked: When,
    pub(crate) seen: Option<When>,
    pub(crate) part: Part,
    pub(crate) reason: Text,
    pub(crate) by: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    pub(crate) kind: RegionKind,
    pub(crate) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RegionKind {
    Scope,
    Guarded,
    Shield,
    Cleanup,
}

#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) when: When,
    pub(crate) how: How,
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) id: GroupId,
    /// `None`: nobody heard of its beginning.
    pub(crate) owner: Option<usize>,
    /// The group in whose body it was opened.
    pub(crate) inside: Option<usize>,
    pub(crate) place: Option<Place>,
    pub(crate) begin: When,
    pub(crate) closing: Option<(When, Text)>,
    pub(crate) body_ended: Option<When>,
    pub(crate) end: Option<When>,
    pub(crate) errors: usize,
    pub(crate) members: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Wake {
    pub(crate) when: When,
    pub(crate) by: Waker,
    /// The task that wakes, if one does: the one that is being polled.
    pub(crate) from: Option<usize>,
    /// The task whose end it tells of, where that was waited for. (The group that sees the end wakes, not the task.)
    pub(crate) ended: Option<usize>,
    pub(crate) to: usize,
}

impl Model {
    pub(crate) fn begin(&self) -> When {
        self.moments.first().map_or(When { at: 0, record: 0 }, |moment| moment.begin)
    }

    /// What falls in there was not recorded.
    pub(crate) fn gap(&self) -> Option<Span> {
        self.left_out.map(|left_out| left_out.span)
    }

    pub(crate) fn end(&self) -> When {
        self.end.unwrap_or(self.begin())
    }

    /// When a task was last heard of: its end, or that of all.
    pub(crate) fn end_of(&self, task: &Task) -> When {
        task.end.as_ref().map_or(self.end(), |end| end.when)
    }

    /// Its name, or `#3` as errors have it, or `root`.
    pub(crate) fn name(&self, task: usize) -> String {
        let task = &self.tasks[task];
        match (&task.name, task.number) {
            (Some(name), _) => name.to_string(),
            (None, 0) if task.group.is_none() && task.id.0.get() == 1 => "root".into(),
            (None, 0) if task.group.is_none() => format!("root {}", task.id.0),
            (None, number) => format!("#{number}"),
        }
    }
}

impl Turns {
    /// Whether there is anything to see: in virtual time, nobody sleeps.
    pub(crate) fn has_slept(&self) -> bool {
        self.sleeps.iter().any(|sleep| sleep.span.nanos() > 0)
    }
}

impl Wake {
    /// Whom a reader takes for the cause, if it is a task.
    pub(crate) fn cause(&self) -> Option<usize> {
        self.ended.or(self.from)
    }
}

impl Task {
    /// It was cancelled before its first poll.
    pub(crate) fn never_ran(&self) -> bool {
        matches!(&self.end, Some(End { how: How::Cancelled { life: Life::NeverStarted, .. }, .. }))
    }

    /// Whether its end says for what reason it was asked: it ended for that reason.
    pub(crate) fn ended_for(&self, cancel: &Cancel) -> bool {
        match &self.end {
            Some(End { how: How::Cancelled { reason, .. }, .. }) => reason.as_deref() == Some(&*cancel.reason),
            _ => false,
        }
    }

    /// Where it ran itself.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Poll> {
        self.polls.iter().filter(|poll| poll.work == Work::Own)
    }
}
