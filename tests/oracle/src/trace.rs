//! What a program leaves: events, and how things ended.
//!
//! Before: `tree.rs`. After: `recorded.rs`. The forms are those of `LANGUAGE.md`, section 6.

use crate::program::Name;
use crate::tree::Tree;
use serde::ser::SerializeTuple;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// How something ended.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End<V> {
    Ok(V),
    Err(Tree),
    Cancelled,
    Panic(Name),
}

/// How a task ended.
pub(crate) type Outcome = End<Value>;

impl<V> End<V> {
    /// How much of a trace it takes.
    fn size(&self) -> usize {
        match self {
            Self::Err(tree) => tree.leaves(),
            _ => 1,
        }
    }
}

/// One line of a trace.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) ms: u64,
    pub(crate) task: Name,
    pub(crate) event: Event,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Event {
    Start,
    End(Outcome),
    Log(Name),
    Raise(Name),
    Panic(Name),
    Spawn { group: Name, task: Name },
    SpawnRejected { group: Name, task: Name, why: &'static str },
    GroupEnter(Name),
    GroupExit(Name, End<()>),
    Caught(Tree),
    Timeout(u64),
    Interrupted(&'static str),
    Joined(Name, Outcome),
    Cancel { task: Name, effect: bool },
    NoTask(Name),
    GatherExit(End<Vec<Outcome>>),
}

impl Event {
    fn name(&self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End(_) => "end",
            Self::Log(_) => "log",
            Self::Raise(_) => "raise",
            Self::Panic(_) => "panic",
            Self::Spawn { .. } => "spawn",
            Self::SpawnRejected { .. } => "spawn_rejected",
            Self::GroupEnter(_) => "group_enter",
            Self::GroupExit(..) => "group_exit",
            Self::Caught(_) => "caught",
            Self::Timeout(_) => "timeout",
            Self::Interrupted(_) => "interrupted",
            Self::Joined(..) => "joined",
            Self::Cancel { .. } => "cancel",
            Self::NoTask(_) => "no_task",
            Self::GatherExit(_) => "gather_exit",
        }
    }

    /// How much of a trace it takes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::End(end) | Self::Joined(_, end) => end.size(),
            Self::GroupExit(_, end) => end.size(),
            Self::Caught(tree) => tree.leaves(),
            Self::GatherExit(End::Ok(outcomes)) => outcomes.iter().map(End::size).sum(),
            Self::GatherExit(end) => end.size(),
            _ => 1,
        }
    }
}

impl Serialize for Record {
    /// `[ms, task, event, detail]`
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_tuple(4)?;
        line.serialize_element(&self.ms)?;
        line.serialize_element(&self.task)?;
        line.serialize_element(self.event.name())?;
        match &self.event {
            Event::Start => line.serialize_element(&()),
            Event::End(outcome) => line.serialize_element(outcome),
            Event::Log(word) | Event::Raise(word) | Event::Panic(word) => line.serialize_element(word),
            Event::GroupEnter(group) => line.serialize_element(group),
            Event::NoTask(task) => line.serialize_element(task),
            Event::Spawn { group, task } => line.serialize_element(&(group, task)),
            Event::SpawnRejected { group, task, why } => line.serialize_element(&(group, task, why)),
            Event::GroupExit(group, End::Ok(())) => line.serialize_element(&(group, "ok")),
            Event::GroupExit(group, end) => line.serialize_element(&(group, end)),
            Event::Caught(tree) => line.serialize_element(tree),
            Event::Timeout(ms) => line.serialize_element(ms),
            Event::Interrupted(op) => line.serialize_element(op),
            Event::Joined(task, outcome) => line.serialize_element(&(task, outcome)),
            Event::Cancel { task, effect } => line.serialize_element(&(task, effect)),
            Event::GatherExit(end) => line.serialize_element(end),
        }?;
        line.end()
    }
}
