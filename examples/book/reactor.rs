//! Descriptors and who waits for them: finished in step 9, used by step 10.

#[path = "watched.rs"]
mod watched;

use polling::{Event, Events, Poller};
use slab::Slab;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;
use watched::{Socket, Watched};

// ANCHOR: reactor
pub(crate) struct Reactor {
    poller: Arc<Poller>,
    events: RefCell<Events>,
    /// By the key under which the poller knows the descriptor.
    sources: RefCell<Slab<Source>>,
}

/// Who waits for a descriptor.
#[derive(Default)]
struct Source {
    readers: Vec<Waker>,
    writers: Vec<Waker>,
}

impl Reactor {
    pub(crate) fn new() -> io::Result<Self> {
        let (poller, events) = (Arc::new(Poller::new()?), RefCell::new(Events::new()));
        Ok(Self { poller, events, sources: RefCell::default() })
    }

    pub(crate) fn is_waited_on(&self) -> bool {
        self.sources
            .borrow()
            .iter()
            .any(|(_, source)| !source.readers.is_empty() || !source.writers.is_empty())
    }

    /// Sleeps until a descriptor has news, a thread rouses it, or the time is over. Wakes those who
    /// wait for the news.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> io::Result<()> {
        let mut events = self.events.borrow_mut();
        events.clear();
        self.poller.wait(&mut events, timeout)?;
        let mut woken = Vec::new();
        for event in events.iter() {
            // An event of either direction disarms both. Who finds nothing to do arms again.
            if let Some(source) = self.sources.borrow_mut().get_mut(event.key) {
                woken.append(&mut source.readers);
                woken.append(&mut source.writers);
            }
        }
        drop(events);
        woken.into_iter().for_each(Waker::wake);
        Ok(())
    }
    // ANCHOR_END: reactor

    /// What ends a wait, from another thread. (From its own, the loop is up.)
    pub(crate) fn rouser(&self) -> impl Fn() + Send + Sync + use<> {
        let (poller, own) = (self.poller.clone(), thread::current().id());
        move || {
            if thread::current().id() != own {
                _ = poller.notify();
            }
        }
    }
}

// ANCHOR: async
/// A socket whose operations can be awaited.
pub(crate) struct Async<T: Socket> {
    reactor: Rc<Reactor>,
    watched: Watched<T>,
}

#[derive(Clone, Copy)]
enum Direction {
    Read,
    Write,
}

impl<T: Socket> Async<T> {
    pub(crate) fn new(socket: T) -> io::Result<Self> {
        let reactor = super::current().reactor.clone();
        let key = reactor.sources.borrow_mut().insert(Source::default());
        let watched = Watched::new(socket, reactor.poller.clone(), key)?;
        Ok(Self { reactor, watched })
    }

    /// Tries, and waits only if it would block.
    async fn when<R>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        poll_fn(|cx| match operation(self.watched.get()) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.wait(direction, cx)?;
                Poll::Pending
            }
            done => Poll::Ready(done),
        })
        .await
    }

    fn wait(&self, direction: Direction, cx: &Context<'_>) -> io::Result<()> {
        let sources = &mut *self.reactor.sources.borrow_mut();
        let source = &mut sources[self.watched.key()];
        let waiters = match direction {
            Direction::Read => &mut source.readers,
            Direction::Write => &mut source.writers,
        };
        if !waiters.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiters.push(cx.waker().clone());
        }
        let (readable, writable) = (!source.readers.is_empty(), !source.writers.is_empty());
        self.watched.arm(Event::new(self.watched.key(), readable, writable)) // not only for us
    }
}
// ANCHOR_END: async

impl<T: Socket> Drop for Async<T> {
    fn drop(&mut self) {
        let source = self.reactor.sources.borrow_mut().remove(self.watched.key());
        drop(source); // wakers are dropped when nothing is borrowed
    }
}

// ANCHOR: operations
impl Async<TcpListener> {
    pub(crate) async fn accept(&self) -> io::Result<TcpStream> {
        self.when(Direction::Read, |listener| listener.accept()).await.map(|(stream, _)| stream)
    }
}

impl<T: Socket> Async<T>
where
    for<'a> &'a T: Read + Write,
{
    /// Some bytes, as soon as there are any. None: the stream is at its end.
    pub(crate) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.when(Direction::Read, |mut socket| socket.read(buffer)).await
    }

    /// Some of the bytes, as soon as there is room for any.
    pub(crate) async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.when(Direction::Write, |mut socket| socket.write(bytes)).await
    }
}
// ANCHOR_END: operations
