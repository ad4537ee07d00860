//! hyper 1 on this runtime: the traits of `hyper::rt` in terms of what is here. A program includes this file with `#[path]`.
//!
//! - [`Io`] is a stream: any with the traits of `futures-io`, for instance `taskgroup::net::TcpStream`.
//! - [`Timer`] is the clock of the runtime, virtual or real.
//! - [`Executor`] is a group: what hyper starts is a task in it. HTTP/1 starts nothing by itself, HTTP/2 does.
//!
//! There is no `unsafe`, which costs two things. hyper reads into memory that nobody has written to, and to say how much of
//! it was filled is `unsafe`: so [`Io`] reads into a buffer of its own and copies. And hyper wants sleeps that may go to
//! another thread, which ours may not: a `SendWrapper` promises that they never do, and panics if they did.

use futures_lite::{AsyncRead, AsyncWrite};
use hyper::rt::{Read, ReadBufCursor, Sleep, Write};
use send_wrapper::SendWrapper;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use taskgroup::Spawner;

/// What is read at once.
const BUFFER: usize = 16 * 1024;

/// A stream of `futures-io`, as hyper wants it.
pub(crate) struct Io<S> {
    stream: S,
    /// Holds nothing between two reads.
    buffer: Box<[u8]>,
}

impl<S> Io<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, buffer: vec![0; BUFFER].into() }
    }
}

impl<S: AsyncRead + Unpin> Read for Io<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, mut into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let Self { stream, buffer } = self.get_mut();
        let most = into.remaining().min(buffer.len());
        let n = ready!(Pin::new(stream).poll_read(cx, &mut buffer[..most]))?;
        into.put_slice(&buffer[..n]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> Write for Io<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_close(cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }
}

/// The clock of the current runtime.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "a client has timeouts of its own around it")]
pub(crate) struct Timer;

struct Alarm(SendWrapper<taskgroup::Sleep>);

impl Future for Alarm {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut *self.0).poll(cx)
    }
}

impl Sleep for Alarm {}

impl hyper::rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Alarm(SendWrapper::new(taskgroup::sleep(duration))))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Alarm(SendWrapper::new(taskgroup::sleep_until(deadline))))
    }

    fn now(&self) -> Instant {
        taskgroup::now()
    }
}

/// A group. Once that is closing, what hyper wants to start is dropped, as all of its tasks are.
#[allow(dead_code, reason = "a server has a task for each connection already")]
pub(crate) struct Executor<E: 'static>(pub(crate) Spawner<E>);

impl<E> Clone for Executor<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E, F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Executor<E> {
    fn execute(&self, future: F) {
        drop(self.0.spawn(future));
    }
}
