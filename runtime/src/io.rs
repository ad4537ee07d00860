//! A descriptor that can be waited for.
//!
//! Before: `reactor.rs`. After: `io/traits.rs`, reading and writing as `futures-io` has them; `net/`, which wraps the
//! sockets.
#![forbid(unsafe_code)]

mod traits;

use crate::freeze::is_frozen;
use crate::local::Local;
#[cfg(feature = "signal")]
use crate::reactor::Meaning;
use crate::reactor::{Direction, IoSafe, Source, Ticket};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// A socket, pipe or other descriptor of which operations can be awaited.
///
/// Every operation is tried first and waits only if it would block, or if its task has had 64 others without a wait in
/// between: then it lets everything else run once, so that a fast peer starves nobody. There is no mutable access to
/// what is inside: it could be exchanged for another descriptor while it is registered.
///
/// Costs one system call when it is made and one when it is dropped, besides those of the operations.
///
/// ```
/// use std::io::{Read, Write};
/// use taskgroup_runtime::{Async, block_on};
///
/// # fn main() -> std::io::Result<()> {
/// block_on(async {
///     let (reader, writer) = std::io::pipe()?;
///     let (reader, writer) = (Async::new(reader)?, Async::new(writer)?);
///     writer.write_with(|mut pipe| pipe.write(b"hello")).await?;
///     let mut buffer = [0; 8];
///     let n = reader.read_with(|mut pipe| pipe.read(&mut buffer)).await?;
///     assert_eq!(&buffer[..n], b"hello");
///     Ok(())
/// })
/// # }
/// ```
pub struct Async<T: IoSafe> {
    /// `None` only in `into_inner`, on the way out.
    io: Option<T>,
    source: Rc<Source>,
    local: Rc<Local>,
}

