//! Waiting for descriptors.
//!
//! Before: `wakeup.rs`, and `reactor/source.rs`, in which is kept who waits. After: `io.rs`, which wraps a descriptor.
//!
//! **Facts.** A descriptor is registered once, for both directions, in *edge* mode: the kernel says "this became
//! ready" once and is silent until it was drained. So a source remembers, for each direction, whether it may be ready;
//! it begins as "may be", an operation that would block says "is not", an event says "may be" again. An operation is
//! tried whenever it may be ready, and only who was told "would block" waits.
//!
//! **Danger.** Two. An edge that is forgotten never comes again: hence readiness is cleared by `WouldBlock`, and by a
//! short read only where an event tells of the end of a stream (it may be announced with the same edge as the last
//! bytes). And the kernel knows descriptors by number: closed while registered, the number's next owner gets our events
//! or is refused as known.
//!
//! **Remedy.** A source is deregistered before its descriptor is closed, whatever ends it; no safe code can close or
//! swap the descriptor before that ([`IoSafe`]); and events carry a generation, so that one that was already on its
//! way finds nobody.
//!
//! **Cost.** One system call at each end of a source's life.
//!
//! **The fallback.** Where the poller has no edge mode, registrations are one-shot and each wait costs a call to arm
//! it. An event of *either* direction disarms *both*: so it wakes who waits for the other one too, and they, told
//! "would block" by their memory and not by the kernel, arm it again. (To arm it here, the source would have to know a
//! descriptor that it does not own.)
#![allow(unsafe_code, reason = "registering a descriptor is a promise about its life")]

#[cfg(all(target_os = "linux", not(polling_test_poll_backend)))]
mod epoll;
mod source;

#[cfg(test)]
mod one_shot;
#[cfg(test)]
mod scripted;

pub(crate) use polling::Poller as Sleeper;
#[cfg(feature = "signal")]
pub(crate) use source::Meaning;
pub(crate) use source::{Direction, Source, Ticket};

use crate::first_panic::each_despite_panics;
use crate::instrument::WaitsFor;
use crate::local::Local;
use crate::wakeup::Wakeup;
use polling::{Event, Events, PollMode, Poller};
use slab::Slab;
use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Descriptors that may be registered: as long as the value lives, safe code cannot close, replace or renumber its
/// descriptor through a shared reference to it.
///
/// Implemented for the sockets and pipes of `std` and for `OwnedFd`; anything else goes in as an `OwnedFd`.
///
/// # Safety
///
/// `as_fd` names the same open descriptor from the moment the value is given to [`Async`](crate::Async) until it is
/// dropped. A type that closes or exchanges its descriptor behind `&self` breaks this, however safe its code is.
pub unsafe trait IoSafe: AsFd {}

macro_rules! io_safe {
    ($($owner:ty),+ $(,)?) => { $(
        // SAFETY: std closes these descriptors in `Drop` or by value only, and offers no way to exchange them behind
        // a shared reference. Guarded by `a_descriptor_number_can_be_reused_at_once` in tests/reactor.rs.
        unsafe impl IoSafe for $owner {}
    )+ };
}

io_safe! {
    std::net::TcpListener, std::net::TcpStream, std::net::UdpSocket,
    std::os::unix::net::UnixDatagram, std::os::unix::net::UnixListener, std::os::unix::net::UnixStream,
    std::io::PipeReader, std::io::PipeWriter, std::os::fd::OwnedFd,
}

/// The sources of a runtime and the poller that watches them. The poller is made with the first source.
#[derive(Default)]
pub(crate) struct Reactor {
    watcher: OnceCell<Watcher>,
    sources: RefCell<Slab<Rc<Source>>>,
    /// Counts sources, for the upper half of their keys.
    generation: Cell<usize>,
    /// Directions with somebody waiting. While there are any, virtual time stands still.
    waited_on: Cell<usize>,
    /// Sources in the background: their waits are not in `waited_on`.
    in_background: Cell<usize>,
    /// Whether the poller was asked since anything ran last: then there is no news of those.
    has_looked: Cell<bool>,
    /// Who is to be woken for the events at hand. Empty but in `dispatch`, and kept for its room.
    woken: Cell<Vec<Wakeup>>,
    /// At which poll operations were last counted, and how many there were in it.
    operations: Cell<(u32, u32)>,
    /// Somebody outside waits for the poller: what rings in it has to be taken out in each turn.
    is_shown: Cell<bool>,
    /// Use one-shot registrations even where edge mode exists. For tests of the fallback.
    one_shot: Cell<bool>,
    /// What the poller is made to say, in tests of what it rarely says by itself.
    #[cfg(test)]
    script: scripted::Script,
}

