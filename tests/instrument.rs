//! What an instrument hears of a run, and in which order.

mod common;

use common::{Word, fail_after, group, ms};
use futures_util::FutureExt;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use taskgroup::instrument::{Event, HowEnded, Instrument, WaitsFor};
use taskgroup::{Async, Clock, Ready, Runtime, sleep, task_group, timeout, with_cleanup, yield_now};

/// Writes down a line for each event but the phases of turns.
#[derive(Default)]
struct Lines(RefCell<Vec<String>>);

impl Instrument for Lines {
    fn hear(&self, at: Duration, event: &Event<'_>) {
        let line = match event {
            Event::Phase(_) => return,
            Event::Spawned { task, group, number, place } => {
                format!("spawn {task} in {group} as {number} ({})", if place.is_some() { "placed" } else { "" })
            }
            Event::Named { task, name } => format!("name {task} {name:?}"),
            Event::Woken { task, by } => format!("wake {task} by {by:?}"),
            Event::PollBegins { task } => format!("poll {task} {{"),
            Event::PollEnds { task } => format!("}} {task}"),
            Event::Waits { task, wait: WaitsFor::Timer(Some(at)) } => format!("{task} waits until {}", at.as_millis()),
            Event::Waits { task, wait } => format!("{task} waits for {wait:?}"),
            Event::CancelAsked { task, part, reason, by } => format!("cancel {task:?} {part:?} by {by:?}: {reason}"),
            Event::CancelSeen { task, part } => format!("seen {task} {part:?}"),
            Event::Entered { task, part } => format!("{task} enters {part:?}"),
            Event::Left { task, part } => format!("{task} leaves {part:?}"),
            Event::Ended { task, how } => match how {
                HowEnded::Value => format!("end {task}"),
                HowEnded::Failed { error: Some(text), .. } => format!("end {task}: failed, {text}"),
                HowEnded::Failed { type_name, .. } => format!("end {task}: failed with {type_name}"),
                HowEnded::Panicked(text) => {
                    format!("end {task}: panicked, {}", text.map(ToString::to_string).unwrap_or_default())
                }
                HowEnded::Cancelled { reason: Some(reason), was_started, .. } => {
                    format!("end {task}: cancelled, {reason}{}", if *was_started { "" } else { ", unstarted" })
                }
                how => format!("end {task}: {}", matches!(how, HowEnded::Cancelled { .. })),
            },
            Event::GroupOpened { group, owner, body, .. } => format!("open {group} in {owner}, body {body}"),
            Event::GroupClosing { group, reason } => format!("closing {group}: {reason}"),
            Event::BodyEnded { group } => format!("body of {group} ends"),
            Event::GroupEnded { group, errors } => format!("over {group}, {errors} errors"),
            _ => return,
        };
        self.0.borrow_mut().push(format!("{} {line}", at.as_millis()));
    }
}

/// What is told of a run in virtual time.
fn told<T>(future: impl Future<Output = T>) -> Vec<String> {
    let lines = Rc::new(Lines::default());
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.instrument(lines.clone());
    runtime.block_on(future);
    lines.0.take()
}

/// The same, of what contains one of these words.
fn told_of<T>(words: &[&str], future: impl Future<Output = T>) -> Vec<String> {
    told(future).into_iter().filter(|line| words.iter().any(|word| line.contains(word))).collect()
}

/// `Ok`, after a while.
async fn rest(n: u64) -> Result<(), Word> {
    sleep(ms(n)).await;
    Ok(())
}

#[test]
fn a_yield_is_a_wake_by_the_task_itself() {
    let expected = [
        "0 spawn 0 in 0 as 0 ()",
        "0 wake 0 by Spawn(None)",
        "0 poll 0 {",
        "0 wake 0 by Task(0)",
        "0 } 0",
        "0 poll 0 {",
        "0 } 0",
        "0 end 0",
    ];
    assert_eq!(told(yield_now()), expected);
}

