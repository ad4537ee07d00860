//! The errors of a tree, one after another.
//!
//! Before: `nest.rs`. After: `split.rs`.
//!
//! An **echo** is a leaf that only says that a task failed whose own error is in the same tree:
//!
//! ```text
//! g.spawn(a);                              // fails
//! g.spawn(async { Ok(a_task.await?) });    // ready at the same instant: its error is "task a failed"
//! ```
//!
//! It is a member, since its task did fail, but not one more error. Which leaves are echoes depends on the tree: once
//! taken out of it, the same leaf may be all there is. So they are looked up when somebody asks, and only in trees
//! that have such a leaf at all.
//!
//! A tree is never all echoes. A join error exists only after its task has ended, and so after all leaves of that
//! task were made: from an echo to what it repeats, time runs strictly backwards.

use crate::BoxError;
use crate::exception_group::ExceptionGroup;
use crate::exception_group::member::{Leaf, Member, Origin, What};
use crate::info::TaskInfo;
use std::fmt::{Debug, Display};
use std::iter;
use std::sync::Arc;

/// The tasks whose errors are in a tree, and at which leaf each one's begin. Empty if nothing in the tree can be an
/// echo.
///
/// Tasks are told apart by address. That is safe in a tree that is being taken apart: who asks holds the task.
pub(crate) struct FailedTasks(Vec<(usize, usize)>);

impl FailedTasks {
    /// Linear, if there is a leaf that may be an echo; else O(1).
    pub(crate) fn of<E>(group: &ExceptionGroup<E>) -> Self {
        let mut first = Vec::new();
        if group.tally().join_errors == 0 {
            return Self(first);
        }
        let mut leaves = 0;
        let mut levels = vec![group.members().iter()];
        while let Some(members) = levels.last_mut() {
            let Some(member) = members.next() else {
                levels.pop();
                continue;
            };
            if let Some(task) = member.origin.task() {
                first.push((address(task), leaves));
            }
            match &member.what {
                What::Error(_) => leaves += 1,
                What::Group(group) => levels.push(group.members().iter()),
            }
        }
        first.sort_unstable();
        Self(first)
    }

    /// If the leaf is an echo: the position of the first leaf that it repeats.
    pub(crate) fn repeated_by(&self, origin: &Origin) -> Option<usize> {
        let task = address(origin.echo_of.as_ref()?);
        let at = self.0.binary_search_by_key(&task, |(task, _)| *task).ok()?;
        Some(self.0[at].1)
    }

    pub(crate) fn is_echo(&self, origin: &Origin) -> bool {
        self.repeated_by(origin).is_some()
    }

    /// How many errors a group somewhere in the tree stands for: its leaves without echoes, and what was omitted.
    pub(crate) fn count<E>(&self, group: &ExceptionGroup<E>) -> usize {
        let tally = group.tally();
        let echoes = match tally.join_errors {
            0 => 0,
            _ => group.walk().filter(|(_, origin)| self.is_echo(origin)).count(),
        };
        (tally.leaves - echoes).saturating_add(tally.omitted)
    }

    /// The same for a member; an echo stands for none.
    pub(crate) fn count_member<E>(&self, member: &Member<E>) -> usize {
        match &member.what {
            What::Error(_) => usize::from(!self.is_echo(&member.origin)),
            What::Group(group) => self.count(group),
        }
    }
}

fn address(task: &Arc<TaskInfo>) -> usize {
    Arc::as_ptr(task).addr()
}

