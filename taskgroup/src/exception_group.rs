//! Errors as a tree.
//!
//! Before: `ledger.rs`, which collects them. After: `error_tree.rs`, which prints them.

use crate::BoxError;
use crate::info::TaskInfo;
use crate::ledger::Failed;
use crate::task::{Failure, Task};
use std::any::Any;
use std::error::Error;
use std::sync::Arc;

/// Every error of a task group, as an ordered tree. Never empty.
///
/// The shape does not depend on the number: a single error is a group of one. Members come in the order in which the
/// tasks ended, the body's own error last; a nested group's errors stay together, as a member. Each knows its task.
///
/// `Display` is one line and names the first error; the alternate form `{:#}` and `Debug` are the tree, one line for
/// each error, so that `main` may return it. `source` is `None`: there is no one cause.
///
/// Source: PEP 654, in which a lone error is wrapped too; the order is `asyncio.TaskGroup`'s.
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
}

/// A member of an [`ExceptionGroup`]: an error or a nested group, and which task it came from.
pub struct Member<E> {
    /// `None`: the body of the group.
    task: Option<Arc<TaskInfo>>,
    what: What<E>,
}

/// What a [`Member`] is.
pub enum What<E> {
    /// One error.
    Error(E),
    /// The errors of a group inside the task.
    Group(ExceptionGroup<E>),
}

/// An error in the tree, and whose it is.
#[derive(Debug)]
pub struct Leaf<'a, E> {
    error: &'a E,
    task: Option<&'a TaskInfo>,
}

impl<E> Clone for Leaf<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Leaf<'_, E> {}

impl<'a, E> Leaf<'a, E> {
    /// The error.
    #[must_use]
    pub fn error(self) -> &'a E {
        self.error
    }

    /// The task that failed. `None`: the body of the outermost group.
    #[must_use]
    pub fn task(self) -> Option<&'a TaskInfo> {
        self.task
    }
}

impl<E> Member<E> {
    /// The task that it came from. `None`: the body of the group.
    #[must_use]
    pub fn task(&self) -> Option<&TaskInfo> {
        self.task.as_deref()
    }

    /// An error or a nested group.
    #[must_use]
    pub fn what(&self) -> &What<E> {
        &self.what
    }

    /// The same by value.
    #[must_use]
    pub fn into_what(self) -> What<E> {
        self.what
    }
}

impl<E: 'static> Member<E> {
    /// What a task failed with.
    pub(crate) fn from_failed(failed: Failed) -> Self {
        Self { task: Some(failed.task), what: nest(failed.failure) }
    }
}

impl<E: 'static> ExceptionGroup<E> {
    /// The tree of what a group collected; `None` if that is nothing.
    pub(crate) fn collect(failed: Vec<Failed>, body: Option<E>) -> Option<Self> {
        let mut members: Vec<_> =
            failed.into_iter().map(|failed| Member { task: Some(failed.task), what: nest(failed.failure) }).collect();
        members.extend(body.map(|error| Member { task: None, what: nest(Box::new(error)) }));
        (!members.is_empty()).then_some(Self { members })
    }
}

impl<E> ExceptionGroup<E> {
    /// A flat group of errors that come from no task. `None` if there are none.
    pub fn new(errors: impl IntoIterator<Item = E>) -> Option<Self> {
        let members: Vec<_> = errors.into_iter().map(|error| Member { task: None, what: What::Error(error) }).collect();
        (!members.is_empty()).then_some(Self { members })
    }

    /// A tree of members that were taken from others. `None` if there are none.
    #[must_use]
    pub fn from_members(members: Vec<Member<E>>) -> Option<Self> {
        (!members.is_empty()).then_some(Self { members })
    }

    /// The direct members, in order. At least one.
    #[must_use]
    pub fn members(&self) -> &[Member<E>] {
        &self.members
    }

    /// The same by value.
    #[must_use]
    pub fn into_members(mut self) -> Vec<Member<E>> {
        std::mem::take(&mut self.members)
    }

    /// Every error in the tree, depth first, in order. Linear in the size of the tree, and not recursive.
    pub fn leaves(&self) -> impl Iterator<Item = Leaf<'_, E>> {
        let mut levels = vec![(self.members.iter(), None)];
        std::iter::from_fn(move || {
            loop {
                let (members, above) = levels.last_mut()?;
                let above = *above;
                let Some(member) = members.next() else {
                    levels.pop();
                    continue;
                };
                let task = member.task().or(above);
                match &member.what {
                    What::Error(error) => return Some(Leaf { error, task }),
                    What::Group(group) => levels.push((group.members.iter(), task)),
                }
            }
        })
    }

    /// The error, if there is exactly one in the whole tree; else the group again.
    ///
    /// # Errors
    ///
    /// The group, unchanged, when it holds more than one error.
    pub fn single(self) -> Result<E, Self> {
        if self.leaves().nth(1).is_some() {
            return Err(self);
        }
        let mut group = self;
        loop {
            match group.into_members().pop().expect("never empty").what {
                What::Error(error) => return Ok(error),
                What::Group(inner) => group = inner,
            }
        }
    }

    /// What a direct child of the group failed with: an error or a nested group.
    #[must_use]
    pub fn error_of<T>(&self, task: &Task<T>) -> Option<&What<E>> {
        let info = task.info()?;
        let is_of = |member: &&Member<E>| member.task.as_ref().is_some_and(|own| Arc::ptr_eq(own, &info));
        self.members.iter().find(is_of).map(Member::what)
    }
}

/// Whether a failure is a nested group. Without a trait, so that none is asked of the user's error: a group arrives as
/// itself (`spawn_group`), or in the box that `?` put around it.
fn nest<E: 'static>(failure: Failure) -> What<E> {
    let failure = match failure.downcast::<ExceptionGroup<E>>() {
        Ok(group) => return What::Group(*group),
        Err(failure) => failure,
    };
    let failure = match failure.downcast::<BoxError>() {
        Ok(boxed) => match boxed.downcast::<ExceptionGroup<BoxError>>() {
            Ok(group) => return What::Group(recast(*group)),
            Err(boxed) => Box::new(boxed) as Failure,
        },
        Err(failure) => failure,
    };
    let failure = match failure.downcast::<Box<dyn Error>>() {
        Ok(boxed) => match boxed.downcast::<ExceptionGroup<Box<dyn Error>>>() {
            Ok(group) => return What::Group(recast(*group)),
            Err(boxed) => Box::new(boxed) as Failure,
        },
        Err(failure) => failure,
    };
    What::Error(*failure.downcast().unwrap_or_else(|_| unreachable!("a task fails with E or with a group of E")))
}

/// A value of a type that is known to be `T`, since it was found inside an `E` of that type.
fn recast<T: Any>(value: impl Any) -> T {
    *(Box::new(value) as Box<dyn Any>).downcast().unwrap_or_else(|_| unreachable!("E is the box that was opened"))
}

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
