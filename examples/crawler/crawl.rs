//! From page to page: a task for each URL, spawned by the task that found it.
//!
//! Before: `site.rs`, `fetch.rs`, `links.rs`, `turns.rs`. After: `main.rs`.
//!
//! The body of the group only starts the first tasks. Each of them starts those for the links of its page, by the group's
//! [`Spawner`]; and since a group ends when no task is left in it, it ends when the last page was read, which nobody has to
//! find out. What the tasks share is behind an `Rc`: a spawner's tasks cannot borrow.

use crate::fetch::{Answer, FetchError, Web};
use crate::lane::label;
use crate::links::{Links, beginning, resolve};
use crate::options::Plan;
use crate::progress::Progress;
use crate::site::{Id, Noted, Site, State, host};
use crate::turns::Turns;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use taskgroup::{CancelScope, Spawner, shield, unblock};
use url::{Position, Url};

/// A larger page takes longer to be looked into than to be handed to another thread.
const LARGE: usize = 32 * 1024;

pub(crate) struct Crawl<W> {
    web: W,
    plan: Plan,
    turns: Turns,
    /// Around every request.
    requests: CancelScope,
    pub(crate) progress: Progress,
    pub(crate) site: RefCell<Site>,
    /// Where the text is that was looked for.
    pub(crate) found: Cell<Option<Id>>,
}

/// What a request has given.
enum Got {
    /// Of so many bytes.
    Page(usize, Look),
    File,
    Redirect(String),
}

/// What is in a page.
enum Look {
    Links(Links),
    /// The text that is looked for.
    Found,
}

impl<W: Web + 'static> Crawl<W> {
    /// To be called inside a runtime.
    pub(crate) fn new(web: W, plan: Plan, progress: Progress) -> Rc<Self> {
        let (turns, requests) = (Turns::new(plan.pause), CancelScope::new());
        Rc::new(Self { web, plan, turns, requests, progress, site: RefCell::default(), found: Cell::default() })
    }

    /// Starts a task for each URL; they start all others.
    pub(crate) fn begin(self: &Rc<Self>, spawner: &Spawner, urls: impl IntoIterator<Item = Url>) {
        for url in urls {
            let noted = self.site.borrow_mut().begin(&self.plan, url);
            self.follow(spawner, noted);
        }
    }

    /// Starts the task for a link that is new.
    fn follow(self: &Rc<Self>, spawner: &Spawner, noted: Noted) {
        let Noted::New(id) = noted else { return };
        let url = self.site.borrow().entries[id].url.clone();
        let name = label(url[Position::BeforePath..].as_bytes());
        let (this, own) = (self.clone(), spawner.clone());
        // The task ends in `()`: a link that is broken ends nothing.
        if let Ok(task) = spawner.spawn(async move { this.visit(&own, id, url).await }) {
            task.named(name);
        } // Else the group is being cancelled: the report says that this one was not asked for.
    }

    async fn visit(self: &Rc<Self>, spawner: &Spawner, id: Id, url: Url) {
        self.turns.take(&host(&url)).await;
        // Boxed, so that a task that has not begun is small: there may be thousands.
        let request = Box::pin(async {
            match self.web.get(&url).await? {
                Answer::Page(html) => Ok(Got::Page(html.len(), self.look(&url, html).await)),
                Answer::File => Ok(Got::File),
                Answer::Redirect(to) => Ok(Got::Redirect(to)),
            }
        });
        // Shielded, so that Ctrl-C lets it end, as far as the grace of the group goes; but not from a text that was found.
        let Ok(got) = shield(self.requests.run(request)).await else { return };
        let state = match got {
            Ok(Got::Page(size, look)) => {
                self.follow_all(spawner, id, look);
                Ok(State::Page(size))
            }
            Ok(Got::File) => Ok(State::File),
            Ok(Got::Redirect(to)) => self.redirect(spawner, id, &url, &to),
            Err(error) => Err(error),
        };
        let mut site = self.site.borrow_mut();
        site.settle(id, state.unwrap_or_else(State::Broken));
        self.progress.show(&site, &url);
    }

    /// Looks into a page: into a large one on another thread, or the other requests would be late meanwhile.
    async fn look(&self, url: &Url, html: Vec<u8>) -> Look {
        let (page, until) = (url.clone(), self.plan.until.clone());
        let is_large = html.len() > LARGE;
        let look = move || match until {
            Some(text) if html.windows(text.len()).any(|window| window == text.as_bytes()) => Look::Found,
            _ => Look::Links(Links::of(&page, &html)),
        };
        if is_large { unblock(look).await } else { look() }
    }

    /// Starts the tasks for the links of a page, unless that has the text.
    fn follow_all(self: &Rc<Self>, spawner: &Spawner, id: Id, look: Look) {
        let links = match look {
            Look::Links(links) => links,
            Look::Found => {
                self.found.set(self.found.get().or(Some(id)));
                self.requests.cancel("the text was found");
                spawner.cancel("the text was found");
                return;
            }
        };
        for url in links.urls {
            let noted = self.site.borrow_mut().link(&self.plan, id, url);
            self.follow(spawner, noted);
        }
        let mut site = self.site.borrow_mut();
        site.skipped.crowded += links.more;
        for (text, why) in links.bad {
            site.bad(id, text, why);
        }
    }

    fn redirect(self: &Rc<Self>, spawner: &Spawner, id: Id, url: &Url, to: &str) -> Result<State, FetchError> {
        let url = resolve(url, to).map_err(|why| FetchError::BadRedirect(beginning(to), why))?;
        let noted = self.site.borrow_mut().redirect(&self.plan, id, url)?;
        self.follow(spawner, noted);
        Ok(State::Redirect(match noted {
            Noted::New(to) | Noted::Known(to) => Some(to),
            Noted::Skipped => None,
        }))
    }
}

#[cfg(test)]
mod tests;
