//! Wakers of another make between a body and its steps, as `join!` or `FuturesUnordered` would put them there.
//!
//! Before: `gather.rs`. After: `answer.rs`. Every trace must be the same behind each of them.

use crate::interpret::Flow;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// What stands between every body and its steps.
#[derive(Clone, Copy, Debug)]
pub enum Wakers {
    /// Nothing: the task's own waker is passed on.
    Own,
    /// A new waker at each poll.
    Fresh,
    /// One waker, which passes a wake on to whoever polled last.
    Kept,
    /// One waker, and only what was woken through it is polled, as `FuturesUnordered` does.
    Selective,
    /// Whatever this puts around the steps.
    Around(fn(Steps) -> Steps),
}

/// The steps of a body on their way, for [`Wakers::Around`].
pub type Steps = Pin<Box<dyn Future<Output = StepsEnd>>>;

/// How the steps of a body ended: the interpreter's affair.
pub struct StepsEnd(pub(crate) Flow);

impl fmt::Debug for StepsEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if self.0.is_ok() { "done" } else { "failed" })
    }
}

impl Wakers {
    /// All of another make.
    pub const FOREIGN: [Self; 3] = [Self::Fresh, Self::Kept, Self::Selective];

    pub(crate) fn around(self, body: impl Future<Output = Flow> + 'static) -> Pin<Box<dyn Future<Output = Flow>>> {
        let mut body = Box::pin(body);
        match self {
            Self::Own => return body,
            Self::Around(around) => {
                let steps = around(Box::pin(async { StepsEnd(body.await) }));
                return Box::pin(async { steps.await.0 });
            }
            Self::Fresh | Self::Kept | Self::Selective => {}
        }
        let mut kept = None;
        Box::pin(poll_fn(move |cx| {
            if matches!(self, Self::Fresh) {
                kept = None;
            }
            let foreign = kept.get_or_insert_with(|| Arc::new(Foreign::new(cx.waker())));
            foreign.pass_to(cx.waker());
            if !foreign.woken.swap(false, Ordering::Relaxed) && matches!(self, Self::Selective) {
                return Poll::Pending;
            }
            body.as_mut().poll(&mut Context::from_waker(&foreign.clone().into()))
        }))
    }
}

struct Foreign {
    /// From the start, so that there is a first poll.
    woken: AtomicBool,
    outer: Mutex<Waker>,
}

impl Foreign {
    fn new(outer: &Waker) -> Self {
        Self { woken: true.into(), outer: outer.clone().into() }
    }

    fn pass_to(&self, outer: &Waker) {
        self.outer.lock().unwrap_or_else(PoisonError::into_inner).clone_from(outer);
    }
}

impl Wake for Foreign {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        let outer = self.outer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        outer.wake();
    }
}
