//! Taking a tree apart into trees of the same shape.
//!
//! Before: `leaves.rs`. After: `handle.rs`.
//!
//! In two passes: the first asks about each leaf, by reference, and so can place echoes, which may stand before what
//! they repeat; the second moves the errors.

use crate::BoxError;
use crate::exception_group::leaves::FailedTasks;
use crate::exception_group::member::{Leaf, Member, Origin, What};
use crate::exception_group::{ExceptionGroup, Head};
use std::collections::HashMap;
use std::convert::Infallible;
use std::vec;

impl<E> ExceptionGroup<E> {
    /// The errors that match, and the rest: two trees of the same shape as this one, less the branches that became
    /// empty. Either is `None` if it has no errors.
    ///
    /// Order, messages, tasks and places are kept. A leaf that only says that another task of the tree failed (see
    /// [`leaves`](Self::leaves)) is not asked about: it goes where that task's first error goes. Linear.
    ///
    /// To await something with a part, split and do so; for closures there is [`handle`](Self::handle).
    ///
    /// Source: PEP 654's `split` with a predicate; here it is asked about leaves only.
    ///
    /// ```
    /// use taskgroup::ExceptionGroup;
    ///
    /// let errors = ExceptionGroup::new([404, 500, 410]).expect("three");
    /// let (gone, rest) = errors.split(|status| (400..500).contains(status));
    /// assert!(gone.is_some_and(|gone| gone.into_errors().eq([404, 410])));
    /// assert!(rest.is_some_and(|rest| rest.into_errors().eq([500])));
    /// ```
    #[must_use = "both parts are lost"]
    pub fn split(self, mut matches: impl FnMut(&E) -> bool) -> (Option<Self>, Option<Self>) {
        self.split_leaves(|leaf| matches(leaf.error()))
    }

