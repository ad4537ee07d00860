//! Fetches several URLs at once; keeps what succeeds and names what fails.
//!
//! ```text
//! cargo run --bin fetch_all -- http://example.com/ http://example.com/missing http://127.0.0.1:1/
//! ```
//!
//! Shows how to collect *both*. A task that fails cancels its siblings, which is right where all or nothing counts.
//! Here it is not: so what becomes of one URL, good or bad, is the *value* of its task, and only what should end the
//! whole run (standard output is gone) is an error.
//!
//! Look at [`fetch_all`] for that, at [`fetch`] for the deadline around a URL, and at `support/http.rs` for a parser
//! that knows no sockets. Host names are looked up before the tasks start, one after the other: the system's only
//! portable way blocks, and in a task it would hold up all others. For the same reason `--out` is meant for local
//! disks.

#[path = "support/http.rs"]
mod http;
#[path = "support/run_options.rs"]
mod run_options;

use http::{HttpError, Response};
use lexopt::prelude::*;
use run_options::RunOptions;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use taskgroup::boxed::task_group;
use taskgroup::net::TcpStream;
use taskgroup::{BoxError, Elapsed, ExceptionGroup, Runtime, now, timeout};

const HELP: &str = "\
Fetches URLs in parallel with HTTP/1.1, and prints status, size and time of each.

Usage: fetch_all [OPTIONS] URL...

  --timeout-ms MS   time for each URL, from connecting to the last byte [default: 10000]
  --max-body BYTES  the largest body that is accepted [default: 16777216]
  --out DIR         save the bodies in DIR, as 1-NAME, 2-NAME, ...
  --trace FILE      write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree            print the task tree as it was when most tasks lived
  --inspect SOCKET  show the tasks while they run: `top SOCKET` draws them
  --help            print this

Only http://. Redirects are printed and not followed. A status of 400 or more is a failure.
Real sockets need the real clock: it cannot run in virtual time.
Exit status: 0 if all succeeded, 1 if any failed, 2 if the arguments are wrong.
";

struct Options {
    urls: Vec<String>,
    timeout: Duration,
    max_body: usize,
    out: Option<PathBuf>,
    run: RunOptions,
}

impl Options {
    /// `None`: help was asked for.
    fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let mut parser = lexopt::Parser::from_env();
        let mut options = Self {
            urls: Vec::new(),
            timeout: Duration::from_secs(10),
            max_body: 16 * 1024 * 1024,
            out: None,
            run: RunOptions::default(),
        };
        while let Some(arg) = parser.next()? {
            match arg {
                Long("timeout-ms") => {
                    options.timeout = Duration::from_millis(positive(&mut parser, "--timeout-ms")? as u64)
                }
                Long("max-body") => options.max_body = positive(&mut parser, "--max-body")?,
                Long("out") => options.out = Some(parser.value()?.into()),
                Long("trace") => options.run.trace(&mut parser)?,
                Long("tree") => options.run.tree(),
                Long("inspect") => options.run.inspect(&mut parser)?,
                Long("help") | Short('h') => return Ok(None),
                Value(url) => options.urls.push(url.string()?),
                _ => return Err(arg.unexpected()),
            }
        }
        if options.urls.is_empty() { Err("no URL is given".into()) } else { Ok(Some(options)) }
    }
}

fn positive(parser: &mut lexopt::Parser, name: &str) -> Result<usize, lexopt::Error> {
    let text = parser.value()?.string()?;
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("{name} takes a whole number above zero, not {text:?}").into()),
    }
}

/// Why one URL failed. None of these ends the run.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("https is not spoken here (there is no TLS): only http:// URLs can be fetched")]
    Https,
    #[error("not a URL that can be fetched: {0}")]
    Url(&'static str),
    #[error("the host is not found: {0}")]
    Host(io::Error),
    #[error("cannot connect to {0}: {1}")]
    Connect(SocketAddr, io::Error),
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(transparent)]
    Late(#[from] Elapsed),
    #[error("the server says {0} {1}")]
    Status(u16, String),
    #[error("cannot write {0}: {1}")]
    Save(PathBuf, io::Error),
}

/// Where a URL leads.
struct Target {
    addresses: Vec<SocketAddr>,
    request: String,
}

impl Target {
    /// Takes `http://host[:port][/path][?query][#fragment]` apart and looks the host up. Blocks.
    fn look_up(url: &str) -> Result<Self, FetchError> {
        let rest = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => return Err(FetchError::Https),
            _ => return Err(FetchError::Url("it does not begin with http://")),
        };
        // This also keeps line breaks, and so forged headers, out of the request.
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(FetchError::Url("write spaces and other special characters as %XX"));
        }
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let slash = if path.starts_with('/') { "" } else { "/" };
        if host.contains('@') {
            return Err(FetchError::Url("a user name or password in it is not supported"));
        }
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => {
                (name, port.parse().map_err(|_| FetchError::Url("its port is not a number up to 65535"))?)
            }
            _ => (host, 80),
        };
        let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        if name.is_empty() {
            return Err(FetchError::Url("it names no host"));
        }
        let addresses = (name, port).to_socket_addrs().map_err(FetchError::Host)?.collect();
        let request = format!(
            "GET {slash}{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: taskgroup-fetch_all\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        );
        Ok(Self { addresses, request })
    }
}

