//! Crates that people use already, inside a group: `async-channel`, `async-lock`, `futures-concurrency`, `tracing`.
//!
//! ```text
//! cargo run -p taskgroup-ecosystem --bin neighbours
//! ```
//!
//! Shows what each does when it is cancelled, which their documentation cannot say. None of them needs an adapter: they
//! wait by wakers and for no reactor. All of it is in virtual time, so it prints the same each time.
//!
//! Look at [`combinators`] first, for there is the one difference that one has to know: what *drops* a future is no cancel.

use futures_concurrency::prelude::*;
use lexopt::prelude::*;
use std::cell::RefCell;
use std::fmt::{Display, Write as _};
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use taskgroup::{BoxError, Clock, ExceptionGroup, Runtime, Spans, now, race, sleep, task_group, timeout, with_cleanup};
use tracing::{Level, info, subscriber, warn};

const HELP: &str = "\
What async-channel, async-lock, futures-concurrency and tracing do in a task group, and when they are cancelled. In virtual
time: it runs at once.

Usage: neighbours [channels] [locks] [combinators] [tracing]    [default: all of them]

  --help   print this

Exit status: 0 if all went well, 1 if not, 2 if the arguments are wrong.
";

const SECOND: Duration = Duration::from_secs(1);

/// What is said, and when.
struct Log {
    start: Instant,
    text: RefCell<String>,
}

impl Log {
    fn say(&self, what: impl Display) {
        let seconds = (now() - self.start).as_secs_f64();
        writeln!(self.text.borrow_mut(), "  {seconds:>4.1} s  {what}").expect("a string takes all");
    }
}

/// A bounded channel, from both ends.
async fn channels(log: &Log) -> Result<(), ExceptionGroup<BoxError>> {
    let (sender, receiver) = async_channel::bounded(1);
    task_group::<BoxError, _, _>(async |g| {
        let receives = g.spawn(async { Ok(receiver.recv().await?) });
        sleep(SECOND).await;
        receives.cancel("it takes too long");
        sleep(SECOND).await;
        sender.send("a letter").await?;
        log.say(format_args!("a receive that was cancelled has taken nothing: {} is there", receiver.len()));

        let sends = g.spawn(async { Ok(sender.send("another letter").await?) });
        sleep(SECOND).await;
        sends.cancel("there is no place for it");
        sleep(SECOND).await;
        let got = receiver.recv().await?;
        log.say(format_args!("a send that was cancelled has sent nothing: after {got:?} there are {}", receiver.len()));
        Ok(())
    })
    .await?;

    // A pipeline: the consumer fails, so the producer, which waits for a place, is cancelled.
    let (sender, receiver) = async_channel::bounded(1);
    let pipeline = task_group::<BoxError, _, _>(async |g| {
        g.spawn(async {
            for number in 1.. {
                sender.send(number).await?;
                log.say(format_args!("sent {number}"));
            }
            Ok(())
        })
        .named("producer");
        g.spawn(async {
            while let Ok(number) = receiver.recv().await {
                sleep(SECOND).await;
                if number == 2 {
                    return Err("2 is not for me".into());
                }
            }
            Ok(())
        })
        .named("consumer");
        Ok(())
    });
    let Err(errors) = pipeline.await else { return Ok(()) };
    let cancelled = errors.cancelled().map(|task| task.task().name().into_owned()).collect::<Vec<_>>().join(", ");
    log.say(format_args!("{errors}; with it went: {cancelled}"));
    Ok(())
}

/// A mutex: who is cancelled holds it no more, and waits for it no more.
async fn locks(log: &Log) -> Result<(), ExceptionGroup<BoxError>> {
    let lock = async_lock::Mutex::new(());
    task_group(async |g| {
        let holds = with_cleanup(
            async {
                let _guard = lock.lock().await;
                log.say("one task has the lock");
                sleep(60 * SECOND).await;
                Ok::<_, BoxError>(())
            },
            async |why| {
                log.say(format_args!("it {why}; in its cleanup the lock is gone: {}", lock.try_lock().is_some()));
                sleep(SECOND).await;
                log.say("and the cleanup ends after whoever waited had the lock");
            },
        );
        let holds = g.spawn(holds);
        g.spawn(async {
            if let Err(late) = timeout(SECOND, lock.lock()).await {
                log.say(format_args!("a second gives up, and leaves the queue: {late}"));
            }
        });
        g.spawn(async {
            let _guard = lock.lock().await;
            log.say("a third has the lock");
        });
        sleep(2 * SECOND).await;
        holds.cancel("others wait");
        Ok(())
    })
    .await
}

/// Says that it was dropped.
struct Part<'a>(&'a Log, &'static str);

impl Drop for Part<'_> {
    fn drop(&mut self) {
        let Self(log, name) = self;
        log.say(format_args!("{name} is dropped"));
    }
}

