//! Connects and drops: what is left over must not depend on how often.
//!
//! Before: `hold.rs`. After: `exhaust.rs`.

use crate::Size;
use crate::findings::Findings;
use crate::peers::{connect, exchange, open};
use crate::server::Server;
use std::net::SocketAddr;
use std::time::Instant;
use taskgroup::{BoxError, ExceptionGroup, block_on, task_group};

const CONNECTS: usize = 20_000;

pub(crate) fn churn(size: Size) -> Result<Findings, BoxError> {
    let mut findings = Findings::default();
    let rounds = if size.deep { 100 } else { 5 };
    let server = Server::start("echo", &["serve", "127.0.0.1:0"], true)?;
    drop(block_on(open(server.address, 100))?); // what is made once
    let (before, start) = (server.holdings()?, Instant::now());
    let mut resident = Vec::new();
    for _ in 0..rounds {
        block_on(round(server.address))?;
        resident.push(server.resident()?);
    }
    let seconds = start.elapsed().as_secs_f64();
    findings.tell(
        format!("{rounds} rounds of {CONNECTS} connects, a second"),
        format!("{:.0}", (rounds * CONNECTS) as f64 / seconds),
    );
    server.settles_at(before, &mut findings)?;
    let (first, last) = (resident[0], resident[resident.len() - 1]);
    findings.at_most("kilobytes more after the last round than after the first", last.saturating_sub(first), 1024);
    Ok(findings)
}

/// A hundred at a time, of four kinds in turn: all end in a reset, which finds the server at another point.
async fn round(address: SocketAddr) -> Result<(), BoxError> {
    let connects = task_group(async |g| {
        g.limit(100);
        for number in 0..CONNECTS {
            g.admit().await;
            g.spawn(async move {
                let stream = connect(address).await?;
                match number % 4 {
                    0 => {}                                             // reset before it is accepted, mostly
                    1 => stream.write_all(b"nobody reads this").await?, // while it is read, or answered
                    2 => exchange(&stream, b"hello").await?,            // between two messages
                    _ => {
                        exchange(&stream, b"goodbye").await?;
                        stream.shutdown(std::net::Shutdown::Write)?; // after the end
                    }
                }
                Ok::<_, BoxError>(())
            });
        }
        Ok(())
    });
    connects.await.map_err(|errors: ExceptionGroup<BoxError>| errors.into())
}
