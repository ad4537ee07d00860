//! What the driver shows while it measures: a bar on a terminal, lines elsewhere.
//!
//! Before: nothing. After: `rounds.rs`.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, stderr};

pub struct Progress {
    bar: Option<ProgressBar>,
    what: &'static str,
    total: u64,
    done: u64,
}

impl Progress {
    pub fn new(what: &'static str, total: u64) -> Self {
        let style = "{prefix} [{bar:40}] {pos}/{len} {wide_msg} {eta}";
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(style).expect("the template is well formed");
            ProgressBar::new(total).with_style(style.progress_chars("=> ")).with_prefix(what)
        });
        if bar.is_none() {
            eprintln!("{what}: {total} samples");
        }
        Self { bar, what, total, done: 0 }
    }

    /// What is being measured now.
    pub fn step(&mut self, now: String) {
        self.done += 1;
        match &self.bar {
            Some(bar) => {
                bar.set_message(now);
                bar.inc(1);
            }
            None if self.done.is_multiple_of(50) => eprintln!("{}: {} of {} ({now})", self.what, self.done, self.total),
            None => {}
        }
    }

    /// Something that must be read.
    pub fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
