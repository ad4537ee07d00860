//! The steps around a body: each is the function of the library that it stands for, and the events of its ends.
//!
//! Before: `interpret.rs`. After: `gather.rs`, which is put together from the same parts.

use crate::interpret::{Flow, IfDropped, block};
use crate::program::{Body, Name, OnError, OnTimeout};
use crate::task::Cx;
use crate::trace::{End, Event};
use crate::tree::Tree;
use crate::world::Fault;
use futures_lite::FutureExt;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;
use taskgroup::{ExceptionGroup, TaskGroup, What, shield, task_group, timeout, with_cleanup};

impl Cx {
    pub(crate) async fn group(&self, name: &Name, body: &Body, on_error: &OnError) -> Flow {
        self.note(Event::GroupEnter(name.clone()));
        let exit = |end| self.note(Event::GroupExit(name.clone(), end));
        let cancelled = IfDropped::new(|| exit(End::Cancelled));
        let group = task_group(async |g: &TaskGroup<'_, '_, Tree>| {
            self.world.groups.borrow_mut().insert(name.clone(), g.spawner());
            block(self, body).await
        });
        let ended = AssertUnwindSafe(group).catch_unwind().await;
        cancelled.disarm();
        match ended {
            Ok(Ok(())) => {
                exit(End::Ok(()));
                Ok(())
            }
            Ok(Err(errors)) => {
                let tree = self.tree(errors);
                exit(End::Err(tree.clone()));
                self.handle(tree, on_error)
            }
            Err(payload) => {
                exit(End::Panic(self.world.panic_name(&*payload)));
                resume_unwind(payload)
            }
        }
    }

    pub(crate) async fn try_(&self, body: &Body, on_error: &OnError) -> Flow {
        match block(self, body).await {
            Ok(()) => Ok(()),
            Err(tree) => self.handle(tree, on_error),
        }
    }

    pub(crate) async fn try_finally(&self, body: &Body, cleanup: &Body) -> Flow {
        with_cleanup(block(self, body), async |_why| block(self, cleanup).await).await
    }

    pub(crate) async fn timeout(&self, ms: u64, body: &Body, on_timeout: OnTimeout) -> Flow {
        match timeout(Duration::from_millis(ms), block(self, body)).await {
            Ok(flow) => flow,
            Err(_elapsed) => {
                self.note(Event::Timeout(ms));
                match on_timeout {
                    OnTimeout::Catch => Ok(()),
                    OnTimeout::Propagate => Err(Tree::leaf("Timeout")),
                }
            }
        }
    }

    pub(crate) async fn shield(&self, body: &Body) -> Flow {
        shield(block(self, body)).await
    }

    /// `on_error`: takes its part of an error, and lets the rest go on.
    fn handle(&self, tree: Tree, on_error: &OnError) -> Flow {
        let (caught, rest) = tree.handled(on_error);
        if let Some(caught) = caught {
            self.note(Event::Caught(caught));
        }
        rest.map_or(Ok(()), Err)
    }

    /// A group's errors as one tree.
    pub(crate) fn tree(&self, errors: ExceptionGroup<Tree>) -> Tree {
        let members = errors.into_members().into_iter().map(|member| match member.into_what() {
            What::Error(tree) => tree,
            What::Group(errors) => self.tree(errors), // only from `spawn_group`, which no step uses
        });
        Tree::group(members.collect()).unwrap_or_else(|_too_large| {
            self.world.fail(Fault::TooLarge);
            Tree::leaf("TooLarge")
        })
    }
}
