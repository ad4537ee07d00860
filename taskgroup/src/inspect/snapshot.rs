//! The task tree and the figures of the loop, as one line of JSON.
//!
//! Before: `inspect/figures.rs`. After: nothing.

use super::figures::{Figures, TaskFigures};
use crate::trace::{Object, place, raw_wait};
use std::env;
use std::process;
use std::time::Duration;
use taskgroup_runtime::{GroupNode, Local, TaskNode, TaskState, TaskTree};

/// How many tasks are written.
const MOST: usize = 10_000;

pub(super) fn json(tree: &TaskTree, figures: &Figures) -> String {
    let tasks: Vec<_> = tree.tasks().take(MOST).collect();
    let mut groups: Vec<_> = tree.adrift().collect();
    groups.extend(tasks.iter().flat_map(|task| task.groups()));
    let groups = groups.into_iter().flat_map(with_inner).map(group);
    let census = Local::current().map(|local| local.armed_and_registered());
    let mut text = Object::new()
        .raw("at", tree.at().as_nanos())
        .raw("pid", process::id())
        .text("program", &program())
        .maybe("timers", census.map(|(timers, _)| timers))
        .maybe("sockets", census.map(|(_, sockets)| sockets))
        .raw("loop", of_loop(figures))
        .raw("groups", array(groups))
        .raw("tasks", array(tasks.iter().map(|node| task(*node, figures))))
        .raw("left_out", tree.len() - tasks.len())
        .end();
    text.push('\n');
    text
}

fn program() -> String {
    let path = env::current_exe().ok();
    let name = path.as_ref().and_then(|path| path.file_name());
    name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn array(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    format!("[{}]", items.join(","))
}

fn nanos(time: Duration) -> u128 {
    time.as_nanos()
}

fn of_loop(figures: &Figures) -> String {
    let of_loop = figures.of_loop();
    Object::new()
        .maybe("since", figures.since().map(nanos))
        .raw("turns", of_loop.turns)
        .raw("polls", of_loop.polls)
        .raw("wakes", of_loop.wakes)
        .raw("asleep", nanos(of_loop.asleep))
        .end()
}

/// A group, and those in its body, and so on.
fn with_inner(group: GroupNode<'_>) -> Vec<GroupNode<'_>> {
    let mut found = vec![group];
    let mut next = 0;
    while let Some(group) = found.get(next) {
        let inner: Vec<_> = group.groups().collect();
        found.extend(inner);
        next += 1;
    }
    found
}

fn group(node: GroupNode<'_>) -> String {
    Object::new()
        .raw("group", node.number())
        .maybe("owner", node.owner().map(TaskNode::number))
        .maybe("around", node.around().map(GroupNode::number))
        .maybe_text("place", node.place().map(place).as_deref())
        .maybe_text("closing", node.closing())
        .end()
}

fn task(node: TaskNode<'_>, figures: &Figures) -> String {
    // The bodies of its groups are parts of it.
    let parts = node.groups().flat_map(with_inner).filter_map(GroupNode::body).chain([node.number()]);
    let counted = parts.filter_map(|part| figures.of(part)).reduce(TaskFigures::and);
    Object::new()
        .raw("task", node.number())
        .raw("group", node.group().map_or(0, GroupNode::number))
        .text("name", &node.name())
        .maybe_text("place", node.place().map(place).as_deref())
        .text("state", state(node.state()))
        .text("words", &node.in_words().to_string())
        .raw("waits", array(node.waits().iter().map(|wait| raw_wait(Object::new(), *wait).end())))
        .maybe("deadline", node.deadline().map(nanos))
        .maybe_text("reason", node.reason())
        .maybe("polls", counted.map(|counted| counted.polls))
        .maybe("busy", counted.map(|counted| nanos(counted.busy)))
        .maybe("polled_at", counted.map(|counted| nanos(counted.polled_at)))
        .end()
}

fn state(state: TaskState) -> &'static str {
    match state {
        TaskState::NotStarted => "not_started",
        TaskState::Queued => "queued",
        TaskState::Polled => "polled",
        _ => "waiting",
    }
}
