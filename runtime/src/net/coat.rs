//! What all sockets have in common, and what both streams have in common. Each is written once, here.
//!
//! Before: `io.rs`. After: `tcp.rs`, `udp.rs`, `unix.rs`.
//!
//! Macros and not a generic `Socket<T>`: users shall read `TcpStream` in their errors and find its methods on its page.
//!
//! **Danger.** To write to a peer that is gone is an error, and by default also a signal, SIGPIPE, which ends the process.
//! Rust's own programs ignore it; one in another language, into which this is linked, may not.
//!
//! **Remedy.** Streams are written to by `send`, which can be told not to raise it. (`std` does so in `write`, and not in
//! `write_vectored`.)
#![forbid(unsafe_code)]

use rustix::net::{SendAncillaryBuffer, SendFlags};
use std::io::{self, IoSlice};
use std::os::fd::AsFd;

/// Writes to a stream. A peer that is gone is an error and no signal.
pub(super) fn send(stream: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(stream, bytes, NO_SIGNAL)?)
}

/// The same out of several buffers, of which the caller gives no more than the system takes.
pub(super) fn send_vectored(stream: impl AsFd, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    Ok(rustix::net::sendmsg(stream, slices, &mut SendAncillaryBuffer::default(), NO_SIGNAL)?)
}

#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;

/// There it is an option of the socket, which `connect.rs` sets.
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: SendFlags = SendFlags::empty();

/// Conversions from and into the type of `std`, `AsFd`, `Debug`.
macro_rules! socket {
    ($socket:ident, $std:ty) => {
        impl $socket {
            /// Deregisters the socket and gives the one of `std` back. It stays non-blocking: where that does not
            /// suit, call `set_nonblocking(false)` on it.
            #[must_use = "the socket is closed when this is dropped"]
            pub fn into_std(self) -> $std {
                self.0.into_inner()
            }
        }

        /// Makes the socket non-blocking and registers it with the current runtime.
        ///
        /// # Errors
        ///
        /// As [`Async::new`](crate::Async::new). The socket is closed then.
        impl TryFrom<$std> for $socket {
            type Error = std::io::Error;

            fn try_from(socket: $std) -> std::io::Result<Self> {
                Ok(Self(crate::Async::new(socket)?))
            }
        }

        impl std::os::fd::AsFd for $socket {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.0.as_fd()
            }
        }

        /// Shows what the socket of `std` shows.
        impl std::fmt::Debug for $socket {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.get_ref().fmt(f)
            }
        }
    };
}

