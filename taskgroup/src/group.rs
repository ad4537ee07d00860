//! The task group: where children are spawned and kept.
//!
//! Before: `ledger.rs`. After: `join.rs`, which polls what is here.
//!
//! **Facts.** A child may borrow from the function that opened the group (`'env`) and from the group itself
//! (`'scope`). A future can be forgotten (`mem::forget`), and then no destructor of ours runs.
//!
//! **Danger.** If anything but the group's own future could still poll a child after that, it would touch memory that
//! is gone. Every design that hands such children to an executor and counts on a destructor to wait is unsound.
//!
//! **Remedy.** Children are owned, polled and dropped by the group's future and by nothing else: forget it, and they
//! are forgotten too. No `unsafe` is needed. A child sits in a `ManuallyDrop`, so that the group has no drop glue that
//! mentions `'scope` and may be borrowed for all of it; a guard beside it drains what is left.
//!
//! **Cost.** A wake climbs and a poll descends through all the levels between the task and the loop.

use crate::BoxError;
use crate::child::{BoxedChild, Value, child, erase, erase_outcome};
use crate::exception_group::ExceptionGroup;
use crate::failures::Failure;
use crate::handle::Handle;
use crate::handlers::Handlers;
use crate::ledger::{Ledger, Phase};
use crate::outcome::Outcome;
use crate::reason::Reason;
use crate::shelf::Children;
use crate::spawn_error::SpawnError;
use crate::task::Task;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::rc::Rc;

/// The group, as its body and its tasks see it. Made by
/// [`task_group`](crate::task_group).
///
/// `'scope` is how long the group lives, `'env` what its tasks may borrow besides, `E` the type of their errors. The
/// two lifetimes are those of [`std::thread::scope`], and so are the rules. A task cannot borrow a local of the body,
/// which may be gone before the task is:
///
/// ```compile_fail,E0373
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     let local = vec![1];
///     g.spawn(async { println!("{}", local.len()) });
///     Ok(())
/// }).await
/// # }
/// ```
///
/// the group cannot escape,
///
/// ```compile_fail
/// # use taskgroup::{ExceptionGroup, TaskGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let mut escaped: Option<&TaskGroup<'_, '_, std::io::Error>> = None;
/// task_group(async |g| {
///     escaped = Some(g);
///     Ok(())
/// }).await
/// # }
/// ```
///
/// and it stays on its thread:
///
/// ```compile_fail,E0277
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     std::thread::scope(|s| { s.spawn(|| g.cancel("from a thread")); });
///     Ok(())
/// }).await
/// # }
/// ```
pub struct TaskGroup<'scope, 'env: 'scope, E: 'static = BoxError> {
    /// The children, by their keys. Empty: one that is being polled, and so in the hands of `join.rs`; or the key is
    /// nobody's, or that of one in the inbox. Nothing here has drop glue; whoever takes a child out of the group buries
    /// it.
    pub(crate) children: RefCell<Children<'scope>>,
    pub(crate) ledger: Rc<Ledger>,
    /// Who gets the errors of tasks that are [supervised](Self::supervise).
    pub(crate) handlers: Handlers<'scope>,
    /// `'env` is invariant, as in `std::thread::Scope`. `E: 'static` stands on the type: without it, a task that
    /// borrows could not fail with a `Box<dyn Error>` (`&'scope TaskGroup<E>` would ask both `'env` and `E` to outlive
    /// `'scope`, and rustc then asks for `'static`).
    env: PhantomData<&'env mut &'env ()>,
    errors: PhantomData<fn(E) -> E>,
}