impl<T: IoSafe> Async<T> {
    /// Makes a descriptor non-blocking and registers it with the current runtime.
    ///
    /// # Errors
    ///
    /// Outside a runtime ([`io::ErrorKind::NotConnected`]); for a descriptor that cannot be waited for, such as a
    /// regular file ([`io::ErrorKind::Unsupported`]); and what the system says. The descriptor is closed then.
    pub fn new(io: T) -> io::Result<Self> {
        let local = Local::current().ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotConnected,
                "there is no runtime here to wait with: make sockets inside `block_on(async { .. })`",
            )
        })?;
        Self::new_in(local, io)
    }

    /// The same with a runtime that need not be in its turn.
    pub(crate) fn new_in(local: Rc<Local>, io: T) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&io, true)?;
        let source = local.reactor().watch(&local, &io)?;
        Ok(Self { io: Some(io), source, local })
    }

    /// A wait for it is told as one for that.
    #[cfg(feature = "signal")]
    pub(crate) fn meaning(self, what: Meaning) -> Self {
        self.source.mean(what);
        self
    }

    /// Whoever waits for it counts for nothing: virtual time goes on, and a stall is one.
    #[cfg(feature = "signal")]
    pub(crate) fn in_background(self) -> Self {
        self.local.reactor().put_in_background(&self.source);
        self
    }

    /// What is inside.
    pub fn get_ref(&self) -> &T {
        self.io.as_ref().expect("present until `into_inner`")
    }

    /// Deregisters the descriptor and gives it back. It stays non-blocking.
    pub fn into_inner(mut self) -> T {
        self.release();
        self.io.take().expect("present until now")
    }

    fn release(&mut self) {
        if let Some(io) = &self.io {
            self.local.reactor().forget(&self.source, io.as_fd());
        }
    }

    /// Repeats `operation` until it does not say [`io::ErrorKind::WouldBlock`], waiting for readability in between.
    ///
    /// # Errors
    ///
    /// Those of `operation`; and [`io::ErrorKind::Other`] when awaited under another runtime.
    ///
    /// # Cancel
    ///
    /// A cancellation point where it waits. Dropped while it waits, nothing has been read.
    pub async fn read_with<R>(&self, operation: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.run(Direction::Read, operation).await
    }

    /// The same for writing: waits for writability.
    ///
    /// # Errors
    ///
    /// As [`read_with`](Self::read_with).
    ///
    /// # Cancel
    ///
    /// A cancellation point where it waits. Dropped while it waits, nothing has been written.
    pub async fn write_with<R>(&self, operation: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.run(Direction::Write, operation).await
    }

    async fn run<R>(&self, direction: Direction, mut operation: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.wait(direction, || self.source.attempt(direction, || operation(self.get_ref()))).await
    }

    /// Waits as long as `attempt` has no result.
    async fn wait<R>(&self, direction: Direction, mut attempt: impl FnMut() -> Option<io::Result<R>>) -> io::Result<R> {
        let mut waiter = Waiter { local: &self.local, source: &self.source, direction, ticket: None };
        poll_fn(|cx| {
            ready!(self.before()?);
            ready!(self.take_breath(cx));
            if let Some(result) = attempt() {
                return Poll::Ready(result);
            }
            self.source.wait_as(&self.local, direction, &mut waiter.ticket, self.get_ref().as_fd(), cx)?;
            self.tell(direction);
            Poll::Pending
        })
        .await
    }

    /// Waits until a read may find something, and reads nothing: so a task that waits holds no buffer. To be followed by
    /// [`try_read_with`](Self::try_read_with), which may still say that it would block; then wait again.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Other`] when awaited under another runtime.
    ///
    /// # Cancel
    ///
    /// A cancellation point where it waits. Nothing is lost.
    pub async fn readable(&self) -> io::Result<()> {
        self.ready(Direction::Read).await
    }

    /// Waits until a write may find room. Otherwise as [`readable`](Self::readable).
    ///
    /// # Errors
    ///
    /// As [`readable`](Self::readable).
    ///
    /// # Cancel
    ///
    /// A cancellation point where it waits. Nothing is lost.
    pub async fn writable(&self) -> io::Result<()> {
        self.ready(Direction::Write).await
    }

    async fn ready(&self, direction: Direction) -> io::Result<()> {
        self.wait(direction, || self.source.is_ready(direction).then_some(Ok(()))).await
    }

    /// Tries `operation` once, without waiting; not even that, if nothing has come since it would have blocked. No
    /// cancellation point: it works in destructors.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when there is nothing to read yet; and the errors of `operation`.
    ///
    /// ```
    /// use std::io::{ErrorKind, Read, Write};
    /// use taskgroup_runtime::{Async, block_on};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// block_on(async {
    ///     let (reader, mut writer) = std::io::pipe()?;
    ///     let reader = Async::new(reader)?;
    ///     writer.write_all(b"hello")?;
    ///     loop {
    ///         reader.readable().await?;
    ///         let mut buffer = [0; 64]; // on the stack: it does not live across a wait
    ///         match reader.try_read_with(|mut pipe| pipe.read(&mut buffer)) {
    ///             Err(error) if error.kind() == ErrorKind::WouldBlock => {}
    ///             read => return read.map(|n| assert_eq!(&buffer[..n], b"hello")),
    ///         }
    ///     }
    /// })
    /// # }
    /// ```
    pub fn try_read_with<R>(&self, operation: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.attempt(Direction::Read, operation)
    }

    /// The same for writing: [`io::ErrorKind::WouldBlock`] when there is no room.
    ///
    /// # Errors
    ///
    /// As [`try_read_with`](Self::try_read_with).
    pub fn try_write_with<R>(&self, operation: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.attempt(Direction::Write, operation)
    }

    fn attempt<R>(&self, direction: Direction, mut operation: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        let result = self.source.attempt(direction, || operation(self.get_ref()));
        result.unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))
    }

    /// The same as a poll. Only the last task that polls a direction this way is woken.
    ///
    /// # Errors
    ///
    /// As [`read_with`](Self::read_with).
    pub fn poll_read_with<R>(
        &self,
        cx: &mut Context<'_>,
        operation: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll(Direction::Read, cx, operation)
    }

    /// The same as a poll, for writing. Only the last task that polls a direction this way is woken.
    ///
    /// # Errors
    ///
    /// As [`read_with`](Self::read_with).
    pub fn poll_write_with<R>(
        &self,
        cx: &mut Context<'_>,
        operation: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll(Direction::Write, cx, operation)
    }

    fn poll<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        ready!(self.before()?);
        ready!(self.take_breath(cx));
        if let Some(result) = self.source.attempt(direction, || operation(self.get_ref())) {
            return Poll::Ready(result);
        }
        self.source.wait_once(&self.local, direction, self.get_ref().as_fd(), cx)?;
        self.tell(direction);
        Poll::Pending
    }

    /// Tells the instruments what is waited for.
    #[inline(always)]
    fn tell(&self, direction: Direction) {
        if self.local.is_heard() {
            self.local.tell_wait(self.source.waits_for(direction));
        }
    }

    /// A read has shown that nothing is left: the next one waits without a try, if an event will tell of the end too.
    pub(crate) fn is_emptied(&self) {
        if self.local.reactor().sees_ends() {
            self.source.is_emptied();
        }
    }

    /// An operation that never blocks, whatever the buffers hold: the same questions come first, but it does not wait.
    pub(crate) fn poll_at_once<R>(&self, operation: impl FnOnce(&T) -> io::Result<R>) -> Poll<io::Result<R>> {
        ready!(self.before()?);
        Poll::Ready(operation(self.get_ref()))
    }

    /// What comes before every attempt: a cancelled task does nothing more, a foreign runtime cannot wait for this.
    fn before(&self) -> io::Result<Poll<()>> {
        if is_frozen() {
            return Ok(Poll::Pending);
        }
        if !self.local.is_current() {
            return Err(io::Error::other(
                "this socket belongs to another runtime (or to none that is running): use it where it was made",
            ));
        }
        Ok(Poll::Ready(()))
    }

    /// Now and then a task that need never wait waits for the next turn of the loop, so that others get theirs; those too
    /// whose events or timers the loop has not looked at yet:
    ///
    /// ```text
    /// loop {
    ///     let n = stream.read(&mut buffer).await?; // the peer sends faster than we read: there is always something
    ///     total += n;
    /// }
    /// ```
    fn take_breath(&self, cx: &Context<'_>) -> Poll<()> {
        if self.local.reactor().may_operate(self.local.polls()) {
            return Poll::Ready(());
        }
        self.local.out_of_breath();
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<T: IoSafe> Drop for Async<T> {
    /// Deregisters, then closes.
    fn drop(&mut self) {
        self.local.drops_wait(|| self.source.polled_for());
        self.release();
    }
}

/// A place among those who wait, given up when the wait is over or dropped.
struct Waiter<'a> {
    local: &'a Local,
    source: &'a Source,
    direction: Direction,
    /// `None` until the first wait.
    ticket: Option<Ticket>,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.source.give_up(self.local, self.direction, self.ticket);
    }
}

impl<T: IoSafe + fmt::Debug> fmt::Debug for Async<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Async").field(self.get_ref()).finish()
    }
}

impl<T: IoSafe> AsFd for Async<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}
