//! How connections begin: `connect`, which must not block, and what both listeners share.
//!
//! Before: `io.rs`. After: `tcp.rs`, `unix.rs`.
//!
//! **Facts.** A non-blocking `connect` starts the connection and says `EINPROGRESS`. When it has come about or failed,
//! the socket becomes writable, and `SO_ERROR` says which. A wake may also come for nothing, so "no error" is not yet
//! "connected": that is when the socket has a peer.
//!
//! **The exception** is a Unix socket whose listener has a full queue: `connect` says `EAGAIN`, starts nothing, and no
//! event will ever tell of a free place. Waiting would mean trying again and again at some pace, and the pace is the
//! caller's to choose: we return an error of kind `ResourceBusy`. (`WouldBlock`, which the system says, is no word for
//! it: inside an operation of `Async` it means "wait for an event".)
#![forbid(unsafe_code)]

use crate::io::Async;
use crate::reactor::IoSafe;
use rustix::io::Errno;
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;

/// Connects a new stream socket. Dropped half-way it deregisters and closes the socket, as every [`Async`] does.
pub(super) async fn connect<T: IoSafe + From<OwnedFd>>(domain: Domain, address: &SockAddr) -> io::Result<Async<T>> {
    // `Socket::new` keeps the descriptor from child processes, and SIGPIPE away where that is a matter of the socket.
    let socket = Socket::new(domain, Type::STREAM, None)?;
    let stream = Async::new(T::from(OwnedFd::from(socket)))?;
    let mut started = false;
    stream
        .write_with(|stream| {
            let socket = SockRef::from(stream);
            if started {
                return finish(&socket);
            }
            started = true;
            start(&socket, address)
        })
        .await?;
    Ok(stream)
}

fn start(socket: &Socket, address: &SockAddr) -> io::Result<()> {
    let Err(error) = socket.connect(address) else { return Ok(()) };
    match Errno::from_io_error(&error) {
        // Interrupted, it goes on in the background all the same; a second `connect` would be an error.
        Some(Errno::INPROGRESS | Errno::INTR) => Err(ErrorKind::WouldBlock.into()),
        Some(Errno::AGAIN) => Err(io::Error::new(
            ErrorKind::ResourceBusy,
            "the listener's queue is full, and no event tells when it is not: try again later",
        )),
        _ => Err(error),
    }
}

fn finish(socket: &Socket) -> io::Result<()> {
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    match socket.peer_addr() {
        Err(error) if error.kind() == ErrorKind::NotConnected => Err(ErrorKind::WouldBlock.into()),
        result => result.map(drop),
    }
}

/// Accepts the next connection that is still alive: one that the peer gave up while it was in the queue is an error of
/// that connection, not of the listener.
pub(super) fn accept_alive<T>(mut accept: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match accept() {
            Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::CONNABORTED | Errno::PROTO)) => {}
            result => return result,
        }
    }
}

/// Whether an `accept` that failed so may succeed later, with the same listener: the system had run out of something, or
/// the error was one of the connection. The others, such as a listener that is shut down, stay.
///
/// Source: the errors in `accept(2)`, and of `epoll_ctl(2)` and its like, by which a new connection is registered.
pub fn is_passing(error: &io::Error) -> bool {
    let out_of = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS, Errno::NOSPC];
    let of_the_connection = [
        Errno::CONNABORTED,
        Errno::PROTO,
        Errno::PERM, // a rule of the firewall
        Errno::NETDOWN,
        Errno::NETUNREACH,
        Errno::HOSTDOWN,
        Errno::HOSTUNREACH,
        Errno::NOPROTOOPT,
    ];
    Errno::from_io_error(error).is_some_and(|errno| out_of.contains(&errno) || of_the_connection.contains(&errno))
}

/// The connections of a listener, one after the other, without end. Made by `incoming` of
/// [`TcpListener`](super::TcpListener) and [`UnixListener`](super::UnixListener).
///
/// A stream of `io::Result`: after an error the next item is tried anew. It keeps nothing: dropped, it loses no
/// connection, since those that nobody has taken wait in the listener.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Incoming<'a, L> {
    pub(super) listener: &'a L,
}

#[cfg(test)]
mod tests {
    use super::*;

    // python-trio/trio (its history): a connection that died in the queue ended the listener.
    #[test]
    fn a_connection_that_died_in_the_queue_is_passed_over() {
        let mut queue = [Err(Errno::CONNABORTED), Err(Errno::PROTO), Ok(7)].into_iter();
        let accepted = accept_alive(|| queue.next().expect("asked once too often").map_err(io::Error::from));
        assert_eq!(accepted.ok(), Some(7));
    }

    #[test]
    fn a_listener_without_descriptors_says_so() {
        let accepted = accept_alive::<()>(|| Err(Errno::MFILE.into()));
        assert_eq!(accepted.err().and_then(|error| error.raw_os_error()), Some(Errno::MFILE.raw_os_error()));
    }

    #[test]
    fn what_the_system_lacks_passes_and_what_the_listener_lacks_does_not() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::CONNABORTED] {
            assert!(is_passing(&errno.into()), "{errno}");
        }
        for errno in [Errno::INVAL, Errno::BADF] {
            assert!(!is_passing(&errno.into()), "{errno}");
        }
        assert!(!is_passing(&io::Error::from(ErrorKind::NotConnected)), "not from the system");
    }
}
