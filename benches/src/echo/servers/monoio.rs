//! monoio, with epoll and with io_uring: buffers are lent to the kernel, so they are on the heap.
//!
//! Before: `../servers.rs`. After: the other servers.

use super::BUFFER;
use monoio::io::{AsyncReadRent, AsyncWriteRentExt};
use monoio::net::{TcpListener, TcpStream};
use monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder, spawn};
use std::{io, net};

pub fn serve_with_epoll(listener: net::TcpListener) -> io::Result<()> {
    RuntimeBuilder::<LegacyDriver>::new().build()?.block_on(accept(listener))
}

pub fn serve_with_io_uring(listener: net::TcpListener) -> io::Result<()> {
    listener.set_nonblocking(false)?; // there, the kernel waits
    RuntimeBuilder::<IoUringDriver>::new().build()?.block_on(accept(listener))
}

async fn accept(listener: net::TcpListener) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        spawn(echo(stream));
    }
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(BUFFER);
    loop {
        let (read, filled) = stream.read(buffer).await;
        if read? == 0 {
            return Ok(());
        }
        let (written, back) = stream.write_all(filled).await;
        written?;
        buffer = back;
    }
}
