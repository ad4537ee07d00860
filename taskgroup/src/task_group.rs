//! `task_group`: a group from its opening to its end, however that comes.
//!
//! Before: `group.rs`, `join.rs`. After: nothing.
//!
//! **Order of destruction**, from the inside out, the same whether the group ends or is dropped half-way: the body
//! (`Join`), the children that are left (`Drain`), the group's node (`Leave`). A future may be forgotten instead; then
//! none of this runs, and nothing that it owns is touched again.

use crate::child::Fate;
use crate::drive::park;
use crate::exception_group::{ExceptionGroup, Head};
use crate::group::TaskGroup;
use crate::join::{Ended, Join};
use crate::ledger::{Ledger, Phase};
use crate::reason::Reason;
use crate::shelf::{self, Children};
use crate::tree::{TaskSpot, Verdict};
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::thread;
use taskgroup_runtime::current::Current;
use taskgroup_runtime::instrument::Event;
use taskgroup_runtime::ready::{ReadySet, Wait};
use taskgroup_runtime::{Local, Report, report};

/// Runs `body` with a task group, and ends when the body and every task spawned in the group have ended.
///
/// - A task that fails cancels its siblings and the body; all are awaited, and every error is in the tree.
/// - A body that fails cancels the tasks, and its error is the last in the tree.
/// - A panic is awaited like a failure and then goes on here; what it displaces goes to the reporter.
/// - If what is around the group is cancelled, the body ends first and then the tasks; without errors the cancel goes
///   on, with errors they are returned and the next await is cancelled.
///
/// Tasks may borrow what lives around the call. They are polled inside this future, so if that is not polled (a
/// `select` that prefers another branch), they stand still.
///
/// Source: CPython's `asyncio.TaskGroup` and van Rossum's notes tg1 to tg8. Costs an allocation for the group, and
/// one or two for each task.
///
/// # Errors
///
/// An [`ExceptionGroup`] of every error, also of a single one.
///
/// # Panics
///
/// Where a task or the body panicked; when polled outside a runtime; when polled again after the scope around it
/// cancelled it.
///
/// # Cancel
///
/// A cancellation point while it waits for tasks. *Dropping* it is not cancelling: everything inside is dropped at
/// once.
///
/// ```
/// use taskgroup::{ExceptionGroup, block_on, task_group};
///
/// # fn main() -> Result<(), ExceptionGroup<std::num::ParseIntError>> {
/// let words = vec!["1".to_string(), "2".to_string()];
/// let sum = block_on(task_group(async |g| {
///     let tasks: Vec<_> = words.iter().map(|word| g.spawn(async move { word.parse::<u32>() })).collect();
///     let mut sum = 0;
///     for task in tasks {
///         sum += task.await.unwrap_or(0); // if one fails, this wait is cancelled
///     }
///     Ok(sum)
/// }))?;
/// assert_eq!(sum, 3);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn task_group<'env, E, T, F>(body: F) -> impl Future<Output = Result<T, ExceptionGroup<E>>>
where
    E: 'static,
    F: for<'scope> AsyncFnOnce(&'scope TaskGroup<'scope, 'env, E>) -> Result<T, E>,
{
    let place = Location::caller();
    async move {
        let (ledger, children) = open(place);
        let ended = {
            let _leave = Leave(&ledger);
            let group = TaskGroup::new(ledger.clone(), children);
            let _drain = Drain(&group);
            let body = pin!(Some(body(&group)));
            Join::new(&group, body).await
        };
        match conclude(&ledger, ended) {
            Some(result) => result,
            None => park().await,
        }
    }
}

// What is called once in the life of a group is not inlined, so that it takes no room in the frame of each level.

#[inline(never)]
fn open<'scope>(place: &'static Location<'static>) -> (Rc<Ledger>, Children<'scope>) {
    let local = Local::expect_current(format_args!("the task group of {}:{}", place.file(), place.line()));
    let (rows, children) = shelf::take();
    let ledger = Ledger::open(ReadySet::new(&local), rows, place);
    let (group, owner, body) = (ledger.set.number(), Current::get().slot(), ledger.body_slot);
    local.tell(|| Event::GroupOpened { group, owner, body, place });
    (ledger, children)
}

