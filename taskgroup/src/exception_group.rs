//! Errors as a tree.
//!
//! Before: `ledger.rs`, which collects them. After: `exception_group/member.rs`, what the tree is made of.

pub(crate) mod handle;
pub(crate) mod leaves;
pub(crate) mod member;
mod nest;
pub(crate) mod report;
pub(crate) mod sibling;
mod split;

use crate::BoxError;
use crate::exception_group::sibling::Siblings;
use crate::failures::Failed;
use crate::task::Task;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

pub use member::{Leaf, Member, What};
pub use sibling::{CancelledSibling, WaitedFor};

/// Every error of a task group, as an ordered tree. Never empty.
///
/// The shape does not depend on the number: a single error is a group of one. Members come in the order in which the
/// tasks ended, the body's own error last; a nested group's errors stay together, as a member. Each knows its task.
///
/// - To look: [`leaves`](Self::leaves), [`members`](Self::members), [`error_of`](Self::error_of) one task.
/// - To see when each came, and whom the failure cancelled: [`Leaf::elapsed`], [`cancelled`](Self::cancelled).
/// - To take apart: [`split`](Self::split), [`subgroup`](Self::subgroup), [`into_errors`](Self::into_errors),
///   [`single`](Self::single).
/// - To handle some kinds and pass the rest on, as `except*` does: [`handle`](Self::handle), [`catch`](Self::catch).
/// - To change the errors' type: [`map`](Self::map), [`boxed`](Self::boxed).
///
/// `Display` is one line and names the first error; the alternate form `{:#}` and `Debug` are the tree, one line for
/// each error and for each of the first tasks that were cancelled, so that `main` may return it ([`report`](Self::report) says how much of it). `source` is `None`: there
/// is no one cause.
///
/// Source: PEP 654, in which a lone error is wrapped too; the order is `asyncio.TaskGroup`'s. Nothing here recurses,
/// however deep the tree.
///
/// ```
/// use taskgroup::{ExceptionGroup, block_on, task_group};
///
/// let failed: Result<(), ExceptionGroup<String>> = block_on(task_group(async |g| {
///     g.spawn(async { Err::<(), _>("refused".to_string()) }).named("db");
///     g.spawn(async { Err::<(), _>("no such name".to_string()) }).named("web");
///     Ok(())
/// }));
/// let errors = failed.expect_err("both tasks fail");
/// assert_eq!(errors.to_string(), "2 errors in task group: refused (and 1 more)");
/// let names: Vec<_> = errors.leaves().filter_map(|leaf| Some(leaf.task()?.name().into_owned())).collect();
/// assert_eq!(names, ["db", "web"]);
/// ```
pub struct ExceptionGroup<E = BoxError> {
    members: Vec<Member<E>>,
    head: Head,
    tally: Tally,
}

/// What a group has besides its members.
#[derive(Clone, Default)]
pub(crate) struct Head {
    /// `None`: what a task group collected, or nothing said otherwise.
    pub(crate) message: Option<Cow<'static, str>>,
    /// Errors of this group itself that were not kept.
    pub(crate) omitted: usize,
    /// Who was cancelled, if anybody was.
    pub(crate) siblings: Option<Arc<Siblings>>,
}

/// Numbers of the whole tree, summed up when a group is made: members never change after that.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tally {
    /// Errors, echoes too.
    pub(crate) leaves: usize,
    /// Those of them that may be echoes.
    pub(crate) join_errors: usize,
    pub(crate) omitted: usize,
}

impl<E: 'static> ExceptionGroup<E> {
    /// The tree of what a group collected; `None` if that is nothing. The body's own error comes with when that was.
    pub(crate) fn collect(failed: Vec<Failed>, body: Option<(E, Option<Duration>)>, head: Head) -> Option<Self> {
        let tasks = failed.into_iter().map(Member::from_failed);
        let members = tasks.chain(body.map(|(error, elapsed)| Member::from_body(error, elapsed))).collect();
        Self::assemble(members, head)
    }

    /// A group of errors that come from no task. `None` if there are none. An error that is a group in a box becomes a
    /// nested group.
    ///
    /// [`with_message`](Self::with_message) says what they are about.
    ///
    /// Source: PEP 654's constructor; a group without errors is an exception there.
    ///
    /// ```
    /// use taskgroup::ExceptionGroup;
    ///
    /// let refused = ["mail", "web"].map(|name| format!("{name} refused"));
    /// let errors = ExceptionGroup::new(refused).map(|errors| errors.with_message("no server left"));
    /// let text = errors.map(|errors| errors.to_string());
    /// assert_eq!(text.as_deref(), Some("no server left (2 errors): mail refused (and 1 more)"));
    ///
    /// assert!(ExceptionGroup::<String>::new([]).is_none());
    /// ```
    pub fn new(errors: impl IntoIterator<Item = E>) -> Option<Self> {
        Self::from_members(errors.into_iter().map(Member::from))
    }
}

