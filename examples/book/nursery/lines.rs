//! What the programs of the nursery share: virtual time, lines that tell it, and pages to fetch.

use std::cell::Cell;
use std::fmt::Display;
use std::time::{Duration, Instant};
use taskgroup_runtime::{Clock, Runtime, now, sleep};

/// What goes wrong, in words.
pub(crate) type Error = String;

thread_local! {
    static START: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Runs a future in virtual time, from 0 on.
pub(crate) fn run(title: &str, future: impl Future<Output = ()>) {
    println!("{title}:");
    Runtime::with_clock(Clock::Autojump).block_on(async {
        START.set(Some(now()));
        future.await;
    });
}

/// Prints a line with the time on it.
pub(crate) fn say(text: impl Display) {
    let time = START.get().map(|start| now() - start).unwrap_or_default();
    println!("{:>8}  {text}", format!("{time:?}"));
}

pub(crate) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

// ANCHOR: pages
/// Fetches a page.
pub(crate) async fn page(name: &'static str, takes: Duration) -> Result<(), Error> {
    let watch = Watch { name, has_ended: Cell::new(false) };
    sleep(takes).await;
    watch.has_ended.set(true);
    say(format_args!("{name} is there"));
    Ok(())
}

/// Tries to.
pub(crate) async fn broken(name: &'static str, takes: Duration) -> Result<(), Error> {
    sleep(takes).await;
    say(format_args!("{name} fails"));
    Err(format!("{name} has no answer"))
}

/// Says so if a page is given up.
struct Watch {
    name: &'static str,
    has_ended: Cell<bool>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.has_ended.get() {
            say(format_args!("{} is given up", self.name));
        }
    }
}
// ANCHOR_END: pages

/// Says how a group has ended.
pub(crate) fn show(ended: Result<(), Vec<Error>>) {
    match ended {
        Ok(()) => say("the group has ended well"),
        Err(errors) => say(format_args!("the group has failed: {}", errors.join(", "))),
    }
}

/// Says in a line that something has panicked, instead of a report on standard error.
pub(crate) fn say_panics() {
    std::panic::set_hook(Box::new(|panic| {
        say(format_args!("panic: {}", panic.payload().downcast_ref::<&str>().unwrap_or(&"?")))
    }));
}
