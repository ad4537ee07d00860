//! One registered descriptor: what is known of its readiness, and who waits for it.
//!
//! Before: `wakeup.rs`. After: `reactor.rs`, which owns the sources and hears of events.
//!
//! **Facts.** A wake takes out everybody who waits for a direction: which of them will get the bytes, only the kernel
//! knows. Each looks again, and who is told "would block" waits anew, in any order and among newcomers.
//!
//! **Danger.** Places are reused. Who was woken and looks again, or gives up, must not take a newcomer out of the place
//! that once was its own: nobody would wake the newcomer.
//!
//! **Remedy.** Wakes are numbered, and a place is known by its [`Ticket`]: the place and the number of the round it is
//! good for. A ticket of an earlier round names nothing.
#![forbid(unsafe_code)]

use super::Reactor;
use crate::instrument::WaitsFor;
use crate::local::Local;
use crate::wakeup::Wakeup;
use slab::Slab;
use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind};
use std::os::fd::{BorrowedFd, RawFd};
use std::task::Context;

/// Which way data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// What it is that comes when a source is ready, for whoever asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Bytes, or room for them.
    #[default]
    Itself,
    #[cfg(feature = "signal")]
    Signal,
    /// The end of a process.
    #[cfg(feature = "process")]
    Process(u32),
}

/// One registered descriptor. A server has one for each connection, so it is kept small.
pub(crate) struct Source {
    /// What events are marked with: the place in the reactor's slab, and the generation above it.
    key: usize,
    /// The descriptor, to name it. It is the owner's, and nothing is done to it by this number.
    fd: RawFd,
    /// Whether who waits for it counts for nothing: virtual time goes on, and a stall is one.
    in_background: Cell<bool>,
    meaning: Cell<Meaning>,
    read: Side,
    write: Side,
}

/// One direction of a source.
#[derive(Default)]
struct Side {
    state: Cell<State>,
    /// Counts wakes. All that is in `waiters` came in this round.
    round: Cell<u32>,
    waiters: RefCell<Waiters>,
}

/// What is known of a direction.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// It may be ready: try before you wait.
    #[default]
    MayBeReady,
    /// It is ready, and behind a short read there is more: the end, an error, or what follows urgent data.
    HasMore,
    WouldBlock,
}

/// Who waits for a direction.
#[derive(Default)]
struct Waiters {
    /// In an `async` method; the first, and mostly the only one.
    one: Option<Wakeup>,
    /// In a `poll_` method; a later caller takes the place of an earlier one, as with `AsyncRead`.
    poller: Option<Wakeup>,
    /// In `async` methods beside the first. Kept when it is empty, since who once had several will have them again.
    more: Option<Box<Slab<Wakeup>>>,
}

/// A place among those who wait, good until the next wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    round: u32,
    place: u32,
}

/// The place of [`Waiters::one`]; the others are numbered from 0 on.
const ONE: u32 = u32::MAX;

impl Source {
    pub(super) fn new(key: usize, fd: RawFd) -> Self {
        Self {
            key,
            fd,
            in_background: Cell::new(false),
            meaning: Cell::default(),
            read: Side::default(),
            write: Side::default(),
        }
    }

    /// How many of its directions are waited on, and were counted until now. `None`: it is there already.
    pub(super) fn put_in_background(&self) -> Option<usize> {
        let was_there = self.in_background.replace(true);
        (!was_there).then(|| usize::from(self.read.is_waited_on()) + usize::from(self.write.is_waited_on()))
    }

    pub(super) fn is_in_background(&self) -> bool {
        self.in_background.get()
    }

    pub(super) fn key(&self) -> usize {
        self.key
    }

    /// A wait for it is one for that.
    #[cfg(feature = "signal")]
    pub(crate) fn mean(&self, what: Meaning) {
        self.meaning.set(what);
    }

    /// What somebody waits for who waits for a direction.
    pub(crate) fn waits_for(&self, direction: Direction) -> WaitsFor {
        match (self.meaning.get(), direction) {
            (Meaning::Itself, Direction::Read) => WaitsFor::Readable(self.fd),
            (Meaning::Itself, Direction::Write) => WaitsFor::Writable(self.fd),
            #[cfg(feature = "signal")]
            (Meaning::Signal, _) => WaitsFor::Signal,
            #[cfg(feature = "process")]
            (Meaning::Process(id), _) => WaitsFor::Process(id),
        }
    }

    fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    /// An event says so; or also that a short read will not be the last one.
    pub(super) fn may_be_ready(&self, direction: Direction, has_more: bool) {
        let state = &self.side(direction).state;
        if state.get() != State::HasMore {
            state.set(if has_more { State::HasMore } else { State::MayBeReady });
        }
    }

    /// Whether an operation is worth a try.
    pub(crate) fn is_ready(&self, direction: Direction) -> bool {
        self.side(direction).state.get() != State::WouldBlock
    }

