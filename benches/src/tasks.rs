//! The workloads that are written once for every peer.
//!
//! Before: `peer.rs`, `meter.rs`, `bell.rs`. After: `peers.rs`, which calls them by name.

use crate::meter::{Meter, Reading};
use crate::peer::{Peer, Reactor, Timed};
use std::collections::BTreeMap;

mod nested;
mod pending;
mod ping_pong;
mod spawn_join;
mod start_up;
mod threads;
mod timers;
mod tree;
mod wake_one;
mod yields;

/// What a sample has measured, by the name of the metric; and after how many operations.
#[derive(Debug, Default)]
pub struct Measured {
    pub operations: u64,
    pub values: BTreeMap<String, f64>,
}

impl Measured {
    pub fn with(mut self, metric: &str, value: f64) -> Self {
        self.values.insert(metric.to_string(), value);
        self
    }
}

/// Nanoseconds for each operation.
impl From<Reading> for Measured {
    fn from(reading: Reading) -> Self {
        let measured = Self { operations: reading.operations, values: BTreeMap::new() };
        if reading.nanos.is_nan() { measured } else { measured.with("ns", reading.per_operation()) }
    }
}

/// A workload of tasks alone. `None`: it is none of these, or not for this peer.
pub fn tasks<P: Peer>(workload: &str, meter: Meter, n: u64) -> Option<Measured> {
    Some(match workload {
        "spawn-join" => spawn_join::units::<P>(meter, n).into(),
        "spawn-sum" => spawn_join::values::<P>(meter, n).into(),
        "memory" => pending::memory::<P>(n),
        "cancel" if P::CANCELS => pending::cancel::<P>(meter, n).into(),
        "yield" if P::YIELDS => yields::yields::<P>(meter, n).into(),
        "ping-pong-cell" => ping_pong::cell::<P>(meter).into(),
        "ping-pong-channel" => ping_pong::channel::<P>(meter).into(),
        "wake-by-ref" => wake_one::by_ref::<P>(meter, n).into(),
        "wake-by-clone" => wake_one::by_clone::<P>(meter, n).into(),
        "nested" => nested::nested::<P>(meter, n).into(),
        "tree" => tree::tree::<P>(meter, n).into(),
        "cross-thread" if P::CROSSES_THREADS => threads::round_trip::<P>(meter).into(),
        _ => return None,
    })
}

/// A workload with timers.
pub fn timers<P: Timed>(workload: &str, meter: Meter, n: u64) -> Option<Measured> {
    Some(match workload {
        "sleeps" => timers::sleeps::<P>(meter, n).into(),
        "timeout" => timers::timeout::<P>(meter).into(),
        "lateness" => timers::lateness::<P>(n),
        _ => return None,
    })
}

/// A workload for those with a reactor.
pub fn reactors<P: Reactor>(workload: &str, meter: Meter) -> Option<Measured> {
    Some(match workload {
        "start" => start_up::each(meter, P::start_up).into(),
        "start-socket" => start_up::each(meter, P::start_up_with_a_socket).into(),
        _ => return None,
    })
}