struct Watcher {
    poller: Arc<Poller>,
    mode: Mode,
    /// Filled by `wait`, emptied by `dispatch`. Made when `polling` has to wait for the first time.
    events: OnceCell<RefCell<Events>>,
    #[cfg(all(target_os = "linux", not(polling_test_poll_backend)))]
    epoll: RefCell<epoll::Events>,
}

/// How descriptors are registered, and who waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Once, for all edges. On Linux straight with the system, elsewhere by way of `polling`.
    Edge,
    /// For one shot, each time somebody waits.
    OneShot,
}

/// Operations that a task may do without a wait in between.
const OPERATIONS_A_POLL: u32 = 64;

/// The bits of a key that are a place in the slab; the generation is above them.
const HALF: u32 = usize::BITS / 2;

fn place_of(key: usize) -> usize {
    key & (usize::MAX >> HALF)
}

impl Reactor {
    /// Starts to watch a descriptor.
    ///
    /// The caller promises what `IoSafe` asks, and to call [`forget`](Self::forget) before the descriptor is closed:
    /// `Async` owns the value, gives out shared references only, and forgets it in `Drop` and in `into_inner`.
    pub(crate) fn watch<T: IoSafe>(&self, local: &Local, io: &T) -> io::Result<Rc<Source>> {
        let watcher = self.watcher(local)?;
        let source = {
            let mut sources = self.sources.borrow_mut();
            let place = sources.vacant_entry();
            let generation = self.generation.get();
            self.generation.set(generation.wrapping_add(1) & (usize::MAX >> (HALF + 1))); // never usize::MAX
            let key = place.key() | generation << HALF;
            Rc::clone(place.insert(Rc::new(Source::new(key, io.as_fd().as_raw_fd()))))
        };
        #[cfg(not(test))]
        let added = watcher.add(io, source.key());
        #[cfg(test)]
        let added = self.script.refusal().map_or_else(|| watcher.add(io, source.key()), Err);
        if let Err(error) = added {
            let source = self.sources.borrow_mut().remove(place_of(source.key()));
            drop(source);
            return Err(explain(error));
        }
        if local.background().is_polled() {
            self.put_in_background(&source);
        }
        Ok(source)
    }

    /// Ends the watching. An error means that the kernel had let go of the descriptor already.
    pub(crate) fn forget(&self, source: &Rc<Source>, fd: BorrowedFd<'_>) {
        if let Some(watcher) = self.watcher.get() {
            drop(watcher.poller.delete(fd));
        }
        let removed = self.sources.borrow_mut().try_remove(place_of(source.key()));
        if source.is_in_background() {
            self.in_background.set(self.in_background.get() - 1);
        }
        let mut wakeups = Vec::new();
        source.take(self, Direction::Read, &mut wakeups);
        source.take(self, Direction::Write, &mut wakeups);
        drop((removed, wakeups)); // nobody can wait for a source that its owner has dropped: the wait borrows it
    }

    fn watcher(&self, local: &Local) -> io::Result<&Watcher> {
        if self.watcher.get().is_none() {
            let watcher = Watcher::new(self.one_shot.get())?;
            let poller = Arc::downgrade(&watcher.poller);
            if self.watcher.set(watcher).is_ok() {
                local.remote().sleep_in(poller);
            }
        }
        Ok(self.watcher.get().expect("made above"))
    }

    /// Whether events tell of the end of a stream, so that otherwise a short read says that nothing is left.
    pub(crate) fn sees_ends(&self) -> bool {
        cfg!(all(target_os = "linux", not(polling_test_poll_backend)))
            && self.watcher.get().is_some_and(|watcher| watcher.mode == Mode::Edge)
    }

    /// Whether there is a poller to sleep in.
    pub(crate) fn is_sleepable(&self) -> bool {
        self.watcher.get().is_some()
    }

    /// Whether a look into the poller would show nothing: no descriptor is watched, and nobody looks at the poller
    /// itself, so that a ring may stay in it.
    pub(crate) fn is_idle(&self) -> bool {
        self.sources.borrow().is_empty() && !self.is_shown.get()
    }

