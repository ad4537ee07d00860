//! A server that may have 64 open files, and 200 clients: it must neither spin nor give up, and serve all in the end.
//!
//! Before: `churn.rs`. After: `slow.rs`.

use crate::Size;
use crate::findings::Findings;
use crate::peers::{PATIENCE, connect, exchange};
use crate::server::Server;
use std::cell::Cell;
use std::time::Duration;
use taskgroup::{BoxError, ExceptionGroup, block_on, sleep, task_group, timeout};

const FILES: u32 = 64;
const CLIENTS: usize = 200;

/// How often it may turn in a second while it is full: twenty tries to accept, each of which is a timer, a descriptor that is
/// ready, and the call that fails. (`strace -c` counts the calls themselves: 38 in 2 s.)
const TURNS: u64 = 3 * 20;

pub(crate) fn exhaust(_: Size) -> Result<Findings, BoxError> {
    let mut findings = Findings::default();
    let server = Server::start_with_files("echo", &["serve", "127.0.0.1:0"], FILES)?;
    let before = server.descriptors()?;
    let (served, full, release) = (Cell::new(0), Cell::new(0), Cell::new(false));
    let clients = task_group(async |g| {
        for _ in 0..CLIENTS {
            g.spawn(async {
                let stream = connect(server.address).await?; // the system accepts it, long before the server does
                exchange(&stream, b"hello").await?;
                served.set(served.get() + 1);
                while !release.get() {
                    sleep(Duration::from_millis(10)).await;
                }
                Ok::<_, BoxError>(())
            });
        }
        sleep(Duration::from_secs(1)).await;
        full.set(served.get());
        let waits = server.waits()?;
        sleep(Duration::from_secs(2)).await;
        findings.exactly("served while it was full", served.get(), full.get());
        findings.at_most("turns a second while it was full", (server.waits()? - waits) / 2, TURNS);
        release.set(true);
        Ok(())
    });
    block_on(timeout(PATIENCE, clients))?.map_err(|errors: ExceptionGroup<BoxError>| errors)?;
    findings.tell("connections when it was full", full.get());
    findings.exactly("served in the end", served.get(), CLIENTS);
    std::thread::sleep(Duration::from_millis(500));
    findings.exactly("descriptors afterwards", server.descriptors()?, before);
    Ok(findings)
}
