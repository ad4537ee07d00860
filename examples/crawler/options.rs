//! What is asked for on the command line.
//!
//! Before: nothing. After: `main.rs`.

use crate::run_options::RunOptions;
use lexopt::prelude::*;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;
use url::Url;

pub(crate) const HELP: &str = "\
Reads a site page by page, and reports the links in it that are broken.

Usage: crawler [OPTIONS] URL...

  --all-hosts      follow links to other hosts, too
  --depth N        follow so many links in a row from a URL that is given [default: no limit]
  --pages N        request so many URLs at most, up to 1000000 [default: 10000]
  --until TEXT     end as soon as TEXT is found in a page
  --limit N        so many requests at once, from 1 to 1000 [default: 8]
  --rate N         so many requests a second to each host, from 0.01 to 10000 [default: no limit]
  --timeout S      seconds for each request, to the last byte [default: 10]
  --max-page BYTES the largest page that is read [default: 8388608]
  --trace FILE     write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree           print the task tree as it was when most tasks lived
  --inspect SOCKET show the tasks while they run: `top SOCKET` draws them
  --help           print this

Only http://. Links are those of HTML: pages, pictures, scripts, style sheets, frames, media. Of what is no HTML only the
head is looked at. A host is a name with a port; a name beyond ASCII is to be written as xn--. Redirects are followed. A page
counts as deep as the way on which it was found first. Each request that waits for its turn (--rate) has one of the --limit
places. robots.txt is not asked for: this is for sites of your own.

Ctrl-C or SIGTERM begins no more requests, lets those under way end, for at most 5 seconds, and reports what was found so
far. A second one ends it at once.

Exit status: 0 if no link is broken, or TEXT was found; 1 if one is, or TEXT was not found; 2 if the arguments are wrong;
130 after Ctrl-C, 143 after SIGTERM.
";

pub(crate) struct Options {
    pub(crate) urls: Vec<Url>,
    pub(crate) plan: Plan,
    pub(crate) limit: usize,
    pub(crate) timeout: Duration,
    pub(crate) max_page: usize,
    pub(crate) run: RunOptions,
}

/// Where to go, and how far.
pub(crate) struct Plan {
    pub(crate) all_hosts: bool,
    pub(crate) depth: u32,
    pub(crate) pages: usize,
    pub(crate) until: Option<String>,
    /// Between the beginnings of two requests to one host.
    pub(crate) pause: Option<Duration>,
}

impl Options {
    /// `None`: help was asked for.
    pub(crate) fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let mut options = Self {
            urls: Vec::new(),
            plan: Plan { all_hosts: false, depth: u32::MAX, pages: 10_000, until: None, pause: None },
            limit: 8,
            timeout: Duration::from_secs(10),
            max_page: 8 * 1024 * 1024,
            run: RunOptions::default(),
        };
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("all-hosts") => options.plan.all_hosts = true,
                Long("depth") => options.plan.depth = number(&mut parser, "--depth", 0..=u32::MAX)?,
                Long("pages") => options.plan.pages = number(&mut parser, "--pages", 1..=1_000_000)?,
                Long("until") => {
                    let text = parser.value()?.string()?;
                    if text.is_empty() {
                        return Err("--until takes a text that is not empty".into());
                    }
                    options.plan.until = Some(text);
                }
                Long("limit") => options.limit = number(&mut parser, "--limit", 1..=1000)?,
                Long("rate") => {
                    let rate = number(&mut parser, "--rate", 0.01..=10_000.0)?;
                    options.plan.pause = Some(Duration::from_secs_f64(1.0 / rate));
                }
                Long("timeout") => {
                    options.timeout = Duration::from_secs_f64(number(&mut parser, "--timeout", 0.001..=86_400.0)?)
                }
                Long("max-page") => options.max_page = number(&mut parser, "--max-page", 1..=1 << 30)?,
                Long("trace") => options.run.trace(&mut parser)?,
                Long("tree") => options.run.tree(),
                Long("inspect") => options.run.inspect(&mut parser)?,
                Long("help") | Short('h') => return Ok(None),
                Value(url) => options.urls.push(start(&url.string()?)?),
                _ => return Err(arg.unexpected()),
            }
        }
        if options.urls.is_empty() { Err("no URL is given".into()) } else { Ok(Some(options)) }
    }
}

/// A URL to begin at.
fn start(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{text:?} is no URL like http://host/path: {error}"))?;
    match url.scheme() {
        "http" if !url.username().is_empty() || url.password().is_some() => {
            Err(format!("{text:?}: a user name or password in a URL is not supported"))
        }
        "http" => Ok(url),
        "https" => Err(format!("{text:?}: https is not spoken here (there is no TLS)")),
        _ => Err(format!("{text:?} is no URL like http://host/path")),
    }
}

fn number<T>(parser: &mut lexopt::Parser, name: &str, range: RangeInclusive<T>) -> Result<T, lexopt::Error>
where
    T: FromStr<Err: Display> + PartialOrd + Display,
{
    let text = parser.value()?.string()?;
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        Ok(_) => Err(format!("{name} {text}: not from {} to {}", range.start(), range.end()).into()),
        Err(error) => Err(format!("{name} {text:?}: {error}").into()),
    }
}
