//! What is known: every URL that is to be asked for, who links to it, and what has become of it.
//!
//! Before: `options.rs`, `fetch.rs`. After: `crawl.rs`, which fills it in; `report.rs`, which prints it.
//!
//! **Danger.** A site may be endless, by malice or by a calendar that links to the next month. **Remedy.** What is kept is
//! bounded by [`Plan::pages`]: a URL beyond that is counted and forgotten. So is a page that links to what [`TOLD`] pages
//! link to already.

use crate::fetch::FetchError;
use crate::links::BadLink;
use crate::options::Plan;
use std::collections::{BTreeMap, HashMap, HashSet, btree_map};
use url::{Position, Url};

/// Of who links to something, so many are kept.
pub(crate) const TOLD: usize = 5;
/// Of what is no URL, so much is kept.
const KEPT: usize = 1000;
/// So many redirects in a row are followed.
const HOPS: u8 = 10;

/// The number of a URL.
pub(crate) type Id = usize;

pub(crate) struct Entry {
    pub(crate) url: Url,
    pub(crate) depth: u32,
    /// So many redirects in a row lead here.
    hops: u8,
    /// The first that link here; none for a URL that was given.
    pub(crate) from: Vec<Id>,
    /// How many more do.
    pub(crate) more: usize,
    pub(crate) state: State,
}

#[derive(Debug)]
pub(crate) enum State {
    /// Not asked for yet, or not answered.
    Waiting,
    /// HTML of so many bytes.
    Page(usize),
    /// Something else.
    File,
    /// It is elsewhere: there, if that is to be asked for.
    Redirect(Option<Id>),
    Broken(FetchError),
}

/// What became of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    /// It is to be asked for.
    New(Id),
    Known(Id),
    /// It is not followed.
    Skipped,
}

/// Something that is no URL.
pub(crate) struct Bad {
    pub(crate) why: BadLink,
    /// The first that links here.
    pub(crate) from: Id,
    /// How many more do.
    pub(crate) more: usize,
}

/// Links that are not followed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Skipped {
    /// To other hosts.
    pub(crate) elsewhere: usize,
    /// No `http`.
    pub(crate) other_schemes: usize,
    /// More than [`Plan::depth`] links away.
    pub(crate) too_deep: usize,
    /// After [`Plan::pages`] URLs.
    pub(crate) beyond: usize,
    /// On a page that has very many.
    pub(crate) crowded: usize,
}

#[derive(Default)]
pub(crate) struct Site {
    pub(crate) entries: Vec<Entry>,
    ids: HashMap<Url, Id>,
    /// Where it began.
    hosts: HashSet<String>,
    pub(crate) skipped: Skipped,
    /// How many entries are not waiting, and how many of them are broken.
    pub(crate) settled: usize,
    broken: usize,
    /// By their text.
    pub(crate) bad: BTreeMap<String, Bad>,
    /// How many more are no URLs.
    pub(crate) more_bad: usize,
}

/// A name with a port.
pub(crate) fn host(url: &Url) -> String {
    format!("{}:{}", &url[Position::BeforeHost..Position::AfterHost], url.port_or_known_default().unwrap_or_default())
}

impl Site {
    /// Takes note of a URL to begin at.
    pub(crate) fn begin(&mut self, plan: &Plan, mut url: Url) -> Noted {
        url.set_fragment(None);
        self.hosts.insert(host(&url));
        match self.ids.get(&url) {
            Some(id) => Noted::Known(*id),
            None => self.enter(plan, url, None, 0, 0),
        }
    }

    /// Takes note of a link.
    pub(crate) fn link(&mut self, plan: &Plan, from: Id, url: Url) -> Noted {
        let depth = self.entries[from].depth.saturating_add(1);
        self.follow(plan, from, url, depth, 0)
    }

    /// Takes note of a redirect.
    ///
    /// # Errors
    ///
    /// If it leads in a circle, or if there were too many.
    pub(crate) fn redirect(&mut self, plan: &Plan, from: Id, url: Url) -> Result<Noted, FetchError> {
        let Entry { depth, hops, .. } = self.entries[from];
        // Along the redirects that are known: a circle is closed by the last of them.
        let mut next = self.ids.get(&url).copied();
        while let Some(id) = next {
            if id == from {
                return Err(FetchError::Circle);
            }
            next = match self.entries[id].state {
                State::Redirect(to) => to,
                _ => None,
            };
        }
        if hops == HOPS {
            return Err(FetchError::TooManyRedirects(HOPS));
        }
        Ok(self.follow(plan, from, url, depth, hops + 1))
    }

    fn follow(&mut self, plan: &Plan, from: Id, url: Url, depth: u32, hops: u8) -> Noted {
        if let Some(id) = self.ids.get(&url) {
            let entry = &mut self.entries[*id];
            match entry.from.len() {
                TOLD.. => entry.more += 1,
                _ => entry.from.push(from),
            }
            entry.depth = entry.depth.min(depth);
            return Noted::Known(*id);
        }
        let skipped = &mut self.skipped;
        let why = if url.scheme() != "http" {
            &mut skipped.other_schemes
        } else if !plan.all_hosts && !self.hosts.contains(&host(&url)) {
            &mut skipped.elsewhere
        } else if depth > plan.depth {
            &mut skipped.too_deep
        } else {
            return self.enter(plan, url, Some(from), depth, hops);
        };
        *why += 1;
        Noted::Skipped
    }

    fn enter(&mut self, plan: &Plan, url: Url, from: Option<Id>, depth: u32, hops: u8) -> Noted {
        let id = self.entries.len();
        if id >= plan.pages {
            self.skipped.beyond += 1;
            return Noted::Skipped;
        }
        self.ids.insert(url.clone(), id);
        let from = from.into_iter().collect();
        self.entries.push(Entry { url, depth, hops, from, more: 0, state: State::Waiting });
        Noted::New(id)
    }

    /// Takes note of what is no URL.
    pub(crate) fn bad(&mut self, from: Id, text: String, why: BadLink) {
        let is_full = self.bad.len() >= KEPT;
        match self.bad.entry(text) {
            btree_map::Entry::Occupied(mut bad) => bad.get_mut().more += 1,
            btree_map::Entry::Vacant(_) if is_full => self.more_bad += 1,
            btree_map::Entry::Vacant(place) => drop(place.insert(Bad { why, from, more: 0 })),
        }
    }

    pub(crate) fn broken_links(&self) -> usize {
        self.broken + self.bad.len() + self.more_bad
    }

    /// Takes note of what has become of a URL.
    pub(crate) fn settle(&mut self, id: Id, state: State) {
        self.settled += 1;
        self.broken += usize::from(matches!(state, State::Broken(_)));
        self.entries[id].state = state;
    }
}