/// Reading and writing: as methods, and as the traits of `futures-io` for the stream and for references to it.
///
/// `short_read_empties`: whether a read that gets less than it asked for tells that nothing is left. It does for TCP.
/// Unix streams also stop a read where a message with descriptors ends.
macro_rules! stream {
    ($stream:ident, short_read_empties: $empties:literal) => {
        impl $stream {
            /// One read, and what it tells.
            fn read_once(&self, asked: usize, read: impl FnOnce() -> std::io::Result<usize>) -> std::io::Result<usize> {
                let result = read();
                if $empties && matches!(result, Ok(n) if (1..asked).contains(&n)) {
                    self.0.is_emptied();
                }
                result
            }

            /// Reads what is there, at least one byte, and waits for it. Zero is the end: the peer writes no more.
            /// (Into an empty buffer it reads zero bytes, at once or when there are some.)
            ///
            /// # Errors
            ///
            /// What the system says. After a reset by the peer, first come the bytes that had arrived.
            ///
            /// # Cancel
            ///
            /// A cancellation point. Nothing is lost if it is dropped: then nothing was read.
            pub async fn read(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let asked = buffer.len();
                self.0.read_with(|mut s| self.read_once(asked, || std::io::Read::read(&mut s, buffer))).await
            }

            /// Writes as much of `bytes` as there is room for, at least one byte, and waits for room.
            ///
            /// # Errors
            ///
            /// What the system says; [`BrokenPipe`](std::io::ErrorKind::BrokenPipe) or
            /// [`ConnectionReset`](std::io::ErrorKind::ConnectionReset) once the peer is gone, and never SIGPIPE.
            ///
            /// # Cancel
            ///
            /// A cancellation point. Nothing is lost if it is dropped: then nothing was written.
            pub async fn write(&self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.write_with(|stream| crate::net::coat::send(stream, bytes)).await
            }

            /// Writes all of `bytes`.
            ///
            /// That they are written means that the system has them, not the peer.
            ///
            /// # Errors
            ///
            /// As [`write`](Self::write). A part may have been written.
            ///
            /// # Cancel
            ///
            /// A cancellation point wherever it waits for room. Dropped there, **a part may have been written**, and
            /// nobody knows how much: close the stream then, or count in a loop of your own around
            /// [`write`](Self::write).
            pub async fn write_all(&self, mut bytes: &[u8]) -> std::io::Result<()> {
                while !bytes.is_empty() {
                    match self.write(bytes).await? {
                        0 => return Err(std::io::ErrorKind::WriteZero.into()),
                        n => bytes = &bytes[n..],
                    }
                }
                Ok(())
            }

            /// Waits until a read may find something, and reads nothing: so who waits holds no buffer. Follow it with
            /// [`try_read`](Self::try_read), and wait again where that would block.
            ///
            /// # Errors
            ///
            /// Under another runtime than the stream's.
            ///
            /// # Cancel
            ///
            /// A cancellation point. Nothing is lost.
            pub async fn readable(&self) -> std::io::Result<()> {
                self.0.readable().await
            }

            /// Waits until a write may find room. Otherwise as [`readable`](Self::readable).
            ///
            /// # Errors
            ///
            /// Under another runtime than the stream's.
            ///
            /// # Cancel
            ///
            /// A cancellation point. Nothing is lost.
            pub async fn writable(&self) -> std::io::Result<()> {
                self.0.writable().await
            }

            /// Reads what is there, without waiting. No cancellation point.
            ///
            /// # Errors
            ///
            /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) when nothing is there; and what the system says.
            pub fn try_read(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let asked = buffer.len();
                self.0.try_read_with(|mut s| self.read_once(asked, || std::io::Read::read(&mut s, buffer)))
            }

            /// Writes as much as there is room for, without waiting. No cancellation point.
            ///
            /// # Errors
            ///
            /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) when there is no room; and what the system says.
            pub fn try_write(&self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.try_write_with(|stream| crate::net::coat::send(stream, bytes))
            }

            /// Ends one direction or both. After [`Shutdown::Write`](std::net::Shutdown::Write) the peer reads what
            /// was written, then the end; what it writes can still be read here.
            ///
            /// It does not wait, and so is no cancellation point: it works in cleanups.
            ///
            /// # Errors
            ///
            /// [`NotConnected`](std::io::ErrorKind::NotConnected) when the connection is over anyway.
            pub fn shutdown(&self, how: std::net::Shutdown) -> std::io::Result<()> {
                self.0.get_ref().shutdown(how)
            }
        }

        const _: () = {
            use futures_io::{AsyncRead, AsyncWrite};
            use std::io::{self, IoSlice, IoSliceMut, Read};
            use std::pin::Pin;
            use std::task::{Context, Poll};

            /// The system takes no more buffers than this in one call, on any system that we know of.
            const IOV_MAX: usize = 1024;

            impl AsyncRead for &$stream {
                fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
                    let asked = buffer.len();
                    self.0.poll_read_with(cx, |mut stream| self.read_once(asked, || stream.read(buffer)))
                }

                fn poll_read_vectored(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    buffers: &mut [IoSliceMut<'_>],
                ) -> Poll<io::Result<usize>> {
                    let asked = buffers.iter().take(IOV_MAX).map(|buffer| buffer.len()).sum();
                    self.0.poll_read_with(cx, |mut stream| self.read_once(asked, || stream.read_vectored(buffers)))
                }
            }

            impl AsyncRead for $stream {
                fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
                    Pin::new(&mut &*self).poll_read(cx, buffer)
                }

                fn poll_read_vectored(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    buffers: &mut [IoSliceMut<'_>],
                ) -> Poll<io::Result<usize>> {
                    Pin::new(&mut &*self).poll_read_vectored(cx, buffers)
                }
            }

            /// `poll_flush` has nothing to do; `poll_close` shuts the write half down. Neither waits for room.
            impl AsyncWrite for &$stream {
                fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
                    self.0.poll_write_with(cx, |stream| crate::net::coat::send(stream, bytes))
                }

                fn poll_write_vectored(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    slices: &[IoSlice<'_>],
                ) -> Poll<io::Result<usize>> {
                    let slices = &slices[..slices.len().min(IOV_MAX)];
                    self.0.poll_write_with(cx, |stream| crate::net::coat::send_vectored(stream, slices))
                }

                fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                    self.0.poll_at_once(|_| Ok(()))
                }

                fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                    self.0.poll_at_once(|stream| match stream.shutdown(std::net::Shutdown::Write) {
                        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()), // closed already
                        result => result,
                    })
                }
            }

            impl AsyncWrite for $stream {
                fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
                    Pin::new(&mut &*self).poll_write(cx, bytes)
                }

                fn poll_write_vectored(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    slices: &[IoSlice<'_>],
                ) -> Poll<io::Result<usize>> {
                    Pin::new(&mut &*self).poll_write_vectored(cx, slices)
                }

                fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                    Pin::new(&mut &*self).poll_flush(cx)
                }

                fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                    Pin::new(&mut &*self).poll_close(cx)
                }
            }
        };
    };
}

pub(super) use {socket, stream};
