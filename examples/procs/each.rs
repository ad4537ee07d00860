//! `procs -- cmd`: the command once for each item on standard input, so many at once.
//!
//! Before: `items.rs`, `process.rs`. After: `progress.rs`.

use crate::items::{Items, Separator};
use crate::lane::{Lane, label};
use crate::output::{Output, Shape};
use crate::printer::{Printer, Stream};
use crate::process;
use crate::progress::Progress;
use crate::status::Failure;
use crate::stdin::Stdin;
use futures_lite::future::or;
use std::cell::{Cell, RefCell};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;
use taskgroup::process::Command;
use taskgroup::{CancelScope, ExceptionGroup, Member, task_group};

/// Of so many failures more than their number is kept.
const TOLD: usize = 20;

/// What is to be done.
pub(crate) struct Each {
    /// The program and its arguments; not empty.
    pub(crate) command: Vec<OsString>,
    pub(crate) separator: Separator,
    pub(crate) at_once: usize,
    pub(crate) fail_fast: bool,
    /// Each one's output whole.
    pub(crate) whole: bool,
}

/// How it is done, and how far it is.
pub(crate) struct Run<'a> {
    pub(crate) plan: &'a Each,
    pub(crate) grace: Duration,
    /// For each of both streams, whether its lanes are coloured.
    pub(crate) has_colours: [bool; 2],
    pub(crate) printer: &'a Printer,
    pub(crate) progress: Option<&'a Progress>,
    pub(crate) failures: Failures,
    /// Around the reading of items.
    pub(crate) feeding: CancelScope,
}

/// What has failed: all of them counted, the first ones kept.
#[derive(Default)]
pub(crate) struct Failures {
    count: Cell<usize>,
    kept: RefCell<Vec<Member<Failure>>>,
    /// The exit status: of the first failure after which no item was taken, or else of any.
    status: Cell<(u8, bool)>,
}

impl Failures {
    fn note(&self, failure: &Failure) -> bool {
        self.count.set(self.count.get() + 1);
        let (status, is_last) = failure.as_xargs();
        if !self.status.get().1 {
            self.status.set((status, is_last));
        }
        is_last
    }

    fn keep(&self, failed: Member<Failure>) {
        let mut kept = self.kept.borrow_mut();
        if kept.len() < TOLD {
            kept.push(failed);
        }
    }

    pub(crate) fn status(&self) -> u8 {
        self.status.get().0
    }

    /// Those that were kept, as a tree. `None` if there are none.
    pub(crate) fn take(&self) -> Option<ExceptionGroup<Failure>> {
        let count = self.count.get();
        let errors = ExceptionGroup::from_members(self.kept.take())?;
        let message = if count > TOLD { format!("the first of {count} items") } else { "items".to_owned() };
        Some(errors.with_message(message))
    }
}

impl Run<'_> {
    /// Runs it, and shows meanwhile how far it is.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub(crate) async fn beside_progress(&self) -> Result<(), ExceptionGroup<Failure>> {
        let stdin = Stdin::open();
        let Some(progress) = self.progress else { return self.run(&stdin).await };
        // Not a task of the group of items: it would take a place.
        or(self.run(&stdin), async { match progress.show(self.printer).await {} }).await
    }

    /// Runs until there are no more items and all have ended.
    ///
    /// # Errors
    ///
    /// Where the first failure ends all: that, and who was ended for it; and if the items cannot be read. Otherwise
    /// failures are noted.
    pub(crate) async fn run(&self, stdin: &Stdin) -> Result<(), ExceptionGroup<Failure>> {
        task_group(async |g| {
            g.limit(self.plan.at_once);
            if !self.plan.fail_fast {
                g.supervise(|failed| self.failures.keep(failed));
            }
            let feed = async {
                let mut items = Items::new(self.plan.separator);
                for number in 0.. {
                    g.admit().await; // before it is read: who writes the items waits, not the items here
                    let Some(item) = items.next(stdin).await? else { break };
                    let name = label(&item);
                    g.spawn(self.item(number, item)).named(name);
                }
                Ok(())
            };
            // Cancelled: what runs goes on to its end, and nothing is begun.
            match self.feeding.run(feed).await.unwrap_or(Ok(())) {
                Ok(()) => Ok(()),
                Err(error) => {
                    let failure = Failure::Items(error);
                    self.failures.note(&failure);
                    Err(failure)
                }
            }
        })
        .await
    }

    async fn item(&self, number: usize, item: Vec<u8>) -> Result<(), Failure> {
        let _counted = self.progress.map(Progress::begin);
        let ended = match self.process(number, item).await {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::Ended(status)),
            Err(error) => Err(Failure::Process(error)),
        };
        ended.inspect_err(|failure| {
            if self.failures.note(failure) {
                self.feeding.cancel("an item has failed");
            }
            if let Some(progress) = self.progress {
                progress.failed();
            }
        })
    }

    async fn process(&self, number: usize, item: Vec<u8>) -> io::Result<std::process::ExitStatus> {
        let mut outputs = Vec::new();
        let mut end = |to, has_colours: bool| -> io::Result<io::PipeWriter> {
            let (pipe, writer) = io::pipe()?;
            let shape = match self.plan.whole {
                true => Shape::Whole(Vec::new()),
                false => Shape::Lane(Lane::new(&label(&item), 0, has_colours.then_some(number))),
            };
            outputs.push(Output { pipe, shape, to });
            Ok(writer)
        };
        let [out, err] = self.has_colours;
        let (stdout, stderr) = (end(Stream::Stdout, out)?, end(Stream::Stderr, err)?);
        let words = with_item(&self.plan.command, &item);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdout(stdout).stderr(stderr);
        process::run(command, self.grace, outputs, self.printer, &Cell::new(None)).await
    }
}

/// The words of a command with the item in place of each `{}`, or behind if there is none. (The program itself is never
/// an item.)
fn with_item(command: &[OsString], item: &[u8]) -> Vec<OsString> {
    let mut is_used = false;
    let mut words: Vec<OsString> = command[..1].to_vec();
    for word in &command[1..] {
        let mut rest = word.as_bytes();
        let mut filled = Vec::new();
        while let Some(place) = rest.windows(2).position(|two| two == b"{}") {
            filled.extend_from_slice(&rest[..place]);
            filled.extend_from_slice(item);
            rest = &rest[place + 2..];
            is_used = true;
        }
        filled.extend_from_slice(rest);
        words.push(OsString::from_vec(filled));
    }
    if !is_used {
        words.push(OsStr::from_bytes(item).to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_stands_where_it_is_wanted_or_last() {
        let words = |command: &[&str]| {
            let command: Vec<OsString> = command.iter().map(OsString::from).collect();
            with_item(&command, b"x{}").iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(words(&["cp", "-v"]), ["cp", "-v", "x{}"]);
        assert_eq!(words(&["cp", "{}", "to/{}.{}"]), ["cp", "x{}", "to/x{}.x{}"]);
    }
}
