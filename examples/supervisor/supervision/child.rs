//! What a supervisor looks after: how a child is described, and what is told of it.
//!
//! Before: nothing. After: `supervisor.rs`, `crew.rs`.

use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use taskgroup::{ExceptionGroup, JoinError, Member, Reason};

/// When a child is started again. Never once the supervisor is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restart {
    /// However it ended. A good end counts for the delay, but not as a restart that may become too many: it is no
    /// error, and there would be none to end with.
    Always,
    /// When it failed, or was stopped since others are restarted. What has ended well has done its work, and stays
    /// ended when others are restarted.
    OnFailure,
    /// Not at all: its failure is told, and no more. Where others are restarted, it is stopped with them.
    Never,
}

impl Restart {
    pub(super) fn wants(self, end: &Result<(), JoinError>) -> bool {
        match self {
            Self::Always => true,
            Self::OnFailure => end.is_err(),
            Self::Never => false,
        }
    }
}

/// A child: who it is, when it is started again, and how it is started.
///
/// The work is an `async` closure, or one that calls an `async fn`. It may borrow from around, and is called for each
/// run, so that each begins anew.
pub(crate) struct Child<'a, E: 'static> {
    pub(super) name: Arc<str>,
    pub(super) restart: Restart,
    /// Where it was described: there the errors say that they come from.
    pub(super) place: &'static Location<'static>,
    pub(super) work: Work<'a, E>,
}

impl<'a, E: 'static> Child<'a, E> {
    /// A child that fails with an error.
    #[track_caller]
    pub(crate) fn new(name: &str, restart: Restart, work: impl AsyncFn() -> Result<(), E> + 'a) -> Self {
        Self { name: name.into(), restart, place: Location::caller(), work: Work::Task(Box::new(work)) }
    }

    /// A child that fails with a tree: a task group, or a supervisor. Its tree becomes a part of this supervisor's.
    #[track_caller]
    pub(crate) fn group(
        name: &str,
        restart: Restart,
        work: impl AsyncFn() -> Result<(), ExceptionGroup<E>> + 'a,
    ) -> Self {
        Self { name: name.into(), restart, place: Location::caller(), work: Work::Group(Box::new(work)) }
    }
}

pub(super) enum Work<'a, E: 'static> {
    Task(Box<dyn Start<E> + 'a>),
    Group(Box<dyn Start<ExceptionGroup<E>> + 'a>),
}

/// An `async` closure behind a pointer. Its future may borrow from the closure.
pub(super) trait Start<E> {
    fn start(&self) -> Pin<Box<dyn Future<Output = Result<(), E>> + '_>>;
}

impl<E, F: AsyncFn() -> Result<(), E>> Start<E> for F {
    fn start(&self) -> Pin<Box<dyn Future<Output = Result<(), E>> + '_>> {
        Box::pin(async { self().await })
    }
}

/// Something happened to a child, just now.
pub(crate) struct Event<'a, E> {
    pub(crate) child: &'a str,
    pub(crate) news: News<'a, E>,
}

/// What happened to a child.
pub(crate) enum News<'a, E> {
    /// It will be started, in so much time.
    Waits(Duration),
    Started,
    /// It ended well.
    Ended,
    /// It failed, with an error or a tree. This may be on its way out: [`Member::cancelled`] says why, then.
    Failed(&'a Member<E>),
    /// It was asked to end.
    Asked(&'a Reason),
    /// It has ended because it was asked to, after its cleanups, or without if [`JoinError::was_cut_off`].
    Stopped(&'a JoinError),
}
