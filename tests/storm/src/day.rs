//! A day of virtual time: a server of sessions, in which everything goes wrong that can, drawn by a seed.
//!
//! Before: `firehose.rs`. After: nothing.
//!
//! No sockets: those would need the real clock. What is held after an hour is held after a day.

use crate::Size;
use crate::findings::Findings;
use fastrand::Rng;
use futures_lite::FutureExt;
use std::cell::{Cell, RefCell};
use std::fs;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};
use taskgroup::{
    BoxError, Clock, ExceptionGroup, Runtime, now, race, set_reporter, shield, sleep, task_group, timeout,
    with_cleanup, yield_now,
};

const HOUR: Duration = Duration::from_secs(3600);

/// What happened, and what must balance.
#[derive(Default)]
struct Books {
    sessions: Cell<u64>,
    failed: Cell<u64>,
    cancelled: Cell<u64>,
    panicked: Cell<u64>,
    opened: Cell<u64>,
    cleaned: Cell<u64>,
}

/// A number that is drawn. (Two borrows in one statement would meet.)
fn drawn(random: &RefCell<Rng>, range: Range<u64>) -> u64 {
    random.borrow_mut().u64(range)
}

thread_local! {
    /// Reports: of what a panic has displaced.
    static TOLD: Cell<u64> = const { Cell::new(0) };
}

fn millis(random: &RefCell<Rng>, most: u64) -> Duration {
    Duration::from_millis(drawn(random, 0..most))
}

fn add(count: &Cell<u64>) {
    count.set(count.get() + 1);
}

pub(crate) fn day(size: Size) -> Result<Findings, BoxError> {
    let mut findings = Findings::default();
    let hours = if size.deep { 24 * 30 } else { 24 };
    let (books, random) = (Books::default(), RefCell::new(Rng::with_seed(size.seed)));
    let start = Instant::now();
    let runtime = Runtime::with_clock(Clock::Autojump).shuffled(size.seed);
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {})); // there will be many, and all are counted
    let reporter = set_reporter(Some(|_| TOLD.set(TOLD.get() + 1)));
    let resident = runtime.try_block_on(task_group::<BoxError, _, _>(async |g| {
        let mut resident = Vec::new();
        let begin = now();
        let mut next = begin + HOUR;
        while resident.len() < hours {
            sleep(millis(&random, 2_000)).await;
            let session = g.spawn(live(&books, &random));
            if drawn(&random, 0..8) == 0 {
                let patience = millis(&random, 20_000);
                g.spawn(async move {
                    sleep(patience).await;
                    session.cancel("drawn");
                });
            }
            if now() >= next {
                next += HOUR;
                resident.push(memory()?);
            }
        }
        Ok(resident)
    }));
    panic::set_hook(hook);
    set_reporter(reporter);
    let resident = resident??;
    let census = runtime.census();
    findings.tell(format!("{hours} hours took, s"), format!("{:.1}", start.elapsed().as_secs_f64()));
    findings.tell("sessions", books.sessions.get());
    findings.tell("of which failed", books.failed.get());
    findings.tell("panicked", books.panicked.get());
    findings.tell("errors and panics beside those, told to the reporter", TOLD.get());
    findings.tell("were cancelled", books.cancelled.get());
    let ends = [&books.failed, &books.panicked, &books.cancelled];
    findings.exactly("kinds of ends that were never seen", ends.iter().filter(|count| count.get() == 0).count(), 0);
    findings.exactly("cleanups that ran, of those that had to", books.cleaned.get(), books.opened.get());
    findings.exactly("tasks afterwards", census.tasks, 0);
    findings.exactly("timers afterwards", census.timers, 0);
    let grown = resident[resident.len() - 1].saturating_sub(resident[resident.len() / 2]);
    findings.at_most("kilobytes more at the end than half-way", grown, 1024);
    Ok(findings)
}

/// A session, of which nothing goes on to the server: neither an error nor a panic.
async fn live(books: &Books, random: &RefCell<Rng>) {
    add(&books.sessions);
    let ended = with_cleanup(
        async { Ok::<_, BoxError>(AssertUnwindSafe(session(books, random)).catch_unwind().await) },
        async |why| {
            if why.reason().is_some() {
                add(&books.cancelled);
            }
        },
    );
    match ended.await {
        Ok(Err(_)) => add(&books.panicked),
        Ok(Ok(Err(_))) | Err(_) => add(&books.failed),
        Ok(Ok(Ok(()))) => {}
    }
}

/// Up to six tasks in a group, of up to ten steps each.
async fn session(books: &Books, random: &RefCell<Rng>) -> Result<(), ExceptionGroup<BoxError>> {
    let (tasks, limit) = (drawn(random, 1..7), drawn(random, 1..5));
    task_group(async |g| {
        g.limit(limit as usize);
        for _ in 0..tasks {
            drop(g.spawn(task(books, random)));
        }
        sleep(millis(random, 500)).await;
        Ok(())
    })
    .await
}

/// What a task does is undone in its end, whatever that is.
async fn task(books: &Books, random: &RefCell<Rng>) -> Result<(), BoxError> {
    let steps = drawn(random, 1..11);
    let body = async {
        add(&books.opened);
        for _ in 0..steps {
            step(random).await?;
        }
        Ok(())
    };
    with_cleanup(body, async |_| {
        sleep(Duration::from_millis(20)).await; // a goodbye, which a cancel does not cut short
        add(&books.cleaned);
    })
    .await
}

async fn step(random: &RefCell<Rng>) -> Result<(), BoxError> {
    let (kind, time) = (drawn(random, 0..60), millis(random, 3_000));
    match kind {
        0 => Err("a fault that was drawn".into()),
        1 => panic!("a panic that was drawn"),
        2..=9 => Ok(timeout(time, sleep(Duration::from_secs(2))).await.unwrap_or(())),
        10..=14 => Ok(shield(sleep(time)).await),
        15..=19 => {
            race([time, time / 2].map(async |time| Ok::<_, BoxError>(sleep(time).await))).await.map_err(BoxError::from)
        }
        20..=29 => Ok(yield_now().await),
        30..=34 => {
            let pair = task_group(async |g| {
                let first = g.spawn(sleep(time));
                g.spawn(sleep(time / 3));
                first.cancel("not needed");
                Ok::<_, BoxError>(())
            });
            pair.await.map_err(BoxError::from)
        }
        _ => Ok(sleep(time).await),
    }
}

/// Kilobytes of this process.
fn memory() -> Result<u64, BoxError> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
}
