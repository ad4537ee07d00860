//! Unix sockets: streams between processes of one machine, by a path or as a pair.
//!
//! Before: `coat.rs`, `connect.rs`.
#![forbid(unsafe_code)]

use super::coat::{socket, stream};
use super::connect::{Incoming, accept_alive, connect};
use crate::io::Async;
use futures_core::Stream;
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{self, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// How many may wait to be accepted from a private socket.
const BACKLOG: i32 = 128;

/// A socket that waits for connections under a path.
///
/// Dropping it closes it but leaves the path: remove the file when you are done with it.
///
/// ```
/// use taskgroup_runtime::net::{UnixListener, UnixStream};
/// use taskgroup_runtime::block_on;
///
/// # fn main() -> std::io::Result<()> {
/// # let path = std::env::temp_dir().join(format!("taskgroup-doc-{}.socket", std::process::id()));
/// block_on(async {
///     let listener = UnixListener::bind(&path)?;
///     let client = UnixStream::connect(&path).await?;
///     let (server, _) = listener.accept().await?;
///     client.write_all(b"hello").await?;
///     let mut bytes = [0; 16];
///     assert_eq!(server.read(&mut bytes).await?, 5);
///     std::fs::remove_file(&path)
/// })
/// # }
/// ```
pub struct UnixListener(Async<net::UnixListener>);

socket!(UnixListener, net::UnixListener);

impl UnixListener {
    /// Listens under `path`, which must not exist. Does not wait.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) when there is a file; what else the system says; outside a runtime.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        net::UnixListener::bind(path)?.try_into()
    }

    /// The same, for processes of this user (and of root) only: the file has mode 0600 before anybody can connect. In a
    /// directory where others can exchange files nothing helps: use one of your own, or one with the sticky bit as `/tmp`.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind). Nothing is left behind then.
    ///
    /// ```
    /// use std::os::unix::fs::PermissionsExt;
    /// use taskgroup_runtime::{block_on, net::UnixListener};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("taskgroup-doc-private-{}.socket", std::process::id()));
    /// let listener = block_on(async { UnixListener::bind_private(&path) })?;
    /// assert_eq!(std::fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
    /// # drop(listener);
    /// std::fs::remove_file(&path)
    /// # }
    /// ```
    pub fn bind_private(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&SockAddr::unix(path)?)?;
        // Nobody can connect before `listen`, whatever the mode was until here.
        let listening = fs::set_permissions(path, Permissions::from_mode(0o600))
            .and_then(|()| socket.listen(BACKLOG))
            .and_then(|()| net::UnixListener::from(OwnedFd::from(socket)).try_into());
        if listening.is_err() {
            _ = fs::remove_file(path); // the first error is the one to tell
        }
        listening
    }

    /// Waits for the next connection. Gives it and the address of the peer, which is unnamed as a rule.
    ///
    /// # Errors
    ///
    /// As [`TcpListener::accept`](super::TcpListener::accept).
    ///
    /// # Cancel
    ///
    /// A cancellation point. No connection is lost if it is dropped: a connection leaves the queue only when it is
    /// handed to you.
    pub async fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let (stream, address) = self.0.read_with(|listener| accept_alive(|| listener.accept())).await?;
        Ok((stream.try_into()?, address))
    }

    /// The connections as a [`Stream`]. It never ends; for errors see [`accept`](Self::accept).
    ///
    /// Only the last task that polls is woken: for several accepting tasks use [`accept`](Self::accept).
    pub fn incoming(&self) -> Incoming<'_, Self> {
        Incoming { listener: self }
    }

    /// Where it listens.
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
impl Stream for Incoming<'_, UnixListener> {
    type Item = io::Result<UnixStream>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let listener = &self.listener.0;
        let (stream, _) = ready!(listener.poll_read_with(cx, |listener| accept_alive(|| listener.accept())))?;
        Poll::Ready(Some(stream.try_into()))
    }
}

/// A stream between two ends on one machine.
///
/// Reading and writing go through `&self`, so two tasks can do both at once. It is also `AsyncRead` and `AsyncWrite`,
/// by value and by reference; `poll_close` shuts the write half down.
pub struct UnixStream(Async<net::UnixStream>);

socket!(UnixStream, net::UnixStream);
stream!(UnixStream, short_read_empties: false);

impl UnixStream {
    /// Connects to the listener under `path`. Unix sockets connect at once or not at all: this never waits long.
    ///
    /// # Errors
    ///
    /// [`NotFound`](io::ErrorKind::NotFound) when there is no file,
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) when nobody listens there any more,
    /// [`ResourceBusy`](io::ErrorKind::ResourceBusy) when **the listener's queue is full**: the system starts nothing
    /// then, and has no event for a free place, so when to try again is for you to say. And outside a runtime.
    ///
    /// # Cancel
    ///
    /// A cancellation point. Dropped, the socket is closed and nothing was connected.
    ///
    /// ```
    /// use std::io::{self, ErrorKind};
    /// use std::path::Path;
    /// use std::time::Duration;
    /// use taskgroup_runtime::net::UnixStream;
    /// use taskgroup_runtime::sleep;
    ///
    /// /// Knocks until there is room.
    /// async fn connect(path: &Path) -> io::Result<UnixStream> {
    ///     loop {
    ///         match UnixStream::connect(path).await {
    ///             Err(error) if error.kind() == ErrorKind::ResourceBusy => sleep(Duration::from_millis(10)).await,
    ///             result => return result,
    ///         }
    ///     }
    /// }
    /// # let nowhere = taskgroup_runtime::block_on(connect(Path::new("/nowhere")));
    /// # assert_eq!(nowhere.err().map(|error| error.kind()), Some(ErrorKind::NotFound));
    /// ```
    pub async fn connect(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self(connect(Domain::UNIX, &SockAddr::unix(path)?).await?))
    }

    /// Two streams, each the other's peer. Both belong to the current runtime; `into_std` on one frees it for another
    /// thread or process.
    ///
    /// # Errors
    ///
    /// What the system says; outside a runtime.
    ///
    /// ```
    /// use taskgroup_runtime::block_on;
    /// use taskgroup_runtime::net::UnixStream;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// block_on(async {
    ///     let (here, there) = UnixStream::pair()?;
    ///     here.write_all(b"hello").await?;
    ///     drop(here);
    ///     let mut bytes = [0; 16];
    ///     assert_eq!(there.read(&mut bytes).await?, 5);
    ///     assert_eq!(there.read(&mut bytes).await?, 0); // the end
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub fn pair() -> io::Result<(Self, Self)> {
        let (here, there) = net::UnixStream::pair()?;
        Ok((here.try_into()?, there.try_into()?))
    }

    /// The address of the peer.
    ///
    /// # Errors
    ///
    /// What the system says.
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
