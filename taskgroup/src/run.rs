//! A program as one task group, which Ctrl-C cancels.
//!
//! Before: `task_group.rs`, `scope.rs`, `run_error.rs`. After: nothing.

use crate::exception_group::ExceptionGroup;
use crate::group::TaskGroup;
use crate::reason::Reason;
use crate::run_error::RunError;
use crate::scope::CancelScope;
use crate::task_group::task_group;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;
use taskgroup_runtime::signal::{SignalKind, Signals};
use taskgroup_runtime::{Runtime, runtime_of_block_on};

/// Runs a program: makes a runtime, and runs `body` with a task group in it, the root of all its tasks.
///
/// - **The first Ctrl-C** (`SIGINT`) cancels the group, for [`Reason::Interrupt`]: tasks are dropped where they wait, async
///   cleanups run and are waited for, and then this returns [`RunError::Interrupted`].
/// - **The second** ends the process at once, as the system does by default: no cleanup, no destructor, and for the shell
///   a process that was killed by `SIGINT` (`$?` is 130). That is done by the handler, so it also ends a program that is
///   stuck in a loop and has not even noticed the first.
/// - Errors win: if the group fails, or a cleanup does after Ctrl-C, it is [`RunError::Failed`], which still says that
///   there was a signal. A value wins too: a body that ends before it notices has ended.
/// - Afterwards Ctrl-C ends the process again, unless something else listens.
///
/// `SIGTERM` and others are left alone; [`Runner`] takes any, and a runtime of your making, and a limit for the cleanups.
///
/// Source: `asyncio.run` and its `Runner`, of which the second Ctrl-C raises an exception wherever the program is; a Rust
/// program can only be ended.
///
/// In debug builds the runtime has a [`Watchdog`](crate::Watchdog), as with [`block_on`](crate::block_on()).
///
/// # Errors
///
/// [`RunError`]: as said; and when called inside a task of any runtime on this thread.
///
/// # Panics
///
/// Where a task or the body panicked.
///
/// ```
/// use std::process::ExitCode;
/// use std::time::Duration;
/// use taskgroup::{BoxError, sleep};
///
/// async fn work() -> Result<(), BoxError> {
///     Ok(sleep(Duration::from_millis(1)).await)
/// }
///
/// fn main() -> ExitCode {
///     let ended = taskgroup::run(async |g| {
///         g.spawn(work());
///         Ok(())
///     });
///     match ended {
///         Ok(()) => ExitCode::SUCCESS,
///         Err(error) => {
///             eprintln!("{error:#}");
///             error.exit_code() // 130 after Ctrl-C
///         }
///     }
/// }
/// ```
#[track_caller]
pub fn run<'env, E, T, F>(body: F) -> Result<T, RunError<E>>
where
    E: 'static,
    F: for<'scope> AsyncFnOnce(&'scope TaskGroup<'scope, 'env, E>) -> Result<T, E>,
{
    Runner::new(&runtime_of_block_on()).run(body)
}

/// Runs a program as [`run`](run()) does, in a runtime of your making.
///
/// ```
/// use std::time::Duration;
/// use taskgroup::signal::SignalKind;
/// use taskgroup::{Clock, RunError, Runner, Runtime, sleep};
/// # use signal_hook::{consts::SIGTERM, low_level::raise};
///
/// let runtime = Runtime::with_clock(Clock::Autojump);
/// let runner = Runner::new(&runtime)
///     .signals([SignalKind::INTERRUPT, SignalKind::TERMINATE])
///     .grace(Duration::from_secs(5));
/// let ended: Result<(), RunError<std::io::Error>> = runner.run(async |g| {
///     # g.spawn(async { raise(SIGTERM) });
///     Ok(sleep(Duration::from_secs(3600)).await)
/// });
/// assert_eq!(ended.expect_err("SIGTERM has come").to_string(), "interrupted by SIGTERM");
/// ```
#[derive(Debug)]
#[must_use = "nothing is run yet"]
pub struct Runner<'a, 'rt> {
    runtime: &'a Runtime<'rt>,
    signals: Vec<SignalKind>,
    grace: Option<Duration>,
}

impl<'a, 'rt> Runner<'a, 'rt> {
    /// Runs in this runtime, and hears Ctrl-C.
    pub fn new(runtime: &'a Runtime<'rt>) -> Self {
        Self { runtime, signals: vec![SignalKind::INTERRUPT], grace: None }
    }

    /// Hears these signals instead, for instance `SIGTERM` too, as services do. The first of them cancels, the second, of
    /// any of these kinds, has its default effect. None: then nothing is listened to.
    pub fn signals(mut self, kinds: impl IntoIterator<Item = SignalKind>) -> Self {
        self.signals = kinds.into_iter().collect();
        self
    }

    /// Bounds the cleanups after a signal: what has not ended so long after it is dropped with nothing but destructors.
    /// As [`CancelScope::grace`].
    pub fn grace(mut self, limit: Duration) -> Self {
        self.grace = Some(limit);
        self
    }

    /// Runs the program. Waiting for signals keeps no virtual clock from moving, and hides no stall.
    ///
    /// # Errors
    ///
    /// As [`run`](run()); and [`RunError::Signals`] for signals that cannot be listened to.
    ///
    /// # Panics
    ///
    /// Where a task or the body panicked.
    #[track_caller]
    pub fn run<'env, E, T, F>(self, body: F) -> Result<T, RunError<E>>
    where
        E: 'static,
        F: for<'scope> AsyncFnOnce(&'scope TaskGroup<'scope, 'env, E>) -> Result<T, E>,
    {
        let root = task_group(body);
        let ended = self.runtime.try_block_on(listen(self.signals, self.grace, root));
        ended.unwrap_or_else(|error| Err(RunError::Loop(error)))
    }
}

/// Runs the root group, and cancels it when a signal comes.
async fn listen<T, E: 'static>(
    kinds: Vec<SignalKind>,
    grace: Option<Duration>,
    root: impl Future<Output = Result<T, ExceptionGroup<E>>>,
) -> Result<T, RunError<E>> {
    let signals = match kinds.is_empty() {
        true => None,
        false => Some(Signals::then_default(kinds).map_err(RunError::Signals)?.in_background()),
    };
    let scope = CancelScope::new();
    if let Some(grace) = grace {
        scope.grace(grace);
    }
    let heard = Cell::new(None);
    let listen = |cx: &mut Context<'_>| {
        if let Some(signals) = &signals
            && heard.get().is_none()
            && let Poll::Ready(signal) = signals.poll_recv(cx)?
        {
            heard.set(Some(signal));
            scope.cancel(Reason::Interrupt);
        }
        io::Result::Ok(())
    };
    let ended = {
        let mut root = pin!(scope.run(root));
        poll_fn(|cx| match listen(cx) {
            Ok(()) => root.as_mut().poll(cx).map(Ok),
            Err(error) => Poll::Ready(Err(error)),
        })
        .await
        .map_err(RunError::Signals)?
    };
    match (ended, heard.get()) {
        (Ok(Ok(value)), _) => Ok(value),
        (Ok(Err(errors)), signal) => Err(RunError::Failed { errors, signal }),
        (Err(cancelled), Some(signal)) => Err(RunError::Interrupted { signal, cut_off: cancelled.was_cut_off() }),
        (Err(_), None) => unreachable!("nobody else has the scope"),
    }
}
