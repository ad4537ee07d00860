//! What a poller may say and rarely says: events for nothing or for who is gone, waits that end early or fail, descriptors
//! that it does not take.
//!
//! Before: `reactor.rs`. After: nothing.
#![forbid(unsafe_code)]

use super::{Reactor, place_of};
use crate::io::Async;
use crate::net::UnixStream;
use crate::{BlockOnError, Clock, Runtime, sleep};
use rustix::io::Errno;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// What the poller of a reactor is made to say next.
#[derive(Default)]
pub(super) struct Script {
    /// Come beside those of the next wait: a key, and whether to read and to write may be worth a try.
    events: RefCell<Vec<(usize, bool, bool)>>,
    /// So many waits end at once and without an event, as if a signal had come.
    early: Cell<u32>,
    /// The next wait fails.
    failure: Cell<Option<Errno>>,
    /// The next descriptor is not taken.
    refusal: Cell<Option<Errno>>,
}

impl Script {
    pub(super) fn events(&self) -> impl Iterator<Item = (usize, bool, bool)> {
        self.events.take().into_iter()
    }

    pub(super) fn wait(&self) -> Option<io::Result<()>> {
        if let Some(errno) = self.failure.take() {
            return Some(Err(errno.into()));
        }
        self.early.set(self.early.get().checked_sub(1)?);
        Some(Ok(()))
    }

    pub(super) fn refusal(&self) -> Option<io::Error> {
        self.refusal.take().map(Into::into)
    }
}

impl Reactor {
    /// The keys of what is watched.
    fn keys(&self) -> Vec<usize> {
        self.sources.borrow().iter().map(|(_, source)| source.key()).collect()
    }

    fn say(&self, events: impl IntoIterator<Item = (usize, bool, bool)>) {
        self.script.events.borrow_mut().extend(events);
    }
}

/// A turn that does not wait.
fn turn(runtime: &Runtime<'_>) -> u32 {
    runtime.turn(Some(Duration::ZERO)).expect("a turn").polled
}

#[test]
fn events_for_nothing_cost_a_poll_and_change_nothing() -> io::Result<()> {
    // tokio-rs/tokio#7494, asterinas/asterinas#1497: a panic when an event came without cause
    let runtime = Runtime::new();
    let (here, mut there) = runtime.block_on(async {
        let (here, there) = UnixStream::pair()?;
        io::Result::Ok((here, there.into_std()))
    })?;
    let reader = runtime.spawn(async move { here.read(&mut [0; 8]).await });
    turn(&runtime);
    turn(&runtime); // "writable", which nobody waits for
    let reactor = runtime.local().reactor();
    for _ in 0..1000 {
        reactor.say(reactor.keys().into_iter().map(|key| (key, true, true)));
        assert_eq!(turn(&runtime), 1);
    }
    assert!(!reader.is_finished());
    there.write_all(b"hello")?;
    assert_eq!(runtime.block_on(reader).expect("no panic")?, 5);
    Ok(())
}

#[test]
fn an_event_for_a_source_that_is_gone_wakes_nobody_in_its_place() -> io::Result<()> {
    // compio-rs/compio#502, RUSTSEC-2024-0019: the token of what was deregistered was delivered to its successor
    let runtime = Runtime::new();
    let reactor = runtime.local().reactor();
    let (first, second) = runtime.block_on(async { UnixStream::pair() })?;
    let gone = reactor.keys();
    drop((first, second));
    let (here, _there) = runtime.block_on(async { UnixStream::pair() })?;
    let present = reactor.keys();
    let places = |keys: &[usize]| keys.iter().map(|key| place_of(*key)).collect::<Vec<_>>();
    assert_eq!(places(&gone), places(&present), "the places are used again");
    let reader = runtime.spawn(async move { here.read(&mut [0; 8]).await });
    turn(&runtime);
    turn(&runtime);
    reactor.say(
        gone.into_iter()
            .chain([7777, 0, usize::MAX - 1])
            .filter(|key| !present.contains(key))
            .map(|key| (key, true, true)),
    );
    assert_eq!(turn(&runtime), 0);
    assert!(!reader.is_finished());
    Ok(())
}

#[test]
fn a_wait_that_ends_early_makes_no_timer_early() -> io::Result<()> {
    // oven-sh/bun#34780, libuv/libuv#168
    let runtime = Runtime::with_clock(Clock::Manual);
    let _source = runtime.block_on(async { UnixStream::pair() })?;
    let sleeper = runtime.spawn(sleep(Duration::from_millis(10)));
    turn(&runtime);
    runtime.local().reactor().script.early.set(5);
    for _ in 0..5 {
        runtime.turn(None).expect("a turn"); // would wait for ever
        assert!(!sleeper.is_finished());
        runtime.advance(Duration::from_millis(1)).expect("a manual clock");
    }
    runtime.advance(Duration::from_millis(5)).expect("a manual clock");
    turn(&runtime);
    assert!(sleeper.is_finished());
    Ok(())
}

#[test]
fn a_wait_that_fails_is_an_error_of_its_turn_and_loses_nothing() -> io::Result<()> {
    let runtime = Runtime::new();
    let (here, mut there) = runtime.block_on(async {
        let (here, there) = UnixStream::pair()?;
        io::Result::Ok((here, there.into_std()))
    })?;
    let reader = runtime.spawn(async move { here.read(&mut [0; 8]).await });
    turn(&runtime);
    there.write_all(b"hello")?;
    runtime.local().reactor().script.failure.set(Some(Errno::NOMEM));
    let failed = runtime.turn(Some(Duration::ZERO));
    assert!(
        matches!(&failed, Err(BlockOnError::Io(error)) if error.raw_os_error() == Some(Errno::NOMEM.raw_os_error())),
        "{failed:?}"
    );
    assert_eq!(runtime.block_on(reader).expect("no panic")?, 5);
    Ok(())
}

#[test]
fn a_descriptor_that_is_refused_leaves_nothing_behind() -> io::Result<()> {
    // tokio-rs/tokio#6329, #6134
    let runtime = Runtime::new();
    let reactor = runtime.local().reactor();
    let before = runtime.block_on(async { UnixStream::pair() })?;
    for errno in [Errno::NOMEM, Errno::NOSPC, Errno::EXIST, Errno::PERM] {
        reactor.script.refusal.set(Some(errno));
        let (reader, mut writer) = io::pipe()?;
        let refused = runtime.block_on(async { Async::new(reader) });
        let error = refused.expect_err("it is refused");
        assert!(error.raw_os_error() == Some(errno.raw_os_error()) || errno == Errno::PERM, "{error}");
        assert_eq!(reactor.len(), 2);
        assert!(writer.write_all(b"x").is_err(), "the descriptor is closed");
    }
    drop(before);
    assert_eq!(reactor.len(), 0);
    runtime.block_on(async {
        let (reader, mut writer) = io::pipe()?; // the runtime is as good as before
        let reader = Async::new(reader)?;
        let mut read = pin!(reader.read_with(|mut pipe| pipe.read(&mut [0; 8])));
        poll_fn(|cx| Poll::Ready(assert!(read.as_mut().poll(cx).is_pending()))).await;
        writer.write_all(b"hello")?;
        assert_eq!(read.await?, 5);
        Ok(())
    })
}
