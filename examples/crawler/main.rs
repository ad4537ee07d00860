//! Reads a site page by page, and reports the links in it that are broken.
//!
//! ```text
//! cargo doc --no-deps && cargo run --bin httpd -- --root target/doc --listen 127.0.0.1:8080 --quiet
//! cargo run --bin crawler -- http://127.0.0.1:8080/taskgroup/
//! ```
//!
//! Shows a group that grows from inside: a task reads one URL and spawns a task for each link that it finds there. The group
//! ends when its last task does, and so the program knows that it has seen everything, though nobody counts. And it shows
//! three ways to end early: a limit of URLs, which is no cancel at all; a text that was found, which cancels the rest; and
//! Ctrl-C, which lets the requests under way end and begins no other.
//!
//! Look at `crawl.rs`, where a task spawns its successors; at `site.rs`, where what an endless site could fill is bounded;
//! and at `links.rs`, which is given whatever comes.

mod crawl;
mod fetch;
#[path = "../support/http.rs"]
mod http;
#[path = "../support/lane.rs"]
#[allow(dead_code, reason = "tasks have labels; nobody has a lane")]
mod lane;
mod links;
mod options;
mod progress;
mod report;
#[path = "../support/run_options.rs"]
mod run_options;
mod site;
mod turns;

use crawl::Crawl;
use fetch::Sockets;
use options::{HELP, Options};
use progress::Progress;
use report::Report;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use taskgroup::signal::SignalKind;
use taskgroup::{BoxError, RunError, Runner, Runtime};

/// How long requests have to end after Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(5);

fn run(runtime: &Runtime<'_>, options: Options) -> Result<ExitCode, BoxError> {
    let Options { urls, plan, limit, timeout, max_page, .. } = options;
    let (start, until) = (Instant::now(), plan.until.clone());
    let crawl = Crawl::new(Sockets { timeout, max_page }, plan, Progress::new());
    let runner = Runner::new(runtime).signals([SignalKind::INTERRUPT, SignalKind::TERMINATE]).grace(PATIENCE);
    let ended: Result<(), RunError<BoxError>> = runner.run(async |g| {
        g.limit(limit);
        crawl.begin(&g.spawner(), urls);
        Ok(())
    });
    crawl.progress.end();
    if let Err(error) = &ended {
        complain(error);
    }
    let site = crawl.site.borrow();
    let found = crawl.found.get().map(|id| &site.entries[id].url);
    let mut output = io::stdout().lock();
    match (&until, found) {
        (Some(text), Some(url)) => writeln!(output, "{text:?} is in {url}")?,
        (Some(text), None) => writeln!(output, "{text:?} was not found")?,
        (None, _) => {}
    }
    write!(output, "{}", Report { site: &site, time: start.elapsed() })?;
    output.flush()?;
    let is_good = if until.is_some() { found.is_some() } else { site.broken_links() == 0 };
    Ok(match ended {
        Err(error) => error.exit_code(),
        Ok(()) if is_good => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
    })
}

fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "crawler: {text}"); // if that is gone too, nobody is left to tell
}

fn main() -> ExitCode {
    let mut options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => return io::stdout().write_all(HELP.as_bytes()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        Err(error) => {
            complain(format_args!("{error} (crawler --help tells more)"));
            return ExitCode::from(2);
        }
    };
    let (runtime, looks) = (Runtime::new(), std::mem::take(&mut options.run));
    if let Err(error) = looks.begin(&runtime) {
        complain(error);
        return ExitCode::from(2);
    }
    let ended = run(&runtime, options);
    let written = looks.finish(); // also of a run that failed
    ended.and_then(|code| Ok(written.map(|()| code)?)).unwrap_or_else(|error| {
        complain(error);
        ExitCode::FAILURE
    })
}
