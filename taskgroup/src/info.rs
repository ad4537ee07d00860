//! Who a task is: its name, its place, its path.
//!
//! Before: nothing. After: `reason.rs`, `tree/node.rs`.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// What a live task carries in the tree of scopes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// Given by the user, if any.
    pub(crate) name: Option<Arc<str>>,
    /// Which child of its group it is, from 1 on.
    pub(crate) number: u32,
    /// Where `spawn` was called.
    pub(crate) place: &'static Location<'static>,
}

/// Who a task is, as errors tell it: name, path and where it was spawned.
///
/// `Send + Sync + 'static`, and independent of the task: it may be long over.
#[derive(Clone)]
pub struct TaskInfo {
    label: Label,
    parent: Option<Arc<TaskInfo>>,
}

impl TaskInfo {
    pub(crate) fn new(label: Label, parent: Option<Arc<Self>>) -> Self {
        Self { label, parent }
    }

    /// The name that the task was given with [`Task::named`](crate::Task::named), or `#3` for the third child of its
    /// group.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        match &self.label.name {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(format!("#{}", self.label.number)),
        }
    }

    /// Where it was spawned.
    #[must_use]
    pub fn place(&self) -> &'static Location<'static> {
        self.label.place
    }

    /// The task in which its group was opened. `None`: a root task, which has no name.
    #[must_use]
    pub fn parent(&self) -> Option<&Self> {
        self.parent.as_deref()
    }

    /// The names from the outermost task down to this one, joined by slashes.
    #[must_use]
    pub fn path(&self) -> String {
        let mut names = vec![self.name()];
        let mut above = self.parent();
        while let Some(task) = above {
            names.push(task.name());
            above = task.parent();
        }
        names.reverse();
        names.join("/")
    }
}

impl PartialEq for TaskInfo {
    /// Paths can be deep: no recursion.
    fn eq(&self, other: &Self) -> bool {
        let (mut one, mut two) = (Some(self), Some(other));
        while let (Some(a), Some(b)) = (one, two) {
            if std::ptr::eq(a, b) {
                return true;
            }
            if a.label != b.label {
                return false;
            }
            (one, two) = (a.parent(), b.parent());
        }
        one.is_none() && two.is_none()
    }
}

impl Eq for TaskInfo {}

impl fmt::Debug for TaskInfo {
    /// As [`Display`](fmt::Display): what is inside is of no interest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TaskInfo {
    /// `fetch/#2 (src/main.rs:17)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.path(), self.place().file(), self.place().line())
    }
}

/// A task, as reports name it; `None` is the root task, which has no name.
pub(crate) struct InTask(pub(crate) Option<Arc<TaskInfo>>);

impl fmt::Display for InTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(task) => write!(f, "task {task}"),
            None => f.write_str("the root task"),
        }
    }
}

impl Drop for TaskInfo {
    /// Paths can be deep: parents are let go of in a loop.
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(task) = parent {
            parent = Arc::into_inner(task).and_then(|mut task| task.parent.take());
        }
    }
}