impl<E> ExceptionGroup<E> {
    /// A group of these members, which may be groups. `None` if there are none.
    ///
    /// ```
    /// use taskgroup::{ExceptionGroup, Member};
    ///
    /// let servers = ExceptionGroup::new(["mail refused", "web refused"]).expect("two");
    /// let errors = ExceptionGroup::from_members([Member::from(servers), Member::from("disk full")]).expect("three");
    /// assert_eq!(errors.count(), 3);
    /// ```
    pub fn from_members(members: impl IntoIterator<Item = Member<E>>) -> Option<Self> {
        Self::assemble(members.into_iter().collect(), Head::default())
    }

    /// A group of other members with the message of this one, and the same tasks that were
    /// [cancelled](Self::cancelled). `None` if there are none.
    ///
    /// Source: PEP 654's `derive`. There is no subclass whose type it would keep.
    ///
    /// ```
    /// use taskgroup::{ExceptionGroup, Member};
    ///
    /// let errors = ExceptionGroup::new(["refused"]).expect("one").with_message("backup");
    /// let derived = errors.derive([Member::from("disk full")]).expect("one");
    /// assert_eq!(derived.to_string(), "backup (1 error): disk full");
    /// ```
    pub fn derive(&self, members: impl IntoIterator<Item = Member<E>>) -> Option<Self> {
        Self::assemble(members.into_iter().collect(), Head { omitted: 0, ..self.head.clone() })
    }

    pub(crate) fn assemble(members: Vec<Member<E>>, head: Head) -> Option<Self> {
        if members.is_empty() {
            return None;
        }
        let mut tally = Tally { omitted: head.omitted, ..Tally::default() };
        for member in &members {
            match &member.what {
                What::Error(_) => {
                    tally.leaves += 1;
                    tally.join_errors += usize::from(member.origin.echo_of.is_some());
                }
                What::Group(group) => {
                    tally.leaves += group.tally.leaves;
                    tally.join_errors += group.tally.join_errors;
                    tally.omitted = tally.omitted.saturating_add(group.tally.omitted);
                }
            }
        }
        Some(Self { members, head, tally })
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    /// What the errors are about, `task group` if nobody said. It stands before their number when the group is printed,
    /// and goes with both parts when it is [split](Self::split).
    ///
    /// ```
    /// # let errors = taskgroup::ExceptionGroup::new(["refused"]).expect("one");
    /// assert_eq!(errors.message(), "task group");
    /// assert_eq!(errors.with_message("backup").message(), "backup");
    /// ```
    #[must_use]
    pub fn message(&self) -> &str {
        self.head.message.as_deref().unwrap_or(NO_MESSAGE)
    }

    /// Says what the errors are about, in the place of what was said before.
    ///
    /// ```
    /// use taskgroup::{ExceptionGroup, block_on, task_group};
    ///
    /// async fn backup() -> Result<(), ExceptionGroup<String>> {
    ///     task_group(async |g| {
    ///         g.spawn(async { Err::<(), _>("disk full".to_string()) });
    ///         Ok(())
    ///     })
    ///     .await
    ///     .map_err(|errors| errors.with_message("nightly backup"))
    /// }
    /// let errors = block_on(backup()).expect_err("it fails");
    /// assert_eq!(errors.to_string(), "nightly backup (1 error): disk full");
    /// ```
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.head.message = Some(message.into());
        self
    }

