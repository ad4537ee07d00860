//! How far it is, in the last line of the terminal; in a pipe, nothing.
//!
//! Before: `site.rs`. After: `crawl.rs`.

use crate::links::beginning;
use crate::site::Site;
use indicatif::{ProgressBar, ProgressStyle};
use url::Url;

pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// On standard error, if that is a terminal.
    pub(crate) fn new() -> Self {
        Self::of(ProgressBar::new(0))
    }

    /// On nothing.
    #[cfg(test)]
    pub(crate) fn hidden() -> Self {
        Self::of(ProgressBar::hidden())
    }

    fn of(bar: ProgressBar) -> Self {
        let style = ProgressStyle::with_template("{pos} of {len} URLs, {prefix} broken  {msg}");
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// Drawn a few times a second at most, however often this is called.
    pub(crate) fn show(&self, site: &Site, url: &Url) {
        if self.0.is_hidden() {
            return;
        }
        self.0.set_length(site.entries.len() as u64);
        self.0.set_prefix(site.broken_links().to_string());
        self.0.set_message(beginning(url.as_str()));
        self.0.set_position(site.settled as u64);
    }
    /// Clears the line.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
