//! Ourselves with somebody who listens: what an instrument costs.
//!
//! Before: nothing. After: `peers/taskgroup.rs`, `echo/servers/taskgroup.rs`, which run their work in such a runtime.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use taskgroup::instrument::{Event, Instrument};
use taskgroup::trace::Recorder;
use taskgroup::{Runtime, block_on};

/// Runs a future where somebody listens, or nobody.
pub trait Hearing: 'static {
    fn block_on<T>(main: impl Future<Output = T>) -> T;
}

/// Nobody listens: as programs are.
pub struct Nobody;

impl Hearing for Nobody {
    fn block_on<T>(main: impl Future<Output = T>) -> T {
        block_on(main)
    }
}

/// The least that an instrument can do: it counts.
pub struct Counter;

impl Hearing for Counter {
    fn block_on<T>(main: impl Future<Output = T>) -> T {
        #[derive(Default)]
        struct Events(Cell<u64>);

        impl Instrument for Events {
            fn hear(&self, _: Duration, _: &Event<'_>) {
                self.0.set(self.0.get() + 1);
            }
        }

        let runtime = Runtime::new();
        runtime.instrument(Rc::new(Events::default()));
        runtime.block_on(main)
    }
}

/// The recorder, which keeps a million events and counts the others.
pub struct Recording;

impl Hearing for Recording {
    fn block_on<T>(main: impl Future<Output = T>) -> T {
        let runtime = Runtime::new();
        runtime.instrument(Recorder::new());
        runtime.block_on(main)
    }
}
