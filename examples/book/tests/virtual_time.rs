//! The program of step 7 on the real runtime, to be drawn.
#![allow(clippy::print_stdout, reason = "it is made for the step")]

#[path = "../programs/three_days.rs"]
pub(crate) mod three_days;

use std::time::{Duration, Instant};
use taskgroup_runtime::{BlockOnError, Sleep, now as instant, spawn as spawn_root};

#[derive(Debug)]
pub(crate) enum Clock {
    Virtual,
}

#[derive(Debug)]
pub(crate) struct Stalled {
    pub(crate) tasks: usize,
}

thread_local! {
    static START: std::cell::Cell<Option<Instant>> = const { std::cell::Cell::new(None) };
}

fn now() -> Duration {
    START.get().map(|start| instant() - start).unwrap_or_default()
}

fn sleep(duration: Duration) -> Sleep {
    taskgroup_runtime::sleep(duration)
}

#[track_caller]
fn spawn(future: impl Future<Output = ()> + 'static) {
    drop(spawn_root(future));
}

fn block_on<T>(Clock::Virtual: Clock, main: impl Future<Output = T>) -> Result<T, Stalled> {
    super::record(|runtime| {
        let main = async {
            START.set(Some(instant()));
            main.await
        };
        runtime.try_block_on(main).map_err(|error| match error {
            BlockOnError::Stalled(stall) => Stalled { tasks: stall.tasks },
            error => panic!("{error}"),
        })
    })
}
