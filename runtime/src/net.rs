//! Sockets: TCP, UDP and Unix.
//!
//! ```
//! use taskgroup_runtime::net::{TcpListener, TcpStream};
//! use taskgroup_runtime::{block_on, spawn};
//!
//! # fn main() -> std::io::Result<()> {
//! block_on(async {
//!     let listener = TcpListener::bind("127.0.0.1:0")?;
//!     let address = listener.local_addr()?;
//!     spawn(async move {
//!         let (client, _) = listener.accept().await?;
//!         client.write_all(b"hello").await
//!     });
//!
//!     let server = TcpStream::connect(address).await?;
//!     let mut greeting = [0; 16];
//!     let n = server.read(&mut greeting).await?;
//!     assert_eq!(&greeting[..n], b"hello");
//!     Ok(())
//! })
//! # }
//! ```
//!
//! - [`TcpListener`] and [`TcpStream`], [`UnixListener`] and [`UnixStream`] are streams of bytes between two ends;
//! - [`UdpSocket`] sends and receives datagrams;
//! - [`Incoming`] is what comes to a listener, as a stream.
//!
//! Each is a thin coat over [`Async`](crate::Async) around the socket of `std`; `try_from` puts the coat on and
//! `into_std` takes it off. What has no method here (keep-alive, time to live, groups, ...) is set through
//! `socket2::SockRef::from(&socket)`, since all sockets are [`AsFd`](std::os::fd::AsFd).
//!
//! # What holds for all of them
//!
//! - **All methods take `&self`**, and the streams are `AsyncRead` and `AsyncWrite` also by reference: one task may
//!   read while another writes, and nothing need be split.
//! - **Where.** A socket is made inside a runtime and used in that one. Made outside: an error of kind
//!   [`NotConnected`](std::io::ErrorKind::NotConnected); used elsewhere: one of kind
//!   [`Other`](std::io::ErrorKind::Other).
//! - **Waiting.** An operation is tried at once and waits only if it would block. Several tasks may wait in the
//!   `async` methods of one socket, and all are woken. The `poll_` methods of the traits remember one task for each
//!   direction, the last one.
//! - **Cancel.** Each `async` method is a cancellation point. One that was cancelled before it could act has done
//!   nothing: no byte is read, no connection accepted that nobody sees.
//! - **Cost.** A socket costs two system calls to make and two to drop, besides its own. An operation that need not
//!   wait is one system call; one that waits is two, and shares a third, the loop's, with all that became ready.
//! - **Names.** [`TcpListener::bind`] and [`UdpSocket::bind`] take names too and look them up *blockingly*; they are
//!   meant for the start of a program. Everything that is called while others run takes addresses.
//!
//! What it is not: TLS, name resolution, buffering. Before: `io.rs`.
#![forbid(unsafe_code)]

mod coat;
pub(crate) mod connect;
mod tcp;
mod udp;
mod unix;

pub use connect::Incoming;
pub use tcp::{TcpListener, TcpStream};
pub use udp::UdpSocket;
pub use unix::{UnixListener, UnixStream};
