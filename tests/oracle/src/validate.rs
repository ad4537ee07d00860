//! The rules that the form of a program cannot state: names are unique, groups are open around a `spawn`, a value is
//! set last.
//!
//! Before: `program.rs`. After: `interpret.rs`, which relies on them. The recursion is bounded by that of the JSON.

use crate::program::{Body, Name, Op, Step};
use std::collections::HashSet;

/// The rule that a program breaks.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// Names are unique; `main` is the main task.
    #[error("two tasks are called {0:?}")]
    TaskTwice(Name),
    /// Names are unique.
    #[error("two groups are called {0:?}")]
    GroupTwice(Name),
    /// A `spawn` names a group that encloses it.
    #[error("task {task:?} is to be spawned in group {group:?}, which is not around it")]
    GroupNotAround {
        /// The task.
        task: Name,
        /// The group.
        group: Name,
    },
    /// A value is set by the last step of a task.
    #[error("a `return` is not the last step of a task")]
    ReturnNotLast,
}

pub(crate) fn validate(main: &Body) -> Result<(), Invalid> {
    let mut names = Names::default();
    names.tasks.insert("main".into());
    names.task(main)
}

#[derive(Default)]
struct Names {
    tasks: HashSet<Name>,
    groups: HashSet<Name>,
    /// The groups around the step that is looked at.
    around: HashSet<Name>,
}

impl Names {
    /// The body of a task, which may end in a `return`.
    fn task(&mut self, body: &Body) -> Result<(), Invalid> {
        match body.split_last() {
            Some((Step(Op::Return { .. }), before)) => self.steps(before),
            _ => self.steps(body),
        }
    }

    fn steps(&mut self, steps: &[Step]) -> Result<(), Invalid> {
        steps.iter().try_for_each(|Step(op)| self.op(op))
    }

    fn op(&mut self, op: &Op) -> Result<(), Invalid> {
        match op {
            Op::Return { .. } => Err(Invalid::ReturnNotLast),
            Op::Spawn { group, name, body, .. } => {
                if !self.around.contains(group) {
                    return Err(Invalid::GroupNotAround { task: name.clone(), group: group.clone() });
                }
                self.new_task(name, body)
            }
            Op::Group { name, body, .. } => {
                if !self.groups.insert(name.clone()) {
                    return Err(Invalid::GroupTwice(name.clone()));
                }
                self.around.insert(name.clone());
                self.steps(body)?;
                self.around.remove(name);
                Ok(())
            }
            Op::Try { body, .. } | Op::Timeout { body, .. } | Op::Shield { body } => self.steps(body),
            Op::TryFinally { body, cleanup } => {
                self.steps(body)?;
                self.steps(cleanup)
            }
            Op::Gather { bodies, .. } => bodies.iter().try_for_each(|member| self.new_task(&member.name, &member.body)),
            Op::Log { .. } | Op::Sleep { .. } | Op::Yield {} | Op::Raise { .. } | Op::Panic { .. } => Ok(()),
            Op::AwaitTask { .. } | Op::CancelTask { .. } | Op::CancelSelf {} => Ok(()),
        }
    }

    fn new_task(&mut self, name: &Name, body: &Body) -> Result<(), Invalid> {
        if !self.tasks.insert(name.clone()) {
            return Err(Invalid::TaskTwice(name.clone()));
        }
        self.task(body)
    }
}
