//! Linux: the poller's own epoll, asked directly.
//!
//! Before: `reactor.rs`. After: nothing. Elsewhere, and where the kernel will not, `polling` does all of this.
//!
//! **Facts.** `polling` makes five system calls of a wait, since it arms a timer descriptor for the timeout and looks
//! after its notifier each time; and it has no name for `EPOLLRDHUP`, by which the kernel says with an edge that the
//! peer writes no more. It gives its epoll descriptor away, and events carry the keys that one has given.
//!
//! **Use.** A wait is one call; two, if it has a timeout that milliseconds are too coarse for. And with `EPOLLRDHUP` a
//! read that gets less than it asked for has emptied the socket: the next need not be tried to find that out.
//!
//! **Danger.** The notifier is one-shot, and `polling` has to arm it again: so when it has rung, `polling` waits once
//! more, for no time.
#![forbid(unsafe_code)]

use polling::Poller;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// Events that one wait takes. (In tests few: what is beyond them is taken by `polling`, when the notifier has rung.)
const MOST: usize = if cfg!(test) { 4 } else { 1024 };

const MILLISECOND: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What `polling` marks the events of its notifier with.
const NOTIFIER: u64 = usize::MAX as u64;

/// Room for the events of a wait.
#[derive(Default)]
pub(super) struct Events(Vec<epoll::Event>);

/// What an event says.
pub(super) struct Seen {
    pub(super) key: usize,
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// Behind a read that gets less than it asked for there is more: the end, an error, or what follows urgent data,
    /// at which a read stops.
    pub(super) has_more: bool,
}

/// Starts to watch a descriptor for both directions.
pub(super) fn add(poller: &Poller, fd: BorrowedFd<'_>, key: usize) -> io::Result<()> {
    let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::PRI | EventFlags::ET;
    Ok(epoll::add(poller, fd, EventData::new_u64(key as u64), flags)?)
}

/// Waits. Whether the notifier has rung.
///
/// May end early, by less than a millisecond, or after a day: `epoll_wait` counts milliseconds, in an `i32`. The last one
/// is waited for in `poll`, which counts nanoseconds.
pub(super) fn wait(poller: &Poller, events: &mut Events, timeout: Option<Duration>) -> io::Result<bool> {
    events.0.clear();
    events.0.reserve(MOST);
    let timeout = match timeout {
        None => None,
        Some(timeout) if timeout < MILLISECOND && !timeout.is_zero() => {
            let timeout = Timespec { tv_sec: 0, tv_nsec: timeout.subsec_nanos().into() };
            match rustix::event::poll(&mut [PollFd::new(poller, PollFlags::IN)], Some(&timeout)) {
                Ok(0) | Err(Errno::INTR) => return Ok(false),
                Ok(_) => Some(Duration::ZERO),
                Err(error) => return Err(error.into()),
            }
        }
        Some(timeout) => Some(timeout.min(DAY)),
    };
    let timeout = timeout.map(|timeout| Timespec {
        tv_sec: timeout.as_secs() as i64,
        tv_nsec: (timeout.subsec_millis() * 1_000_000).into(),
    });
    match epoll::wait(poller, rustix::buffer::spare_capacity(&mut events.0), timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(events.0.iter().any(|event| event.data.u64() == NOTIFIER)),
        Err(error) => Err(error.into()),
    }
}

impl Events {
    pub(super) fn iter(&self) -> impl Iterator<Item = Seen> + '_ {
        self.0.iter().filter(|event| event.data.u64() != NOTIFIER).map(|event| {
            let flags = event.flags;
            let over = EventFlags::HUP | EventFlags::ERR;
            let has_more = over | EventFlags::RDHUP | EventFlags::PRI;
            Seen {
                key: event.data.u64() as usize,
                readable: flags.intersects(has_more | EventFlags::IN),
                writable: flags.intersects(over | EventFlags::OUT),
                has_more: flags.intersects(has_more),
            }
        })
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use crate::net::{TcpListener, TcpStream};
    use crate::{Runtime, sleep, spawn};
    use std::future::poll_fn;
    use std::io::{self, Write};
    use std::net::{self, Shutdown};
    use std::task::Poll;
    use std::time::Duration;

    #[test]
    fn an_end_that_is_told_beside_a_ring_is_not_lost() -> io::Result<()> {
        Runtime::new().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let (mut peers, mut readers) = (Vec::new(), Vec::new());
            for _ in 0..20 {
                peers.push(net::TcpStream::connect(listener.local_addr()?)?);
                let stream: TcpStream = listener.accept().await?.0;
                readers.push(spawn(async move {
                    let mut buffer = [0; 64];
                    io::Result::Ok((stream.read(&mut buffer).await?, stream.read(&mut buffer).await?))
                }));
            }
            for _ in 0..5 {
                sleep(Duration::ZERO).await; // all of them wait
            }
            let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
            std::thread::spawn(move || waker.wake()).join().expect("no panic"); // the ring
            for peer in &mut peers {
                peer.write_all(b"hello")?;
                peer.shutdown(Shutdown::Write)?;
            }
            for reader in readers {
                assert_eq!(reader.await.expect("no panic")?, (5, 0));
            }
            Ok(())
        })
    }
}