    /// Puts words around the message.
    #[cfg(feature = "anyhow")]
    pub(crate) fn in_context(self, context: &str) -> Self {
        match self.head.message.as_deref() {
            Some(message) => {
                let message = format!("{context}: {message}");
                self.with_message(message)
            }
            None => self.with_message(context.to_owned()),
        }
    }

    /// The head and the members by value.
    pub(crate) fn into_parts(mut self) -> (Head, Vec<Member<E>>) {
        (std::mem::take(&mut self.head), std::mem::take(&mut self.members))
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    /// The direct members, in order. At least one.
    #[must_use]
    pub fn members(&self) -> &[Member<E>] {
        &self.members
    }

    /// The same by value.
    #[must_use]
    pub fn into_members(self) -> Vec<Member<E>> {
        self.into_parts().1
    }

    /// How many errors of this group itself were not kept, since it keeps only so many, but went to the reporter.
    /// Mostly
    /// 0. When the group is split, they are with the rest, or with the match if there is no rest.
    #[must_use]
    pub fn omitted(&self) -> usize {
        self.head.omitted
    }

    /// The tasks of the group that were cancelled while it ended with errors: by the failure of a sibling or the body, or
    /// by what cancelled the whole group. The first 8, in the order in which they ended;
    /// [`cancelled_count`](Self::cancelled_count) says how many there were.
    ///
    /// They are no errors: no leaves, and not split by kind. When the group is split, they are with the rest, or with the
    /// match if there is no rest. A task that ended so before there was an error is not among them, nor is one of a group
    /// further in, whose own error tells of it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use taskgroup::{Clock, ExceptionGroup, Runtime, WaitedFor, sleep, task_group};
    ///
    /// let failed: Result<(), ExceptionGroup<&str>> =
    ///     Runtime::with_clock(Clock::Autojump).block_on(task_group(async |g| {
    ///         g.spawn(sleep(Duration::from_secs(3))).named("news");
    ///         sleep(Duration::from_secs(1)).await;
    ///         Err("disk full")
    ///     }));
    /// let errors = failed.expect_err("the body fails");
    /// let news = errors.cancelled().next().expect("it was cancelled");
    /// assert_eq!(news.task().name(), "news");
    /// assert_eq!(news.reason().to_string(), "the body of the group failed");
    /// assert_eq!(news.waited_for(), Some(&WaitedFor::Timer(Some(Duration::from_secs(2)))));
    /// ```
    pub fn cancelled(&self) -> impl ExactSizeIterator<Item = &CancelledSibling> {
        self.head.siblings.as_deref().map_or(&[][..], |siblings| &siblings.kept).iter()
    }

    /// How many tasks were [cancelled](Self::cancelled): in this group, not in those further in.
    #[must_use]
    pub fn cancelled_count(&self) -> usize {
        self.head.siblings.as_ref().map_or(0, |siblings| siblings.count)
    }

    /// What a direct child of the group failed with: an error or a nested group. Linear in the number of members.
    ///
    /// ```
    /// use taskgroup::{ExceptionGroup, What, block_on, task_group};
    ///
    /// let mut task = None;
    /// let failed: Result<(), ExceptionGroup<String>> = block_on(task_group(async |g| {
    ///     task = Some(g.spawn(async { Err::<(), _>("disk full".to_string()) }));
    ///     Ok(())
    /// }));
    /// let errors = failed.expect_err("the task fails");
    /// let error = task.and_then(|task| errors.error_of(&task));
    /// assert!(matches!(error, Some(What::Error(text)) if text == "disk full"));
    /// ```
    #[must_use]
    pub fn error_of<T>(&self, task: &Task<T>) -> Option<&What<E>> {
        let info = task.info()?;
        let is_of = |member: &&Member<E>| member.origin.task().is_some_and(|own| Arc::ptr_eq(own, &info));
        self.members.iter().find(is_of).map(Member::what)
    }
}

/// What the errors are about if nobody said.
pub(crate) const NO_MESSAGE: &str = "task group";

impl<E> Drop for ExceptionGroup<E> {
    /// Deep trees are taken apart in a loop.
    fn drop(&mut self) {
        let mut loose = std::mem::take(&mut self.members);
        while let Some(member) = loose.pop() {
            if let What::Group(mut group) = member.what {
                loose.append(&mut group.members);
            }
        }
    }
}
