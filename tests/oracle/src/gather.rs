//! The language's `gather`, put together from the library's parts.
//!
//! Before: `blocks.rs`. After: `wakers.rs`.
//!
//! It is not the library's, which fails with the whole tree: this one fails with the first error alone, lets a panic go
//! on only when all have ended, and is cancelled, if it was interrupted, whatever its tasks fail with then. A group
//! loses no error, so its tasks keep theirs from it; the step looks at their ends itself. Its two waits are a body and
//! a cleanup: the second runs whether the first was interrupted or not, and cannot be.

use crate::interpret::{Flow, IfDropped};
use crate::program::{Member, Name};
use crate::task::{self, Cx, ProgramTask};
use crate::trace::{End, Event};
use crate::tree::Tree;
use crate::world::{Panicked, World};
use futures_lite::FutureExt;
use std::cell::OnceCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::rc::Rc;
use std::task::{Context, Poll};
use taskgroup::{TaskGroup, task_group, with_cleanup};

/// The first ends of each kind among the tasks of a `gather`.
#[derive(Default)]
pub(crate) struct FirstEnds {
    error: OnceCell<Tree>,
    panic: OnceCell<Name>,
}

impl FirstEnds {
    /// A task has ended.
    pub(crate) fn note(&self, task: &ProgramTask) {
        match task.outcome.get() {
            Some(End::Err(tree)) => drop(self.error.set(tree.clone())),
            Some(End::Panic(name)) => drop(self.panic.set(name.clone())),
            _ => {}
        }
    }

    fn is_failure(&self) -> bool {
        self.error.get().is_some() || self.panic.get().is_some()
    }
}

impl Cx {
    pub(crate) async fn gather(&self, members: &[Member], return_exceptions: bool) -> Flow {
        let exit = |end| self.note(Event::GatherExit(end));
        let cancelled = IfDropped::new(|| exit(End::Cancelled));
        let ends = Rc::new(FirstEnds::default());
        let group = task_group(async |g: &TaskGroup<'_, '_, Tree>| {
            let spawner = g.spawner();
            let start = |member: &Member| {
                task::start(&self.world, &member.name, &member.body, &spawner, Some(ends.clone())).ok()
            };
            let tasks: Vec<_> = members.iter().filter_map(start).collect(); // a new group refuses nobody
            let enough = || !return_exceptions && ends.is_failure();
            let first_wait = async {
                self.wait("gather", poll_fn(|cx| poll_ends(&tasks, &self.world, enough, cx))).await;
                Ok(())
            };
            let second_wait = async |_why| {
                g.cancel("gather has what it waited for");
                poll_fn(|cx| poll_ends(&tasks, &self.world, || false, cx)).await;
                if let Some(name) = ends.panic.get() {
                    resume_unwind(Box::new(Panicked(name.to_string())));
                }
                Ok::<(), Tree>(())
            };
            with_cleanup(first_wait, second_wait).await?;
            Ok(tasks)
        });
        let ended = AssertUnwindSafe(group).catch_unwind().await;
        cancelled.disarm();
        match (ended, ends.error.get()) {
            (Err(payload), _) => {
                exit(End::Panic(self.world.panic_name(&*payload)));
                resume_unwind(payload)
            }
            (Ok(_), Some(tree)) if !return_exceptions => {
                exit(End::Err(tree.clone()));
                Err(tree.clone())
            }
            (Ok(tasks), _) => {
                let tasks = tasks.unwrap_or_default(); // no task of it fails
                exit(End::Ok(tasks.iter().filter_map(|task| task.outcome.get().cloned()).collect()));
                Ok(())
            }
        }
    }
}

/// Ready when all tasks have ended, or enough of them.
fn poll_ends(tasks: &[Rc<ProgramTask>], world: &World, enough: impl Fn() -> bool, cx: &mut Context<'_>) -> Poll<()> {
    let waiting = tasks.iter().filter(|task| task.poll_end(world, cx).is_pending()).count();
    if waiting == 0 || waiting < tasks.len() && enough() { Poll::Ready(()) } else { Poll::Pending }
}