async fn work(log: &Log, name: &'static str, seconds: u32) -> Result<&'static str, BoxError> {
    let body = async {
        let _part = Part(log, name);
        sleep(seconds * SECOND).await;
        Ok(name)
    };
    with_cleanup(body, async |why| log.say(format_args!("{name} cleans up: it {why}"))).await
}

/// Combinators that hold several futures in one task. They drop the losers; and a drop can await nothing.
async fn combinators(log: &Log) -> Result<(), ExceptionGroup<BoxError>> {
    log.say("`race` of futures-concurrency drops the loser, whose cleanup is lost:");
    let won = (work(log, "a", 1), work(log, "b", 2)).race().await;
    log.say(format_args!("won: {won:?}"));

    log.say("`race` of taskgroup cancels the loser:");
    let won = race([work(log, "c", 1), work(log, "d", 2)]).await;
    log.say(format_args!("won: {:?}", won.ok()));

    log.say("under a cancel from around it, `join` is as good as a group: all cleanups run:");
    let late = timeout(SECOND, (work(log, "e", 5), work(log, "f", 5)).join()).await;
    log.say(format_args!("{}", late.map_or_else(|late| late.to_string(), |_| "in time".to_owned())));

    log.say("handles are futures, so its `race` takes tasks too, and drops no more than the waits:");
    task_group(async |g| {
        let tasks = [("g", 2), ("h", 1)].map(|(name, seconds)| g.spawn(work(log, name, seconds)));
        let first = tasks.race().await?;
        log.say(format_args!("the first is {first}; tasks that live: {}", g.live()));
        Ok(())
    })
    .await
}

/// Spans: who says something is in the span of its task.
async fn traced() -> Result<(), ExceptionGroup<BoxError>> {
    task_group(async |g| {
        g.spawn(async {
            info!("asks");
            sleep(2 * SECOND).await;
            info!("is never said");
        })
        .named("search");
        g.spawn(async {
            sleep(SECOND).await;
            warn!("no answer");
            Err::<(), BoxError>("out of order".into())
        })
        .named("database");
        info!("two tasks");
        Ok(())
    })
    .await
}

/// The name of a section, what it is about, and how to run it.
type Section = (&'static str, &'static str, fn() -> Result<String, BoxError>);

const SECTIONS: [Section; 4] = [
    ("channels", "async-channel", || with_log(async |log| channels(log).await)),
    ("locks", "async-lock", || with_log(async |log| locks(log).await)),
    ("combinators", "futures-concurrency", || with_log(async |log| combinators(log).await)),
    ("tracing", "tracing, with taskgroup::Spans", with_tracing),
];

fn with_log(section: impl AsyncFnOnce(&Log) -> Result<(), ExceptionGroup<BoxError>>) -> Result<String, BoxError> {
    let text = Runtime::with_clock(Clock::Autojump).try_block_on(async {
        let log = Log { start: now(), text: RefCell::default() };
        section(&log).await.map(|()| log.text.take())
    });
    Ok(text??)
}

fn with_tracing() -> Result<String, BoxError> {
    let format = tracing_subscriber::fmt::format().without_time().with_target(false);
    let log = tracing_subscriber::fmt().event_format(format).with_max_level(Level::DEBUG).with_writer(io::stdout);
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.instrument(Spans::new());
    let ended = subscriber::with_default(log.finish(), || runtime.try_block_on(traced()))?;
    Ok(ended.map_or_else(|errors| format!("{errors}\n"), |()| String::new()))
}

/// `None`: help was asked for.
fn from_args() -> Result<Option<Vec<Section>>, lexopt::Error> {
    let mut sections = Vec::new();
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return Ok(None),
            Value(name) => {
                let name = name.string()?;
                let Some(section) = SECTIONS.into_iter().find(|section| section.0 == name) else {
                    return Err(format!("there is no section {name:?}").into());
                };
                sections.push(section);
            }
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(if sections.is_empty() { SECTIONS.to_vec() } else { sections }))
}

fn run(sections: &[Section]) -> Result<(), BoxError> {
    for (_, about, section) in sections {
        writeln!(io::stdout(), "{about}")?;
        io::stdout().write_all(section()?.as_bytes())?;
    }
    Ok(())
}

fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "neighbours: {text}"); // if that is gone too, nobody is left to tell
}

fn main() -> ExitCode {
    let ended = match from_args() {
        Ok(Some(sections)) => run(&sections),
        Ok(None) => io::stdout().write_all(HELP.as_bytes()).map_err(BoxError::from),
        Err(error) => {
            complain(format_args!("{error} (neighbours --help tells more)"));
            return ExitCode::from(2);
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error);
            ExitCode::FAILURE
        }
    }
}
