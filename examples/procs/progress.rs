//! How far it is, in the last line of the terminal.
//!
//! Before: `printer.rs`. After: `main.rs`.

use crate::printer::Printer;
use std::cell::Cell;
use std::convert::Infallible;
use std::time::Duration;
use taskgroup::interval;

const PERIOD: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(crate) struct Progress {
    running: Cell<usize>,
    begun: Cell<usize>,
    failed: Cell<usize>,
}

/// Counts one as running, as long as it lives.
pub(crate) struct Counted<'a>(&'a Progress);

impl Progress {
    pub(crate) fn begin(&self) -> Counted<'_> {
        self.begun.set(self.begun.get() + 1);
        self.running.set(self.running.get() + 1);
        Counted(self)
    }

    pub(crate) fn failed(&self) {
        self.failed.set(self.failed.get() + 1);
    }

    fn text(&self) -> String {
        let (running, failed) = (self.running.get(), self.failed.get());
        format!("{} done, {failed} failed, {running} running", self.begun.get() - running)
    }

    /// Shows it, until it is dropped.
    pub(crate) async fn show(&self, printer: &Printer) -> Infallible {
        let (mut ticks, mut shown) = (interval(PERIOD), String::new());
        loop {
            ticks.tick().await;
            let text = self.text();
            if text != shown {
                printer.status(text.clone()).await;
                shown = text;
            }
        }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.running.set(self.0.running.get() - 1);
    }
}