    /// A read has shown that nothing is left: another one would block. Only where an event would have told of the end.
    pub(crate) fn is_emptied(&self) {
        if self.read.state.get() == State::MayBeReady {
            self.read.state.set(State::WouldBlock);
        }
    }

    pub(super) fn is_waited_on(&self, direction: Direction) -> bool {
        self.side(direction).is_waited_on()
    }

    /// Tries `operation` if the direction may be ready. `None`: it would block.
    pub(crate) fn attempt<R>(
        &self,
        direction: Direction,
        mut operation: impl FnMut() -> io::Result<R>,
    ) -> Option<io::Result<R>> {
        let side = self.side(direction);
        while side.state.get() != State::WouldBlock {
            match operation() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => side.state.set(State::WouldBlock),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return Some(result),
            }
        }
        None
    }

    /// Somebody waits in an `async` method, with `ticket` if they have waited before.
    pub(crate) fn wait_as(
        &self,
        local: &Local,
        direction: Direction,
        ticket: &mut Option<Ticket>,
        fd: BorrowedFd<'_>,
        cx: &Context<'_>,
    ) -> io::Result<()> {
        let side = self.side(direction);
        if side.is_placed(*ticket, |own| own.is_for(local, cx)) {
            return Ok(());
        }
        let wakeup = Wakeup::new(local, cx);
        let was_waited_on = side.is_waited_on();
        let before = ticket.replace(side.insert(wakeup));
        let gone = side.remove(before);
        let waits = self.waits(local, was_waited_on, fd);
        drop(gone); // last: dropping a foreign waker may end another wait
        waits
    }

    /// Somebody waits in a `poll_` method.
    pub(crate) fn wait_once(
        &self,
        local: &Local,
        direction: Direction,
        fd: BorrowedFd<'_>,
        cx: &Context<'_>,
    ) -> io::Result<()> {
        let side = self.side(direction);
        if side.waiters.borrow().poller.as_ref().is_some_and(|own| own.is_for(local, cx)) {
            return Ok(());
        }
        let wakeup = Wakeup::new(local, cx);
        let was_waited_on = side.is_waited_on();
        let before = side.waiters.borrow_mut().poller.replace(wakeup);
        let waits = self.waits(local, was_waited_on, fd);
        drop(before); // last, too
        waits
    }

    fn waits(&self, local: &Local, was_waited_on: bool, fd: BorrowedFd<'_>) -> io::Result<()> {
        let reactor = local.reactor();
        if !was_waited_on && !self.in_background.get() {
            reactor.count_in();
        }
        reactor.arm(self, fd)
    }

    /// Who waited with `ticket` does not any more.
    pub(crate) fn give_up(&self, local: &Local, direction: Direction, ticket: Option<Ticket>) {
        let side = self.side(direction);
        let gone = side.remove(ticket);
        if gone.is_some() {
            local.drops_wait(|| Some(self.waits_for(direction)));
            if !side.is_waited_on() && !self.in_background.get() {
                local.reactor().count_out();
            }
        }
        drop(gone); // last: dropping a foreign waker may end another wait
    }

    /// What somebody waits for in a `poll_` method.
    pub(crate) fn polled_for(&self) -> Option<WaitsFor> {
        let mut directions = [Direction::Read, Direction::Write].into_iter();
        let polled = directions.find(|direction| self.side(*direction).waiters.borrow().poller.is_some());
        polled.map(|direction| self.waits_for(direction))
    }

    /// Shows who waits for what. `look` runs nobody's code.
    pub(super) fn each_waiter(&self, mut look: impl FnMut(WaitsFor, &Wakeup)) {
        for direction in [Direction::Read, Direction::Write] {
            let wait = self.waits_for(direction);
            let waiters = self.side(direction).waiters.borrow();
            let more = waiters.more.iter().flat_map(|more| more.iter().map(|(_, wakeup)| wakeup));
            waiters.one.iter().chain(more).chain(&waiters.poller).for_each(|wakeup| look(wait, wakeup));
        }
    }

    /// Moves out everybody who waits for a direction, to be woken. Their tickets are void.
    pub(super) fn take(&self, reactor: &Reactor, direction: Direction, wakeups: &mut Vec<Wakeup>) {
        let side = self.side(direction);
        if !side.is_waited_on() {
            return;
        }
        if !self.in_background.get() {
            reactor.count_out();
        }
        side.round.set(side.round.get().wrapping_add(1));
        let waiters = &mut *side.waiters.borrow_mut();
        wakeups.extend(waiters.one.take());
        wakeups.extend(waiters.more.iter_mut().flat_map(|more| more.drain()));
        wakeups.extend(waiters.poller.take());
    }
}

impl Side {
    fn is_waited_on(&self) -> bool {
        let waiters = self.waiters.borrow();
        waiters.one.is_some() || waiters.poller.is_some() || waiters.more.as_ref().is_some_and(|more| !more.is_empty())
    }

