//! Slowloris: clients that send a byte of their request now and then, beside one that is good.
//!
//! Before: `exhaust.rs`. After: `firehose.rs`.

use crate::Size;
use crate::findings::Findings;
use crate::peers::{PATIENCE, connect, percentile};
use crate::server::Server;
use futures_lite::AsyncReadExt;
use std::cell::Cell;
use std::fs;
use std::time::{Duration, Instant};
use taskgroup::net::TcpStream;
use taskgroup::{BoxError, ExceptionGroup, block_on, sleep, task_group, timeout};

const SLOW: usize = 2_000;

pub(crate) fn slow(_: Size) -> Result<Findings, BoxError> {
    let mut findings = Findings::default();
    let root = std::env::temp_dir().join(format!("storm-{}.www", std::process::id()));
    fs::create_dir_all(&root)?;
    fs::write(root.join("index.html"), "hello")?;
    let root_text = root.to_string_lossy().into_owned();
    let arguments = ["--root", &root_text, "--listen", "127.0.0.1:0", "--quiet", "--header-timeout", "2"];
    let server = Server::start("httpd", &arguments, true)?;
    let before = server.holdings()?;
    let (dropped, open) = (Cell::new(0), Cell::new(0));
    let (start, last) = (Instant::now(), Cell::new(Instant::now()));
    let clients = task_group(async |g| {
        for _ in 0..SLOW {
            g.spawn(async {
                let stream = connect(server.address).await?;
                open.set(open.get() + 1);
                drag(&stream).await;
                dropped.set(dropped.get() + 1);
                last.set(Instant::now());
                Ok::<_, BoxError>(())
            });
        }
        let mut times = Vec::new();
        while open.get() < SLOW || dropped.get() < SLOW {
            let asked = Instant::now();
            ask(&connect(server.address).await?).await?;
            times.push(asked.elapsed());
            sleep(Duration::from_millis(10)).await;
        }
        Ok(times)
    });
    let mut times = block_on(timeout(PATIENCE, clients))?.map_err(|errors: ExceptionGroup<BoxError>| errors)?;
    findings.exactly("slow ones that were dropped", dropped.get(), SLOW);
    findings.tell("the last one after, s", format!("{:.1}", (last.get() - start).as_secs_f64()));
    findings.tell("requests of the good client meanwhile", times.len());
    findings.tell("its p50", format!("{:.1?}", percentile(&mut times, 50)));
    findings.tell("its p99", format!("{:.1?}", percentile(&mut times, 99)));
    server.settles_at(before, &mut findings)?;
    fs::remove_dir_all(root)?;
    Ok(findings)
}

/// A byte every 100 ms, until the server has had enough.
async fn drag(mut stream: &TcpStream) {
    for byte in b"GET / HTTP/1.1\r\nhost: a.very.long.name".iter().cycle() {
        if stream.write_all(&[*byte]).await.is_err() {
            return;
        }
        let heard = timeout(Duration::from_millis(100), AsyncReadExt::read(&mut stream, &mut [0; 512])).await;
        if matches!(heard, Ok(Ok(0) | Err(_))) {
            return; // it has hung up
        }
    }
}

async fn ask(mut stream: &TcpStream) -> Result<(), BoxError> {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    timeout(PATIENCE, AsyncReadExt::read_to_end(&mut stream, &mut answer)).await??;
    if answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(b"hello") { Ok(()) } else { Err("a bad answer".into()) }
}
