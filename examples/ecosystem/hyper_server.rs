//! An HTTP server: hyper on this runtime.
//!
//! ```text
//! cargo run -p taskgroup-ecosystem --bin hyper_server -- 127.0.0.1:8080
//! curl http://127.0.0.1:8080/ --next --data hello http://127.0.0.1:8080/echo
//! ```
//!
//! Shows what the group does for a server. It limits the connections: `admit` waits for a free place *before* the next one is
//! accepted, so that those that have to wait do so with the system. And it ends them in order: Ctrl-C cancels the group,
//! and each connection says what that means to it in the cleanup of [`converse`]: to finish the request that is under way.
//!
//! `--threads` is what to do when one core is not enough and the work can be divided: as many servers of the same kind, which
//! share a port and nothing else. Each has its runtime, its group and its limit; the system deals the connections out.
//!
//! Look at [`listen`] and [`converse`]; and at `support/hyper_rt.rs`, which is all that hyper needs from a runtime.

#[path = "support/hyper_rt.rs"]
mod hyper_rt;
#[path = "../support/run_options.rs"]
mod run_options;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_rt::{Io, Timer};
use lexopt::prelude::*;
use run_options::RunOptions;
use socket2::{Domain, Socket, Type};
use std::convert::Infallible;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::{self, Ipv4Addr, SocketAddr};
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;
use taskgroup::net::{TcpListener, TcpStream};
use taskgroup::signal::SignalKind;
use taskgroup::{BoxError, RunError, Runner, Runtime, TaskGroup, sleep, with_cleanup, with_resource};

const HELP: &str = "\
An HTTP/1 server: hyper on this runtime.

Usage: hyper_server [OPTIONS] [ADDR]    [default: 127.0.0.1:8080; port 0 chooses one]

  GET  /           a line of text
  POST /echo       the body comes back, while it is still coming
  GET  /slow/MS    an answer after so many milliseconds, up to 60000

  --connections N      so many at once in each thread, from 1 to 100000; others wait to be accepted [default: 1000]
  --header-timeout MS  hang up on who takes longer for the head of a request, or is silent for so long between two; up to
                       600000 [default: 10000]
  --threads N          so many servers on the same port (SO_REUSEPORT), a thread and a runtime each, from 1 to 256; what
                       follows shows the first [default: 1]
  --trace FILE         write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree               print the task tree as it was when most tasks lived
  --inspect SOCKET     show the tasks while they run: `top SOCKET` draws them
  --help               print this

Ctrl-C or SIGTERM ends it in order: no more connections, what was asked is answered, for at most 5 seconds. A second one ends
it at once. Real sockets need the real clock: it cannot run in virtual time.

Exit status: 0 if it was ended in order, 1 if something failed, 2 if the arguments are wrong.
";

/// How long the answers that are under way may take when the server is to end.
const PATIENCE: Duration = Duration::from_secs(5);

struct Options {
    address: SocketAddr,
    threads: usize,
    limits: Limits,
    run: RunOptions,
}

/// What each of the servers keeps to.
#[derive(Clone, Copy)]
struct Limits {
    connections: usize,
    header_timeout: Duration,
}

impl Options {
    /// `None`: help was asked for.
    fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let (mut address, mut threads, mut connections, mut header_timeout) = (None, 1, 1000, 10_000);
        let mut run = RunOptions::default();
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("connections") => connections = number(&mut parser, "--connections", 100_000)?,
                Long("threads") => threads = number(&mut parser, "--threads", 256)?,
                Long("header-timeout") => header_timeout = number(&mut parser, "--header-timeout", 600_000)?,
                Long("trace") => run.trace(&mut parser)?,
                Long("tree") => run.tree(),
                Long("inspect") => run.inspect(&mut parser)?,
                Long("help") | Short('h') => return Ok(None),
                Value(text) if address.is_none() => {
                    let text = text.string()?;
                    let Ok(parsed) = text.parse() else {
                        return Err(format!("{text:?} is not an address like 127.0.0.1:8080 or [::1]:8080").into());
                    };
                    address = Some(parsed);
                }
                _ => return Err(arg.unexpected()),
            }
        }
        let address = address.unwrap_or((Ipv4Addr::LOCALHOST, 8080).into());
        let limits = Limits { connections, header_timeout: Duration::from_millis(header_timeout as u64) };
        Ok(Some(Self { address, threads, limits, run }))
    }
}

fn number(parser: &mut lexopt::Parser, name: &str, most: usize) -> Result<usize, lexopt::Error> {
    let text = parser.value()?.string()?;
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("{name} takes a whole number from 1 to {most}, not {text:?}").into()),
    }
}

/// All servers, until a signal ends them: each hears it by itself.
fn serve(runtime: &Runtime<'_>, options: &Options) -> Result<(), BoxError> {
    let cannot = |error| format!("cannot listen on {}: {error}", options.address);
    let mut others = bind(options.address, options.threads).map_err(cannot)?;
    let first = others.remove(0);
    writeln!(io::stdout(), "listening on http://{}", first.local_addr()?)?;
    let limits = options.limits;
    let ended = thread::scope(|scope| {
        let run = |listener| scope.spawn(move || serve_one(&Runtime::new(), listener, limits));
        let others: Vec<_> = others.into_iter().map(run).collect();
        let first = serve_one(runtime, first, limits);
        others
            .into_iter()
            .fold(first, |ended, other| ended.and(other.join().unwrap_or_else(|panic| resume_unwind(panic))))
    });
    Ok(writeln!(io::stdout(), "ended by {}", ended?)?)
}

