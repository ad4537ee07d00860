//! Ten thousand connections are held, and nothing happens: nor may anything in the loop.
//!
//! Before: `peers.rs`. After: `churn.rs`.

use crate::Size;
use crate::findings::Findings;
use crate::peers::{exchange, open};
use crate::server::Server;
use std::thread::sleep;
use std::time::{Duration, Instant};
use taskgroup::{BoxError, Runtime};

const CONNECTIONS: usize = 10_000;

pub(crate) fn hold(size: Size) -> Result<Findings, BoxError> {
    let mut findings = Findings::default();
    let server = Server::start("echo", &["serve", "127.0.0.1:0"], true)?;
    let runtime = Runtime::new(); // to which the connections belong
    drop(runtime.try_block_on(open(server.address, 100))??); // what is made once
    let before = server.holdings()?;
    let resident = server.resident()?;
    let start = Instant::now();
    let streams = runtime.try_block_on(open(server.address, CONNECTIONS))??;
    findings.tell("opened and greeted, s", format!("{:.2}", start.elapsed().as_secs_f64()));
    findings.exactly("connections held", server.descriptors()?.saturating_sub(before.descriptors - 1), CONNECTIONS);
    let grown = server.resident()?.saturating_sub(resident) * 1024;
    findings
        .tell("bytes of the server for each, with a buffer of 16 KiB that is touched by 5", grown / CONNECTIONS as u64);

    let silence = Duration::from_secs(if size.deep { 600 } else { 10 });
    sleep(Duration::from_millis(500)); // the last answers are on their way
    let waits = server.waits()?;
    sleep(silence);
    findings.exactly(format!("turns in {silence:?} of silence"), server.waits()? - waits, 0);

    let sample = fastrand::Rng::with_seed(size.seed).choose_multiple(streams.iter(), 1_000);
    let mut served = 0;
    runtime.try_block_on(async {
        for stream in sample {
            exchange(stream, b"still there?").await?;
            served += 1;
        }
        Ok::<_, BoxError>(())
    })??;
    findings.exactly("of 1,000 of them, answered after that", served, 1_000);
    drop(streams);
    server.settles_at(before, &mut findings)?;
    Ok(findings)
}
