//! What a task tree says of a task, and of a group: a line each, whatever they are called.
//!
//! Before: `task_tree/display.rs`. After: nothing.
#![forbid(unsafe_code)]

use super::{GroupNode, TaskNode, TaskState};
use crate::instrument::{Part, WaitsFor};
use crate::readable::Readable;
use std::fmt::{self, Display, Formatter};
use std::panic::Location;
use std::time::Duration;

pub(super) fn write_task(task: TaskNode<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    write_who(task, f)?;
    match task.place() {
        Some(place) => write!(f, " ({})", At(place))?,
        None if task.is_main() => f.write_str(" (block_on)")?,
        None => {}
    }
    write!(f, "{}: {}", Circumstances(task), Doing(task))
}

/// See [`TaskNode::in_words`].
pub(super) struct InWords<'a>(pub(super) TaskNode<'a>);

impl Display for InWords<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let circumstances = Circumstances(self.0).to_string();
        match circumstances.strip_prefix(", ") {
            Some(circumstances) => write!(f, "{circumstances}: {}", Doing(self.0)),
            None => write!(f, "{}", Doing(self.0)),
        }
    }
}

/// Cancels and regions that a task is in, each behind a comma.
struct Circumstances<'a>(TaskNode<'a>);

impl Display for Circumstances<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(reason) = self.0.reason() {
            write!(f, ", being cancelled ({})", OneLine(reason))?;
        }
        for open in self.0.parts() {
            let reason = open.reason.as_deref().map(OneLine);
            match (open.part, reason) {
                (Part::Body, Some(reason)) => write!(f, ", its body being cancelled ({reason})")?,
                (Part::Scope, Some(reason)) => write!(f, ", in a scope that is being cancelled ({reason})")?,
                (Part::Cleanup, _) => f.write_str(", in its cleanup")?,
                (Part::Shield, _) => f.write_str(", in a shield")?,
                _ => {} // the usual case: nothing is held up by it
            }
        }
        Ok(())
    }
}

/// What a task does, and until when.
struct Doing<'a>(TaskNode<'a>);

impl Display for Doing<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_state(self.0, f)?;
        match self.0.deadline() {
            Some(deadline) => write!(f, " (deadline in {})", Left(self.0, deadline)),
            None => Ok(()),
        }
    }
}

fn write_who(task: TaskNode<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    let kind = match (task.is_main(), task.group()) {
        (true, _) => "",
        (false, None) => "root task ",
        (false, Some(_)) => "task ",
    };
    write!(f, "{kind}{}", OneLine(&task.name()))
}

fn write_state(task: TaskNode<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    match task.state() {
        TaskState::Polled => return f.write_str("being polled"),
        TaskState::Queued => return f.write_str("woken"),
        TaskState::NotStarted => f.write_str("not started")?,
        TaskState::Waiting => {}
    }
    let is_waiting = task.state() == TaskState::Waiting;
    let waits: Vec<_> = task.waits().iter().filter(|wait| **wait != WaitsFor::FirstPoll).collect();
    let (shown, more) = waits.split_at(waits.len().min(MOST_WAITS));
    for (i, wait) in shown.iter().enumerate() {
        match (i, is_waiting) {
            (0, true) => f.write_str("waits for ")?,
            (0, false) => f.write_str(", waits for ")?,
            _ if i + 1 == waits.len() => f.write_str(" and ")?,
            _ => f.write_str(", ")?,
        }
        write_wait(task, **wait, f)?;
    }
    match more.len() {
        0 => Ok(()),
        n => write!(f, " and {n} more"),
    }
}

/// How many waits of a task are printed.
const MOST_WAITS: usize = 3;

