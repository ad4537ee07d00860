//! What a recorder writes down: events that own what they say, of tasks and groups that keep their numbers.
//!
//! Before: `numbers.rs`. After: `translate.rs`, `kept.rs`.

use std::num::NonZeroU64;
use std::panic::Location;
use std::sync::Arc;
use taskgroup_runtime::instrument::{Part, Phase, WaitsFor, WokenBy};

/// The number of a task in a whole run, from 1 on. (The runtime's own numbers are used again.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TaskId(pub(crate) NonZeroU64);

/// The number of a group in a whole run, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupId(pub(crate) NonZeroU64);

/// What is woken and polled: a task, or the body of a group that it has opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Spot {
    pub(crate) task: TaskId,
    /// `None`: the task itself.
    pub(crate) body_of: Option<GroupId>,
}

impl Spot {
    pub(crate) fn of(task: TaskId) -> Self {
        Self { task, body_of: None }
    }
}

/// An event, and when.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Nanoseconds since the runtime was made.
    pub(crate) at: u64,
    pub(crate) what: What,
}

pub(crate) type Text = Arc<str>;
pub(crate) type Place = &'static Location<'static>;

/// As [`Event`](taskgroup_runtime::instrument::Event).
#[derive(Clone, Debug)]
pub(crate) enum What {
    Phase(Phase),
    /// `group`: none for a root task.
    Spawned {
        task: TaskId,
        group: Option<GroupId>,
        number: u32,
        place: Option<Place>,
    },
    Named {
        task: TaskId,
        name: Text,
    },
    Woken {
        spot: Spot,
        by: Waker,
    },
    PollBegins(Spot),
    PollEnds(Spot),
    Waits {
        spot: Spot,
        wait: Wait,
    },
    CancelAsked(Box<Asked>),
    CancelSeen {
        spot: Spot,
        part: Part,
    },
    Entered {
        spot: Spot,
        part: Part,
    },
    Left {
        spot: Spot,
        part: Part,
    },
    Ended {
        task: TaskId,
        how: How,
    },
    GroupOpened {
        group: GroupId,
        owner: Spot,
        place: Place,
    },
    GroupClosing {
        group: GroupId,
        reason: Text,
    },
    BodyEnded(GroupId),
    GroupEnded {
        group: GroupId,
        errors: usize,
    },
    /// What was not kept: so many events, and all of so many tasks.
    LeftOut {
        events: u64,
        tasks: u64,
        until: u64,
    },
}

/// A request to end.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) spot: Option<Spot>,
    pub(crate) part: Part,
    pub(crate) reason: Text,
    pub(crate) by: Option<Spot>,
}

/// Who woke somebody. As [`WokenBy`], but for the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waker {
    Task(Spot),
    Spawn(Option<Spot>),
    Cancel(Option<Spot>),
    Else(WokenBy),
}

/// What somebody waits for. As [`WaitsFor`], but for the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Task(Spot),
    /// `None`: the root tasks.
    Group(Option<GroupId>),
    Admission(Option<GroupId>),
    Else(WaitsFor),
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    Value,
    Failed(Told),
    Panicked(Option<Text>),
    Cancelled { reason: Option<Text>, life: Life },
}

/// An error, as far as it can be told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    /// What it says.
    Text(Text),
    /// The name of its type, with paths.
    Type(&'static str),
}

/// How far a task came that was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Life {
    NeverStarted,
    Ended,
    /// Its grace was over before its cleanups were.
    CutOff,
}
