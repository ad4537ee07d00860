//! How an [`ExceptionGroup`] is printed.
//!
//! Before: `handle.rs`.
//!
//! One line for `Display`; for `{:#}` and `Debug` a tree, a line for each error, with its task and its place:
//!
//! ```text
//! 1005 errors in task group
//! |- task db (src/main.rs:17), after 2s: connection refused
//! |- task cache (src/main.rs:19), after 2.1s, while cancelled (db failed): cannot flush
//! |- task index (src/main.rs:20), after 2s: joined db, which failed
//! |- task pages (src/main.rs:21), after 2s: looking up names (2 errors)
//! |  |- task pages/#1 (src/main.rs:30): no such name
//! |  `- body, after 2s: not done within 2s
//! |- ... and 11 more
//! |- ... and 990 more, told to the reporter
//! |- cancelled (db failed): task news (src/main.rs:22), waiting for a timer (300ms left)
//! `- ... and 12 more cancelled
//! ```
//!
//! A time is how long after the opening of its group the member came; one that came at once has none. The cancelled are
//! no errors, and come last.
//! A message of several lines is indented under its first. Nothing here recurses. Deep trees have a limit also because
//! their indentation grows with the square of the depth.

use crate::exception_group::ExceptionGroup;
use crate::exception_group::leaves::FailedTasks;
use crate::exception_group::member::{Member, What, Whose};
use crate::exception_group::sibling::CancelledSibling;
use std::error::Error;
use std::fmt::{self, Debug, Display, Formatter, Write};
use std::time::Duration;
use std::{slice, vec};
use taskgroup_runtime::Readable;

impl<E: Display> Display for ExceptionGroup<E> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return Display::fmt(&self.report(), f);
        }
        let count = self.count();
        write_header(self, count, f)?;
        if let Some(first) = self.leaves().next() {
            write!(f, ": {}", first.error())?;
        }
        match count - 1 {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

impl<E: Debug> Debug for ExceptionGroup<E> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.report(), f)
    }
}

impl<E: Debug + Display> Error for ExceptionGroup<E> {}

impl<E> ExceptionGroup<E> {
    /// The tree in words, to print: at most 15 members of a group and 10 levels of groups, unless told otherwise.
    /// `{:#}` and `Debug` of the group print the same.
    ///
    /// Linear in what is printed and in the number of members beside it.
    ///
    /// Source: the limits are those of Python's `traceback` module.
    ///
    /// ```
    /// use taskgroup::ExceptionGroup;
    ///
    /// let errors = ExceptionGroup::new(1..=100).expect("many");
    /// # let tree =
    /// "100 errors in task group
    /// |- 1
    /// |- 2
    /// `- ... and 98 more"
    /// # ;
    /// # assert_eq!(errors.report().max_members(2).to_string(), tree);
    /// ```
    pub fn report(&self) -> ErrorReport<'_, E> {
        ErrorReport { group: self, max_members: 15, max_depth: 10 }
    }
}

/// Prints an [`ExceptionGroup`] as a tree: made by [`ExceptionGroup::report`]. `Display` prints the errors with
/// `Display`, `Debug` with `Debug`.
#[must_use = "it is to be printed"]
pub struct ErrorReport<'a, E> {
    group: &'a ExceptionGroup<E>,
    max_members: usize,
    max_depth: usize,
}

