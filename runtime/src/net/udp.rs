//! UDP.
//!
//! Before: `coat.rs`.
#![forbid(unsafe_code)]

use super::coat::socket;
use crate::io::Async;
use std::io;
use std::net::{self, SocketAddr, ToSocketAddrs};

/// A socket that sends and receives UDP datagrams.
///
/// A datagram comes whole or not at all, perhaps twice, in any order. What does not fit into the buffer it is received
/// into is thrown away by the system.
///
/// ```
/// use taskgroup_runtime::block_on;
/// use taskgroup_runtime::net::UdpSocket;
///
/// # fn main() -> std::io::Result<()> {
/// block_on(async {
///     let (here, there) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
///     here.send_to(b"ping", there.local_addr()?).await?;
///     let mut datagram = [0; 16];
///     let (n, sender) = there.recv_from(&mut datagram).await?;
///     assert_eq!((&datagram[..n], sender), (&b"ping"[..], here.local_addr()?));
///     Ok(())
/// })
/// # }
/// ```
pub struct UdpSocket(Async<net::UdpSocket>);

socket!(UdpSocket, net::UdpSocket);

impl UdpSocket {
    /// A socket on the first of `addresses` that can be had. Port 0 lets the system choose one.
    ///
    /// **Looks names up blockingly**: give an address (`"127.0.0.1:80"` is one), or do it before others run.
    ///
    /// # Errors
    ///
    /// Those of the last address tried; and outside a runtime.
    pub fn bind(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        net::UdpSocket::bind(addresses)?.try_into()
    }

    /// Chooses the peer: [`send`](Self::send) goes there, and only what comes from there is received. Sends nothing
    /// and does not wait.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// ```
    /// # use taskgroup_runtime::block_on;
    /// # use taskgroup_runtime::net::UdpSocket;
    /// # fn main() -> std::io::Result<()> {
    /// # block_on(async {
    /// let (here, there) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    /// here.connect(there.local_addr()?)?;
    /// there.connect(here.local_addr()?)?;
    /// here.send(b"ping").await?;
    /// let mut datagram = [0; 16];
    /// assert_eq!(there.recv(&mut datagram).await?, 4);
    /// # Ok(()) })
    /// # }
    /// ```
    pub fn connect(&self, address: SocketAddr) -> io::Result<()> {
        self.0.get_ref().connect(address)
    }

    /// Sends a datagram to the peer chosen with [`connect`](Self::connect). Gives its length.
    ///
    /// # Errors
    ///
    /// What the system says: without a peer; for a datagram that is too long; and
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) for an *earlier* one that found nobody.
    ///
    /// # Cancel
    ///
    /// A cancellation point. Nothing is lost if it is dropped: then nothing was sent.
    pub async fn send(&self, datagram: &[u8]) -> io::Result<usize> {
        self.0.write_with(|socket| socket.send(datagram)).await
    }

    /// Receives a datagram from the peer chosen with [`connect`](Self::connect), or, without one, from anybody. Gives
    /// its length; zero is an empty datagram.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel
    ///
    /// A cancellation point. No datagram is lost if it is dropped.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_with(|socket| socket.recv(buffer)).await
    }

    /// Sends a datagram to `address`. Gives its length.
    ///
    /// # Errors
    ///
    /// What the system says: for an address of the other family, for a datagram that is too long.
    ///
    /// # Cancel
    ///
    /// A cancellation point. Nothing is lost if it is dropped: then nothing was sent.
    pub async fn send_to(&self, datagram: &[u8], address: SocketAddr) -> io::Result<usize> {
        self.0.write_with(|socket| socket.send_to(datagram, address)).await
    }

    /// Receives a datagram. Gives its length and the address of the sender.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Cancel
    ///
    /// A cancellation point. No datagram is lost if it is dropped.
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.read_with(|socket| socket.recv_from(buffer)).await
    }

    /// The address of this socket: the port that the system chose, for instance.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }

    /// The peer chosen with [`connect`](Self::connect).
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) when there is none.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().peer_addr()
    }
}
