//! Fetches URLs in parallel: hyper's client on this runtime.
//!
//! ```text
//! cargo run -p taskgroup-ecosystem --bin hyper_client -- http://127.0.0.1:8080/ http://127.0.0.1:8080/slow/500
//! ```
//!
//! Shows a tree of errors: a group that collects goes on when one of its tasks fails, and in the end has all that went
//! wrong, each under the URL that is the name of its task. (`fetch_all` does with values what this does with errors.)
//!
//! Look at [`fetch`]: hyper's connection is a task of its own, beside the request that it carries, in a group of the
//! two; neither outlives the other, and the timeout around them ends both.

#[path = "support/hyper_rt.rs"]
mod hyper_rt;
#[path = "../support/run_options.rs"]
mod run_options;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{HOST, USER_AGENT};
use hyper::rt::Executor as _;
use hyper::{Request, StatusCode, Uri};
use hyper_rt::{Executor, Io};
use lexopt::prelude::*;
use run_options::RunOptions;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;
use taskgroup::net::TcpStream;
use taskgroup::{BoxError, Elapsed, ExceptionGroup, Runtime, task_group, timeout};

const HELP: &str = "\
Fetches http:// URLs in parallel with hyper, and prints status and size of each, in their order.

Usage: hyper_client [OPTIONS] URL...

  --timeout MS      time for each URL, from connecting to the last byte, up to 600000 [default: 10000]
  --trace FILE      write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree            print the task tree as it was when most tasks lived
  --inspect SOCKET  show the tasks while they run: `top SOCKET` draws them
  --help            print this

Redirects are printed and not followed. A status of 400 or more is a failure. What failed is printed as a tree.
Real sockets need the real clock: it cannot run in virtual time.
Exit status: 0 if all succeeded, 1 if any failed, 2 if the arguments are wrong.
";

struct Options {
    targets: Vec<Target>,
    timeout: Duration,
    run: RunOptions,
}

/// A URL, and where it leads.
struct Target {
    url: Uri,
    /// Looked up before the tasks start: the system's only portable way blocks.
    addresses: io::Result<Vec<SocketAddr>>,
}

impl Options {
    /// `None`: help was asked for.
    fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let mut options = Self { targets: vec![], timeout: Duration::from_secs(10), run: RunOptions::default() };
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("timeout") => {
                    let text = parser.value()?.string()?;
                    match text.parse() {
                        Ok(ms @ 1..=600_000) => options.timeout = Duration::from_millis(ms),
                        _ => return Err(format!("--timeout takes milliseconds from 1 to 600000, not {text:?}").into()),
                    }
                }
                Long("trace") => options.run.trace(&mut parser)?,
                Long("tree") => options.run.tree(),
                Long("inspect") => options.run.inspect(&mut parser)?,
                Long("help") | Short('h') => return Ok(None),
                Value(url) => options.targets.push(Target::parse(&url.string()?)?),
                _ => return Err(arg.unexpected()),
            }
        }
        if options.targets.is_empty() { Err("no URL is given".into()) } else { Ok(Some(options)) }
    }
}

impl Target {
    /// Looks the host up. Blocks.
    fn parse(text: &str) -> Result<Self, String> {
        let url: Uri = text.parse().map_err(|error| format!("{text:?} is no URL: {error}"))?;
        match (url.scheme_str(), url.host()) {
            (Some("http"), Some(host)) => {
                let host = host.trim_start_matches('[').trim_end_matches(']');
                let addresses = (host, url.port_u16().unwrap_or(80)).to_socket_addrs().map(Iterator::collect);
                Ok(Self { url, addresses })
            }
            (Some("https"), _) => Err(format!("{text}: there is no TLS here, only http:// (see tls_echo for TLS)")),
            _ => Err(format!("{text:?} is no URL like http://example.com/")),
        }
    }
}

/// Why one URL failed.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the host is not found: {0}")]
    Host(String),
    #[error("cannot connect to {0}: {1}")]
    Connect(SocketAddr, io::Error),
    #[error("{}", in_words(.0))]
    Http(#[from] hyper::Error),
    #[error("the URL makes no request: {0}")]
    Request(#[from] hyper::http::Error),
    #[error(transparent)]
    Late(#[from] Elapsed),
    #[error("the server says {0}")]
    Status(StatusCode),
    #[error("cannot print: {0}")]
    Print(io::Error),
}

/// What hyper says, with its cause.
fn in_words(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// A task for each URL, all at once; what succeeds is printed, and all that fails comes back together.
async fn fetch_all(options: &Options, output: &mut impl Write) -> Result<(), ExceptionGroup<FetchError>> {
    task_group(async |g| {
        g.collect_all();
        let mut tasks = Vec::new();
        for target in &options.targets {
            let fetched = async move { timeout(options.timeout, fetch(target)).await? };
            tasks.push(g.spawn(fetched).named(target.url.to_string()));
        }
        for (task, target) in tasks.into_iter().zip(&options.targets) {
            // Why one has failed is in the tree.
            if let Ok((status, bytes)) = task.await {
                writeln!(output, "{} {bytes:>9} bytes  {}", status.as_u16(), target.url).map_err(FetchError::Print)?;
            }
        }
        Ok(())
    })
    .await
}

/// The status of the answer, and how many bytes its body had.
async fn fetch(target: &Target) -> Result<(StatusCode, u64), FetchError> {
    let stream = connect(target).await?;
    let host = target.url.authority().map_or("", |authority| authority.as_str());
    let path = target.url.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path).header(HOST, host).header(USER_AGENT, "taskgroup-hyper_client");
    let request = request.body(Empty::<Bytes>::new())?;
    let fetched = task_group(async |g| {
        let (mut sender, connection) = http1::handshake(Io::new(stream)).await?;
        // What breaks the connection is told to the request that it breaks. It ends when `sender` is gone.
        Executor(g.spawner()).execute(async { _ = connection.await });
        let mut response = sender.send_request(request).await?;
        let mut bytes = 0;
        while let Some(frame) = response.frame().await {
            bytes += frame?.data_ref().map_or(0, |data| data.len() as u64);
        }
        Ok::<_, FetchError>((response.status(), bytes))
    });
    match fetched.await {
        Ok((status, _)) if status.as_u16() >= 400 => Err(FetchError::Status(status)),
        Ok(fetched) => Ok(fetched),
        // Only the body can fail, so there is one.
        Err(errors) => Err(errors.into_errors().next().expect("a group of errors is never empty")),
    }
}

/// Connects to the first address that answers.
async fn connect(target: &Target) -> Result<TcpStream, FetchError> {
    let addresses = target.addresses.as_ref().map_err(|error| FetchError::Host(error.to_string()))?;
    let mut failure = FetchError::Host("it has no address".into());
    for &address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = FetchError::Connect(address, error),
        }
    }
    Err(failure)
}

fn run(options: &Options) -> Result<ExitCode, BoxError> {
    let runtime = Runtime::new();
    options.run.begin(&runtime)?;
    let fetched = runtime.try_block_on(fetch_all(options, &mut io::stdout()));
    options.run.finish()?;
    let Err(errors) = fetched? else { return Ok(ExitCode::SUCCESS) };
    complain(format_args!("{errors:#}"));
    Ok(ExitCode::FAILURE)
}

fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "hyper_client: {text}"); // if that is gone too, nobody is left to tell
}

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => return io::stdout().write_all(HELP.as_bytes()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        Err(error) => {
            complain(format_args!("{error} (hyper_client --help tells more)"));
            return ExitCode::from(2);
        }
    };
    run(&options).unwrap_or_else(|error| {
        complain(error);
        ExitCode::FAILURE
    })
}
