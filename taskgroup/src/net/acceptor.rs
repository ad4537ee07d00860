//! The accepting half of a server's loop.
//!
//! Before: `limit.rs`; `net/connect.rs` of the runtime, which tells the errors apart. After: nothing.
//!
//! **Facts.** Out of descriptors, `accept` fails at once, and again for as long as the connection is in the queue. The
//! connection is not lost by that.
//!
//! **Danger.** A loop that tries again at once keeps a processor busy and floods the log; one that gives up ends the
//! server, and all its connections, for a shortage that passes.
//!
//! **Remedy.** To wait a little, and to say it once. **Cost.** A place that becomes free is noticed up to [`PAUSE`] late.

use crate::group::TaskGroup;
use std::io;
use std::time::{Duration, Instant};
use taskgroup_runtime::{Report, is_passing, now, report, sleep};

/// Between an attempt that failed and the next one: at most twenty of them a second.
const PAUSE: Duration = Duration::from_millis(50);

/// Failures that follow one another within this time are one shortage, though connections may come in between: a server
/// that is full accepts one whenever one ends.
const SPELL: Duration = Duration::from_secs(1);

/// Accepts connections for a group, and sees shortages through.
///
/// For each connection, [`accept`](Self::accept) waits for a place in the group ([`TaskGroup::admit`]), so that what is
/// over the group's [limit](TaskGroup::limit) waits in the listener's queue. When the system has no descriptor or no
/// memory left, it tries again, 20 times a second, until there is one; that is told to the reporter
/// ([`Report::NotAccepting`]) once, and again only after a second without such failures.
///
/// Source: `accept(2)`, and the loop in `Server.Serve` of Go's `net/http`.
///
/// ```
/// use taskgroup::net::{Acceptor, TcpListener, TcpStream};
/// use taskgroup::{BoxError, TaskGroup};
/// # use taskgroup::{block_on, task_group};
/// # use std::net::Shutdown;
///
/// async fn serve<'scope>(listener: &TcpListener, g: &'scope TaskGroup<'scope, '_>) -> Result<(), BoxError> {
///     g.limit(100); // the hundred and first waits in the kernel's queue
///     let mut acceptor = Acceptor::new(async || listener.accept().await);
///     loop {
///         let (stream, _) = acceptor.accept(g).await?;
///         g.spawn(async move { _ = greet(&stream).await }); // it ends in `()`: no connection ends another
///         # return Ok(());
///     }
/// }
///
/// async fn greet(stream: &TcpStream) -> std::io::Result<()> {
///     stream.write_all(b"hello").await
/// }
/// # fn main() -> Result<(), BoxError> {
/// # block_on(async {
/// #     let listener = TcpListener::bind("127.0.0.1:0")?;
/// #     let client = TcpStream::connect(listener.local_addr()?).await?;
/// #     task_group(async |g| serve(&listener, g).await).await?;
/// #     let mut greeting = [0; 5];
/// #     client.read(&mut greeting).await?;
/// #     assert_eq!(&greeting, b"hello");
/// #     Ok(())
/// # })
/// # }
/// ```
#[derive(Debug)]
pub struct Acceptor<F> {
    accept: F,
    /// When an attempt failed last.
    failed: Option<Instant>,
}

impl<T, F: AsyncFnMut() -> io::Result<T>> Acceptor<F> {
    /// Takes connections from a function: the `accept` of a listener of any kind. One that takes longer, for a handshake
    /// say, keeps the next connection waiting; and what it has accepted is lost if it is cancelled on the way.
    pub fn new(accept: F) -> Self {
        Self { accept, failed: None }
    }

    /// Waits for a place in the group and for a connection. Spawn its task before you wait for anything: the place is
    /// not held.
    ///
    /// Costs nothing beside the two waits, as long as nothing fails.
    ///
    /// # Errors
    ///
    /// Those that do not pass: the listener was shut down, or belongs to another runtime.
    ///
    /// # Cancel
    ///
    /// A cancellation point. No connection is lost: one that was accepted is returned at once, the others stay in the
    /// queue of the listener.
    pub async fn accept<E>(&mut self, g: &TaskGroup<'_, '_, E>) -> io::Result<T> {
        loop {
            g.admit().await;
            match (self.accept)().await {
                Err(error) if is_passing(&error) => self.failed(&error),
                result => return result,
            }
            sleep(PAUSE).await;
        }
    }

    fn failed(&mut self, error: &io::Error) {
        let now = now();
        let before = self.failed.replace(now);
        if before.is_none_or(|before| now.saturating_duration_since(before) > SPELL) {
            report(&Report::NotAccepting(error));
        }
    }
}

#[cfg(test)]
mod tests;
