//! The clients: connections of this process.
//!
//! Before: `server.rs`. After: `hold.rs`.

use futures_lite::AsyncReadExt;
use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use taskgroup::net::TcpStream;
use taskgroup::{BoxError, task_group, timeout};

/// How long a server may take for anything before the storm gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that leaves no port behind: it is closed by a reset.
pub(crate) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = timeout(PATIENCE, TcpStream::connect(address)).await.map_err(io::Error::other)??;
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A message to an echo server and back.
pub(crate) async fn exchange(mut stream: &TcpStream, message: &[u8]) -> Result<(), BoxError> {
    stream.write_all(message).await?;
    let mut back = vec![0; message.len()];
    timeout(PATIENCE, AsyncReadExt::read_exact(&mut stream, &mut back)).await??;
    if back == message { Ok(()) } else { Err("an answer differs from its message".into()) }
}

/// So many connections, a hundred at a time, each of which has exchanged a message.
pub(crate) async fn open(address: SocketAddr, n: usize) -> Result<Vec<TcpStream>, BoxError> {
    let streams = task_group(async |g| {
        g.limit(100);
        let tasks: Vec<_> = (0..n)
            .map(|_| {
                g.spawn(async move {
                    let stream = connect(address).await?;
                    exchange(&stream, b"hello").await?;
                    Ok::<_, BoxError>(stream)
                })
            })
            .collect();
        let mut streams = Vec::with_capacity(n);
        for task in tasks {
            streams.push(task.await?);
        }
        Ok(streams)
    });
    streams.await.map_err(|errors: taskgroup::ExceptionGroup<BoxError>| errors.into())
}

/// That of a hundred which is the so many-th by size.
pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}
