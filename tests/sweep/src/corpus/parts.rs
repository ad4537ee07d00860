//! What the programs are made of.

use crate::{Guard, Probe, guard, probe, value};
use std::cell::RefCell;
use std::fmt::Display;
use std::future::Future;
use std::panic::resume_unwind;
use std::time::Duration;
use taskgroup::{ExceptionGroup, JoinError, Task, TaskGroup, What, Why, sleep, yield_now};

pub(super) type Word = &'static str;
pub(super) type Errors = ExceptionGroup<Word>;
pub(super) type Group<'scope, 'env> = TaskGroup<'scope, 'env, Word>;

pub(super) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A probed group with words for errors.
#[track_caller]
pub(super) fn group<'env, T, F>(body: F) -> Probe<impl Future<Output = Result<T, Errors>>>
where
    F: for<'scope> AsyncFnOnce(&'scope Group<'scope, 'env>) -> Result<T, Word>,
{
    probe(taskgroup::task_group(body))
}

/// A sleep with a guard beside it.
pub(super) async fn nap(n: u64) {
    let _guard = guard();
    probe(sleep(ms(n))).await;
}

/// The same with something captured.
///
/// Its end is not the place where a parcel is made: what a function is about to return is leaked by the language when a
/// destructor of its locals panics.
async fn nap_with(_captured: Guard, n: u64) {
    nap(n).await;
}

/// A turn for the others, with a guard beside it.
pub(super) async fn step_aside() {
    let _guard = guard();
    probe(yield_now()).await;
}

/// A number and a guard: what a task hands over.
#[derive(Debug)]
pub(super) struct Parcel(pub(super) u64, #[allow(dead_code, reason = "it is there to be dropped")] Guard);

pub(super) fn parcel(n: u64) -> Parcel {
    Parcel(n, value())
}

/// A parcel, later.
pub(super) fn after(n: u64, number: u64) -> Probe<impl Future<Output = Result<Parcel, Word>>> {
    let work = nap_with(value(), n);
    probe(async move {
        work.await;
        Ok(parcel(number))
    })
}

/// An error, later.
pub(super) fn fail_after(n: u64, error: Word) -> Probe<impl Future<Output = Result<(), Word>>> {
    let work = nap_with(value(), n);
    probe(async move {
        work.await;
        Err(error)
    })
}

/// A panic that the hook does not hear of. It does not say that it never returns: a task has to end in something.
pub(super) fn die(text: Word) {
    resume_unwind(Box::new(text))
}

/// What joining a task gave: its number, or how it ended.
pub(super) fn told(joined: Result<Parcel, JoinError>) -> String {
    match joined {
        Ok(Parcel(number, _)) => number.to_string(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

/// The same without a wait.
pub(super) fn result_of(task: &Task<Parcel>) -> String {
    task.result().map_or("unfinished".to_owned(), told)
}

/// The shape of an error tree: `[A [B C] D]`.
pub(super) fn shape<E: Display>(errors: &ExceptionGroup<E>) -> String {
    let members = errors.members().iter().map(|member| match member.what() {
        What::Error(error) => error.to_string(),
        What::Group(group) => shape(group),
    });
    format!("[{}]", members.collect::<Vec<_>>().join(" "))
}

/// What a group ended in, in short.
pub(super) fn end<T: std::fmt::Debug, E: Display>(result: Result<T, ExceptionGroup<E>>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(errors) => shape(&errors),
    }
}

/// How regions have ended, in order.
pub(super) type Ends<'a> = &'a RefCell<Vec<String>>;

/// Notes how one has ended.
pub(super) fn note(ends: Ends<'_>, name: &str, why: &Why) {
    let how = match why {
        Why::Ended => "ended",
        Why::Failed => "failed",
        Why::Panicked => "panicked",
        _ => "cancelled",
    };
    ends.borrow_mut().push(format!("{name} {how}"));
}
