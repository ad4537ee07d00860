//! A handle to a group that borrows nothing.
//!
//! Before: `child.rs`, `ledger.rs`, `books.rs`, in whose inbox the children wait. After: `join.rs`, which fetches them.

use crate::BoxError;
use crate::child::{child, erase, erase_outcome};
use crate::exception_group::ExceptionGroup;
use crate::failures::Failure;
use crate::group::TaskGroup;
use crate::handle::Handle;
use crate::ledger::{Ledger, Phase};
use crate::outcome::Outcome;
use crate::reason::Reason;
use crate::spawn_error::SpawnError;
use crate::task::Task;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;

/// Spawns into a group from anywhere on its thread: for adapters that want an executor with no lifetime, and for tables
/// of groups. Its tasks cannot borrow.
///
/// It keeps no group open, and may outlive its group; then it says so. Made by [`TaskGroup::spawner`].
///
/// ```
/// use taskgroup::{ExceptionGroup, block_on, task_group};
///
/// # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
/// block_on(async {
///     let mut later = None;
///     task_group(async |g| {
///         let spawner = g.spawner();
///         if let Ok(task) = spawner.spawn(async { Ok(7) }) {
///             assert_eq!(task.await, Ok(7));
///         }
///         later = Some(spawner);
///         Ok(())
///     })
///     .await?;
///     let refused = later.map(|spawner| spawner.spawn(async {}).is_err());
///     assert_eq!(refused, Some(true)); // the group is over
///     Ok(())
/// })
/// # }
/// ```
pub struct Spawner<E = BoxError> {
    ledger: Rc<Ledger>,
    errors: PhantomData<fn(E) -> E>,
}

impl<E: 'static> TaskGroup<'_, '_, E> {
    /// A handle that spawns into this group and borrows nothing.
    #[must_use]
    pub fn spawner(&self) -> Spawner<E> {
        Spawner { ledger: self.ledger.clone(), errors: PhantomData }
    }
}

impl<E: 'static> Spawner<E> {
    /// Starts a task, as [`TaskGroup::try_spawn`]; in the same order, policy and limit as the group's others.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] with the future: the group is closing, or over.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Result<Task<<F::Output as Outcome<E>>::Value>, SpawnError<F>>
    where
        F: Future<Output: Outcome<E, Value: 'static>> + 'static,
    {
        self.launch(future, erase_outcome, F::Output::made(), Location::caller())
    }

    /// Starts a task that ends in a group's own result, as [`TaskGroup::spawn_group`].
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    #[track_caller]
    pub fn spawn_group<T, F>(&self, future: F) -> Result<Task<T>, SpawnError<F>>
    where
        T: 'static,
        F: Future<Output = Result<T, ExceptionGroup<E>>> + 'static,
    {
        self.launch(future, |output: F::Output| output.map_err(erase), None, Location::caller())
    }

    fn launch<T: 'static, F: Future + 'static>(
        &self,
        future: F,
        finish: impl Fn(F::Output) -> Result<T, Failure> + Unpin + 'static,
        made: Option<fn() -> T>,
        place: &'static Location<'static>,
    ) -> Result<Task<T>, SpawnError<F>> {
        let phase = self.ledger.phase();
        if phase != Phase::Open {
            return Err(SpawnError::new(future, phase == Phase::Over));
        }
        let (child, value) = child(future, finish, made);
        let (key, slot) = self.ledger.admit(place);
        self.ledger.books().put(key, child);
        self.ledger.start(key, slot);
        Ok(Task::new(Handle::new(self.ledger.clone(), key), value))
    }

    /// How many tasks of the group have not ended.
    #[must_use]
    pub fn live(&self) -> usize {
        self.ledger.live()
    }

    /// As [`TaskGroup::cancel`]; no effect once the group is over.
    pub fn cancel(&self, reason: impl Into<Reason>) {
        self.ledger.close(&reason.into());
    }
}

impl<E> Clone for Spawner<E> {
    fn clone(&self) -> Self {
        Self { ledger: self.ledger.clone(), errors: PhantomData }
    }
}

impl<E> fmt::Debug for Spawner<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawner").field("phase", &self.ledger.phase()).finish()
    }
}
