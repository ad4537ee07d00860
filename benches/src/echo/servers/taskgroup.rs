//! `taskgroup`: a group with a task for each connection.
//!
//! Before: `../servers.rs`. After: the other servers.

use super::BUFFER;
use crate::heard::{Hearing, Nobody};
use std::io::{self, ErrorKind};
use std::net;
use taskgroup::net::{TcpListener, TcpStream};
use taskgroup::{ExceptionGroup, task_group};

/// Accepts for ever; `connection` must not end the server when it fails.
pub(super) fn accept<H: Hearing, F: Future<Output = io::Result<()>>>(
    listener: net::TcpListener,
    connection: impl Fn(TcpStream) -> F + Copy,
) -> io::Result<()> {
    H::block_on(async {
        let listener = TcpListener::try_from(listener)?;
        let ended = task_group(async |g| {
            loop {
                let (stream, _) = listener.accept().await?;
                g.spawn(async move { drop(connection(stream).await) }); // made inside: moved in, it would be there twice
            }
        });
        ended.await.map_err(|errors: ExceptionGroup<io::Error>| io::Error::other(errors))
    })
}

pub fn serve<H: Hearing>(listener: net::TcpListener) -> io::Result<()> {
    accept::<H, _>(listener, async |stream| {
        stream.set_nodelay(true)?;
        let mut buffer = [0; BUFFER];
        loop {
            match stream.read(&mut buffer).await? {
                0 => return Ok(()),
                n => stream.write_all(&buffer[..n]).await?,
            }
        }
    })
}

pub fn serve_readable(listener: net::TcpListener) -> io::Result<()> {
    accept::<Nobody, _>(listener, async |stream| {
        stream.set_nodelay(true)?;
        loop {
            stream.readable().await?;
            if !answer(&stream)? {
                return Ok(());
            }
        }
    })
}

/// What is there comes back. These few bytes always fit; a server for larger messages would go on with `write_all`.
fn answer(stream: &TcpStream) -> io::Result<bool> {
    let mut buffer = [0; BUFFER];
    match stream.try_read(&mut buffer) {
        Ok(0) => Ok(false),
        Ok(n) => Ok(stream.try_write(&buffer[..n])? == n),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
        Err(error) => Err(error),
    }
}