    fn is_placed(&self, ticket: Option<Ticket>, is_own: impl FnOnce(&Wakeup) -> bool) -> bool {
        let waiters = self.waiters.borrow();
        let own = self.place(ticket).and_then(|place| match place {
            ONE => waiters.one.as_ref(),
            place => waiters.more.as_ref()?.get(place as usize),
        });
        own.is_some_and(is_own)
    }

    /// The place that a ticket is good for, if it still is.
    fn place(&self, ticket: Option<Ticket>) -> Option<u32> {
        ticket.filter(|ticket| ticket.round == self.round.get()).map(|ticket| ticket.place)
    }

    fn insert(&self, wakeup: Wakeup) -> Ticket {
        let waiters = &mut *self.waiters.borrow_mut();
        let place = if waiters.one.is_none() {
            waiters.one = Some(wakeup);
            ONE
        } else {
            waiters.more.get_or_insert_default().insert(wakeup) as u32
        };
        Ticket { round: self.round.get(), place }
    }

    /// Gives a place up. What was in it comes back: a foreign waker's drop is user code.
    fn remove(&self, ticket: Option<Ticket>) -> Option<Wakeup> {
        let place = self.place(ticket)?;
        let waiters = &mut *self.waiters.borrow_mut();
        match place {
            ONE => waiters.one.take(),
            place => waiters.more.as_mut().map(|more| more.remove(place as usize)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::HALF;
    use super::*;
    use crate::{Async, Clock, Runtime};
    use std::future::Future;
    use std::io::{Read, Write};
    use std::pin::pin;
    use std::task::Waker;

    fn ticket(round: u32) -> Option<Ticket> {
        Some(Ticket { round, place: ONE })
    }

    /// C11.
    #[test]
    fn rounds_of_wakes_go_on_over_the_end_of_their_numbers() {
        let (reactor, source) = (Reactor::default(), Source::new(0, 0));
        source.read.round.set(u32::MAX);
        for slot in [1, 2] {
            reactor.count_in();
            let own = source.read.insert(Wakeup::Slot(slot));
            let mut woken = Vec::new();
            source.take(&reactor, Direction::Read, &mut woken);
            assert!(matches!(woken[..], [Wakeup::Slot(n)] if n == slot));
            let _newcomer = source.read.insert(Wakeup::Slot(3));
            assert!(source.read.remove(Some(own)).is_none(), "a ticket of an earlier round");
            assert!(source.read.remove(ticket(source.read.round.get())).is_some());
        }
        assert_eq!(source.read.round.get(), 1);
    }

    /// C11, A4: RUSTSEC-2024-0019. No key is the one that `polling` keeps for itself.
    #[test]
    fn keys_of_sources_go_on_over_the_end_of_their_generations() {
        let runtime = Runtime::with_clock(Clock::Manual);
        let last = usize::MAX >> (HALF + 1);
        runtime.local().reactor().generation.set(last);
        runtime.block_on(async {
            for generation in [last, 0, 1] {
                let (reader, mut writer) = std::io::pipe().expect("a pipe");
                let reader = Async::new(reader).expect("a source");
                let keys: Vec<_> =
                    runtime.local().reactor().sources.borrow().iter().map(|(_, source)| source.key).collect();
                assert_eq!(keys, [generation << HALF]);
                let mut byte = pin!(reader.read_with(|mut pipe| pipe.read(&mut [0])));
                assert!(byte.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                writer.write_all(b"x").expect("room");
                assert_eq!(byte.await.ok(), Some(1));
            }
        });
    }

    /// A4: RUSTSEC-2024-0019, tokio-rs/tokio#7494. The event was on its way when its source went.
    #[test]
    fn an_event_of_a_source_that_is_gone_is_not_told_to_the_one_in_its_place() {
        let runtime = Runtime::with_clock(Clock::Manual);
        let (local, reactor) = (runtime.local(), runtime.local().reactor());
        let _in_turn = local.enter();
        let pipe = || {
            let (reader, writer) = std::io::pipe().expect("a pipe");
            (Async::new(reader).expect("a source"), writer)
        };
        let (first, mut writer) = pipe();
        writer.write_all(b"x").expect("room");
        reactor.wait(Some(std::time::Duration::ZERO)).expect("an event");
        drop(first);
        let (second, _writer) = pipe();
        let mut byte = pin!(second.read_with(|mut pipe| pipe.read(&mut [0])));
        let (waker, wakes) = counting();
        assert!(byte.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        reactor.dispatch(local);
        assert_eq!(std::sync::Arc::strong_count(&wakes), 3, "its waker was used up");
    }

    /// A waker, and what it shares: one owner less when it is woken.
    fn counting() -> (Waker, std::sync::Arc<Nothing>) {
        let shared = std::sync::Arc::new(Nothing);
        (shared.clone().into(), shared)
    }

    struct Nothing;

    impl std::task::Wake for Nothing {
        fn wake(self: std::sync::Arc<Self>) {}
    }
}
