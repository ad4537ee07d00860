//! A task of the program: started in a group, joined by anybody, its end noted however it comes.
//!
//! Before: `world.rs`. After: `interpret.rs`.

use crate::gather::FirstEnds;
use crate::interpret::{Flow, block};
use crate::program::{Body, Name};
use crate::trace::{End, Event, Outcome};
use crate::tree::Tree;
use crate::world::{Fault, World};
use futures_lite::FutureExt;
use serde_json::Value;
use std::any::Any;
use std::cell::{OnceCell, RefCell};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use taskgroup::{JoinError, JoinErrorKind, Spawner, Task};

pub(crate) struct ProgramTask {
    pub(crate) name: Name,
    /// What `return` set.
    pub(crate) value: RefCell<Value>,
    pub(crate) outcome: OnceCell<Outcome>,
    /// It belongs to a `gather`.
    is_gathered: bool,
    /// Empty only inside [`start`], and for good if the group refused the task.
    handle: RefCell<Option<Task<()>>>,
    joiners: Arc<Joiners>,
}

/// Who runs a step: a task of a program.
#[derive(Clone)]
pub(crate) struct Cx {
    pub(crate) world: Rc<World>,
    pub(crate) task: Rc<ProgramTask>,
}

impl Cx {
    pub(crate) fn note(&self, event: Event) {
        self.world.note(&self.task.name, event);
    }
}

/// Starts a task, or says why not, as the leaf of that name. A task of a `gather` tells that of its end, and its group
/// nothing.
pub(crate) fn start(
    world: &Rc<World>,
    name: &Name,
    body: &Body,
    spawner: &Spawner<Tree>,
    gathered: Option<Rc<FirstEnds>>,
) -> Result<Rc<ProgramTask>, &'static str> {
    let task = Rc::new(ProgramTask {
        name: name.clone(),
        value: RefCell::new(Value::Null),
        outcome: OnceCell::new(),
        is_gathered: gathered.is_some(),
        handle: RefCell::default(),
        joiners: Arc::default(),
    });
    let cx = Cx { world: world.clone(), task: task.clone() };
    let (ending, body) = (Ending(cx.clone()), body.clone());
    let spawned = spawner.spawn(async move {
        let ending = ending;
        cx.note(Event::Start);
        let ended = AssertUnwindSafe(block(&cx, &body)).catch_unwind().await;
        ending.end(&ended);
        match gathered {
            Some(ends) => Ok(ends.note(&cx.task)),
            None => ended.unwrap_or_else(|payload| resume_unwind(payload)),
        }
    });
    match spawned {
        Ok(handle) => {
            *task.handle.borrow_mut() = Some(handle.named(&**name));
            world.tasks.borrow_mut().insert(name.clone(), task.clone());
            Ok(task)
        }
        Err(refused) if refused.is_finished() => Err("GroupFinished"),
        Err(_) => Err("GroupShuttingDown"),
    }
}

/// Notes the end of a task. It is dropped with the task's future, so that a task which is cancelled, started or not,
/// has an end too.
struct Ending(Cx);

impl Ending {
    fn end(&self, ended: &Result<Flow, Box<dyn Any + Send>>) {
        let Self(cx) = self;
        self.note(match ended {
            Ok(Ok(())) => End::Ok(cx.task.value.take()),
            Ok(Err(tree)) => End::Err(tree.clone()),
            Err(payload) => End::Panic(cx.world.panic_name(&**payload)),
        });
    }

    fn note(&self, outcome: Outcome) {
        let Self(cx) = self;
        if cx.task.outcome.set(outcome.clone()).is_ok() {
            cx.note(Event::End(outcome));
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let Self(cx) = &*self;
        // A task that was refused never was one.
        if cx.task.handle.borrow().is_some() && cx.task.outcome.get().is_none() {
            self.note(End::Cancelled);
        }
    }
}

impl ProgramTask {
    /// Asks the task to end. False if it had.
    pub(crate) fn cancel(&self) -> bool {
        self.handle.borrow().as_ref().is_some_and(|handle| handle.cancel("a step asked"))
    }

    /// Waits for the end. A cancellation point, as awaiting the handle is.
    pub(crate) fn poll_end(&self, world: &World, cx: &mut Context<'_>) -> Poll<Outcome> {
        let waker = Waker::from(self.joiners.clone());
        let joined = match &mut *self.handle.borrow_mut() {
            Some(handle) => Pin::new(handle).poll(&mut Context::from_waker(&waker)),
            None => Poll::Pending,
        };
        match joined {
            Poll::Pending => {
                self.joiners.add(cx.waker());
                Poll::Pending
            }
            Poll::Ready(joined) => Poll::Ready(self.agreed(world, joined)),
        }
    }

    /// How the task ended. The handle, which knows no trees, must tell the same story; but a task of a `gather` keeps
    /// its failures from its group.
    fn agreed(&self, world: &World, joined: Result<(), JoinError>) -> Outcome {
        let outcome = self.outcome.get().cloned().unwrap_or(End::Cancelled);
        let kind = joined.err().map(|error| error.kind().clone());
        let agree = match (&kind, &outcome) {
            (None | Some(JoinErrorKind::Taken), End::Ok(_)) => true,
            (None | Some(JoinErrorKind::Taken), End::Err(_) | End::Panic(_)) => self.is_gathered,
            (Some(JoinErrorKind::Failed), End::Err(_)) => !self.is_gathered,
            (Some(JoinErrorKind::Panicked), End::Panic(_)) => !self.is_gathered,
            (Some(JoinErrorKind::Cancelled(_)), End::Cancelled) => true,
            _ => false,
        };
        if !agree {
            let (handle, trace) = (format!("{kind:?}"), format!("{outcome:?}"));
            world.fail(Fault::Disagree { task: self.name.to_string(), handle, trace });
        }
        outcome
    }
}

/// Those who wait for one task. A handle tells one; this is the one, and tells them all, in order.
#[derive(Default)]
struct Joiners(Mutex<Vec<Waker>>);

impl Joiners {
    fn add(&self, waker: &Waker) {
        let mut joiners = self.lock();
        if !joiners.iter().any(|joiner| joiner.will_wake(waker)) {
            joiners.push(waker.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Joiners {
    fn wake(self: Arc<Self>) {
        let joiners = std::mem::take(&mut *self.lock());
        joiners.into_iter().for_each(Waker::wake);
    }
}
