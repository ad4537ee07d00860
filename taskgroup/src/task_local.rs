//! Values that follow the tasks: set around a future, seen by all that it calls and spawns.
//!
//! Before: `drive.rs`. After: nothing.

use crate::drive::{Driven, settle};
use crate::tree::{self, Kind, Spot, TaskSpot};
use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::pin;
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::AtomicU8;

thread_local! {
    /// Values alive on this thread. While there are none, spawning a task does not look for any.
    static ALIVE: Cell<u32> = const { Cell::new(0) };
}

/// A value that belongs to the running task and is inherited by the tasks it spawns: a request's number, a tracing
/// span, a user.
///
/// [`scope`](Self::scope) sets it around a future. A task gets the values that are set where it is *spawned*, and
/// keeps them; what a task sets, others do not see.
///
/// Source: asyncio's context variables (`contextvars`; a task runs in a copy of its creator's context). There the
/// variable is set from a line on, here around a future, so that it cannot leak.
///
/// ```
/// use taskgroup::{ExceptionGroup, TaskLocal, block_on, task_group};
///
/// static REQUEST: TaskLocal<u32> = TaskLocal::new();
///
/// async fn log(line: &str) -> String {
///     format!("[{}] {line}", REQUEST.get().unwrap_or(0))
/// }
///
/// # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let line = block_on(REQUEST.scope(17, async {
///     task_group(async |g| Ok(g.spawn(async { Ok(log("found").await) }).await)).await
/// }))?;
/// assert_eq!(line.ok().as_deref(), Some("[17] found"));
/// # Ok(())
/// # }
/// ```
///
/// It has to be a `static`. A `const` has no one place, and is refused:
///
/// ```compile_fail,E0716
/// # use taskgroup::TaskLocal;
/// const REQUEST: TaskLocal<u32> = TaskLocal::new();
/// let request = REQUEST.get();
/// ```
pub struct TaskLocal<T: 'static> {
    /// Something to have an address of its own, which is the key. An atomic, so that there is no `'static` reference to
    /// a `const`: two of those could have one address.
    place: AtomicU8,
    value: PhantomData<fn() -> T>,
}

/// The values at a node: the innermost first.
pub(crate) struct Values {
    key: *const AtomicU8,
    value: Rc<dyn Any>,
    above: Option<Rc<Values>>,
    _alive: Alive,
}

impl<T> TaskLocal<T> {
    /// A task-local that is set nowhere. For a `static`.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "only a static makes sense, and that needs a const fn")]
    pub const fn new() -> Self {
        Self { place: AtomicU8::new(0), value: PhantomData }
    }

    /// Runs `future` with the value set, for itself and for the tasks that are spawned inside.
    ///
    /// Costs two small allocations and a node in the scope tree.
    ///
    /// # Panics
    ///
    /// Where the future panics.
    ///
    /// # Cancel
    ///
    /// As `future` is.
    pub async fn scope<F: Future>(&'static self, value: T, future: F) -> F::Output {
        let above = Spot::here().values().and_then(|values| values.without(self.key()));
        let values = Values::new(self.key(), Rc::new(value), above);
        let future = pin!(Some(future));
        let driven = Driven::new(Kind::Scope, future);
        tree::set_values(driven.node(), values);
        settle(driven.await).await
    }

    /// Shows the innermost value to `look`; `None` if it is set nowhere around.
    pub fn with<R>(&'static self, look: impl FnOnce(Option<&T>) -> R) -> R {
        let value = self.find();
        look(value.as_ref().and_then(|value| value.downcast_ref()))
    }

    /// A clone of the innermost value; `None` if it is set nowhere around.
    #[must_use]
    pub fn get(&'static self) -> Option<T>
    where
        T: Clone,
    {
        self.with(|value| value.cloned())
    }

    fn key(&'static self) -> *const AtomicU8 {
        &raw const self.place
    }

    fn find(&'static self) -> Option<Rc<dyn Any>> {
        let mut values = inherited()?;
        loop {
            if ptr::eq(values.key, self.key()) {
                return Some(values.value.clone());
            }
            values = values.above.clone()?;
        }
    }
}

impl Values {
    fn new(key: *const AtomicU8, value: Rc<dyn Any>, above: Option<Rc<Self>>) -> Rc<Self> {
        Rc::new(Self { key, value, above, _alive: Alive::new() })
    }

    /// The same without the value that a new one hides. Else this chain of tasks would keep all the values it ever had:
    ///
    /// ```text
    /// async fn attempt(g, n) { ..; g.spawn(ATTEMPT.scope(n + 1, attempt(g, n + 1))) }
    /// ```
    fn without(self: Rc<Self>, key: *const AtomicU8) -> Option<Rc<Self>> {
        let mut before = Vec::new();
        let mut values = self.clone();
        while !ptr::eq(values.key, key) {
            before.push(values.clone());
            match values.above.clone() {
                Some(above) => values = above,
                None => return Some(self), // it is not there
            }
        }
        let rest = values.above.clone();
        before.into_iter().rev().fold(rest, |above, own| Some(Self::new(own.key, own.value.clone(), above)))
    }
}

impl<T> fmt::Debug for TaskLocal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskLocal").finish_non_exhaustive()
    }
}

/// What is set where the caller runs.
#[inline(never)]
fn inherited() -> Option<Rc<Values>> {
    if ALIVE.with(Cell::get) == 0 { None } else { Spot::here().values() }
}

/// A task that is spawned gets what its spawner has.
#[inline(always)]
pub(crate) fn inherit(task: TaskSpot<'_>) {
    if ALIVE.with(Cell::get) > 0
        && let Some(values) = inherited()
    {
        tree::set_values(task.node(), values);
    }
}

/// Counts the values.
struct Alive;

impl Alive {
    fn new() -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Self
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}