    /// The poller's own descriptor, for somebody outside to wait for.
    pub(crate) fn show(&self, local: &Local) -> io::Result<BorrowedFd<'_>> {
        let watcher = self.watcher(local)?;
        if !self.is_shown.replace(true) && local.remote().has_rung() {
            watcher.poller.notify()?; // who rang before there was a poller, or before each ring was taken out, is seen too
        }
        #[cfg(polling_test_poll_backend)] // under Miri, for which `polling` waits in poll(2): that has no descriptor
        return Err(io::ErrorKind::Unsupported.into());
        #[cfg(not(polling_test_poll_backend))]
        Ok(watcher.poller.as_fd())
    }

    /// How many descriptors are watched.
    pub(crate) fn len(&self) -> usize {
        self.sources.borrow().len()
    }

    /// How many of them are not of the background.
    pub(crate) fn counted(&self) -> usize {
        self.len() - self.in_background.get()
    }

    pub(crate) fn is_waited_on(&self) -> bool {
        self.waited_on.get() > 0
    }

    /// Whether what is being polled may do one more operation that does not wait. Counted from the last poll of anything;
    /// after [`OPERATIONS_A_POLL`] the answer is no, once, and the count begins anew.
    pub(crate) fn may_operate(&self, polls: u32) -> bool {
        let (poll, done) = self.operations.get();
        let done = if poll == polls { done + 1 } else { 1 };
        let may = done <= OPERATIONS_A_POLL;
        self.operations.set((polls, if may { done } else { 0 }));
        may
    }

    /// Puts a source into the background, if it is not there: who waits for it counts for nothing.
    pub(crate) fn put_in_background(&self, source: &Source) {
        if let Some(waited_on) = source.put_in_background() {
            self.in_background.set(self.in_background.get() + 1);
            self.waited_on.set(self.waited_on.get() - waited_on);
        }
    }

    /// Whether the poller is to be asked once before virtual time moves or a stall is told: there may be news of a source
    /// in the background. Not asked for again until something has run.
    ///
    /// ```text
    /// raise(SIGINT); // the handler has written into the pipe of a listener in the background
    /// sleep(HOUR).await; // the listener hears it now, and not in an hour
    /// ```
    pub(crate) fn looks_first(&self) -> bool {
        self.in_background.get() > 0 && !self.has_looked.replace(true)
    }

    /// Something has run, and may have made news.
    pub(crate) fn has_run(&self) {
        self.has_looked.set(false);
    }

    /// Shows who waits for which descriptor. `look` runs nobody's code.
    pub(crate) fn each_waiter(&self, mut look: impl FnMut(WaitsFor, &Wakeup)) {
        self.sources.borrow().iter().for_each(|(_, source)| source.each_waiter(&mut look));
    }

    /// A direction of a source begins to be waited on.
    fn count_in(&self) {
        self.waited_on.set(self.waited_on.get() + 1);
    }

    /// Nobody waits for a direction of a source any more.
    fn count_out(&self) {
        self.waited_on.set(self.waited_on.get() - 1);
    }

    #[cfg(test)]
    pub(crate) fn use_one_shot(&self) {
        self.one_shot.set(true);
    }

    /// Sleeps in the poller until an event, a notification or the timeout (`None`: for ever).
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> io::Result<()> {
        #[cfg(test)]
        if let Some(ended) = self.script.wait() {
            return ended;
        }
        self.watcher.get().map_or(Ok(()), |watcher| watcher.wait(timeout))
    }

    /// Acts on the events of the last wait: collects who is to be woken, then wakes. All of them, also if the waker of
    /// somebody else panics: an edge does not come twice.
    pub(crate) fn dispatch(&self, local: &Rc<Local>) {
        let Some(watcher) = self.watcher.get() else { return };
        let mut wakeups = self.woken.take();
        let mut act = |key, readable, writable, has_more| {
            let source = self.sources.borrow().get(place_of(key)).cloned();
            let Some(source) = source.filter(|source| source.key() == key) else { return };
            for (direction, ready) in [(Direction::Read, readable), (Direction::Write, writable)] {
                if ready {
                    source.may_be_ready(direction, has_more);
                }
                if ready || watcher.mode == Mode::OneShot {
                    source.take(self, direction, &mut wakeups);
                }
            }
        };
        watcher.take_events(&mut act);
        #[cfg(test)]
        self.script.events().for_each(|(key, readable, writable)| act(key, readable, writable, false));
        each_despite_panics(wakeups.drain(..), |wakeup| wakeup.wake(local));
        self.woken.set(wakeups);
    }

    /// Arms a one-shot registration for the directions that somebody waits for. Nothing to do in edge mode.
    fn arm(&self, source: &Source, fd: BorrowedFd<'_>) -> io::Result<()> {
        match self.watcher.get() {
            Some(watcher) if watcher.mode == Mode::OneShot => {
                let mut interest = Event::none(source.key());
                interest.readable = source.is_waited_on(Direction::Read);
                interest.writable = source.is_waited_on(Direction::Write);
                watcher.poller.modify_with_mode(fd, interest, PollMode::Oneshot)
            }
            _ => Ok(()),
        }
    }
}