fn write_wait(task: TaskNode<'_>, wait: WaitsFor, f: &mut Formatter<'_>) -> fmt::Result {
    match wait {
        WaitsFor::FirstPoll => f.write_str("its first poll"),
        WaitsFor::Place => f.write_str("a place under the limit of its group"),
        WaitsFor::Timer(None) => f.write_str("a time that never comes"),
        WaitsFor::Timer(Some(at)) => write!(f, "a timer in {}", Left(task, at)),
        WaitsFor::Readable(fd) => write!(f, "descriptor {fd} to be readable"),
        WaitsFor::Writable(fd) => write!(f, "descriptor {fd} to be writable"),
        WaitsFor::Signal => f.write_str("a signal"),
        WaitsFor::Process(id) => write!(f, "process {id} to end"),
        WaitsFor::Task(number) => match task.tree.task(number) {
            Some(other) if other.index == task.index => f.write_str("itself"),
            Some(other) => write_path(other, f),
            None => f.write_str("a task that is gone"),
        },
        WaitsFor::Group(_)
            if task.groups().count() == 1 && task.groups().all(|group| group.groups().next().is_none()) =>
        {
            f.write_str("the tasks of its group")
        }
        WaitsFor::Group(number) => write!(f, "the tasks of {}", Other(task, number)),
        WaitsFor::Admission(number) => write!(f, "leave to spawn into {}", Other(task, number)),
        WaitsFor::Job => f.write_str("a blocking job"),
        WaitsFor::Other => f.write_str("something of somebody else's (a channel, a lock)"),
    }
}

/// A task in another's line: with the tasks that it is in, the last few.
fn write_path(task: TaskNode<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    let mut path = vec![task];
    while let Some(above) = path.last().and_then(|task| task.group()).and_then(GroupNode::owner) {
        if above.group().is_none() {
            break; // a root task is in no path
        }
        path.push(above);
        if path.len() > MOST_NAMES {
            break;
        }
    }
    if path.len() == 1 {
        return write_who(task, f);
    }
    f.write_str("task ")?;
    if path.len() > MOST_NAMES {
        f.write_str("..")?;
        path.pop();
    } else {
        write!(f, "{}", OneLine(&path.pop().map(TaskNode::name).unwrap_or_default()))?;
    }
    path.iter().rev().try_for_each(|task| write!(f, "/{}", OneLine(&task.name())))
}

/// How many names of a path are printed.
const MOST_NAMES: usize = 4;

pub(super) fn write_group(group: GroupNode<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str("group")?;
    if let Some(place) = group.place() {
        write!(f, " ({})", At(place))?;
    }
    if group.around().is_some() {
        f.write_str(" in the body")?;
    } else if group.owner().is_none() {
        f.write_str(" that no task polls")?;
    }
    if let Some(reason) = group.closing() {
        write!(f, ", closing ({})", OneLine(reason))?;
    }
    match group.tasks().count() {
        0 => f.write_str(": no tasks"),
        1 => f.write_str(": 1 task"),
        n => write!(f, ": {n} tasks"),
    }
}

struct At(&'static Location<'static>);

impl Display for At {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.file(), self.0.line())
    }
}

/// A group of a task, or another one, by its number.
struct Other<'a>(TaskNode<'a>, u32);

impl Display for Other<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.tree.group(self.1).and_then(GroupNode::place) {
            Some(place) => write!(f, "the group of {}", At(place)),
            None => f.write_str("a group"),
        }
    }
}

/// How long until then.
struct Left<'a>(TaskNode<'a>, Duration);

impl Display for Left<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Readable(self.1.saturating_sub(self.0.tree.at())).fmt(f)
    }
}

/// Somebody's words, on one line and not too long.
struct OneLine<'a>(&'a str);

/// How many characters of somebody's words are printed.
const MOST_CHARACTERS: usize = 80;

impl Display for OneLine<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let end = self.0.char_indices().nth(MOST_CHARACTERS).map(|(end, _)| end);
        let text = &self.0[..end.unwrap_or(self.0.len())];
        // Quotes need no escape here, and most names have nothing else.
        for piece in text.split_inclusive(['\'', '"']) {
            let (piece, quote) = match piece.strip_suffix(['\'', '"']) {
                Some(rest) => piece.split_at(rest.len()),
                None => (piece, ""),
            };
            write!(f, "{}{quote}", piece.escape_debug())?;
        }
        if end.is_some() { f.write_str("...") } else { Ok(()) }
    }
}
