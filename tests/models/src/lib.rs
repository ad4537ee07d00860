//! Models: what other threads do to a runtime, in every order of steps that there is.
//!
//! Before: `runtime/src/remote.rs`, `runtime/src/sync.rs`. After: `wake.rs`, `region.rs`.
//!
//! What is tried here is the runtime itself, not a picture of it. It is compiled with loom's atomics, locks, thread-locals
//! and parking in the place of std's (`runtime/src/loom_sync.rs`), over the real queue, and with a stand-in for the poller
//! (`runtime/src/loom_reactor.rs`). loom then runs a program again and again, each time in another order of the threads'
//! steps, and with every value that a load may see. A thread that is never woken shows as a deadlock: in a model there are
//! no timeouts.
//!
//! ```sh
//! .ci/check.sh models
//! ```
#![cfg(all(test, taskgroup_loom))]

mod region;
mod wake;

use loom::model::Builder;
use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use taskgroup_runtime::Runtime;

/// Runs a task to its end, turn by turn. (`block_on` looks for a stall besides, with the same questions once more: that is
/// one model, and would be ten times the orders in all others.)
fn run<'env, T: 'env>(runtime: &Runtime<'env>, task: impl Future<Output = T> + 'env) -> T {
    let output = Rc::new(Cell::new(None));
    let kept = output.clone();
    let task = runtime.spawn(async move { kept.set(Some(task.await)) });
    while !task.is_finished() {
        runtime.turn(None).expect("it is in no turn");
    }
    output.take().expect("it has ended")
}

/// Every order of the steps of two threads.
fn every_order(program: impl Fn() + Send + Sync + 'static) {
    explore(None, program);
}

/// Every order in which threads are interrupted so often at most: for three threads, or two wakes in a row, which have too
/// many orders else.
fn interrupted_at_most(times: usize, program: impl Fn() + Send + Sync + 'static) {
    explore(Some(times), program);
}

#[allow(clippy::print_stderr, reason = "the test harness shows it when it is asked to")]
fn explore(preemption_bound: Option<usize>, program: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = preemption_bound;
    builder.max_branches = 10_000;
    let orders = Arc::new(AtomicUsize::new(0));
    let tried = orders.clone();
    builder.check(move || {
        orders.fetch_add(1, Ordering::Relaxed);
        program();
    });
    eprintln!("{} orders", tried.load(Ordering::Relaxed));
}
