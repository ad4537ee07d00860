//! What a task failed with: an error, a nested group, or no more than "a task that I joined has failed".
//!
//! Before: `member.rs`. After: `leaves.rs`.
//!
//! All of it looks at types at run time, so that no trait is asked of the user's error.

use crate::BoxError;
use crate::exception_group::ExceptionGroup;
use crate::exception_group::member::What;
use crate::failures::Failure;
use crate::info::TaskInfo;
use crate::join_error::{JoinError, JoinErrorKind};
use std::any::Any;
use std::error::Error;
use std::sync::Arc;

/// Whether a failure is a nested group: it arrives as itself (`spawn_group`), or in the box that `?` put around it.
pub(crate) fn nest<E: 'static>(failure: Failure) -> What<E> {
    let failure: Box<dyn Any> = failure;
    let failure = match failure.downcast::<ExceptionGroup<E>>() {
        Ok(group) => return What::Group(*group),
        Err(failure) => failure,
    };
    let failure = match failure.downcast::<BoxError>() {
        Ok(boxed) => match boxed.downcast::<ExceptionGroup<BoxError>>() {
            Ok(group) => return What::Group(recast(*group)),
            Err(boxed) => Box::new(boxed) as Box<dyn Any>,
        },
        Err(failure) => failure,
    };
    let failure = match failure.downcast::<Box<dyn Error>>() {
        Ok(boxed) => match boxed.downcast::<ExceptionGroup<Box<dyn Error>>>() {
            Ok(group) => return What::Group(recast(*group)),
            Err(boxed) => Box::new(boxed) as Box<dyn Any>,
        },
        Err(failure) => failure,
    };
    #[cfg(feature = "anyhow")]
    let failure = match failure.downcast::<anyhow::Error>() {
        Ok(error) => match open_anyhow(*error) {
            Ok(group) => return What::Group(recast(group)),
            Err(error) => Box::new(error) as Box<dyn Any>,
        },
        Err(failure) => failure,
    };
    What::Error(*failure.downcast().unwrap_or_else(|_| unreachable!("a task fails with E or with a group of E")))
}

/// A value of a type that is known to be `T`, since it was found inside an `E` of that type.
fn recast<T: Any>(value: impl Any) -> T {
    *(Box::new(value) as Box<dyn Any>).downcast().unwrap_or_else(|_| unreachable!("E is the box that was opened"))
}

/// The group inside an `anyhow::Error`. Context that was put around it goes into its message.
///
/// A group that is itself the *context* of another error stays where it is: to take it out would lose that error.
#[cfg(feature = "anyhow")]
fn open_anyhow(error: anyhow::Error) -> Result<ExceptionGroup<anyhow::Error>, anyhow::Error> {
    if !error.root_cause().is::<ExceptionGroup<anyhow::Error>>() {
        return Err(error);
    }
    let around = error.chain().len() - 1;
    let context: Vec<_> = error.chain().take(around).map(ToString::to_string).collect();
    let group: ExceptionGroup<anyhow::Error> = error.downcast()?;
    Ok(if context.is_empty() { group } else { group.in_context(&context.join(": ")) })
}

/// The task whose failure the error does no more than repeat. Context around it would be more.
pub(crate) fn echo_of(failure: &dyn Any) -> Option<Arc<TaskInfo>> {
    let mut join_error = failure.downcast_ref::<JoinError>();
    if let Some(boxed) = failure.downcast_ref::<BoxError>() {
        join_error = boxed.downcast_ref();
    }
    if let Some(boxed) = failure.downcast_ref::<Box<dyn Error>>() {
        join_error = boxed.downcast_ref();
    }
    #[cfg(feature = "anyhow")]
    if let Some(error) = failure.downcast_ref::<anyhow::Error>() {
        join_error = error.downcast_ref().filter(|_| error.chain().len() == 1);
    }
    let join_error = join_error?;
    (*join_error.kind() == JoinErrorKind::Failed).then(|| join_error.task.clone())
}