    /// [`split`](Self::split) by the error and its task.
    ///
    /// ```
    /// use taskgroup::{ExceptionGroup, TaskInfo, block_on, task_group};
    ///
    /// let failed: Result<(), ExceptionGroup<String>> = block_on(task_group(async |g| {
    ///     g.spawn(async { Err::<(), _>("refused".to_string()) }).named("db");
    ///     g.spawn(async { Err::<(), _>("refused".to_string()) }).named("web");
    ///     Ok(())
    /// }));
    /// let (db, rest) = failed.expect_err("both fail").split_leaves(|leaf| leaf.task().is_some_and(|t| t.name() == "db"));
    /// assert_eq!((db.map_or(0, |db| db.count()), rest.map_or(0, |rest| rest.count())), (1, 1));
    /// ```
    #[must_use = "both parts are lost"]
    pub fn split_leaves(self, matches: impl FnMut(Leaf<'_, E>) -> bool) -> (Option<Self>, Option<Self>) {
        let matched = self.ask(matches);
        if matched.iter().all(|&matched| matched) {
            return (Some(self), None);
        }
        let mut matched = matched.into_iter();
        sort(self, |error| {
            Some(match matched.next() {
                Some(true) => Ok(error),
                _ => Err(error),
            })
        })
    }

    /// The errors that match, in a tree of the same shape: the first half of [`split`](Self::split). The rest is
    /// dropped.
    ///
    /// Source: PEP 654's `subgroup`.
    ///
    /// ```
    /// # let errors = taskgroup::ExceptionGroup::new([404, 500, 410]).expect("three");
    /// let gone = errors.subgroup(|status| (400..500).contains(status));
    /// assert!(gone.is_some_and(|gone| gone.into_errors().eq([404, 410])));
    /// ```
    #[must_use]
    pub fn subgroup(self, matches: impl FnMut(&E) -> bool) -> Option<Self> {
        self.split(matches).0
    }

    /// The same tree with other errors: `f` is called for each, in order. Linear.
    ///
    /// ```
    /// use taskgroup::ExceptionGroup;
    ///
    /// let errors = ExceptionGroup::new([404, 500]).expect("two");
    /// let errors = errors.map(|status| format!("status {status}"));
    /// assert_eq!(errors.to_string(), "2 errors in task group: status 404 (and 1 more)");
    /// ```
    #[must_use]
    pub fn map<F>(self, mut f: impl FnMut(E) -> F) -> ExceptionGroup<F> {
        let (all, _) = sort(self, |error| Some(Ok::<F, Infallible>(f(error))));
        all.expect("each error has another in its place")
    }

    /// The same tree with its errors boxed.
    ///
    /// In a task whose group has boxes for errors, a question mark alone would put the whole tree into one box, as one
    /// leaf: it is of another type. Box the errors first, and it nests:
    ///
    /// ```
    /// use taskgroup::boxed::task_group;
    /// use taskgroup::{BoxError, ExceptionGroup, block_on};
    ///
    /// async fn inner() -> Result<(), ExceptionGroup<std::fmt::Error>> {
    ///     taskgroup::task_group(async |g| {
    ///         g.spawn(async { Err::<(), _>(std::fmt::Error) });
    ///         g.spawn(async { Err::<(), _>(std::fmt::Error) });
    ///         Ok(())
    ///     })
    ///     .await
    /// }
    /// let failed: Result<(), _> = block_on(task_group(async |g| {
    ///     g.spawn(async { Ok(inner().await.map_err(ExceptionGroup::boxed)?) });
    ///     Ok(())
    /// }));
    /// assert_eq!(failed.map_err(|errors| errors.count()), Err(2));
    /// ```
    #[must_use]
    pub fn boxed(self) -> ExceptionGroup<BoxError>
    where
        E: Into<BoxError>,
    {
        self.map(Into::into)
    }

    /// For each leaf, echoes too, whether it matches. Echoes are not asked about.
    pub(crate) fn ask(&self, mut matches: impl FnMut(Leaf<'_, E>) -> bool) -> Vec<bool> {
        let failures = FailedTasks::of(self);
        let mut repeats = HashMap::new();
        let mut matched = Vec::with_capacity(self.tally().leaves);
        for (position, (leaf, origin)) in self.walk().enumerate() {
            match failures.repeated_by(origin) {
                None => matched.push(matches(leaf)),
                Some(first) => {
                    repeats.insert(position, first);
                    matched.push(false);
                }
            }
        }
        for position in 0..matched.len() {
            if let Some(&(mut first)) = repeats.get(&position) {
                while let Some(&before) = repeats.get(&first) {
                    first = before; // an echo of an echo; it ends, since time runs backwards
                }
                repeats.insert(position, first);
                matched[position] = matched[first];
            }
        }
        matched
    }
}

/// A group that is being taken apart.
struct Open<E, L, R> {
    /// As a member of the group around. `None`: the outermost.
    origin: Option<Origin>,
    head: Head,
    members: vec::IntoIter<Member<E>>,
    left: Vec<Member<L>>,
    right: Vec<Member<R>>,
}

impl<E, L, R> Open<E, L, R> {
    fn new(group: ExceptionGroup<E>, origin: Option<Origin>) -> Self {
        let (head, members) = group.into_parts();
        Self { origin, head, members: members.into_iter(), left: Vec::new(), right: Vec::new() }
    }

    /// The two halves. The omitted errors, of which nothing is known, are on the right if they can be, and so are the
    /// cancelled siblings.
    fn close(self) -> (Option<ExceptionGroup<L>>, Option<ExceptionGroup<R>>, Option<Origin>) {
        let without = Head { message: self.head.message.clone(), ..Head::default() };
        let (left, right) = if self.right.is_empty() { (self.head, without) } else { (without, self.head) };
        (ExceptionGroup::assemble(self.left, left), ExceptionGroup::assemble(self.right, right), self.origin)
    }
}

/// Moves each error to one of two trees of the same shape (`Ok`: the left one), as another error if need be, or drops
/// it (`None`). `place` is called in the order of [`ExceptionGroup::walk`].
pub(crate) fn sort<E, L, R>(
    group: ExceptionGroup<E>,
    mut place: impl FnMut(E) -> Option<Result<L, R>>,
) -> (Option<ExceptionGroup<L>>, Option<ExceptionGroup<R>>) {
    let mut levels = vec![Open::new(group, None)];
    loop {
        let level = levels.last_mut().expect("the end of the outermost level ends the loop");
        match level.members.next() {
            Some(Member { origin, what: What::Error(error) }) => match place(error) {
                Some(Ok(error)) => level.left.push(Member { origin, what: What::Error(error) }),
                Some(Err(error)) => level.right.push(Member { origin, what: What::Error(error) }),
                None => {}
            },
            Some(Member { origin, what: What::Group(group) }) => levels.push(Open::new(group, Some(origin))),
            None => {
                let (left, right, origin) = levels.pop().expect("it was there above").close();
                let (Some(around), Some(origin)) = (levels.last_mut(), origin) else { return (left, right) };
                if let Some(group) = left {
                    around.left.push(Member { origin: origin.clone(), what: What::Group(group) });
                }
                if let Some(group) = right {
                    around.right.push(Member { origin, what: What::Group(group) });
                }
            }
        }
    }
}
