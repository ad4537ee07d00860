//! Root tasks beside the program, which are not seen.

mod common;

use common::{AT_ONCE, ms};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::io::Read;
use std::net::UdpSocket;
use std::rc::Rc;
use std::time::Duration;
use taskgroup_runtime::instrument::{Event, Instrument};
use taskgroup_runtime::{Async, BlockOnError, Clock, Local, Runtime, sleep, yield_now};

/// Waits for a socket that nobody sends to.
async fn listens() {
    let socket = UdpSocket::bind("127.0.0.1:0").and_then(Async::new).expect("a socket");
    let received = socket.read_with(|socket| socket.recv(&mut [0])).await;
    received.expect("never");
}

/// What was heard, by its kind.
#[derive(Default)]
struct Heard(RefCell<Vec<&'static str>>);

impl Instrument for Heard {
    fn hear(&self, _at: Duration, event: &Event<'_>) {
        self.0.borrow_mut().push(match event {
            Event::Phase(_) => return,
            Event::Spawned { .. } => "spawned",
            Event::Woken { .. } => "woken",
            Event::PollBegins { .. } => "poll",
            Event::PollEnds { .. } => "polled",
            Event::Ended { .. } => "ended",
            _ => "else",
        });
    }
}

#[test]
fn virtual_time_does_not_wait_for_a_socket_of_the_background() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.spawn_in_background(listens());
    assert_eq!(runtime.try_block_on(sleep(Duration::from_secs(3600))).ok(), Some(()));
}

#[test]
fn a_socket_of_the_background_does_not_hide_a_stall() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.spawn_in_background(listens());
    let stalled = runtime.try_block_on(pending::<()>());
    let Err(BlockOnError::Stalled(stall)) = stalled else { panic!("{stalled:?}") };
    assert_eq!(stall.tasks, 1);
    assert_eq!(stall.tree.to_string(), "main (block_on): waits for something of somebody else's (a channel, a lock)");
}

#[test]
fn a_socket_that_the_background_stops_waiting_for_leaves_the_count_right() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let waits = runtime.spawn_in_background(listens());
    runtime.block_on(yield_now());
    assert!(waits.cancel());
    runtime.turn(AT_ONCE).expect("a turn");
    assert!(waits.is_finished());
    runtime.spawn(listens()); // counts: were the count below zero by one, time would move
    let slept = runtime.spawn(sleep(ms(5)));
    for _ in 0..9 {
        runtime.turn(Some(Duration::from_nanos(1))).expect("a turn");
    }
    assert!(!slept.is_finished(), "somebody waits for a socket, so time stands still");
}

#[test]
fn nothing_is_heard_of_the_background_but_all_of_the_others() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let heard = Rc::new(Heard::default());
    runtime.instrument(heard.clone());
    let ran = Rc::new(Cell::new(0));
    let runs = ran.clone();
    runtime.spawn_in_background(async move {
        for _ in 0..3 {
            runs.set(runs.get() + 1);
            yield_now().await;
        }
    });
    runtime.block_on(async {
        for _ in 0..5 {
            yield_now().await;
        }
    });
    assert_eq!(ran.get(), 3);
    let expected = [&["spawned", "woken", "poll"][..], &["woken", "polled", "poll"].repeat(5), &["polled", "ended"]];
    let expected = expected.concat();
    assert_eq!(*heard.0.borrow(), expected);
}

#[test]
fn what_the_background_does_can_wake_the_program() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    runtime.spawn_in_background(async move { drop(writer) });
    let read = runtime.block_on(async {
        let reader = Async::new(reader)?;
        reader.read_with(|mut pipe| pipe.read(&mut [0])).await
    });
    assert_eq!(read.ok(), Some(0));
}

#[test]
fn the_background_does_not_count_as_live_and_ends_with_the_runtime() {
    let runtime = Runtime::new();
    let kept = Rc::new(());
    let held = kept.clone();
    runtime.spawn_in_background(async move {
        let _held = held;
        pending::<()>().await;
    });
    let turn = runtime.turn(AT_ONCE).expect("a turn");
    assert_eq!((turn.polled, turn.live, runtime.tree().len(), runtime.census().tasks), (1, 0, 0, 1));
    assert_eq!(Rc::strong_count(&kept), 2);
    drop(runtime);
    assert_eq!(Rc::strong_count(&kept), 1);
}

#[test]
fn one_in_the_background_can_start_another_there() {
    let runtime = Runtime::new();
    let count = Rc::new(Cell::new(0));
    let counts = count.clone();
    runtime.spawn_in_background(async move {
        let local = Local::current().expect("we are in a runtime");
        local.spawn_in_background(async move { counts.set(1) });
    });
    for _ in 0..3 {
        runtime.turn(AT_ONCE).expect("a turn");
    }
    assert_eq!((count.get(), runtime.census().tasks), (1, 0));
}

#[test]
fn an_instrument_that_is_taken_away_hears_nothing_more() {
    let runtime = Runtime::new();
    let heard = Rc::new(Heard::default());
    runtime.block_on(async {
        let local = Local::current().expect("we are in a runtime");
        let instrument: Rc<dyn Instrument> = heard.clone();
        local.add_instrument(instrument.clone());
        assert!(local.is_heard());
        local.remove_instrument(&instrument);
        assert!(!local.is_heard());
        yield_now().await;
    });
    assert!(heard.0.borrow().is_empty(), "{:?}", heard.0.borrow());
}

#[test]
fn an_instrument_added_by_the_background_hears_from_its_next_poll_on() {
    let runtime = Runtime::new();
    let heard = Rc::new(Heard::default());
    let adds = heard.clone();
    runtime.spawn_in_background(async move {
        let local = Local::current().expect("we are in a runtime");
        local.add_instrument(adds);
        assert!(!local.is_heard(), "not of the background itself");
    });
    runtime.turn(AT_ONCE).expect("a turn");
    runtime.block_on(async {});
    assert_eq!(*heard.0.borrow(), ["spawned", "woken", "poll", "polled", "ended"]);
}