impl<E> ErrorReport<'_, E> {
    /// How many members of each group to print, and how many of the tasks that were cancelled. A line says how many more
    /// there are.
    pub fn max_members(mut self, n: usize) -> Self {
        self.max_members = n;
        self
    }

    /// How many levels of groups to print. From a group further down only the line with its number is printed, and one
    /// that says that there would be more.
    pub fn max_depth(mut self, n: usize) -> Self {
        self.max_depth = n;
        self
    }

    fn write(&self, f: &mut Formatter<'_>, leaf: WriteLeaf<'_, E>) -> fmt::Result {
        let failures = FailedTasks::of(self.group);
        write_header(self.group, failures.count(self.group), f)?;
        let mut levels = vec![self.level(self.group, 0, &failures)];
        let mut indent = String::new();
        while let Some(level) = levels.last_mut() {
            let Some(line) = level.next() else {
                levels.pop();
                indent.truncate(indent.len().saturating_sub(WIDTH));
                continue;
            };
            let is_last = level.left() == 0;
            write!(f, "\n{indent}{}", if is_last { "`- " } else { "|- " })?;
            indent.push_str(if is_last { "   " } else { "|  " });
            let mut text = Indented { inner: f, indent: &indent };
            let member = match line {
                Row::Member(member) => member,
                Row::Cancelled(sibling) => {
                    write!(text, "{sibling}")?;
                    indent.truncate(indent.len() - WIDTH);
                    continue;
                }
                Row::Note(note) => {
                    write!(text, "{note}")?;
                    indent.truncate(indent.len() - WIDTH);
                    continue;
                }
            };
            write_origin(member, &mut text)?;
            match member.what() {
                What::Error(error) => {
                    match &member.origin.echo_of {
                        Some(task) if failures.is_echo(&member.origin) => {
                            write!(text, "joined {}, which failed", task.path())?;
                        }
                        _ => leaf(error, &mut text)?,
                    }
                    indent.truncate(indent.len() - WIDTH);
                }
                What::Group(group) => {
                    write_header(group, failures.count(group), &mut text)?;
                    levels.push(self.level(group, levels.len(), &failures));
                }
            }
        }
        Ok(())
    }

    /// What to print below the header of a group that is so deep.
    fn level<'g>(&self, group: &'g ExceptionGroup<E>, depth: usize, failures: &FailedTasks) -> Level<'g, E> {
        if depth >= self.max_depth {
            let notes = vec![Row::Note(Note::Deeper(self.max_depth))].into_iter();
            return Level { members: [].iter(), notes };
        }
        let members = group.members();
        let (shown, hidden) = members.split_at(self.max_members.min(members.len()));
        let mut notes = Vec::new();
        let more = hidden.iter().fold(0, |sum: usize, member| sum.saturating_add(failures.count_member(member)));
        if more > 0 {
            notes.push(Row::Note(Note::More(more)));
        }
        if group.omitted() > 0 {
            notes.push(Row::Note(Note::Omitted(group.omitted())));
        }
        notes.extend(group.cancelled().take(self.max_members).map(Row::Cancelled));
        let more = group.cancelled_count() - group.cancelled().len().min(self.max_members);
        if more > 0 {
            notes.push(Row::Note(Note::MoreCancelled(more)));
        }
        Level { members: shown.iter(), notes: notes.into_iter() }
    }
}

impl<E: Display> Display for ErrorReport<'_, E> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.write(f, &|error, text| write!(text, "{error}"))
    }
}

impl<E: Debug> Debug for ErrorReport<'_, E> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.write(f, &|error, text| write!(text, "{error:?}"))
    }
}

/// Writes an error.
type WriteLeaf<'a, E> = &'a dyn Fn(&E, &mut Indented<'_, '_>) -> fmt::Result;

/// The lines of a group that are still to be written: errors first.
struct Level<'a, E> {
    members: slice::Iter<'a, Member<E>>,
    notes: vec::IntoIter<Row<'a, E>>,
}

enum Row<'a, E> {
    Member(&'a Member<E>),
    Cancelled(&'a CancelledSibling),
    Note(Note),
}

/// What is not printed.
enum Note {
    More(usize),
    Omitted(usize),
    MoreCancelled(usize),
    Deeper(usize),
}

impl<'a, E> Level<'a, E> {
    fn next(&mut self) -> Option<Row<'a, E>> {
        match self.members.next() {
            Some(member) => Some(Row::Member(member)),
            None => self.notes.next(),
        }
    }

    fn left(&self) -> usize {
        self.members.len() + self.notes.len()
    }
}

