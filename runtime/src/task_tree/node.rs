//! Walking a task tree.
//!
//! Before: `task_tree.rs`. After: `task_tree/display.rs`.
#![forbid(unsafe_code)]

use super::words::InWords;
use super::{Group, OpenPart, Task, TaskState, TaskTree};
use crate::current::NONE;
use crate::instrument::{GroupNumber, TaskNumber, WaitsFor};
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::panic::Location;
use std::time::Duration;

/// A task in a [`TaskTree`].
#[derive(Clone, Copy)]
pub struct TaskNode<'a> {
    pub(super) tree: &'a TaskTree,
    pub(super) index: u32,
}

impl<'a> TaskNode<'a> {
    fn task(self) -> &'a Task {
        &self.tree.0.tasks[self.index as usize]
    }

    /// Its number in the runtime, as an [instrument](crate::instrument) hears it.
    #[must_use]
    pub fn number(self) -> TaskNumber {
        self.task().number
    }

    /// What it was called; else `#3` for the third task of its group. The future of `block_on` is `main`; other root
    /// tasks are called by their [number](Self::number).
    #[must_use]
    pub fn name(self) -> Cow<'a, str> {
        let task = self.task();
        match &task.name {
            Some(name) => Cow::Borrowed(name),
            None if task.is_main => Cow::Borrowed("main"),
            None if task.ordinal == 0 => Cow::Owned(format!("#{}", task.number)),
            None => Cow::Owned(format!("#{}", task.ordinal)),
        }
    }

    /// Which child of its group it is, from 1 on; 0 if nobody has said.
    #[must_use]
    pub fn ordinal(self) -> u32 {
        self.task().ordinal
    }

    /// Whether it is the future of `block_on`.
    #[must_use]
    pub fn is_main(self) -> bool {
        self.task().is_main
    }

    /// Where it was spawned, if that is known: of a task in a group.
    #[must_use]
    pub fn place(self) -> Option<&'static Location<'static>> {
        self.task().place
    }

    /// What it does.
    #[must_use]
    pub fn state(self) -> TaskState {
        self.task().state
    }

    /// What it waits for; several things in a `join!` or `select!`. Only in the states [`TaskState::NotStarted`] and
    /// [`TaskState::Waiting`].
    ///
    /// [`WaitsFor::Other`] is a wait of somebody else's. Waits behind a combinator that has wakers of its own cannot be
    /// attributed, and are missing here.
    #[must_use]
    pub fn waits(self) -> &'a [WaitsFor] {
        &self.task().waits
    }

    /// When the first of the deadlines comes that are over what it does; counted as [`TaskTree::at`] is.
    #[must_use]
    pub fn deadline(self) -> Option<Duration> {
        self.task().deadline
    }

    /// Why it was asked to end, if it was.
    #[must_use]
    pub fn reason(self) -> Option<&'a str> {
        self.task().reason.as_deref()
    }

    /// The regions and scopes that it is in, outermost first, as far as a layer above has them.
    #[must_use]
    pub fn parts(self) -> &'a [OpenPart] {
        &self.task().parts
    }

    /// What it does, in the words of the drawn tree: "waits for a timer in 3.2s (deadline in 2s)".
    #[must_use]
    pub fn in_words(self) -> impl Display + 'a {
        InWords(self)
    }

    /// The group that it is a task of. `None`: a root task.
    #[must_use]
    pub fn group(self) -> Option<GroupNode<'a>> {
        self.tree.group_nodes(std::slice::from_ref(&self.task().group)).find(|group| group.index != NONE)
    }

    /// The groups that it has open; but those in the body of another one are [there](GroupNode::groups).
    pub fn groups(self) -> impl Iterator<Item = GroupNode<'a>> {
        self.tree.group_nodes(&self.task().groups)
    }
}

/// A group in a [`TaskTree`].
#[derive(Clone, Copy)]
pub struct GroupNode<'a> {
    pub(super) tree: &'a TaskTree,
    pub(super) index: u32,
}

impl<'a> GroupNode<'a> {
    fn data(self) -> &'a Group {
        &self.tree.0.groups[self.index as usize]
    }

    /// Its number in the runtime, as an [instrument](crate::instrument) hears it.
    #[must_use]
    pub fn number(self) -> GroupNumber {
        self.data().number
    }

    /// The number under which its body is woken and polled, as an [instrument](crate::instrument) hears it: a part of the
    /// [owner](Self::owner), not a task of its own.
    #[must_use]
    pub fn body(self) -> Option<TaskNumber> {
        Some(self.data().body).filter(|body| *body != NONE)
    }

    /// Where it was opened, if that is known.
    #[must_use]
    pub fn place(self) -> Option<&'static Location<'static>> {
        self.data().place
    }

    /// Why its tasks were asked to end, if they were.
    #[must_use]
    pub fn closing(self) -> Option<&'a str> {
        self.data().closing.as_deref()
    }

    /// The task that has opened it. `None`: no task polls it.
    #[must_use]
    pub fn owner(self) -> Option<TaskNode<'a>> {
        self.tree.nodes(std::slice::from_ref(&self.data().owner)).find(|task| task.index != NONE)
    }

    /// The group in whose body it was opened.
    #[must_use]
    pub fn around(self) -> Option<Self> {
        self.tree.group_nodes(std::slice::from_ref(&self.data().around)).find(|group| group.index != NONE)
    }

    /// Its tasks, in the order of spawning.
    pub fn tasks(self) -> impl Iterator<Item = TaskNode<'a>> {
        self.tree.nodes(&self.data().tasks)
    }

    /// Groups that were opened in its body.
    pub fn groups(self) -> impl Iterator<Item = Self> {
        self.tree.group_nodes(&self.data().groups)
    }
}

impl fmt::Debug for TaskNode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskNode").field("name", &self.name()).field("state", &self.state()).finish_non_exhaustive()
    }
}

impl fmt::Debug for GroupNode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupNode").field("place", &self.place()).finish_non_exhaustive()
    }
}
