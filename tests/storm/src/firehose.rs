//! One peer sends as fast as it can, and ten others ask and wait.
//!
//! Before: `slow.rs`. After: `day.rs`.

use crate::Size;
use crate::findings::Findings;
use crate::peers::{connect, exchange, percentile};
use crate::server::Server;
use futures_lite::future::{or, zip};
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};
use taskgroup::net::TcpStream;
use taskgroup::{BoxError, ExceptionGroup, block_on, sleep, task_group};

const ASKING: usize = 10;

pub(crate) fn firehose(size: Size) -> Result<Findings, BoxError> {
    let mut findings = Findings::default();
    let time = Duration::from_secs(if size.deep { 60 } else { 3 });
    let server = Server::start("echo", &["serve", "127.0.0.1:0"], true)?;
    let before = server.holdings()?;
    // Both sides of a storm in one loop would wait for each other: who asks has a thread, and a loop, of its own.
    let address = server.address;
    for with_hose in [false, true] {
        let hose = with_hose.then(|| {
            std::thread::spawn(move || {
                block_on(async { pour(&connect(address).await?, time).await.map_err(BoxError::from) })
            })
        });
        let (asked, times) = (Cell::new([0; ASKING]), RefCell::new(Vec::new()));
        let clients = task_group(async |g| {
            for number in 0..ASKING {
                let (asked, times) = (&asked, &times);
                g.spawn(async move {
                    let stream = connect(address).await?;
                    let end = Instant::now() + time;
                    while Instant::now() < end {
                        let start = Instant::now();
                        exchange(&stream, b"and I?").await?;
                        times.borrow_mut().push(start.elapsed());
                        let mut counts = asked.get();
                        counts[number] += 1;
                        asked.set(counts);
                        sleep(Duration::from_millis(5)).await;
                    }
                    Ok::<_, BoxError>(())
                });
            }
            Ok(())
        });
        block_on(clients).map_err(|errors: ExceptionGroup<BoxError>| errors)?;
        let mut times = times.into_inner();
        let beside = if with_hose { "beside the hose" } else { "alone" };
        let (p50, p99) = (percentile(&mut times, 50), percentile(&mut times, 99));
        findings.tell(format!("a question, {beside}"), format!("p50 {p50:.1?}, p99 {p99:.1?}"));
        if let Some(hose) = hose {
            let bytes = hose.join().map_err(|_| "the hose panicked")?.map_err(|error| error.to_string())?;
            findings.tell("the hose, MB a second there and back", bytes / 1_000_000 / time.as_secs());
            let least = asked.get().into_iter().min().unwrap_or(0);
            findings.exactly("askers that starved (no answer at all)", usize::from(least == 0), 0);
        }
    }
    server.settles_at(before, &mut findings)?;
    Ok(findings)
}

/// Sends and takes, as fast as it goes.
async fn pour(stream: &TcpStream, time: Duration) -> std::io::Result<u64> {
    let (bytes, taken) = (vec![7; 64 << 10], Cell::new(0));
    let send = async {
        loop {
            if let Err(error) = stream.write_all(&bytes).await {
                return error;
            }
        }
    };
    let take = async {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match stream.read(&mut buffer).await {
                Ok(n) => taken.set(taken.get() + n as u64),
                Err(error) => return error,
            }
        }
    };
    let broken = async { Some(zip(send, take).await.0) };
    match or(
        async {
            sleep(time).await;
            None
        },
        broken,
    )
    .await
    {
        Some(error) => Err(error),
        None => Ok(taken.get()),
    }
}
