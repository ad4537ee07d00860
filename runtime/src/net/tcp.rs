//! TCP.
//!
//! Before: `coat.rs`, `connect.rs`.
#![forbid(unsafe_code)]

use super::coat::{socket, stream};
use super::connect::{Incoming, accept_alive, connect};
use crate::io::Async;
use futures_core::Stream;
use socket2::Domain;
use std::io;
use std::net::{self, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A socket that waits for TCP connections.
///
/// Dropping it closes it; connections that nobody has accepted are reset.
///
/// ```
/// use taskgroup_runtime::net::{TcpListener, TcpStream};
/// use taskgroup_runtime::{block_on, spawn};
///
/// # fn main() -> std::io::Result<()> {
/// block_on(async {
///     let listener = TcpListener::bind("127.0.0.1:0")?;
///     let client = spawn(TcpStream::connect(listener.local_addr()?));
///     let (stream, address) = listener.accept().await?;
///     assert_eq!(stream.peer_addr()?, address);
///     # drop(client);
///     Ok(())
/// })
/// # }
/// ```
pub struct TcpListener(Async<net::TcpListener>);

socket!(TcpListener, net::TcpListener);

impl TcpListener {
    /// Listens on the first of `addresses` that can be had. Port 0 lets the system choose one.
    ///
    /// Does not wait for connections, but **looks names up blockingly**: give an address (`"127.0.0.1:80"` is one), or
    /// do it before others run.
    ///
    /// # Errors
    ///
    /// Those of the last address tried; and outside a runtime.
    pub fn bind(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        net::TcpListener::bind(addresses)?.try_into()
    }

    /// Waits for the next connection. Gives it and the address of the peer.
    ///
    /// Connections that the peer gave up before anybody accepted them are passed over.
    ///
    /// # Errors
    ///
    /// What the system says. **Out of descriptors** (`EMFILE`, `ENFILE`) it fails at once each time, for as long as
    /// the connection is in the queue: sleep a little before the next `accept`, or the loop runs
    /// hot. (`taskgroup::net::Acceptor` does that.)
    ///
    /// # Cancel
    ///
    /// A cancellation point. No connection is lost if it is dropped: a connection leaves the queue only when it is
    /// handed to you.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, address) = self.0.read_with(|listener| accept_alive(|| listener.accept())).await?;
        Ok((stream.try_into()?, address))
    }

    /// The connections as a [`Stream`]. It never ends; for errors see [`accept`](Self::accept).
    ///
    /// Only the last task that polls is woken: for several accepting tasks use [`accept`](Self::accept).
    ///
    /// ```
    /// use futures_core::Stream;
    /// use std::future::poll_fn;
    /// use std::pin::pin;
    /// use taskgroup_runtime::net::{TcpListener, TcpStream};
    /// use taskgroup_runtime::{block_on, spawn};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// block_on(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0")?;
    ///     let client = spawn(TcpStream::connect(listener.local_addr()?));
    ///     let mut incoming = pin!(listener.incoming());
    ///     if let Some(stream) = poll_fn(|cx| incoming.as_mut().poll_next(cx)).await {
    ///         println!("here is {}", stream?.peer_addr()?);
    ///     }
    ///     # drop(client);
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub fn incoming(&self) -> Incoming<'_, Self> {
        Incoming { listener: self }
    }

    /// Where it listens: the port that the system chose, for instance.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }
}

/// # Cancel
///
/// Each wait for an item is a cancellation point. No connection is lost.
impl Stream for Incoming<'_, TcpListener> {
    type Item = io::Result<TcpStream>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let listener = &self.listener.0;
        let (stream, _) = ready!(listener.poll_read_with(cx, |listener| accept_alive(|| listener.accept())))?;
        Poll::Ready(Some(stream.try_into()))
    }
}

/// A TCP connection.
///
/// Reading and writing go through `&self`, so two tasks can do both at once. It is also `AsyncRead` and `AsyncWrite`,
/// by value and by reference; `poll_close` shuts the write half down. Dropping it closes the connection: what was
/// written is still sent, unless there are bytes that nobody has read, then the system resets it.
///
/// ```
/// use std::net::Shutdown;
/// use taskgroup_runtime::net::{TcpListener, TcpStream};
/// use taskgroup_runtime::{block_on, spawn};
///
/// # fn main() -> std::io::Result<()> {
/// block_on(async {
///     let listener = TcpListener::bind("127.0.0.1:0")?;
///     let address = listener.local_addr()?;
///     spawn(async move {
///         let (stream, _) = listener.accept().await?;
///         let mut bytes = [0; 16];
///         loop {
///             match stream.read(&mut bytes).await? {
///                 0 => return stream.write_all(b"bye").await, // the peer's half is closed, ours is not
///                 n => println!("{} bytes", n),
///             }
///         }
///     });
///
///     let stream = TcpStream::connect(address).await?;
///     stream.write_all(b"hello").await?;
///     stream.shutdown(Shutdown::Write)?;
///     let mut answer = [0; 16];
///     let n = stream.read(&mut answer).await?;
///     assert_eq!(&answer[..n], b"bye");
/// #   Ok(())
/// })
/// # }
/// ```
pub struct TcpStream(Async<net::TcpStream>);

socket!(TcpStream, net::TcpStream);
stream!(TcpStream, short_read_empties: true);

impl TcpStream {
    /// Connects to `address`.
    ///
    /// It takes no names: to look one up may block for seconds. How long a peer that does not answer is waited for is
    /// the system's choice, often minutes: bound it with a timeout of yours.
    ///
    /// # Errors
    ///
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) when nobody listens there, and what else the system
    /// says; outside a runtime.
    ///
    /// # Cancel
    ///
    /// A cancellation point. Dropped half-way, the socket is closed; the peer may have seen the beginning of a
    /// connection.
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use taskgroup_runtime::block_on;
    /// use taskgroup_runtime::net::{TcpListener, TcpStream};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// block_on(async {
    ///     let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?; // and the listener is gone
    ///     let refused = TcpStream::connect(address).await;
    ///     assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::ConnectionRefused));
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        Ok(Self(connect(Domain::for_address(address), &address.into()).await?))
    }

    /// As [`read`](Self::read), but the bytes stay: the next read gives them again.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Cancel
    ///
    /// A cancellation point. Nothing can be lost.
    ///
    /// ```
    /// # use taskgroup_runtime::block_on;
    /// # use taskgroup_runtime::net::{TcpListener, TcpStream};
    /// # fn main() -> std::io::Result<()> {
    /// # block_on(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let client = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (stream, _) = listener.accept().await?;
    /// # client.write_all(b"GET /").await?;
    /// let mut first = [0; 1];
    /// stream.peek(&mut first).await?;
    /// assert_eq!(&first, b"G");
    /// stream.read(&mut first).await?;
    /// assert_eq!(&first, b"G");
    /// # Ok(()) })
    /// # }
    /// ```
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_with(|stream| stream.peek(buffer)).await
    }

    /// Chooses whether small writes are sent at once (`true`), or gathered while the peer has not answered. The
    /// system's default is to gather, which delays protocols of question and answer.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.0.get_ref().set_nodelay(nodelay)
    }

    /// Whether small writes are sent at once.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.0.get_ref().nodelay()
    }

    /// The address of the peer.
    ///
    /// # Errors
    ///
    /// What the system says; [`NotConnected`](io::ErrorKind::NotConnected) once the connection was reset.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().peer_addr()
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }
}