impl<'scope, 'env, E: 'static> TaskGroup<'scope, 'env, E> {
    pub(crate) fn new(ledger: Rc<Ledger>, children: Children<'scope>) -> Self {
        let (children, handlers) = (RefCell::new(children), Handlers::default());
        Self { children, ledger, handlers, env: PhantomData, errors: PhantomData }
    }

    /// Starts a task. It runs for the first time when whoever spawns it waits; tasks start in the order of spawning.
    ///
    /// The task ends in `Result<T, E>`, or in `()` if it cannot fail; one that ends in a group's own result, that is in
    /// `Result<T, ExceptionGroup<E>>`, is started with [`spawn_group`](Self::spawn_group). In a group that is closing
    /// the future is dropped without having run, and the handle says so; [`try_spawn`](Self::try_spawn) gives it back
    /// instead. Costs one allocation, and another if the task can have a value or an error.
    ///
    /// Source: `create_task` of `asyncio.TaskGroup` (tg1; `test_taskgroup_01`).
    #[track_caller]
    pub fn spawn<F>(&'scope self, future: F) -> Task<<F::Output as Outcome<E>>::Value>
    where
        F: Future<Output: Outcome<E>> + 'scope,
    {
        self.launch_or_refuse(future, erase_outcome, F::Output::made(), Location::caller())
    }

    /// The same, but a group that is closing gives the future back.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] with the future, when a failure, a cancel or [`cancel`](Self::cancel) has closed the group. It
    /// borrows what the future borrows, so `?` into a boxed error wants `map_err(|error| error.to_string())` before it.
    ///
    /// ```
    /// use taskgroup::{ExceptionGroup, block_on, task_group};
    ///
    /// # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
    /// block_on(task_group(async |g| {
    ///     g.cancel("enough");
    ///     let refused = g.try_spawn(async { println!("never printed") });
    ///     assert!(refused.is_err());
    ///     Ok(())
    /// }))
    /// # }
    /// ```
    #[track_caller]
    pub fn try_spawn<F>(&'scope self, future: F) -> Result<Task<<F::Output as Outcome<E>>::Value>, SpawnError<F>>
    where
        F: Future<Output: Outcome<E>> + 'scope,
    {
        let started = self.launch(future, erase_outcome, F::Output::made(), Location::caller());
        started.map_err(|future| SpawnError::new(future, false))
    }

    /// Starts a task that ends in a group's own result. Its errors become a subtree, whatever `E` is.
    ///
    /// ```
    /// use taskgroup::{ExceptionGroup, block_on, task_group};
    ///
    /// async fn inner() -> Result<(), ExceptionGroup<String>> {
    ///     task_group(async |g| {
    ///         g.spawn(async { Err::<(), _>("broken".to_string()) });
    ///         Ok(())
    ///     })
    ///     .await
    /// }
    ///
    /// let outer = block_on(task_group(async |g| {
    ///     g.spawn_group(inner());
    ///     Ok(())
    /// }));
    /// let errors = outer.err().map(|group| group.leaves().map(|leaf| leaf.error().clone()).collect::<Vec<_>>());
    /// assert_eq!(errors, Some(vec!["broken".to_string()]));
    /// ```
    #[track_caller]
    pub fn spawn_group<T, F>(&'scope self, future: F) -> Task<T>
    where
        T: 'scope,
        F: Future<Output = Result<T, ExceptionGroup<E>>> + 'scope,
    {
        self.launch_or_refuse(future, |output: F::Output| output.map_err(erase), None, Location::caller())
    }

    pub(crate) fn launch<F, T>(
        &'scope self,
        future: F,
        finish: impl Fn(F::Output) -> Result<T, Failure> + Unpin + 'scope,
        made: Option<fn() -> T>,
        place: &'static Location<'static>,
    ) -> Result<Task<T>, F>
    where
        F: Future + 'scope,
        T: 'scope,
    {
        if self.ledger.phase() != Phase::Open {
            return Err(future);
        }
        let (child, value) = child(future, finish, made);
        let (key, slot) = self.ledger.admit(place);
        self.keep(key, child);
        self.ledger.start(key, slot); // last, with no borrow held: the owner's waker may be somebody else's code
        Ok(Task::new(Handle::new(self.ledger.clone(), key), value))
    }

    /// The same, but a group that is closing drops the future unstarted; the handle says so.
    pub(crate) fn launch_or_refuse<F, T>(
        &'scope self,
        future: F,
        finish: impl Fn(F::Output) -> Result<T, Failure> + Unpin + 'scope,
        made: Option<fn() -> T>,
        place: &'static Location<'static>,
    ) -> Task<T>
    where
        F: Future + 'scope,
        T: 'scope,
    {
        self.launch(future, finish, made, place).unwrap_or_else(|future| {
            drop(future);
            let key = self.ledger.refuse(place);
            Task::new(Handle::new(self.ledger.clone(), key), Value::none())
        })
    }

    /// Gives a child its place.
    #[inline(always)]
    fn keep(&self, key: u32, child: BoxedChild<'scope>) {
        let mut children = self.children.borrow_mut();
        let (key, child) = (key as usize, ManuallyDrop::new(Some(child)));
        match children.get_mut(key) {
            Some(place) => *place = child,
            None => {
                children.resize_with(key, || ManuallyDrop::new(None)); // who is in between is in the inbox
                children.push(child);
            }
        }
    }

    /// Fetches the children from the inbox, because one of them comes up, or all are about to be dropped.
    #[cold]
    pub(crate) fn receive(&self) {
        let newcomers = self.ledger.books_if_any().map(|books| books.take_newcomers());
        for (key, child) in newcomers.into_iter().flatten() {
            self.keep(key, child);
        }
    }

    /// Cancels the tasks and closes the group; the body goes on. Its waits for tasks answer `Cancelled`, and its value
    /// is the group's result.
    ///
    /// No error comes of it. Tasks are asked in the order of their spawning and end in their own turns. Asked again,
    /// the first reason stands. A task that fails on its way out cancels the body as usual.
    ///
    /// Source: `TaskGroup.cancel` of CPython 3.15, but for the body, which has the only `T` there is.
    pub fn cancel(&self, reason: impl Into<Reason>) {
        self.ledger.close(&reason.into());
    }

    /// How many tasks have not ended.
    #[must_use]
    pub fn live(&self) -> usize {
        self.ledger.live()
    }
}

impl<E> fmt::Debug for TaskGroup<'_, '_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup").field("live", &self.live()).field("phase", &self.ledger.phase()).finish()
    }
}
