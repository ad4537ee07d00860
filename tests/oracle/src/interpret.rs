//! The interpreter: a run, a body, and the steps that have none.
//!
//! Before: `task.rs`. After: `blocks.rs` and `gather.rs`, the steps around a body.
//!
//! A step that fails returns its tree with `?`, a panic is a panic, and a cancelled step is dropped where it waits: the
//! four ends of the language are those of a Rust future.

use crate::program::{Body, Name, OnReject, Op, Program, Step};
use crate::recorded::Recorded;
use crate::task::{self, Cx};
use crate::trace::{End, Event};
use crate::tree::Tree;
use crate::wakers::Wakers;
use crate::world::{Fault, Panicked, World, panic_text};
use futures_lite::FutureExt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;
use taskgroup::{BlockOnError, Clock, Runtime, TaskGroup, node_count, now, set_reporter, sleep, task_group, yield_now};

/// How a body ends, if it is neither cancelled nor panics.
pub(crate) type Flow = Result<(), Tree>;

/// Runs a program in virtual time, and looks that nothing is left of it.
///
/// `wakers` puts wakers of another make between every body and its steps, which must change nothing.
///
/// # Errors
///
/// [`Fault`]: the program stands still or is too large, or the library is at fault.
pub fn run(program: &Program, wakers: Wakers) -> Result<Recorded, Fault> {
    let nodes = node_count();
    // What a panic displaces is in the trace.
    let reporter = set_reporter(Some(|_| {}));
    let runtime = Runtime::with_clock(Clock::Autojump);
    let world = Rc::new(World::new(runtime.now(), wakers));
    let whole = whole(&world, &program.main);
    let ended = catch_unwind(AssertUnwindSafe(|| runtime.try_block_on(whole)));
    set_reporter(reporter);
    match ended {
        Err(payload) => return Err(Fault::Panicked(panic_text(&*payload).to_owned())),
        Ok(Err(BlockOnError::Stalled(stall))) => {
            return Err(world.take_fault().unwrap_or(Fault::Stalled(stall.to_string())));
        }
        Ok(Err(error)) => return Err(Fault::NotRun(error.to_string())),
        Ok(Ok(())) => {}
    }
    let recorded = world.recorded()?;
    let census = runtime.census();
    drop(runtime);
    let (nodes, futures) = (node_count().abs_diff(nodes), Rc::strong_count(&world) - 1);
    if nodes + futures + census.tasks + census.timers + census.sources > 0 {
        let (tasks, timers, sources) = (census.tasks, census.timers, census.sources);
        return Err(Fault::Left { nodes, futures, tasks, timers, sources });
    }
    Ok(recorded)
}

/// The same as a future, for who brings a runtime and has something else in mind; on the virtual clock, or it takes its
/// time.
///
/// # Errors
///
/// [`Fault`], but for what is left afterwards and for a standstill, which only a runtime can see.
///
/// # Cancel
///
/// Cancels the main task of the program, as `cancel_task` with `"main"` does, and gives no trace.
pub fn future(program: &Program, wakers: Wakers) -> impl Future<Output = Result<Recorded, Fault>> + 'static {
    let main = program.main.clone();
    async move {
        let world = Rc::new(World::new(now(), wakers));
        whole(&world, &main).await;
        world.recorded()
    }
}

/// The main task, in a group of its own: so it has a handle, and steps can cancel it like any other.
async fn whole(world: &Rc<World>, main: &Body) {
    let group = task_group(async |g: &TaskGroup<'_, '_, Tree>| {
        // A new group refuses nobody.
        let _main = task::start(world, &"main".into(), main, &g.spawner(), None);
        Ok(())
    });
    // How it ended is in the trace.
    let _ended = AssertUnwindSafe(group).catch_unwind().await;
}

/// Runs a body.
pub(crate) fn block(cx: &Cx, body: &Body) -> Pin<Box<dyn Future<Output = Flow>>> {
    let (cx, body) = (cx.clone(), body.clone());
    let wakers = cx.world.wakers;
    wakers.around(async move {
        for Step(op) in &*body {
            cx.step(op).await?;
        }
        Ok(())
    })
}