impl Display for Note {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::More(n) => write!(f, "... and {n} more"),
            Self::Omitted(n) => write!(f, "... and {n} more, told to the reporter"),
            Self::MoreCancelled(n) => write!(f, "... and {n} more cancelled"),
            Self::Deeper(1) => f.write_str("... (more than 1 level deep)"),
            Self::Deeper(n) => write!(f, "... (more than {n} levels deep)"),
        }
    }
}

fn write_header<E>(group: &ExceptionGroup<E>, count: usize, f: &mut impl Write) -> fmt::Result {
    let message = group.head().message.as_deref();
    if let Some(message) = message {
        write!(f, "{message} (")?;
    }
    match count {
        0 => f.write_str("no errors of its own")?, // echoes of what is elsewhere in the tree
        1 => f.write_str("1 error")?,
        n => write!(f, "{n} errors")?,
    }
    match message {
        Some(_) => f.write_str(")"),
        None => write!(f, " in {}", group.message()),
    }
}

fn write_origin<E>(member: &Member<E>, f: &mut impl Write) -> fmt::Result {
    match &member.origin.whose {
        Whose::Task(task) => write!(f, "task {task}")?,
        Whose::Body => f.write_str("body")?,
        Whose::Nobody => return Ok(()),
    }
    if let Some(elapsed) = member.elapsed().filter(|elapsed| *elapsed >= AT_ONCE) {
        write!(f, ", after {}", Readable(elapsed))?;
    }
    if let Some(reason) = member.cancelled() {
        write!(f, ", while cancelled ({reason})")?;
    }
    f.write_str(": ")
}

/// What fails sooner fails at once: on the real clock, it says more of the machine than of the task.
const AT_ONCE: Duration = Duration::from_millis(1);

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exception_group::Head;

    fn omitted(n: usize) -> Head {
        Head { omitted: n, ..Head::default() }
    }

    #[test]
    fn omitted_errors_are_counted_and_told_of() {
        let errors = ExceptionGroup::collect(Vec::new(), Some(("A", None)), omitted(990)).expect("one and more");
        assert_eq!((errors.count(), errors.omitted()), (991, 990));
        assert_eq!(errors.to_string(), "991 errors in task group: A (and 990 more)");
        let drawn = "991 errors in task group\n|- body: A\n`- ... and 990 more, told to the reporter";
        assert_eq!(format!("{errors:#}"), drawn);
        let errors = errors.single().expect_err("one of many");
        let around = ExceptionGroup::from_members([Member::from(errors), Member::from("B")]).expect("two");
        assert_eq!((around.count(), around.omitted()), (992, 0));
        let drawn = "992 errors in task group\n`- ... and 992 more";
        assert_eq!(around.report().max_members(0).to_string(), drawn);
    }

    #[test]
    fn omitted_errors_are_with_the_rest_if_there_is_one() {
        let errors = || {
            let inner = ExceptionGroup::collect(Vec::new(), Some(("A", None)), omitted(7)).expect("one and more");
            ExceptionGroup::from_members([Member::from("B"), Member::from(inner)]).expect("two")
        };
        let counts = |parts: (Option<ExceptionGroup<_>>, Option<ExceptionGroup<_>>)| {
            [parts.0, parts.1].map(|part| part.map_or(0, |part| part.count()))
        };
        assert_eq!(counts(errors().split(|error| *error == "A")), [8, 1]);
        assert_eq!(counts(errors().split(|error| *error == "B")), [1, 8]);
        assert_eq!(counts(errors().split(|_| true)), [9, 0]);
        let both = ["A", "B"].map(Member::from).into();
        let both = ExceptionGroup::assemble(both, omitted(7)).expect("two and more");
        assert_eq!(counts(both.split(|error| *error == "A")), [1, 8]);
        assert_eq!(errors().map(str::len).count(), 9);
        assert_eq!(errors().derive([Member::from("C")]).expect("one").count(), 1);
    }
}