#[test]
fn a_failure_and_the_cancels_that_follow_are_told_as_they_happen() {
    let lines = told(group(async |g| {
        g.spawn(fail_after(1, "broken")).named("db");
        g.spawn(async { with_cleanup(rest(9), async |_| sleep(ms(1)).await).await });
        timeout(ms(5), sleep(ms(7))).await.map_err(|_| "late")
    }));
    let expected = [
        "0 spawn 0 in 0 as 0 ()",
        "0 wake 0 by Spawn(None)",
        "0 poll 0 {",
        "0 open 1 in 0, body 1",
        "0 wake 1 by Task(0)",
        "0 poll 1 {",
        "0 spawn 2 in 1 as 1 (placed)",
        "0 wake 2 by Spawn(Some(1))",
        "0 name 2 \"db\"",
        "0 spawn 3 in 1 as 2 (placed)",
        "0 wake 3 by Spawn(Some(1))",
        "0 1 enters Scope",
        "0 1 waits until 7",
        "0 } 1",
        "0 wake 0 by Group",
        "0 } 0",
        "0 poll 0 {",
        "0 poll 2 {",
        "0 2 waits until 1",
        "0 } 2",
        "0 poll 3 {",
        "0 3 enters Guarded",
        "0 3 waits until 9",
        "0 } 3",
        "0 } 0",
        "1 wake 2 by Timer",
        "1 wake 0 by Group",
        "1 poll 0 {",
        "1 poll 2 {",
        "1 } 2",
        "1 end 2: failed, broken",
        "1 closing 1: db failed",
        "1 cancel Some(3) Task by Some(0): db failed",
        "1 wake 3 by Cancel(Some(0))",
        "1 cancel Some(1) Body by Some(0): db failed",
        "1 wake 1 by Cancel(Some(0))",
        "1 wake 0 by Group",
        "1 } 0",
        "1 poll 0 {",
        "1 poll 3 {",
        "1 seen 3 Guarded",
        "1 3 leaves Guarded",
        "1 3 enters Cleanup",
        "1 3 waits until 2",
        "1 } 3",
        "1 poll 1 {",
        "1 seen 1 Body",
        "1 1 leaves Scope",
        "1 } 1",
        "1 body of 1 ends",
        "1 0 waits for Group(1)",
        "1 } 0",
        "2 wake 3 by Timer",
        "2 wake 0 by Group",
        "2 poll 0 {",
        "2 poll 3 {",
        "2 3 leaves Cleanup",
        "2 } 3",
        "2 seen 3 Task",
        "2 end 3: cancelled, db failed",
        "2 over 1, 1 errors",
        "2 } 0",
        "2 end 0",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn what_a_task_waits_for_is_told() {
    let lines = told_of(
        &["waits"],
        group(async |g| {
            g.limit(2);
            let first = g.spawn(rest(1));
            g.spawn(async { first.await.map_err(|_| "it has a value") });
            g.spawn(rest(1));
            g.admit().await;
            Ok(())
        }),
    );
    let expected = [
        "0 4 waits for Place",
        "0 1 waits for Admission(1)",
        "0 2 waits until 1",
        "0 3 waits for Task(2)",
        "1 4 waits until 2",
        "1 0 waits for Group(1)",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_descriptor_is_named_and_wakes() {
    let lines = Rc::new(Lines::default());
    let runtime = Runtime::new();
    runtime.instrument(lines.clone());
    let fd = runtime.block_on(async {
        let (reader, writer) = std::io::pipe().expect("two descriptors");
        let fd = reader.as_fd().as_raw_fd();
        let reader = Async::new(reader).expect("a pipe can be waited for");
        let result = group(async |g| {
            g.spawn(async {
                reader.read_with(|mut pipe| pipe.read(&mut [0])).await.map(drop).map_err(|_| "unreadable")
            });
            yield_now().await;
            (&writer).write_all(b"!").map_err(|_| "unwritable")
        });
        result.await.expect("no error");
        fd
    });
    let lines = lines.0.take();
    let said = |what: &str| lines.iter().any(|line| line.split_once(' ').is_some_and(|(_, line)| line == what));
    assert!(said(&format!("2 waits for Readable({fd})")), "{lines:#?}");
    assert!(said("wake 2 by Descriptor"), "{lines:#?}");
}

#[test]
fn a_wake_from_another_thread_is_one() {
    let lines = Rc::new(Lines::default());
    let runtime = Runtime::new();
    runtime.instrument(lines.clone());
    let _hold = runtime.hold();
    let mut thread = None;
    runtime.block_on(poll_fn(|cx| {
        if thread.is_some() {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        thread = Some(std::thread::spawn(|| waker.wake()));
        Poll::Pending
    }));
    let lines = lines.0.take();
    assert!(lines.iter().any(|line| line.ends_with("wake 0 by Thread")), "{lines:#?}");
}

#[test]
fn an_unstarted_task_and_a_panicked_one_are_told_as_such() {
    let lines = told_of(
        &[" end ", "over"],
        AssertUnwindSafe(group(async |g| {
            g.spawn(async {
                if true {
                    panic!("on purpose")
                }
            });
            g.spawn(async {
                drop(g.spawn(rest(1)));
                g.cancel("enough");
            });
            Ok(())
        }))
        .catch_unwind(),
    );
    let expected = [
        "0 end 2: panicked, on purpose",
        "0 end 3",
        "0 end 2: cancelled, enough, unstarted", // another one: the number was free
        "0 over 1, 0 errors",
        "0 end 0",
    ];
    assert_eq!(lines, expected);
}

/// It can be told neither by `Display` nor by any other trait.
struct OutOfStock<T>(T);

#[test]
fn an_error_that_cannot_be_told_is_named_by_its_type() {
    let failed = async || Err::<(), _>(OutOfStock([7u8, 17]));
    let lines = told_of(
        &[" end "],
        task_group(async |g| {
            g.collect_all();
            g.spawn(failed());
            g.spawn_group(task_group(async |g| {
                g.spawn(failed());
                Ok(())
            }));
            // Its error is the caller's; that of the task is the same.
            _ = g.start(async |ready: Ready<(), _>| failed().await.inspect_err(|_| drop(ready))).await;
            Ok(())
        }),
    );
    let names = lines.iter().filter_map(|line| line.split_once("failed with "));
    let names: Vec<_> = names.map(|(_, name)| name.replace("instrument::", "")).collect();
    let own = "OutOfStock<[u8; 2]>";
    let group = format!("taskgroup::exception_group::ExceptionGroup<{own}>");
    assert_eq!(names, [own, own, own, &group], "{lines:#?}");
}

#[test]
fn all_instruments_hear_the_same() {
    let all = [Rc::new(Lines::default()), Rc::new(Lines::default())];
    let runtime = Runtime::with_clock(Clock::Autojump);
    all.iter().for_each(|lines| runtime.instrument(lines.clone()));
    runtime.block_on(group(async |g| Ok(drop(g.spawn(rest(1)))))).expect("no error");
    let [one, other] = all.map(|lines| lines.0.take());
    assert_eq!(one, other);
    assert!(one.len() > 10);
}