/// What the group ends in. `None`: the cancel of something around it goes on; a value is dropped if that came during the
/// wait for the tasks.
#[inline(never)]
fn conclude<T, E: 'static>(ledger: &Ledger, ended: Ended<Result<T, E>>) -> Option<Result<T, ExceptionGroup<E>>> {
    let Ended { body, cancelled } = ended;
    let Some(books) = ledger.books_if_any() else {
        return body.filter(|_| !cancelled).and_then(Result::ok).map(Ok); // an error would have books
    };
    let failures = &books.failures;
    if let Some(payload) = failures.take_panic(matches!(body, Some(Err(_)))) {
        resume_unwind(payload);
    }
    let (value, error) = match body {
        Some(Ok(value)) => (Some(value), None),
        Some(Err(error)) => (None, Some(error)),
        None => (None, None),
    };
    let (failed, omitted) = failures.take_errors();
    let head = Head { message: None, omitted, siblings: ledger.take_siblings() };
    match ExceptionGroup::collect(failed, error.map(|error| (error, failures.body_failed_after())), head) {
        Some(errors) => Some(Err(errors)),
        None => value.filter(|_| !cancelled).map(Ok),
    }
}

/// Takes the group's node out of the tree, after everything below it is gone.
struct Leave<'a>(&'a Rc<Ledger>);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.leave_the_tree();
    }
}

/// Runs the user's code. Its panic goes on when the group is gone.
fn catch(ledger: &Ledger, act: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(act)) {
        ledger.books().failures.panicked(payload, None);
    }
}

/// Drops the children that are left: none, unless the group's future is dropped before its end.
///
/// It is declared after the group and before the body, so it runs after the body is dropped and while the group is
/// whole. In the order of spawning, and in a loop, since a dying child may spawn: into a group that is closing, from
/// here on. A destructor's panic is the child's: the first goes on, the others are reported. So are errors that had
/// been collected and now reach nobody.
struct Drain<'a, 'scope, 'env, E: 'static>(&'a TaskGroup<'scope, 'env, E>);

impl<E> Drop for Drain<'_, '_, '_, E> {
    fn drop(&mut self) {
        let ledger = &self.0.ledger;
        for handler in self.0.handlers.take() {
            catch(ledger, || drop(handler)); // what a handler holds is the user's
        }
        if ledger.phase() == Phase::Over {
            return shelf::keep_children(self.0.children.take()); // the usual end: nobody is left
        }
        catch(ledger, || ledger.close(&Reason::Dropped)); // the owner's waker may be the user's
        loop {
            self.0.receive();
            let mut children = self.0.children.take();
            let live = ledger.tasks.live(); // in the order of spawning
            if live.is_empty() {
                break;
            }
            for (key, slot) in live {
                let child = children.get_mut(key as usize).and_then(|child| child.take());
                let Some(child) = child else { continue }; // spawned by one that died just now
                // We may be anywhere, also in the turn of another runtime: named by its node, it is found from there.
                let local = ledger.set.local();
                let _task = Current::new(slot, TaskSpot::new(local, slot).node()).enter();
                let was_started = !matches!(local.wait(slot), Wait::FirstPoll | Wait::Place);
                child.bury(ledger, key, Fate::Cancelled { verdict: Verdict::Drop, was_started });
            }
        }
        ledger.over();
        catch(ledger, || ledger.tell_joiners()); // and so may theirs
        let failures = &ledger.books().failures;
        let panic = failures.take_panic(false);
        failures.report_errors(|what| Report::Dropped(what));
        if let Some(payload) = panic {
            if !thread::panicking() {
                resume_unwind(payload);
            }
            report(&Report::Displaced(&"a panic in a group that is dropped while unwinding"));
        }
    }
}