/// What became of one URL.
struct Fetched {
    response: Result<Response, FetchError>,
    took: Duration,
}

/// A task for each URL, all at once. Prints them in their order, each as soon as it and those before it are there, and
/// gives back the failures.
async fn fetch_all<'a>(
    options: &'a Options,
    targets: Vec<Result<Target, FetchError>>,
    output: &mut impl Write,
) -> Result<Vec<(&'a str, FetchError)>, ExceptionGroup<BoxError>> {
    task_group(async |g| {
        // `Ok(..)` around a `Result`: to the group the task never fails, and the siblings of a bad URL live on.
        let start = |target| g.spawn(async move { Ok(fetch(target, options).await) });
        let tasks: Vec<_> = targets.into_iter().map(start).collect();

        let mut failures = Vec::new();
        for (index, (task, url)) in tasks.into_iter().zip(&options.urls).enumerate() {
            let Fetched { response, took } = task.await?;
            let ms = took.as_millis();
            match &response {
                Ok(page) => writeln!(output, "{} {:>9} bytes {ms:>6} ms  {url}", page.status, page.body.len())?,
                Err(_) => writeln!(output, "--- {:>9} bytes {ms:>6} ms  {url}", "-")?,
            }
            let kept = response.and_then(|page| keep(page, options.out.as_deref(), index + 1, url));
            failures.extend(kept.err().map(|error| (url.as_str(), error)));
        }
        Ok(failures)
    })
    .await
}

async fn fetch(target: Result<Target, FetchError>, options: &Options) -> Fetched {
    let start = now();
    // The deadline covers all of it, addresses that do not answer included.
    let response = async { timeout(options.timeout, get(&target?, options.max_body)).await? }.await;
    Fetched { response, took: now() - start }
}

async fn get(target: &Target, max_body: usize) -> Result<Response, FetchError> {
    let stream = connect(&target.addresses).await?;
    stream.write_all(target.request.as_bytes()).await?;
    let mut reader = http::Reader::new(max_body);
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let n = stream.read(&mut buffer).await?;
        if n == 0 || reader.feed(&buffer[..n])? {
            return Ok(reader.finish()?);
        }
    }
}

/// Connects to the first address that answers.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, FetchError> {
    let mut failure = FetchError::Url("its host has no address");
    for &address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = FetchError::Connect(address, error),
        }
    }
    Err(failure)
}

/// Saves a good response, and makes a failure of a bad status.
fn keep(page: Response, out: Option<&Path>, number: usize, url: &str) -> Result<(), FetchError> {
    if page.status >= 400 {
        return Err(FetchError::Status(page.status, page.reason));
    }
    let Some(out) = out else { return Ok(()) };
    // Only the last part of the path, and only characters that are harmless in every file system.
    let name = url.split(['?', '#']).next().and_then(|url| url.rsplit('/').next()).filter(|name| !name.is_empty());
    let harmless = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = name.unwrap_or("index").chars().take(100).map(harmless).collect();
    let path = out.join(format!("{number}-{name}"));
    std::fs::write(&path, &page.body).map_err(|error| FetchError::Save(path, error))
}

fn run(options: &Options) -> Result<ExitCode, BoxError> {
    if let Some(out) = &options.out {
        std::fs::create_dir_all(out).map_err(|error| FetchError::Save(out.clone(), error))?;
    }
    let targets = options.urls.iter().map(|url| Target::look_up(url)).collect();
    let runtime = Runtime::new();
    options.run.begin(&runtime)?;
    let fetched = runtime.try_block_on(fetch_all(options, targets, &mut io::stdout()));
    let written = options.run.finish(); // also of a run that failed
    let failures = fetched?.map_err(|errors| errors.single().unwrap_or_else(BoxError::from))?;
    written?;
    let Some(((last_url, last), others)) = failures.split_last() else { return Ok(ExitCode::SUCCESS) };
    complain(format_args!("{} of {} failed", failures.len(), options.urls.len()));
    for (url, error) in others {
        writeln!(io::stderr(), "|- {url}: {error}")?;
    }
    writeln!(io::stderr(), "`- {last_url}: {last}")?;
    Ok(ExitCode::FAILURE)
}

fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "fetch_all: {text}"); // if that is gone too, nobody is left to tell
}

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => return io::stdout().write_all(HELP.as_bytes()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        Err(error) => {
            complain(format_args!("{error} (fetch_all --help tells more)"));
            return ExitCode::from(2);
        }
    };
    run(&options).unwrap_or_else(|error| {
        complain(error);
        ExitCode::FAILURE
    })
}