impl Watcher {
    fn new(one_shot: bool) -> io::Result<Self> {
        let poller = Arc::new(Poller::new()?);
        let mode = if one_shot || !poller.supports_edge() { Mode::OneShot } else { Mode::Edge };
        Ok(Self {
            poller,
            mode,
            events: OnceCell::new(),
            #[cfg(all(target_os = "linux", not(polling_test_poll_backend)))]
            epoll: RefCell::default(),
        })
    }

    fn add<T: IoSafe>(&self, io: &T, key: usize) -> io::Result<()> {
        let (interest, mode) = match self.mode {
            #[cfg(all(target_os = "linux", not(polling_test_poll_backend)))]
            Mode::Edge => return epoll::add(&self.poller, io.as_fd(), key),
            #[cfg(not(all(target_os = "linux", not(polling_test_poll_backend))))]
            Mode::Edge => (Event::all(key), PollMode::Edge),
            Mode::OneShot => (Event::none(key), PollMode::Oneshot),
        };
        let fd = io.as_fd().as_raw_fd();
        // SAFETY: `add_with_mode` asks that the descriptor be deleted from the poller before it is closed. It is open
        // now (it is borrowed from `io`), stays open and the same while `io` lives (`IoSafe`), and `Async`, the only
        // caller, deletes it before it lets go of `io`; forgetting an `Async` forgets the descriptor with it. The
        // poller lives in `Local`, which every `Async` keeps alive. Guarded by tests/reactor.rs:
        // `a_descriptor_number_can_be_reused_at_once`, `a_socket_that_is_forgotten_stays_open`.
        unsafe { self.poller.add_with_mode(fd, interest, mode) }
    }

    fn wait(&self, timeout: Option<Duration>) -> io::Result<()> {
        #[cfg(all(target_os = "linux", not(polling_test_poll_backend)))]
        if self.mode == Mode::Edge {
            if epoll::wait(&self.poller, &mut self.epoll.borrow_mut(), timeout)? {
                self.wait_by_polling(Some(Duration::ZERO))?;
            }
            return Ok(());
        }
        self.wait_by_polling(timeout)
    }

    fn wait_by_polling(&self, timeout: Option<Duration>) -> io::Result<()> {
        let mut events = self.events.get_or_init(|| RefCell::new(Events::new())).borrow_mut();
        events.clear();
        self.poller.wait(&mut events, timeout).map(drop)
    }

    /// Hands out the events of the last wait: a key, whether to read and to write may be worth a try, and whether more
    /// is behind a short read. `act` runs nobody's code.
    fn take_events(&self, mut act: impl FnMut(usize, bool, bool, bool)) {
        #[cfg(all(target_os = "linux", not(polling_test_poll_backend)))]
        {
            let mut events = self.epoll.borrow_mut();
            events.iter().for_each(|seen| act(seen.key, seen.readable, seen.writable, seen.has_more));
            events.clear();
        }
        if let Some(events) = self.events.get() {
            let mut events = events.borrow_mut();
            // `polling` has no word for "the peer writes no more": there may be more behind any of these.
            events.iter().for_each(|event| act(event.key, event.readable, event.writable, true));
            events.clear();
        }
    }
}

/// A descriptor that cannot be watched, in words.
fn explain(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::PermissionDenied => io::Error::new(
            io::ErrorKind::Unsupported,
            "this descriptor cannot be waited for (a regular file or directory?): use a socket, a pipe or a terminal",
        ),
        _ => error,
    }
}
