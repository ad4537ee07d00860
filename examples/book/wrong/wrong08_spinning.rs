//! Wrong: on step 7, a socket can only be asked again and again.
//!
//! Run: `cargo run --bin wrong08_spinning`
#![allow(clippy::print_stdout, reason = "a program prints")]

#[path = "../programs/pair.rs"]
mod pair;
#[path = "../step07_virtual_time.rs"]
mod step07;

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use step07::{Clock, sleep, spawn, yield_now};

// ANCHOR: stream
struct Stream(UnixStream);

impl Stream {
    fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self(stream))
    }

    async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        for _ in 0..100_000 {
            match (&self.0).read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => yield_now().await,
                done => return done,
            }
        }
        Err(io::Error::other(
            "read 100000 times, and there was nothing; who is to write still sleeps",
        ))
    }

    async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes)
    }
}
// ANCHOR_END: stream

fn block_on<T: 'static>(clock: Clock, main: impl Future<Output = T> + 'static) -> io::Result<T> {
    step07::block_on(clock, main).map_err(|_| io::Error::other("stalled"))
}

fn main() -> io::Result<()> {
    pair::pair()
}
