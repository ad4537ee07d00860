//! What a request costs a server, and how long a client waits for it.
//!
//! Before: `connections.rs`, `http.rs`, `server_process.rs`. After: `../one.rs`.

use super::connections::{Connections, ECHO};
use super::http;
use super::server_process::{ServerProcess, pin, raise_limit};
use crate::one::Order;
use crate::statistics::quantile;
use crate::tasks::Measured;
use std::io;

/// With n connections, of which each has always one request under way. `cpu`: of the server, in nanoseconds for each
/// request; `p50` and `p99`: as the client sees it; `calls` (under strace): of the server, all of them.
pub fn measure(order: &Order) -> io::Result<Measured> {
    let requests = match order {
        Order { exactly: Some(requests), .. } => *requests,
        Order { quick: true, n: ..10, .. } => 3_000,
        Order { quick: true, .. } => 20_000,
        Order { n: ..10, .. } => 30_000,
        _ => 300_000,
    };
    raise_limit();
    let server = ServerProcess::start(&order.peer, &order.workload, order.strace)?;
    pin(1);
    let question = if order.workload == "http" { http::question(server.address)? } else { ECHO };
    let mut connections = Connections::open(server.address, order.n, question)?;
    let warm = if order.exactly.is_some() { order.n } else { order.n.max(requests / 10) };
    connections.exchange(warm)?; // the caches; all connections are served once
    let before = server.cpu()?;
    let mut latencies = connections.exchange(requests)?;
    let cpu = server.cpu()? - before;
    latencies.sort_by(f64::total_cmp);
    let measured = Measured { operations: requests, ..Measured::default() };
    Ok(match server.end()? {
        Some(calls) => measured.with("calls", calls),
        None => measured
            .with("cpu", cpu / requests as f64)
            .with("p50", quantile(&latencies, 0.5))
            .with("p99", quantile(&latencies, 0.99)),
    })
}
