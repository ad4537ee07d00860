//! Sockets: pairs and loopback, so that nothing has to be waited for in real time.

use super::parts::{end, group, ms, nap};
use crate::{Program, guard, probe};
use futures_util::StreamExt;
use std::cell::Cell;
use std::io;
use std::net::Shutdown;
use taskgroup::net::{TcpListener, TcpStream, UdpSocket, UnixStream};
use taskgroup::timeout;

pub(super) fn programs() -> Vec<Program> {
    vec![
        Program::new("net/a_pair_that_echoes", a_pair_that_echoes).sockets(),
        Program::new("net/a_server", a_server).sockets(),
        Program::new("net/nobody_writes", nobody_writes).sockets(),
        Program::new("net/datagrams", datagrams).sockets(),
    ]
}

fn word(_: io::Error) -> &'static str {
    "io"
}

async fn a_pair_that_echoes() -> String {
    let result = group(async |g| {
        let (near, far) = UnixStream::pair().map_err(word)?;
        g.spawn(probe(async move {
            let _guard = guard();
            let mut buffer = [0; 16];
            loop {
                let n = probe(far.read(&mut buffer)).await.map_err(word)?;
                if n == 0 {
                    return Ok(());
                }
                probe(far.write_all(&buffer[..n])).await.map_err(word)?;
            }
        }));
        let mut buffer = [0; 16];
        let mut count = 0;
        for text in ["one", "three", "seven"] {
            probe(near.write_all(text.as_bytes())).await.map_err(word)?;
            count += probe(near.read(&mut buffer)).await.map_err(word)?;
        }
        near.shutdown(Shutdown::Write).map_err(word)?;
        Ok(count)
    });
    end(result.await)
}

async fn a_server() -> String {
    let served = Cell::new(0);
    let result = group(async |g| {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(word)?;
        let address = listener.local_addr().map_err(word)?;
        let served = &served;
        let server = g.spawn(probe(async move {
            let mut incoming = listener.incoming();
            while let Some(stream) = probe(incoming.next()).await {
                let stream = stream.map_err(word)?;
                g.spawn(probe(async move {
                    let _guard = guard();
                    let mut buffer = [0; 8];
                    let n = probe(stream.read(&mut buffer)).await.map_err(word)?;
                    probe(stream.write_all(&buffer[..n])).await.map_err(word)?;
                    served.set(served.get() + 1);
                    Ok(())
                }));
            }
            Ok(())
        }));
        for _ in 0..2 {
            let stream = probe(TcpStream::connect(address)).await.map_err(word)?;
            probe(stream.write_all(b"ping")).await.map_err(word)?;
            let mut buffer = [0; 8];
            let _ = probe(stream.read(&mut buffer)).await.map_err(word)?;
        }
        server.cancel("served enough");
        Ok(())
    });
    format!("{} {}", end(result.await), served.get())
}

async fn nobody_writes() -> String {
    let result = group(async |g| {
        let (near, far) = UnixStream::pair().map_err(word)?;
        let mut buffer = [0; 4];
        let task = g.spawn(probe(async move {
            let mut buffer = [0; 4];
            probe(far.read(&mut buffer)).await.map_err(word)
        }));
        nap(0).await;
        let late = probe(timeout(ms(0), near.read(&mut buffer))).await.is_err();
        task.cancel("nobody writes");
        Ok((late, task.await.is_err()))
    });
    end(result.await)
}

async fn datagrams() -> String {
    let result = group(async |g| {
        let (a, b) = (UdpSocket::bind("127.0.0.1:0").map_err(word)?, UdpSocket::bind("127.0.0.1:0").map_err(word)?);
        let (to_a, to_b) = (a.local_addr().map_err(word)?, b.local_addr().map_err(word)?);
        let task = g.spawn(probe(async move {
            let _guard = guard();
            let mut buffer = [0; 8];
            let (n, _) = probe(b.recv_from(&mut buffer)).await.map_err(word)?;
            probe(b.send_to(&buffer[..n], to_a)).await.map_err(word)
        }));
        probe(a.send_to(b"ping", to_b)).await.map_err(word)?;
        let mut buffer = [0; 8];
        let (n, _) = probe(a.recv_from(&mut buffer)).await.map_err(word)?;
        Ok((n, task.await.ok()))
    });
    end(result.await)
}
