//! A descriptor that a poller watches as long as it lives: the only `unsafe` of the book. Part of
//! steps 8 to 10.
#![allow(unsafe_code, reason = "registering a descriptor is a promise about its life")]

use polling::{Event, Poller};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// Sockets of std. They keep their descriptor until they are dropped, whatever is done to a shared
/// reference.
pub(crate) trait Socket: AsFd + AsRawFd {
    /// From now on, what would block is an error that says so.
    fn do_not_block(&self) -> io::Result<()>;
}

macro_rules! sockets {
    ($($socket:ty),*) => { $(
        impl Socket for $socket {
            fn do_not_block(&self) -> io::Result<()> {
                self.set_nonblocking(true)
            }
        }
    )* };
}

sockets!(TcpListener, TcpStream, UnixStream);

// ANCHOR: watched
pub(crate) struct Watched<T: Socket> {
    socket: T,
    poller: Arc<Poller>,
    key: usize,
}

impl<T: Socket> Watched<T> {
    /// Makes a socket non-blocking and registers it, with no interest yet. Its events will carry
    /// `key`.
    pub(crate) fn new(socket: T, poller: Arc<Poller>, key: usize) -> io::Result<Self> {
        socket.do_not_block()?;
        // SAFETY: the poller asks that a descriptor be deleted from it before it is closed. `drop`
        // deletes it. Until then it stays open: it is owned here, given out by shared reference
        // only, and `Socket`s keep theirs.
        unsafe { poller.add(&socket, Event::none(key))? };
        Ok(Self { socket, poller, key })
    }

    pub(crate) fn get(&self) -> &T {
        &self.socket
    }

    pub(crate) fn key(&self) -> usize {
        self.key
    }

    /// Asks for the next event of this kind; for one, and then no more.
    pub(crate) fn arm(&self, interest: Event) -> io::Result<()> {
        self.poller.modify(&self.socket, interest)
    }
}

impl<T: Socket> Drop for Watched<T> {
    fn drop(&mut self) {
        _ = self.poller.delete(&self.socket); // the socket is closed after this
    }
}
// ANCHOR_END: watched
