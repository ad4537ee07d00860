//! `procs Procfile`: all its processes at once, and none without the others.
//!
//! Before: `procfile.rs`, `process.rs`. After: nothing.

use crate::lane::Lane;
use crate::output::{Output, Shape};
use crate::printer::{Printer, Stream};
use crate::process;
use crate::procfile::Entry;
use crate::status::{Failure, in_words};
use std::cell::Cell;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;
use taskgroup::process::Command;
use taskgroup::{ExceptionGroup, now, sleep, task_group, with_cleanup};

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LAST_DELAY: Duration = Duration::from_secs(60);
/// A process that ran so long has failed for a reason of its own, and is started again without delay.
const HEALTHY: Duration = Duration::from_secs(10);

/// What the end of one process means for the others.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum WhenOneEnds {
    /// They are asked to end.
    EndAll,
    /// Nothing.
    Keep,
    /// Nothing, and if it has failed it is started again.
    Restart,
}

pub(crate) struct Foreman<'a> {
    pub(crate) entries: &'a [Entry],
    pub(crate) when_one_ends: WhenOneEnds,
    pub(crate) grace: Duration,
    pub(crate) has_colours: bool,
    pub(crate) printer: &'a Printer,
}

impl Foreman<'_> {
    /// Runs until all have ended.
    ///
    /// # Errors
    ///
    /// The processes that have failed; of those that were ended because of them, only that they were.
    pub(crate) async fn run(&self) -> Result<(), ExceptionGroup<Failure>> {
        task_group(async |g| {
            if self.when_one_ends != WhenOneEnds::EndAll {
                g.collect_all();
            }
            for (number, entry) in self.entries.iter().enumerate() {
                let task = g.spawn(async move {
                    match self.when_one_ends {
                        WhenOneEnds::Restart => self.again_and_again(number, entry).await,
                        WhenOneEnds::Keep => self.once(number, entry).await,
                        WhenOneEnds::EndAll => {
                            self.once(number, entry).await?;
                            g.cancel(format!("{} has ended", entry.name));
                            Ok(())
                        }
                    }
                });
                task.named(entry.name.as_str());
            }
            Ok(())
        })
        .await
    }

    /// Runs a process until it ends well.
    async fn again_and_again(&self, number: usize, entry: &Entry) -> Result<(), Failure> {
        let mut delay = FIRST_DELAY;
        loop {
            let start = now();
            match self.once(number, entry).await {
                Err(Failure::Ended(_)) => {}
                other => return other,
            }
            if now() - start >= HEALTHY {
                delay = FIRST_DELAY;
            }
            self.say(number, entry, &format!("starts again in {delay:?}")).await;
            sleep(delay).await;
            delay = (delay * 2).min(LAST_DELAY);
        }
    }

    /// Runs a process, and says how it ended, also when it was asked to.
    async fn once(&self, number: usize, entry: &Entry) -> Result<(), Failure> {
        let ended = Cell::new(None);
        let run = async { self.process(number, entry, &ended).await.map_err(Failure::Process) };
        let status = with_cleanup(run, async |_| {
            if let Some(status) = ended.get() {
                self.say(number, entry, &in_words(status)).await;
            }
        });
        let status = status.await?;
        if status.success() { Ok(()) } else { Err(Failure::Ended(status)) }
    }

    async fn process(&self, number: usize, entry: &Entry, ended: &Cell<Option<ExitStatus>>) -> io::Result<ExitStatus> {
        // One pipe for both, so that their lines keep their order.
        let (pipe, stdout) = io::pipe()?;
        let stderr = stdout.try_clone()?;
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(&entry.command).stdout(stdout).stderr(stderr);
        let output = Output { pipe, shape: Shape::Lane(self.lane(number, entry)), to: Stream::Stdout };
        process::run(command, self.grace, vec![output], self.printer, ended).await
    }

    fn lane(&self, number: usize, entry: &Entry) -> Lane {
        let width = self.entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
        Lane::new(&entry.name, width, self.has_colours.then_some(number))
    }

    async fn say(&self, number: usize, entry: &Entry, what: &str) {
        let line = self.lane(number, entry).push(format!("[{what}]\n").as_bytes());
        self.printer.print(Stream::Stdout, line).await;
    }
}
