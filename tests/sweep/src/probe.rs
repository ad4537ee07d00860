//! A future whose polls are counted, and at which things go wrong.
//!
//! Before: `stage.rs`. After: `whole.rs`, the probe around the whole program.

use crate::foreign::InForce;
use crate::losses::NOBODY;
use crate::stage::{Action, Stage};
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Counts the polls of `future`, and lets happen what the plan of the run says. Outside a sweep it does nothing.
///
/// To be put around a leaf, a block, a task, a region: whatever is polled and dropped.
pub fn probe<F: Future>(future: F) -> Probe<F> {
    Probe::new(future, false)
}

/// The future of [`probe`].
#[must_use = "futures do nothing unless awaited"]
pub struct Probe<F> {
    /// `None` when it is over, or was dropped or forgotten by an injection.
    future: Option<Pin<Box<F>>>,
    stage: Option<Rc<Stage>>,
    /// Its number on the stage, from the first poll on.
    number: u32,
    is_whole: bool,
    life: Life,
    /// The foreign waker of the last poll.
    in_force: Option<InForce>,
}

#[derive(PartialEq)]
enum Life {
    Usual,
    /// To be polled with a foreign waker the next time too.
    AnotherWaker,
    /// Not polled any more: pending for ever.
    Abandoned,
}

impl<F: Future> Probe<F> {
    pub(crate) fn new(future: F, is_whole: bool) -> Self {
        Self {
            future: Some(Box::pin(future)),
            stage: Stage::current(),
            number: NOBODY,
            is_whole,
            life: Life::Usual,
            in_force: None,
        }
    }

    /// The future, to be forgotten or put away.
    pub(crate) fn take(&mut self) -> Option<Pin<Box<F>>> {
        if let Some(stage) = &self.stage {
            stage.losses.lose(self.number);
        }
        self.future.take()
    }

    /// Drops the future where it is.
    pub(crate) fn drop_now(&mut self) {
        self.future = None;
    }

    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Poll<F::Output> {
        let future = self.future.as_mut().expect("a probe is not polled after its end");
        let polled = future.as_mut().poll(cx);
        if polled.is_ready() {
            self.future = None;
        }
        polled
    }

    fn poll_with_another_waker(&mut self, stage: &Stage, cx: &Context<'_>, panics: bool) -> Poll<F::Output> {
        let (waker, in_force) = stage.alive.waker(cx.waker(), panics);
        self.in_force = Some(in_force);
        self.poll_inner(&mut Context::from_waker(&waker))
    }

    fn act(&mut self, stage: &Rc<Stage>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match stage.poll(self.is_whole) {
            Action::Wait => Poll::Pending,
            Action::Poll if self.life == Life::AnotherWaker => {
                self.life = Life::Usual;
                self.poll_with_another_waker(stage, cx, false)
            }
            Action::Poll => {
                self.in_force = None;
                self.poll_inner(cx)
            }
            Action::Twice => {
                cx.waker().wake_by_ref();
                match self.poll_inner(cx) {
                    Poll::Pending => self.poll_inner(cx),
                    ready => ready,
                }
            }
            Action::WithAnotherWaker => {
                self.life = Life::AnotherWaker;
                self.poll_with_another_waker(stage, cx, false)
            }
            Action::WithPanickingWaker => self.poll_with_another_waker(stage, cx, true),
            Action::Abandon => {
                self.life = Life::Abandoned;
                Poll::Pending
            }
            Action::DropPart => {
                self.life = Life::Abandoned;
                stage.weigh(|| self.future = None);
                Poll::Pending
            }
            Action::ForgetPart => {
                self.life = Life::Abandoned;
                mem::forget(self.take());
                Poll::Pending
            }
        }
    }
}

impl<F: Future> Future for Probe<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let Some(stage) = this.stage.clone() else { return this.poll_inner(cx) };
        if this.number == NOBODY {
            this.number = stage.losses.add_probe();
        } else if stage.losses.is_lost(this.number) && this.future.is_some() {
            stage.violate(format!("probe {} was polled inside a forgotten future", this.number));
        }
        if this.life == Life::Abandoned {
            return Poll::Pending;
        }
        let _around = Entered::new(&stage, this.number);
        this.act(&stage, cx)
    }
}

impl<F> Unpin for Probe<F> {}

impl<F> Drop for Probe<F> {
    fn drop(&mut self) {
        let (Some(stage), Some(future)) = (self.stage.take(), self.future.take()) else { return };
        if self.number != NOBODY && stage.losses.is_lost(self.number) {
            stage.violate(format!("probe {} was dropped inside a forgotten future", self.number));
        }
        let _around = Entered::new(&stage, self.number);
        drop(future);
    }
}

/// A probe is the current one until this is dropped, also by a panic.
struct Entered<'a> {
    stage: &'a Stage,
    before: u32,
}

impl<'a> Entered<'a> {
    fn new(stage: &'a Stage, number: u32) -> Self {
        Self { stage, before: stage.losses.enter(number) }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.stage.losses.enter(self.before);
    }
}
