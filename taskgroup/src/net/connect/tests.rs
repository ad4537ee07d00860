//! Who connects when, in virtual time: the connections are made up.

use super::{interleaved, staggered};
use crate::{ExceptionGroup, sleep};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;
use taskgroup_runtime::{Clock, Runtime, now};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What becomes of an attempt.
#[derive(Clone, Copy)]
enum Answers {
    After(u64),
    FailsAfter(u64),
    Never,
}
use Answers::{After, FailsAfter, Never};

type Ended = Result<Option<usize>, ExceptionGroup<io::Error>>;

/// Runs attempts of which the n-th ends as the n-th of these. Gives the result, when each began, and when it was over.
fn run(attempts: &[Answers]) -> (Ended, Vec<u128>, u128) {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let (start, begun) = (runtime.now(), RefCell::new(Vec::new()));
    let addresses: Vec<_> = (0..attempts.len()).map(|n| SocketAddr::from(([127, 0, 0, 1], n as u16))).collect();
    let since = || now().duration_since(start).as_millis();
    let ended = runtime.block_on(staggered(&addresses, async |address: SocketAddr| {
        begun.borrow_mut().push(since());
        let n = usize::from(address.port());
        match attempts[n] {
            After(time) => {
                sleep(ms(time)).await;
                Ok(n)
            }
            FailsAfter(time) => {
                sleep(ms(time)).await;
                Err(io::Error::new(ErrorKind::ConnectionRefused, format!("refused {n}")))
            }
            Never => pending().await,
        }
    }));
    let over = runtime.now().duration_since(start).as_millis();
    (ended, begun.into_inner(), over)
}

#[test]
fn one_that_answers_in_time_is_the_only_one_that_is_tried() {
    let (ended, begun, over) = run(&[After(200), After(0)]);
    assert_eq!((ended.ok(), begun, over), (Some(Some(0)), vec![0], 200));
}

#[test]
fn a_second_begins_beside_one_that_is_slow_and_the_first_to_answer_wins() {
    let (ended, begun, over) = run(&[After(400), After(100), After(0)]);
    assert_eq!((ended.ok(), begun, over), (Some(Some(1)), vec![0, 250], 350));
    let (ended, begun, over) = run(&[After(400), After(300)]);
    assert_eq!((ended.ok(), begun, over), (Some(Some(0)), vec![0, 250], 400));
}

#[test]
fn the_next_begins_at_once_when_one_fails() {
    let (ended, begun, over) = run(&[FailsAfter(10), FailsAfter(20), After(5)]);
    assert_eq!((ended.ok(), begun, over), (Some(Some(2)), vec![0, 10, 30], 35));
}

#[test]
fn one_that_never_answers_holds_up_nobody_for_longer_than_a_quarter_of_a_second() {
    let (ended, begun, over) = run(&[Never, Never, Never, After(1)]);
    assert_eq!((ended.ok(), begun, over), (Some(Some(3)), vec![0, 250, 500, 750], 751));
}

#[test]
fn if_none_answers_the_errors_of_all_are_kept_with_their_addresses() {
    let (ended, begun, over) = run(&[FailsAfter(300), FailsAfter(0), FailsAfter(7)]);
    assert_eq!((begun, over), (vec![0, 250, 250], 300));
    let errors = ended.expect_err("nobody answers");
    let told: Vec<_> = errors.leaves().map(|leaf| leaf.error().to_string()).collect();
    assert_eq!(told, ["refused 1", "refused 2", "refused 0"]); // in the order in which they failed
    assert!(format!("{errors:#}").contains("task 127.0.0.1:1 ("), "{errors:#}");
}

#[test]
fn the_last_may_take_as_long_as_it_takes() {
    let (ended, _, over) = run(&[FailsAfter(1), After(60_000)]);
    assert_eq!((ended.ok(), over), (Some(Some(1)), 60_001));
}

#[test]
fn without_addresses_there_is_nobody() {
    let (ended, _, over) = run(&[]);
    assert_eq!((ended.ok(), over), (Some(None), 0));
}

/// A connection that counts how many are open.
struct Socket<'a>(&'a Cell<i32>);

impl Drop for Socket<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[test]
fn of_two_that_answer_at_one_moment_one_wins_and_the_other_is_dropped() {
    let open = Cell::new(0);
    let addresses: Vec<_> = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port))).into();
    let runtime = Runtime::with_clock(Clock::Autojump);
    let opened = Cell::new(0);
    // A wait of somebody else's, which a cancel does not freeze.
    let (close, closed) = async_channel::bounded::<()>(1);
    runtime.spawn(async move {
        sleep(ms(300)).await;
        close.close();
    });
    let won = runtime.block_on(staggered(&addresses, async |address: SocketAddr| {
        _ = closed.recv().await;
        open.set(open.get() + 1);
        opened.set(opened.get() + 1);
        Ok((address.port(), Socket(&open)))
    }));
    let won = won.ok().flatten().map(|(port, socket)| {
        assert_eq!((opened.get(), open.get()), (1, 1), "the second is not polled any more");
        drop(socket);
        port
    });
    assert_eq!((won, open.get()), (Some(1), 0));
}

#[test]
fn who_gives_up_leaves_no_connection_behind() {
    let open = Cell::new(0);
    let addresses: Vec<_> = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port))).into();
    let given_up = Runtime::with_clock(Clock::Autojump).block_on(crate::timeout(
        ms(300),
        staggered(&addresses, async |_| {
            open.set(open.get() + 1);
            let socket = Socket(&open);
            sleep(ms(1000)).await;
            Ok(socket)
        }),
    ));
    assert!(given_up.is_err());
    assert_eq!(open.get(), 0);
}

#[test]
fn families_take_turns_beginning_with_the_first() {
    let addresses =
        |text: &[&str]| text.iter().map(|text| text.parse().expect("an address")).collect::<Vec<SocketAddr>>();
    let mixed = interleaved(addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"]));
    assert_eq!(mixed, addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]));
    let mixed = interleaved(addresses(&["1.1.1.1:1", "[::1]:1", "2.2.2.2:1", "3.3.3.3:1"]));
    assert_eq!(mixed, addresses(&["1.1.1.1:1", "[::1]:1", "2.2.2.2:1", "3.3.3.3:1"]));
    assert_eq!(interleaved([]), []);
}
