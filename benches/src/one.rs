//! `one`: a sample in a process of its own, so that no peer finds the heap that another has left.
//!
//! Before: `tasks.rs`, `echo.rs`. After: `rounds.rs`, which starts these processes.

use crate::counting;
use crate::echo;
use crate::meter::{Clock, Meter, Plan};
use crate::peers;
use crate::sample::Sample;
use crate::tasks::Measured;
use std::thread;
use std::time::Duration;

/// What is asked for on the command line.
#[derive(Clone, Debug)]
pub struct Order {
    pub workload: String,
    pub peer: String,
    pub n: u64,
    /// So many batches instead of so long.
    pub exactly: Option<u64>,
    /// Count allocations.
    pub count: bool,
    /// Shorter.
    pub quick: bool,
    /// The server of an echo runs under strace.
    pub strace: bool,
}

/// A thousand groups, one polled inside the other, need more than the 8 MiB of a main thread. All get the same.
const STACK: usize = 256 << 20;

/// Measures. `None`: the peer has no such workload.
pub fn run(order: Order) -> Option<Sample> {
    if order.count {
        counting::start();
    }
    let Order { workload, peer, n, count: order_counts, .. } = order.clone();
    let measured = match echo::run(&order) {
        Some(measured) => measured,
        None => thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || peers::measure(&order.peer, &order.workload, meter(&order), order.n))
            .expect("a thread")
            .join()
            .expect("the workload does not panic")?,
    };
    let Measured { operations, mut values } = measured;
    if order_counts {
        let counted = counting::count();
        values.insert("allocations".to_string(), counted.allocations as f64);
        values.insert("peak_bytes".to_string(), counted.peak as f64);
    }
    Some(Sample { workload, peer, n, operations, values })
}

fn meter(order: &Order) -> Meter {
    let timed = match order.quick {
        true => Plan::Timed { warm: Duration::from_millis(10), long: Duration::from_millis(30) },
        false => Plan::Timed { warm: Duration::from_millis(50), long: Duration::from_millis(200) },
    };
    Meter { plan: order.exactly.map_or(timed, Plan::Exactly), clock: Clock::Thread }
}