impl<E> ExceptionGroup<E> {
    /// Every error in the tree, depth first, in order. Linear in the size of the tree, and not recursive.
    ///
    /// A leaf is left out if it is only the [`JoinError`](crate::JoinError) of a task whose own error is in the tree: a
    /// task joined one that failed, and a question mark made that its own error. This is seen where `E` is `JoinError`,
    /// a box or (with the feature `anyhow`) an `anyhow::Error`. [`members`](Self::members) has these too.
    ///
    /// Source: PEP 654's `leaf_generator`.
    ///
    /// ```
    /// use taskgroup::ExceptionGroup;
    ///
    /// let errors = ExceptionGroup::new(["refused", "no such name"]).expect("two");
    /// assert!(errors.leaves().map(|leaf| *leaf.error()).eq(["refused", "no such name"]));
    /// ```
    pub fn leaves(&self) -> impl Iterator<Item = Leaf<'_, E>> {
        let failures = FailedTasks::of(self);
        self.walk().filter(move |(_, origin)| !failures.is_echo(origin)).map(|(leaf, _)| leaf)
    }

    /// The errors of [`leaves`](Self::leaves) by value. What is not taken is dropped.
    ///
    /// ```
    /// use taskgroup::ExceptionGroup;
    ///
    /// let errors = ExceptionGroup::new(["refused".to_string(), "no such name".to_string()]).expect("two");
    /// let texts: Vec<String> = errors.into_errors().collect();
    /// assert_eq!(texts.join(", "), "refused, no such name");
    /// ```
    pub fn into_errors(self) -> impl Iterator<Item = E> {
        let failures = FailedTasks::of(&self);
        let mut levels = vec![self.into_members().into_iter()];
        iter::from_fn(move || {
            loop {
                match levels.last_mut()?.next() {
                    Some(Member { origin, what: What::Error(error) }) => {
                        if !failures.is_echo(&origin) {
                            return Some(error);
                        }
                    }
                    Some(Member { what: What::Group(group), .. }) => levels.push(group.into_members().into_iter()),
                    None => drop(levels.pop()),
                }
            }
        })
    }

    /// How many errors there are: the [`leaves`](Self::leaves), and what was [`omitted`](Self::omitted) anywhere in the
    /// tree. At least 1. O(1), but for trees with join errors, where it is linear.
    ///
    /// ```
    /// # let errors = taskgroup::ExceptionGroup::new(["refused", "no such name"]).expect("two");
    /// assert_eq!(errors.count(), 2);
    /// ```
    #[must_use]
    pub fn count(&self) -> usize {
        FailedTasks::of(self).count(self)
    }

    /// The error, if there is exactly [one](Self::count) in the whole tree; else the group again.
    ///
    /// # Errors
    ///
    /// The group, unchanged, when it holds more than one error.
    ///
    /// ```
    /// use taskgroup::ExceptionGroup;
    ///
    /// let errors = ExceptionGroup::new(["refused"]).expect("one");
    /// assert!(matches!(errors.single(), Ok("refused")));
    /// ```
    pub fn single(self) -> Result<E, Self> {
        if self.count() > 1 {
            return Err(self);
        }
        Ok(self.into_errors().next().expect("a tree is never empty, and never all echoes"))
    }

    /// As one error, for a message to a user: the error itself if there is exactly one, else the tree.
    ///
    /// Trio's `collapse_exception_group` is a relative; here it never happens by itself.
    ///
    /// ```
    /// use taskgroup::ExceptionGroup;
    ///
    /// let one = ExceptionGroup::new(["disk full"]).expect("one");
    /// assert_eq!(one.collapse().to_string(), "disk full");
    /// let two = ExceptionGroup::new(["disk full", "refused"]).expect("two");
    /// assert_eq!(two.collapse().to_string(), "2 errors in task group: disk full (and 1 more)");
    /// ```
    #[must_use]
    pub fn collapse(self) -> BoxError
    where
        E: Into<BoxError> + Debug + Display + Send + Sync + 'static,
    {
        self.single().map_or_else(BoxError::from, Into::into)
    }

    /// Every leaf, echoes too, and where it comes from.
    pub(crate) fn walk(&self) -> impl Iterator<Item = (Leaf<'_, E>, &Origin)> {
        let mut levels = vec![(self.members().iter(), None)];
        iter::from_fn(move || {
            loop {
                let (members, above) = levels.last_mut()?;
                let above: Option<&Origin> = *above;
                let Some(member) = members.next() else {
                    levels.pop();
                    continue;
                };
                let origin = &member.origin;
                let owner = if origin.task().is_some() { Some(origin) } else { above };
                match &member.what {
                    What::Error(error) => {
                        let task = owner.and_then(Origin::task).map(|task| &**task);
                        let cancelled = owner.and_then(Origin::cancelled);
                        let elapsed = origin.elapsed().or_else(|| owner.and_then(Origin::elapsed));
                        return Some((Leaf { error, task, cancelled, elapsed }, origin));
                    }
                    What::Group(group) => levels.push((group.members().iter(), owner)),
                }
            }
        })
    }
}
