//! Handling some kinds of errors and passing the rest on, as `except*` does.
//!
//! Before: `split.rs`. After: `report.rs`.

use crate::BoxError;
use crate::exception_group::member::Member;
use crate::exception_group::split::sort;
use crate::exception_group::{ExceptionGroup, Head};
use crate::outcome::Outcome;
use std::borrow::Cow;
use std::error::Error;

impl<E: 'static> ExceptionGroup<E> {
    /// Handles the errors that match, all at once: the handler gets their part of the tree, and is not called if there
    /// is none. Further clauses follow, and [`rest`](Handled::rest) ends them:
    ///
    /// ```
    /// use taskgroup::{ExceptionGroup, block_on, task_group};
    ///
    /// #[derive(Debug, thiserror::Error)]
    /// enum Fetch {
    ///     #[error("not done in time")]
    ///     Late,
    ///     #[error("the server said {0}")]
    ///     Status(u16),
    ///     #[error("disk full")]
    ///     Disk,
    /// }
    ///
    /// # let mut said = Vec::new();
    /// let fetched = block_on(task_group(async |g| {
    ///     g.spawn(async { Err::<(), _>(Fetch::Status(404)) });
    ///     g.spawn(async { Err::<(), _>(Fetch::Late) });
    ///     g.spawn(async { Err::<(), _>(Fetch::Disk) });
    ///     g.spawn(async { Err::<(), _>(Fetch::Status(410)) });
    ///     Ok(())
    /// }));
    /// # let result =
    /// fetched.or_else(|errors| {
    ///     errors
    ///         .handle(|error| matches!(error, Fetch::Late), |late| said.push(format!("try later: {late}")))
    ///         .handle(|error| matches!(error, Fetch::Status(_)), |part| said.push(format!("{} pages", part.count())))
    ///         .rest() // the full disk goes on
    /// });
    /// # assert_eq!(said, ["try later: 1 error in task group: not done in time", "2 pages"]);
    /// # assert_eq!(result.expect_err("one is left").to_string(), "1 error in task group: disk full");
    /// ```
    ///
    /// A handler ends in `()`, or in `Result<(), E>` to fail itself.
    ///
    /// Source: PEP 654's `except*`. What is not in it: a lone error is a group like any other, and the way on is a
    /// value, so `return` and `break` are no trouble.
    pub fn handle<R>(self, matches: impl FnMut(&E) -> bool, handler: impl FnOnce(Self) -> R) -> Handled<E>
    where
        R: Outcome<E, Value = ()>,
    {
        Handled::new(self).handle(matches, handler)
    }

    /// Handles the errors of a type that are in the boxes: the handler gets them unboxed, in their part of the tree,
    /// and its parameter says which they are:
    ///
    /// ```
    /// use std::io;
    /// use std::num::ParseIntError;
    /// use taskgroup::boxed::task_group;
    /// use taskgroup::{BoxError, ExceptionGroup, block_on};
    ///
    /// async fn number(text: &str) -> Result<u32, BoxError> {
    ///     if text.is_empty() { Err(io::Error::other("no more numbers"))? } else { Ok(text.parse()?) }
    /// }
    /// # let mut said = Vec::new();
    /// let read = block_on(task_group(async |g| {
    ///     for text in ["7", "seven", "", "eight"] {
    ///         g.spawn(number(text));
    ///     }
    ///     Ok(())
    /// }));
    /// if let Err(errors) = read {
    ///     errors
    ///         .catch(|part: ExceptionGroup<ParseIntError>| said.push(format!("{} are no numbers", part.count())))
    ///         .catch(|part: ExceptionGroup<io::Error>| said.push(part.collapse().to_string()))
    ///         .rest()?; // nothing is left
    /// }
    /// # assert_eq!(said, ["2 are no numbers", "no more numbers"]);
    /// # Ok::<(), BoxError>(())
    /// ```
    ///
    /// Without a closure that names the type: `errors.catch::<io::Error, _>(handler)`. A join error that only repeats
    /// an error of this part is not in it. From an `anyhow::Error`, context around the error is dropped; where it
    /// matters, use [`handle`](Self::handle) with `|error| error.is::<io::Error>()`.
    pub fn catch<T, R>(self, handler: impl FnOnce(ExceptionGroup<T>) -> R) -> Handled<E>
    where
        E: DynError,
        T: Error + Send + Sync + 'static,
        R: Outcome<E, Value = ()>,
    {
        Handled::new(self).catch(handler)
    }
}

/// Errors on their way through handlers: see [`ExceptionGroup::handle`].
///
/// Each clause gets its part of what the ones before left. Errors of handlers are kept apart, so that no later clause
/// handles them.
#[must_use = "the errors that nobody handled are lost: end with `.rest()`"]
pub struct Handled<E> {
    /// What the handlers failed with.
    new: Vec<Member<E>>,
    rest: Option<ExceptionGroup<E>>,
    message: Option<Cow<'static, str>>,
}

