//! The program as a whole: the outermost probe, at which the world may be stopped.
//!
//! Before: `probe.rs`. After: `observed.rs`, `run.rs`.

use crate::injection::Kind;
use crate::observed::Ended;
use crate::probe::Probe;
use crate::program::Boxed;
use crate::stage::Stage;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Ends in what became of the program.
pub(crate) struct Whole {
    probe: Probe<Boxed>,
    stage: Rc<Stage>,
}

impl Whole {
    pub(crate) fn new(program: Boxed, stage: Rc<Stage>) -> Self {
        Self { probe: Probe::new(program, true), stage }
    }
}

impl Future for Whole {
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        let this = &mut *self;
        if let Poll::Ready(value) = Pin::new(&mut this.probe).poll(cx) {
            return Poll::Ready(Ended::Value(value));
        }
        let ended = match this.stage.halted.get() {
            None => return Poll::Pending,
            Some(Kind::Forget) => {
                mem::forget(this.probe.take());
                Ended::Forgotten
            }
            Some(Kind::Outlive) => {
                this.stage.put_away.set(this.probe.take().map(|program| *Pin::into_inner(program)));
                Ended::Forgotten
            }
            Some(_) => {
                let probe = &mut this.probe;
                this.stage.weigh(|| probe.drop_now());
                Ended::Dropped
            }
        };
        Poll::Ready(ended)
    }
}
