//! No library: epoll, level-triggered, a read and a write for each event.
//!
//! Before: `../servers.rs`. After: nothing.

use super::BUFFER;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use std::io::{self, ErrorKind, Read, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

/// The key of the listener; a connection's is its descriptor.
const LISTENER: u64 = u64::MAX;

pub fn serve(listener: TcpListener) -> io::Result<()> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let mut streams: Vec<Option<TcpStream>> = Vec::new();
    let mut events = [MaybeUninit::<epoll::Event>::uninit(); 1024];
    loop {
        let (ready, _) = match epoll::wait(&epoll, &mut events, None) {
            Err(Errno::INTR) => continue,
            waited => waited?,
        };
        for event in ready {
            let key = event.data.u64();
            if key != LISTENER {
                let place = &mut streams[key as usize];
                if !place.as_mut().is_some_and(|stream| echo(stream).unwrap_or(false)) {
                    *place = None; // closing it takes it out of the epoll
                }
                continue;
            }
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let key = stream.as_raw_fd() as usize;
            epoll::add(&epoll, &stream, EventData::new_u64(key as u64), EventFlags::IN)?;
            if streams.len() <= key {
                streams.resize_with(key + 1, || None);
            }
            streams[key] = Some(stream);
        }
    }
}

/// Whether the connection goes on. These few bytes always fit; a server for larger messages would keep the rest.
fn echo(stream: &mut TcpStream) -> io::Result<bool> {
    let mut buffer = [0; BUFFER];
    match stream.read(&mut buffer) {
        Ok(0) => Ok(false),
        Ok(n) => Ok(stream.write(&buffer[..n])? == n),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
        Err(error) => Err(error),
    }
}
