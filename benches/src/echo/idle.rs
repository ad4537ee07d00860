//! What a connection weighs on which nothing comes.
//!
//! Before: `connections.rs`, `server_process.rs`. After: `../one.rs`.

use super::connections::{Connections, ECHO};
use super::server_process::{ServerProcess, pin, raise_limit};
use crate::one::Order;
use crate::tasks::Measured;
use std::io;

/// Bytes of the server for each of n connections, which have exchanged one message each and then stay silent. The
/// kernel's memory for them is not in it.
pub fn measure(order: &Order) -> io::Result<Measured> {
    let possible = raise_limit().saturating_sub(100);
    let n = order.n.min(possible);
    if n < order.n {
        eprintln!("{} connections instead of {}: the limit of descriptors", n, order.n);
    }
    let server = ServerProcess::start(&order.peer, &order.workload, false)?;
    pin(1);
    let mut first = Connections::open(server.address, 1, ECHO)?;
    first.exchange(1_000)?; // what is made once
    let before = server.resident()?;
    let mut connections = Connections::open(server.address, n, ECHO)?;
    connections.exchange(n)?;
    let rss = (server.resident()? - before) / n as f64;
    server.end()?;
    Ok(Measured { operations: n, ..Measured::default() }.with("rss", rss))
}
