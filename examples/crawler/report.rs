//! What was found, in words.
//!
//! Before: `site.rs`. After: `main.rs`.

use crate::fetch::FetchError;
use crate::site::{Entry, Id, Site, Skipped, State};
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// Every broken link in the order of their URLs, and a summary.
pub(crate) struct Report<'a> {
    pub(crate) site: &'a Site,
    pub(crate) time: Duration,
}

/// What is told of the way to a broken link: as many steps back over redirects.
const STEPS: usize = 10;

impl Display for Report<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut broken: Vec<_> = self.site.entries.iter().filter_map(broken).collect();
        broken.sort_by_key(|(entry, _)| entry.url.as_str());
        for (entry, error) in &broken {
            writeln!(f, "{}: {error}", entry.url)?;
            self.write_from(f, entry, 1)?;
        }
        for (text, bad) in &self.site.bad {
            writeln!(f, "{text:?}: {}", bad.why)?;
            self.write_link(f, bad.from, 1)?;
            write_more(f, bad.more, 1)?;
        }
        if self.site.more_bad > 0 {
            writeln!(f, "(and {} more that are no URLs)", self.site.more_bad)?;
        }
        self.write_summary(f)
    }
}

fn broken(entry: &Entry) -> Option<(&Entry, &FetchError)> {
    match &entry.state {
        State::Broken(error) => Some((entry, error)),
        _ => None,
    }
}

impl Report<'_> {
    /// Who links to it.
    fn write_from(&self, f: &mut Formatter<'_>, entry: &Entry, step: usize) -> fmt::Result {
        let mut from = entry.from.clone();
        from.sort_by_key(|id| self.site.entries[*id].url.as_str());
        for id in from {
            self.write_link(f, id, step)?;
        }
        write_more(f, entry.more, step)
    }

    /// A page that links, or a redirect, and then who links to that.
    fn write_link(&self, f: &mut Formatter<'_>, from: Id, step: usize) -> fmt::Result {
        let from = &self.site.entries[from];
        let indent = step * 4;
        match from.state {
            State::Redirect(_) => {
                writeln!(f, "{:indent$}redirected from {}", "", from.url)?;
                if step < STEPS { self.write_from(f, from, step + 1) } else { Ok(()) }
            }
            _ => writeln!(f, "{:indent$}linked from {}", "", from.url),
        }
    }

    fn write_summary(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (mut pages, mut bytes, mut files, mut redirects, mut waiting) = (0, 0, 0, 0, 0);
        for entry in &self.site.entries {
            match entry.state {
                State::Waiting => waiting += 1,
                State::Page(size) => (pages, bytes) = (pages + 1, bytes + size),
                State::File => files += 1,
                State::Redirect(_) => redirects += 1,
                State::Broken(_) => {}
            }
        }
        let (pages, files, redirects) =
            (counted(pages, "page"), counted(files, "file"), counted(redirects, "redirect"));
        let (kib, seconds) = (bytes.div_ceil(1024), self.time.as_secs_f64());
        let urls = counted(self.site.settled, "URL");
        writeln!(f, "{urls} in {seconds:.1} s: {pages} ({kib} KiB), {files}, {redirects}")?;
        writeln!(f, "{}", counted(self.site.broken_links(), "broken link"))?;
        if waiting > 0 {
            writeln!(f, "{} not read, since it was ended early", counted(waiting, "URL"))?;
        }
        let Skipped { elsewhere, other_schemes, too_deep, beyond, crowded } = self.site.skipped;
        for (count, what) in [
            (elsewhere, "to other hosts"),
            (other_schemes, "not of http"),
            (too_deep, "deeper than --depth"),
            (beyond, "beyond --pages"),
            (crowded, "on pages with very many"),
        ] {
            if count > 0 {
                writeln!(f, "{} not followed: {what}", counted(count, "link"))?;
            }
        }
        Ok(())
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn write_more(f: &mut Formatter<'_>, more: usize, step: usize) -> fmt::Result {
    if more > 0 { writeln!(f, "{:indent$}and from {more} more", "", indent = step * 4) } else { Ok(()) }
}
