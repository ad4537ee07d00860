//! Crawls of sites that are tables, in virtual time.

use super::*;
use std::collections::HashMap;
use std::time::Duration;
use taskgroup::boxed::task_group;
use taskgroup::{Clock, Runtime, now, sleep};

/// What is at each path. Whatever it is, it takes 100 ms.
struct Table {
    answers: HashMap<&'static str, Answer>,
    /// Path and milliseconds of each request.
    requests: RefCell<Vec<(String, u128)>>,
    running: Cell<usize>,
    most: Cell<usize>,
    start: std::time::Instant,
}

impl Web for Table {
    async fn get(&self, url: &Url) -> Result<Answer, FetchError> {
        let at = (now() - self.start).as_millis();
        self.requests.borrow_mut().push((url.path().to_owned(), at));
        self.running.set(self.running.get() + 1);
        self.most.set(self.most.get().max(self.running.get()));
        sleep(Duration::from_millis(100)).await;
        self.running.set(self.running.get() - 1);
        let answer = self.answers.get(url.path()).cloned();
        answer.ok_or_else(|| FetchError::Status(404, "Not Found".into()))
    }
}

fn page(html: &str) -> Answer {
    Answer::Page(html.into())
}

fn to(path: &str) -> Answer {
    Answer::Redirect(path.to_owned())
}

fn plan() -> Plan {
    Plan { all_hosts: false, depth: u32::MAX, pages: 1000, until: None, pause: None }
}

/// What has become of such a site, begun at `/`, with two requests at once.
fn crawled<const N: usize>(plan: Plan, answers: [(&'static str, Answer); N]) -> Rc<Crawl<Table>> {
    Runtime::with_clock(Clock::Autojump).block_on(async {
        let (requests, running, most) = Default::default();
        let table = Table { answers: answers.into(), requests, running, most, start: now() };
        let crawl = Crawl::new(table, plan, Progress::hidden());
        let ended = task_group(async |g| {
            g.limit(2);
            crawl.begin(&g.spawner(), [Url::parse("http://host/").expect("a URL")]);
            Ok(())
        });
        ended.await.expect("no task fails");
        crawl
    })
}

impl Crawl<Table> {
    fn paths(&self) -> Vec<String> {
        self.web.requests.borrow().iter().map(|(path, _)| path.clone()).collect()
    }

    fn broken(&self) -> Vec<(String, String)> {
        let site = self.site.borrow();
        let broken = site.entries.iter().filter_map(|entry| match &entry.state {
            State::Broken(error) => Some((entry.url.path().to_owned(), error.to_string())),
            _ => None,
        });
        broken.collect()
    }
}

#[test]
fn tasks_spawn_tasks_until_the_last_page_was_read_and_each_only_once() {
    let crawl = crawled(
        plan(),
        [
            ("/", page("<a href=a><a href=b><a href=/>")),
            ("/a", page("<a href=b><a href=c>")),
            ("/b", page("<a href=/><a href=a>")),
            ("/c", page("<a href=gone>")),
        ],
    );
    assert_eq!(crawl.paths(), ["/", "/a", "/b", "/c", "/gone"]);
    assert_eq!(crawl.broken(), [("/gone".into(), "the server says 404 Not Found".into())]);
    assert_eq!(crawl.web.most.get(), 2);
}

#[test]
fn requests_to_a_host_wait_for_their_turn() {
    let plan = Plan { pause: Some(Duration::from_millis(500)), ..plan() };
    let crawl = crawled(plan, [("/", page("<a href=a><a href=b><a href=c>"))]);
    let times: Vec<_> = crawl.web.requests.borrow().iter().map(|(_, at)| *at).collect();
    assert_eq!(times, [0, 500, 1000, 1500]);
}

#[test]
fn a_limit_of_urls_or_of_depth_ends_a_site_without_end() {
    let endless = || [("/", page("<a href=/1>")), ("/1", page("<a href=/2>")), ("/2", page("<a href=/3>"))];
    let crawl = crawled(Plan { pages: 2, ..plan() }, endless());
    assert_eq!((crawl.paths().len(), crawl.site.borrow().skipped.beyond), (2, 1));
    let crawl = crawled(Plan { depth: 1, ..plan() }, endless());
    assert_eq!((crawl.paths().len(), crawl.site.borrow().skipped.too_deep), (2, 1));
}

#[test]
fn a_text_that_is_found_cancels_the_rest() {
    let plan = Plan { until: Some("needle".into()), ..plan() };
    let many = "<a href=1><a href=2><a href=3><a href=4>";
    let crawl =
        crawled(plan, [("/", page(many)), ("/1", page("a needle <a href=5>")), ("/2", page("")), ("/3", page(""))]);
    let site = crawl.site.borrow();
    assert_eq!(crawl.found.get().map(|id| site.entries[id].url.path().to_owned()), Some("/1".into()));
    // `/2` was asked for at the same time, and not answered any more; `/3` and `/4` had no place yet.
    assert_eq!(crawl.paths(), ["/", "/1", "/2"]);
    assert_eq!((site.entries.len(), site.settled), (5, 2));
}

#[test]
fn redirects_are_followed_but_not_in_a_circle() {
    let crawl = crawled(
        plan(),
        [
            ("/", page("<a href=old><a href=ring><a href=self>")),
            ("/old", to("/new")),
            ("/new", page("<a href=gone>")),
            ("/ring", to("/ring2")),
            ("/ring2", to("ring")),
            ("/self", to("self#here")),
            ("/gone", to("http://[")),
        ],
    );
    let circle = "redirected in a circle".to_owned();
    let bad = "redirected to \"http://[\": not a URL: invalid IPv6 address".to_owned();
    let mut broken = crawl.broken();
    broken.sort();
    assert_eq!(broken, [("/gone".into(), bad), ("/ring2".into(), circle.clone()), ("/self".into(), circle)]);
}

#[test]
fn redirects_without_end_are_given_up() {
    let steps: [&str; 13] = ["/", "/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9", "/10", "/11", "/12"];
    let answers: [_; 12] = std::array::from_fn(|n| (steps[n], to(steps[n + 1])));
    let crawl = crawled(plan(), answers);
    assert_eq!(crawl.broken(), [("/10".into(), "redirected more than 10 times".into())]);
}

#[test]
fn a_large_page_is_looked_into_on_another_thread_and_counts_the_same() {
    let large = format!("{}<a href=a>needle", "<p>hay ".repeat(LARGE));
    let crawl = crawled(plan(), [("/", page(&large)), ("/a", page(""))]);
    assert_eq!(crawl.paths(), ["/", "/a"]);
    let crawl = crawled(Plan { until: Some("needle".into()), ..plan() }, [("/", page(&large))]);
    assert_eq!((crawl.paths().len(), crawl.found.get()), (1, Some(0)));
}