impl Cx {
    async fn step(&self, op: &Op) -> Flow {
        match op {
            Op::Log { label } => self.note(Event::Log(label.clone())),
            Op::Sleep { ms } => self.wait("sleep", sleep(Duration::from_millis(ms.get()))).await,
            Op::Yield {} => self.wait("yield", yield_now()).await,
            Op::Raise { error } => {
                self.note(Event::Raise(error.clone()));
                return Err(Tree::Leaf(error.clone()));
            }
            Op::Panic { name } => {
                self.note(Event::Panic(name.clone()));
                resume_unwind(Box::new(Panicked(name.to_string()))) // says nothing on standard error
            }
            Op::Return { value } => *self.task.value.borrow_mut() = value.clone(),
            Op::Spawn { group, name, body, on_reject } => return self.spawn(group, name, body, *on_reject),
            Op::AwaitTask { task } => return self.await_task(task).await,
            Op::CancelTask { task } => self.cancel_task(task),
            Op::CancelSelf {} => self.cancel_task(&self.task.name),
            Op::Group { name, body, on_error } => return self.group(name, body, on_error).await,
            Op::Try { body, on_error } => return self.try_(body, on_error).await,
            Op::TryFinally { body, cleanup } => return self.try_finally(body, cleanup).await,
            Op::Timeout { ms, body, on_timeout } => return self.timeout(*ms, body, *on_timeout).await,
            Op::Shield { body } => return self.shield(body).await,
            Op::Gather { bodies, return_exceptions } => return self.gather(bodies, *return_exceptions).await,
        }
        Ok(())
    }

    /// A wait of this task: if it is dropped, a request was delivered.
    pub(crate) async fn wait<T>(&self, op: &'static str, future: impl Future<Output = T>) -> T {
        let interrupted = IfDropped::new(|| self.note(Event::Interrupted(op)));
        let output = future.await;
        interrupted.disarm();
        output
    }

    /// The task starts later, so its events come after this one's.
    fn spawn(&self, group: &Name, name: &Name, body: &Body, on_reject: OnReject) -> Flow {
        let spawner = self.world.groups.borrow()[group].clone(); // around this step, hence entered
        let (group, task) = (group.clone(), name.clone());
        match task::start(&self.world, name, body, &spawner, None) {
            Ok(_) => self.note(Event::Spawn { group, task }),
            Err(why) => {
                self.note(Event::SpawnRejected { group, task, why });
                if on_reject == OnReject::Raise {
                    return Err(Tree::leaf(why));
                }
            }
        }
        Ok(())
    }

    fn cancel_task(&self, name: &Name) {
        match self.world.task(name) {
            Some(task) => {
                let effect = task.cancel();
                self.note(Event::Cancel { task: name.clone(), effect });
            }
            None => self.note(Event::NoTask(name.clone())),
        }
    }

    async fn await_task(&self, name: &Name) -> Flow {
        let Some(task) = self.world.task(name) else {
            self.note(Event::NoTask(name.clone()));
            return Ok(());
        };
        let outcome = self.wait("await_task", poll_fn(|cx| task.poll_end(&self.world, cx))).await;
        self.note(Event::Joined(name.clone(), outcome.clone()));
        match outcome {
            End::Ok(_) => Ok(()),
            End::Err(tree) => Err(tree),
            End::Cancelled => Err(Tree::leaf("JoinCancelled")),
            End::Panic(_) => Err(Tree::leaf("JoinPanicked")),
        }
    }
}

/// Does something if it is dropped, and nothing if it was disarmed before.
pub(crate) struct IfDropped<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> IfDropped<F> {
    pub(crate) fn new(then: F) -> Self {
        Self(Some(then))
    }

    pub(crate) fn disarm(mut self) {
        self.0 = None;
    }
}

impl<F: FnOnce()> Drop for IfDropped<F> {
    fn drop(&mut self) {
        if let Some(then) = self.0.take() {
            then();
        }
    }
}
