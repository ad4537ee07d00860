//! How a task tree is drawn.
//!
//! Before: `task_tree/node.rs`. After: `task_tree/words.rs`, what a line says.
//!
//! ```text
//! main (block_on): waits for the tasks of its group
//! `- group (src/main.rs:12): 3 tasks
//!    |- task server (src/main.rs:14): waits for descriptor 7 to be readable
//!    |- task pages (src/main.rs:15): waits for task pages/#2
//!    |  `- group (src/main.rs:30), closing (db failed): 2 tasks
//!    |     |- task #1 (src/main.rs:31), being cancelled (db failed), in a shield: waits for a timer in 20ms
//!    |     `- task #2 (src/main.rs:32), being cancelled (db failed): woken
//!    `- task #3 (src/main.rs:16): waits for a timer in 3.2s (deadline in 2s)
//! ```
//!
//! A line each, whatever a task is called: line breaks and control characters are escaped, long names and reasons cut.
//! Nothing here recurses.
#![forbid(unsafe_code)]

use super::words::{write_group, write_task};
use super::{GroupNode, TaskNode, TaskTree};
use std::fmt::{self, Display, Formatter, Write};
use std::vec;

impl TaskTree {
    /// The tree in words, to print: at most 15 members of a group and 10 levels of groups, unless told otherwise.
    /// `Display` of the tree prints the same.
    ///
    /// ```
    /// use taskgroup_runtime::Runtime;
    ///
    /// let runtime = Runtime::new();
    /// (0..100).for_each(|_| drop(runtime.spawn(async {})));
    /// # let drawn =
    /// "root task #0: not started
    /// root task #1: not started
    /// ... and 98 more"
    /// # ;
    /// # let drawn = drawn.replace("    ", "");
    /// # assert_eq!(runtime.tree().display().max_members(2).to_string(), drawn);
    /// ```
    pub fn display(&self) -> TreeDisplay<'_> {
        TreeDisplay { tree: self, max_members: 15, max_depth: 10 }
    }
}

impl Display for TaskTree {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.display().fmt(f)
    }
}

/// Prints a [`TaskTree`]: made by [`TaskTree::display`].
#[derive(Clone, Copy, Debug)]
#[must_use = "it is to be printed"]
pub struct TreeDisplay<'a> {
    tree: &'a TaskTree,
    max_members: usize,
    max_depth: usize,
}

/// What has a line of its own.
enum Item<'a> {
    Task(TaskNode<'a>),
    Group(GroupNode<'a>),
    More(usize),
    Deeper(usize),
}

/// Characters a level is indented by.
const WIDTH: usize = 3;

impl<'a> TreeDisplay<'a> {
    /// How many members of each group to print (and of root tasks). A line says how many there are besides.
    pub fn max_members(mut self, n: usize) -> Self {
        self.max_members = n;
        self
    }

    /// How many levels of groups to print. The indentation of deep trees grows with the square of their depth.
    pub fn max_depth(mut self, n: usize) -> Self {
        self.max_depth = n;
        self
    }

    /// As many as may be shown.
    fn level(&self, items: impl Iterator<Item = Item<'a>>) -> vec::IntoIter<Item<'a>> {
        let mut items = items;
        let mut shown: Vec<_> = items.by_ref().take(self.max_members).collect();
        match items.count() {
            0 => {}
            more => shown.push(Item::More(more)),
        }
        shown.into_iter()
    }

    /// What hangs at an item that is so deep, in groups.
    fn below(&self, item: &Item<'a>, depth: usize) -> vec::IntoIter<Item<'a>> {
        match item {
            Item::Task(task) if depth >= self.max_depth && task.groups().next().is_some() => {
                vec![Item::Deeper(self.max_depth)].into_iter()
            }
            Item::Task(task) => self.level(task.groups().map(Item::Group)),
            Item::Group(group) => {
                let is_deepest = depth >= self.max_depth && group.groups().next().is_some();
                let deeper = is_deepest.then_some(Item::Deeper(self.max_depth));
                let groups = group.groups().map(Item::Group).filter(|_| !is_deepest);
                self.level(deeper.into_iter().chain(groups).chain(group.tasks().map(Item::Task)))
            }
            Item::More(_) | Item::Deeper(_) => Vec::new().into_iter(),
        }
    }
}

impl Display for TreeDisplay<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let tree = self.tree;
        if tree.is_empty() && tree.0.groups.is_empty() {
            return f.write_str("no tasks");
        }
        let roots = tree.roots().map(Item::Task).chain(tree.adrift().map(Item::Group));
        let mut levels = vec![(self.level(roots), 0)]; // and how many groups are around
        let mut indent = String::new();
        let mut is_first = true;
        while let Some((level, depth)) = levels.last_mut() {
            let Some(item) = level.next() else {
                levels.pop();
                indent.truncate(indent.len().saturating_sub(WIDTH));
                continue;
            };
            let (depth, is_last) = (*depth, level.len() == 0);
            if !is_first {
                f.write_char('\n')?;
            }
            is_first = false;
            let is_root = levels.len() == 1;
            if !is_root {
                write!(f, "{indent}{}", if is_last { "`- " } else { "|- " })?;
            }
            write!(f, "{item}")?;
            let depth = if matches!(item, Item::Group(_)) { depth + 1 } else { depth };
            let below = self.below(&item, depth);
            if below.len() > 0 {
                match (is_root, is_last) {
                    (true, _) => {}
                    (false, true) => indent.push_str("   "),
                    (false, false) => indent.push_str("|  "),
                }
                levels.push((below, depth));
            }
        }
        Ok(())
    }
}

impl Display for Item<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(task) => write_task(*task, f),
            Self::Group(group) => write_group(*group, f),
            Self::More(n) => write!(f, "... and {n} more"),
            Self::Deeper(1) => f.write_str("... (more than 1 level deep)"),
            Self::Deeper(n) => write!(f, "... (more than {n} levels deep)"),
        }
    }
}
