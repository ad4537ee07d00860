//! tokio: `LocalRuntime`, a local task for each connection.
//!
//! Before: `../servers.rs`. After: the other servers.

use super::BUFFER;
use std::io::{self, ErrorKind};
use std::net;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions};
use tokio::task::spawn_local;

/// Accepts for ever, in a task.
pub(super) fn accept<F: Future<Output = io::Result<()>> + 'static>(
    listener: net::TcpListener,
    connection: impl Fn(TcpStream) -> F + 'static,
) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let server = async move {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            spawn_local(connection(stream));
        }
    };
    runtime.block_on(async { spawn_local(server).await? })
}

pub fn serve(listener: net::TcpListener) -> io::Result<()> {
    accept(listener, |mut stream| async move {
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
    accept(listener, |stream| async move {
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