impl<E: 'static> Handled<E> {
    fn new(errors: ExceptionGroup<E>) -> Self {
        Self { new: Vec::new(), message: errors.head().message.clone(), rest: Some(errors) }
    }

    /// One more clause: see [`ExceptionGroup::handle`].
    pub fn handle<R>(mut self, matches: impl FnMut(&E) -> bool, handler: impl FnOnce(ExceptionGroup<E>) -> R) -> Self
    where
        R: Outcome<E, Value = ()>,
    {
        if let Some(errors) = self.rest.take() {
            let (part, rest) = errors.split(matches);
            self.rest = rest;
            self.call(part, handler);
        }
        self
    }

    /// One more clause: see [`ExceptionGroup::catch`].
    pub fn catch<T, R>(mut self, handler: impl FnOnce(ExceptionGroup<T>) -> R) -> Self
    where
        E: DynError,
        T: Error + Send + Sync + 'static,
        R: Outcome<E, Value = ()>,
    {
        if let Some(errors) = self.rest.take() {
            let mut matched = errors.ask(|leaf| leaf.error().holds::<T>()).into_iter();
            let (part, rest) = sort(errors, |error| match matched.next() {
                Some(true) => error.open().map(Ok), // an echo of an error that matched is of another type
                _ => Some(Err(error)),
            });
            self.rest = rest;
            self.call(part, handler);
        }
        self
    }

    fn call<P, R: Outcome<E, Value = ()>>(&mut self, part: Option<P>, handler: impl FnOnce(P) -> R) {
        if let Some(part) = part
            && let Err(error) = handler(part).into_result()
        {
            self.new.push(Member::from(error));
        }
    }

    /// The end of the clauses: what nobody handled goes on, with the message that it had.
    ///
    /// # Errors
    ///
    /// What is left. If handlers failed, a group of their errors, in order, and of what is left as its last member, as
    /// in PEP 654.
    ///
    /// ```
    /// use taskgroup::ExceptionGroup;
    ///
    /// let errors = ExceptionGroup::new(["late", "refused"]).expect("two");
    /// let result = errors.handle(|error| *error == "late", |_| Err("no more tries")).rest();
    /// let tree = result.map_err(|errors| format!("{errors:#}"));
    /// # let drawn =
    /// "2 errors in task group
    /// |- no more tries
    /// `- 1 error in task group
    ///    `- refused"
    /// # ;
    /// # assert_eq!(tree, Err(drawn.to_string()));
    /// ```
    pub fn rest(self) -> Result<(), ExceptionGroup<E>> {
        let Self { new: mut members, rest, message } = self;
        if members.is_empty() {
            return rest.map_or(Ok(()), Err);
        }
        members.extend(rest.map(Member::from));
        ExceptionGroup::assemble(members, Head { message, ..Head::default() }).map_or(Ok(()), Err)
    }
}

/// An error of any type, that can be asked for its own: [`BoxError`], `Box<dyn Error>`, and with the feature `anyhow`
/// `anyhow::Error`. Sealed.
#[diagnostic::on_unimplemented(
    message = "the errors of this group are `{Self}`: no box that could be asked for a type",
    note = "tell errors of an enum apart with `handle(|error| matches!(error, ..), ..)`"
)]
pub trait DynError: sealed::Sealed + Sized {
    #[doc(hidden)]
    fn holds<T: Error + Send + Sync + 'static>(&self) -> bool;

    #[doc(hidden)]
    fn open<T: Error + Send + Sync + 'static>(self) -> Option<T>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::BoxError {}
    impl Sealed for Box<dyn std::error::Error> {}
    #[cfg(feature = "anyhow")]
    impl Sealed for anyhow::Error {}
}

impl DynError for BoxError {
    fn holds<T: Error + Send + Sync + 'static>(&self) -> bool {
        self.is::<T>()
    }

    fn open<T: Error + Send + Sync + 'static>(self) -> Option<T> {
        self.downcast().ok().map(|error| *error)
    }
}

impl DynError for Box<dyn Error> {
    fn holds<T: Error + Send + Sync + 'static>(&self) -> bool {
        self.is::<T>()
    }

    fn open<T: Error + Send + Sync + 'static>(self) -> Option<T> {
        self.downcast().ok().map(|error| *error)
    }
}

#[cfg(feature = "anyhow")]
impl DynError for anyhow::Error {
    fn holds<T: Error + Send + Sync + 'static>(&self) -> bool {
        self.is::<T>()
    }

    fn open<T: Error + Send + Sync + 'static>(self) -> Option<T> {
        self.downcast().ok()
    }
}