/// So many listeners at one address. Port 0: the system chooses one for all of them.
fn bind(mut address: SocketAddr, count: usize) -> io::Result<Vec<net::TcpListener>> {
    let mut listeners = Vec::new();
    for _ in 0..count {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?; // connections of a server that has ended do not hold the port
        socket.set_reuse_port(count > 1)?; // else a second program would get half of what was meant for the first
        socket.bind(&address.into())?;
        socket.listen(1024)?;
        let listener = net::TcpListener::from(socket);
        address = listener.local_addr()?;
        listeners.push(listener);
    }
    Ok(listeners)
}

/// One server, until a signal ends it.
fn serve_one(runtime: &Runtime<'_>, listener: net::TcpListener, limits: Limits) -> Result<SignalKind, BoxError> {
    let runner = Runner::new(runtime).signals([SignalKind::INTERRUPT, SignalKind::TERMINATE]).grace(PATIENCE);
    let ended = runner.run(async |g| {
        let listener = TcpListener::try_from(listener)?;
        with_cleanup(listen(g, &listener, limits), async |why| match why.reason() {
            Some(_) => Ok(writeln!(io::stdout(), "no more connections; open: {}", g.live())?),
            None => Ok(()),
        })
        .await
    });
    match ended {
        Ok(never) => match never {},
        Err(RunError::Interrupted { signal, cut_off }) => {
            if cut_off {
                complain(format_args!("some answers took longer than {PATIENCE:?} and were cut off"));
            }
            Ok(signal)
        }
        Err(RunError::Failed { errors, .. }) => Err(errors.single().unwrap_or_else(BoxError::from)),
        Err(error) => Err(error.into()),
    }
}

/// Accepts connections and gives each a task, as long as there are places.
async fn listen<'scope>(
    g: &'scope TaskGroup<'scope, '_, BoxError>,
    listener: &TcpListener,
    limits: Limits,
) -> Result<Infallible, BoxError> {
    g.limit(limits.connections);
    loop {
        g.admit().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                // The task ends in `()`: to the group it cannot fail, so no connection ends another.
                g.spawn(async move {
                    if let Err(error) = converse(stream, limits.header_timeout).await {
                        complain(format_args!("{peer}: {}", in_words(&error, limits.header_timeout)));
                    }
                })
                .named(peer.to_string());
            }
            // Most likely there are no descriptors left: `accept` fails at once until some connection has ended.
            Err(error) => {
                complain(format_args!("cannot accept: {error}"));
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// All requests of a connection. A cancel lets the one that is under way be answered, and then hangs up.
async fn converse(stream: TcpStream, header_timeout: Duration) -> Result<(), hyper::Error> {
    _ = stream.set_nodelay(true); // an answer is as good without
    let mut server = http1::Builder::new();
    server.timer(Timer).header_read_timeout(header_timeout);
    let connection = server.serve_connection(Io::new(stream), service_fn(answer));
    with_resource(
        Box::pin(connection),
        async |connection| connection.as_mut().await,
        async |mut connection, why| {
            if why.reason().is_none() {
                return Ok(()); // it has ended by itself
            }
            connection.as_mut().graceful_shutdown();
            connection.await
        },
    )
    .await
}

type Body = Either<Full<Bytes>, Incoming>;

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (method, path) = (request.method(), request.uri().path());
    let is_get = [Method::GET, Method::HEAD].contains(method);
    Ok(match path {
        "/" if is_get => text(StatusCode::OK, "hyper in a task group\n"),
        "/echo" if method == Method::POST => Response::new(Either::Right(request.into_body())),
        "/echo" => only("POST"),
        "/" => only("GET, HEAD"),
        _ => match path.strip_prefix("/slow/").map(str::parse) {
            Some(_) if !is_get => only("GET, HEAD"),
            Some(Ok(ms @ 0..=60_000)) => {
                sleep(Duration::from_millis(ms)).await;
                text(StatusCode::OK, format!("after {ms} ms\n"))
            }
            Some(_) => text(StatusCode::BAD_REQUEST, "/slow/ takes milliseconds from 0 to 60000\n"),
            None => text(StatusCode::NOT_FOUND, "there is /, /echo and /slow/MS\n"),
        },
    })
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::new(text.into())));
    *response.status_mut() = status;
    response
}

fn only(methods: &'static str) -> Response<Body> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, format!("this takes {methods}\n"));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}

/// What hyper says, with its cause; of a peer that was silent it says less than one wants to read.
fn in_words(error: &hyper::Error, header_timeout: Duration) -> String {
    match std::error::Error::source(error) {
        _ if error.is_timeout() => format!("no head of a request within {header_timeout:?}"),
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "hyper_server: {text}"); // if that is gone too, nobody is left to tell
}

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => return io::stdout().write_all(HELP.as_bytes()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        Err(error) => {
            complain(format_args!("{error} (hyper_server --help tells more)"));
            return ExitCode::from(2);
        }
    };
    let runtime = Runtime::new();
    if let Err(error) = options.run.begin(&runtime) {
        complain(error);
        return ExitCode::from(2);
    }
    match serve(&runtime, &options).and(options.run.finish().map_err(BoxError::from)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error);
            ExitCode::FAILURE
        }
    }
}
