//! Cancel scopes: a handle that cancels what runs in it.
//!
//! Before: `drive.rs`, `timeout.rs`. After: nothing.

use crate::cancelled::Cancelled;
use crate::drive::{Driven, End, absorb};
use crate::reason::Reason;
use crate::tree::{self, Kind, NodeId};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use taskgroup_runtime::{Sleep, now, sleep_until};

/// Cancels what runs in it: by hand, from anywhere on the thread, or when its deadline comes.
///
/// Clones are handles of the same scope. A scope that was cancelled stays so: what is run in it afterwards is
/// cancelled at its first wait. It may be run several times, also at once; a cancel reaches all.
///
/// Source: Trio's `CancelScope`; asyncio's `Timeout` with its `reschedule`. For a mere deadline
/// [`timeout`](crate::timeout) is simpler.
///
/// ```
/// use std::time::Duration;
/// use taskgroup::{CancelScope, Clock, ExceptionGroup, Runtime, sleep, task_group};
///
/// # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
/// Runtime::with_clock(Clock::Autojump).block_on(async {
///     let scope = CancelScope::new();
///     task_group(async |g| {
///         g.spawn(async {
///             sleep(Duration::from_secs(1)).await;
///             scope.cancel("the user closed the window");
///         });
///         let ended = scope.run(sleep(Duration::from_secs(60))).await;
///         let why = ended.map_err(|cancelled| cancelled.reason().to_string());
///         assert_eq!(why, Err("the user closed the window".to_string()));
///         Ok(())
///     })
///     .await
/// })
/// # }
/// ```
#[derive(Clone)]
pub struct CancelScope {
    state: Rc<State>,
}

struct State {
    /// The first one.
    reason: RefCell<Option<Reason>>,
    /// When it was made: a deadline is told as a time from then.
    made: Instant,
    deadline: Cell<Option<Instant>>,
    grace: Cell<Option<Duration>>,
    caught: Cell<bool>,
    /// What runs in it now, in the order in which that began.
    runs: RefCell<BTreeMap<u64, NodeId>>,
    /// How many ever ran in it.
    begun: Cell<u64>,
}

impl CancelScope {
    /// A scope without a deadline.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it reads a clock")]
    pub fn new() -> Self {
        let (reason, deadline, grace) = (RefCell::default(), Cell::default(), Cell::default());
        let (caught, runs, begun) = (Cell::default(), RefCell::default(), Cell::default());
        Self { state: Rc::new(State { reason, made: now(), deadline, grace, caught, runs, begun }) }
    }

    /// Runs `future` in the scope.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] if the scope was cancelled before the future ended. A value that it reaches in spite of that is
    /// returned. If what is around this is cancelled as well, that cancel goes on.
    ///
    /// # Panics
    ///
    /// Where the future panics; and, if there is a deadline or a grace that runs, when polled outside a runtime.
    ///
    /// # Cancel
    ///
    /// As `future` is. Entering is no wait: under a cancel the future runs to its first wait.
    pub async fn run<F: Future>(&self, future: F) -> Result<F::Output, Cancelled> {
        let future = pin!(Some(future));
        let ended = absorb(Run::new(&self.state, future).await).await;
        if ended.is_err() {
            self.state.caught.set(true);
        }
        ended
    }

    /// Cancels what runs in the scope, and what will be run in it.
    ///
    /// Nothing is dropped in this call: each future ends in its own turn, after its cleanups. Asked again, the first
    /// reason stands.
    pub fn cancel(&self, reason: impl Into<Reason>) {
        self.state.cancel(reason.into());
    }

    /// Moves the deadline; `None` is never. A past one cancels at the next poll of what runs here. No effect on a scope
    /// that is cancelled already.
    pub fn set_deadline(&self, deadline: impl Into<Option<Instant>>) {
        self.state.deadline.set(deadline.into());
        self.state.wake();
    }

    /// Sets the deadline to so much time from now.
    pub fn set_timeout(&self, limit: Duration) {
        self.set_deadline(now().checked_add(limit));
    }

    /// The deadline, if there is one.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.state.deadline.get()
    }

    /// Bounds the cleanups: what has not ended so long after the cancel is dropped, shields and cleanups included, with
    /// nothing but destructors. [`Cancelled::was_cut_off`] says so, and the reporter. For runs that begin later.
    pub fn grace(&self, limit: Duration) {
        self.state.grace.set(Some(limit));
    }

    /// Why the scope was cancelled, if it was. (Trio: `cancel_called`.)
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.state.reason.borrow().clone()
    }

    /// Whether a run has ended by this scope's cancel.
    #[must_use]
    pub fn cancelled_caught(&self) -> bool {
        self.state.caught.get()
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelScope").field("reason", &self.reason()).field("deadline", &self.deadline()).finish()
    }
}

impl State {
    fn cancel(&self, reason: Reason) {
        let reason = self.reason.borrow_mut().get_or_insert(reason).clone();
        tree::cancel_all(self.runs(), &reason);
    }

    fn wake(&self) {
        tree::wake(self.runs());
    }

    /// A copy: who is woken may begin and end runs.
    fn runs(&self) -> Vec<NodeId> {
        self.runs.borrow().values().copied().collect()
    }

    fn deadline_reason(&self, deadline: Instant) -> Reason {
        Reason::Deadline(deadline.saturating_duration_since(self.made))
    }
}

/// A future in a scope, and the scope's deadline.
struct Run<'a, F> {
    state: &'a State,
    /// Its number among the scope's runs.
    number: u64,
    driven: Driven<'a, F>,
    /// The deadline that `alarm` is for.
    armed: Option<Instant>,
    alarm: Option<Sleep>,
}

impl<'a, F> Run<'a, F> {
    fn new(state: &'a State, future: Pin<&'a mut Option<F>>) -> Self {
        let driven = Driven::new(Kind::Scope, future);
        let node = driven.node();
        if let Some(grace) = state.grace.get() {
            tree::set_grace(node, grace);
        }
        let number = state.begun.get();
        state.begun.set(number + 1);
        state.runs.borrow_mut().insert(number, node);
        let reason = state.reason.borrow().clone();
        if let Some(reason) = reason {
            tree::cancel(node, &reason);
        }
        Self { state, number, driven, armed: None, alarm: None }
    }

    /// Cancels when the deadline has come, wherever that was moved to.
    fn watch(&mut self, cx: &mut Context<'_>) {
        if self.armed != self.state.deadline.get() {
            self.armed = self.state.deadline.get();
            self.alarm = self.armed.map(sleep_until);
        }
        let (Some(deadline), Some(alarm)) = (self.armed, &mut self.alarm) else { return };
        // The alarm is no wait that freezes; see `timeout.rs`. One that is late already waits for no turn.
        if alarm.poll_unfrozen(cx).is_ready() || deadline <= now() {
            self.alarm = None;
            self.state.cancel(self.state.deadline_reason(deadline));
        }
    }
}

impl<F: Future> Future for Run<'_, F> {
    type Output = End<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.watch(cx);
        Pin::new(&mut this.driven).poll(cx)
    }
}

impl<F> Drop for Run<'_, F> {
    /// The node goes after this, and nobody may cancel it then. (Its destructors may try.)
    fn drop(&mut self) {
        self.state.runs.borrow_mut().remove(&self.number);
    }
}
