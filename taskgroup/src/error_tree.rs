//! How an [`ExceptionGroup`] is printed.
//!
//! Before: `exception_group.rs`.
//!
//! One line for `Display`; for `{:#}` and `Debug` a tree, a line for each error, with its task and its place:
//!
//! ```text
//! 3 errors in task group
//! |- task db (src/main.rs:17): connection refused
//! `- task pages (src/main.rs:21): 2 errors in task group
//!    |- task pages/#1 (src/main.rs:30): no such name
//!    `- body: not done within 2s
//! ```
//!
//! A message of several lines is indented under its first. Nothing here recurses.

use crate::exception_group::{ExceptionGroup, Member, What};
use std::error::Error;
use std::fmt::{self, Debug, Display, Formatter, Write};

impl<E: Display> Display for ExceptionGroup<E> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return write_tree(self, f, &|error, f| write!(f, "{error}"));
        }
        write_count(self, f)?;
        let mut leaves = self.leaves();
        if let Some(first) = leaves.next() {
            write!(f, ": {}", first.error())?;
        }
        match leaves.count() {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

impl<E: Debug> Debug for ExceptionGroup<E> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_tree(self, f, &|error, f| write!(f, "{error:?}"))
    }
}

impl<E: Debug> Debug for Member<E> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("task", &self.task()).field("what", self.what()).finish()
    }
}

impl<E: Debug> Debug for What<E> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => Debug::fmt(error, f),
            Self::Group(group) => Debug::fmt(group, f),
        }
    }
}

impl<E: Debug + Display> Error for ExceptionGroup<E> {}

fn write_count<E>(group: &ExceptionGroup<E>, f: &mut impl Write) -> fmt::Result {
    match group.leaves().count() {
        1 => f.write_str("1 error in task group"),
        n => write!(f, "{n} errors in task group"),
    }
}

/// Writes an error.
type Leaf<'a, E> = &'a dyn Fn(&E, &mut Indented<'_, '_>) -> fmt::Result;

fn write_tree<E>(group: &ExceptionGroup<E>, f: &mut Formatter<'_>, leaf: Leaf<'_, E>) -> fmt::Result {
    write_count(group, f)?;
    let mut levels = vec![group.members().iter()];
    let mut indent = String::new();
    while let Some(members) = levels.last_mut() {
        let Some(member) = members.next() else {
            levels.pop();
            indent.truncate(indent.len().saturating_sub(WIDTH));
            continue;
        };
        let is_last = members.len() == 0;
        write!(f, "\n{indent}{}", if is_last { "`- " } else { "|- " })?;
        match member.task() {
            Some(task) => write!(f, "task {task}: ")?,
            None => f.write_str("body: ")?,
        }
        indent.push_str(if is_last { "   " } else { "|  " });
        match member.what() {
            What::Error(error) => {
                leaf(error, &mut Indented { inner: f, indent: &indent })?;
                indent.truncate(indent.len() - WIDTH);
            }
            What::Group(group) => {
                write_count(group, f)?;
                levels.push(group.members().iter());
            }
        }
    }
    Ok(())
}

/// Characters a level is indented by.
const WIDTH: usize = 3;

/// Puts the indent behind every line break of a message.
struct Indented<'a, 'f> {
    inner: &'a mut Formatter<'f>,
    indent: &'a str,
}

impl Write for Indented<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (i, line) in text.split('\n').enumerate() {
            if i > 0 {
                write!(self.inner, "\n{}", self.indent)?;
            }
            self.inner.write_str(line)?;
        }
        Ok(())
    }
}
