//! Servers: one in a process of its own, a load in this one, the same for every server. An echo, and HTTP by hyper.
//!
//! Before: `peer.rs`. After: `one.rs`.

use crate::one::Order;
use crate::tasks::Measured;
use std::io;

pub mod connections;
mod http;
mod idle;
mod load;
mod server_process;
mod servers;

pub use servers::serve;

/// `None`: not a workload of sockets, or not one of this peer.
pub fn run(order: &Order) -> Option<Measured> {
    let measure: fn(&Order) -> io::Result<Measured> = match &*order.workload {
        "echo" | "http" => load::measure,
        "idle" | "idle-readable" => idle::measure,
        _ => return None,
    };
    if !servers::exists(&order.peer, &order.workload) {
        return None;
    }
    Some(measure(order).unwrap_or_else(|error| panic!("{} with {}: {error}", order.workload, order.peer)))
}
