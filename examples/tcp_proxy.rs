//! A TCP proxy: what comes to one address goes to another, both ways.
//!
//! ```text
//! cargo run --bin tcp_proxy -- 127.0.0.1:8080 example.org:80
//! ```
//!
//! Shows deadlines as scopes: a connection has one for all of its time, and one that every byte moves. Shows half-closed
//! connections: who has sent everything may still be answered. And a server that ends in order: Ctrl-C stops the
//! accepting, and what is under way has five seconds to end.
//!
//! Look at [`relay`], two tasks that borrow both sockets and the deadline; and at [`carry`], one direction.
#![allow(clippy::print_stdout, reason = "a program prints")]

#[path = "support/run_options.rs"]
mod run_options;

use lexopt::prelude::*;
use run_options::RunOptions;
use std::cell::Cell;
use std::convert::Infallible;
use std::fmt::{self, Display};
use std::io::{self, ErrorKind, Write};
use std::net::{Shutdown, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;
use taskgroup::net::{Acceptor, ConnectError, TcpListener, TcpStream, connect};
use taskgroup::signal::SignalKind;
use taskgroup::{
    BoxError, CancelScope, Elapsed, ExceptionGroup, RunError, Runner, Runtime, TaskGroup, now, shield, task_group,
    timeout,
};

const HELP: &str = "\
A TCP proxy.

Usage: tcp_proxy [OPTIONS] LISTEN TARGET

  LISTEN           an address with a port, such as 127.0.0.1:8080; port 0 chooses one
  TARGET           a name or an address with a port, such as example.org:80
  --connections N  so many at once; more wait to be accepted [default: 1000]
  --connect S      seconds that the target may take to answer [default: 10]
  --idle S         seconds without a byte in either direction, after which a connection is ended [default: 60]
  --total S        seconds after which a connection is ended, whatever it does [default: 3600]
  --trace FILE     write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree           print the task tree as it was when most tasks lived
  --inspect SOCKET show the tasks while they run: `top SOCKET` draws them
  --help           print this

Each connection that has ended is a line on standard output: peer, bytes there and back, and why it ended. Ctrl-C or SIGTERM
ends the proxy in order: connections have 5 seconds to end by themselves. A second one ends it at once.

Exit status: 0 if it was ended in order, 1 if not, 2 if the arguments are wrong.
";

/// How long connections have to end when the proxy does.
const PATIENCE: Duration = Duration::from_secs(5);

struct Options {
    listen: SocketAddr,
    target: String,
    connections: usize,
    connect: Duration,
    idle: Duration,
    total: Duration,
    run: RunOptions,
}

impl Options {
    /// `None`: help was asked for.
    fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let (mut words, mut connections, mut run) = (Vec::new(), 1000, RunOptions::default());
        let [mut connect, mut idle, mut total] = [10, 60, 3600].map(Duration::from_secs);
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("connections") => connections = parser.value()?.parse()?,
                Long("connect") => connect = seconds(&mut parser, "--connect")?,
                Long("idle") => idle = seconds(&mut parser, "--idle")?,
                Long("total") => total = seconds(&mut parser, "--total")?,
                Long("trace") => run.trace(&mut parser)?,
                Long("tree") => run.tree(),
                Long("inspect") => run.inspect(&mut parser)?,
                Long("help") | Short('h') => return Ok(None),
                Value(word) => words.push(word.string()?),
                _ => return Err(arg.unexpected()),
            }
        }
        let Ok([listen, target]) = <[String; 2]>::try_from(words) else {
            return Err("give two addresses: where to listen, and where to connect to".into());
        };
        let listen = listen.parse().map_err(|_| format!("{listen:?} is not an address like 127.0.0.1:8080"))?;
        if !target.contains(':') {
            return Err(format!("{target:?} has no port: give it as in example.org:80").into());
        }
        if connections == 0 {
            return Err("--connections is 1 at least".into());
        }
        Ok(Some(Self { listen, target, connections, connect, idle, total, run }))
    }
}

fn seconds(parser: &mut lexopt::Parser, name: &str) -> Result<Duration, lexopt::Error> {
    let text = parser.value()?.string()?;
    let time = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let time = time.filter(|time| !time.is_zero());
    time.ok_or_else(|| format!("{name} takes seconds, such as 2.5, and not {text:?}").into())
}

/// Accepts, and gives each connection a task, until it is cancelled.
async fn serve<'scope>(
    g: &'scope TaskGroup<'scope, '_, BoxError>,
    listener: TcpListener,
    options: &'scope Options,
) -> Result<Infallible, BoxError> {
    g.limit(options.connections);
    let mut acceptor = Acceptor::new(async || listener.accept().await);
    loop {
        let (client, peer) = acceptor.accept(g).await?;
        g.spawn(async move {
            // Shielded: a cancel leaves it the time that the grace of the group gives.
            say(format_args!("{peer}: {}", shield(relayed(&client, options)).await));
        })
        .named(peer.to_string());
    }
}

/// What has become of a connection.
struct Relayed {
    there: u64,
    back: u64,
    time: Duration,
    ended: Result<(), RelayError>,
}

/// Why a connection has ended before both sides had finished.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the target did not answer within {:?}", .0.limit())]
    Silent(Elapsed),
    #[error(transparent)]
    Broken(#[from] ExceptionGroup<io::Error>),
    #[error("idle for {0:?}")]
    Idle(Duration),
    #[error("its {:?} were over", .0.limit())]
    Total(Elapsed),
}

async fn relayed(client: &TcpStream, options: &Options) -> Relayed {
    let (there, back, start) = (Cell::new(0), Cell::new(0), now());
    let ended = timeout(options.total, relay(client, options, &there, &back)).await;
    let ended = ended.unwrap_or_else(|over| Err(RelayError::Total(over)));
    Relayed { there: there.get(), back: back.get(), time: now() - start, ended }
}

/// Both directions, until both are over or one fails.
async fn relay(client: &TcpStream, options: &Options, there: &Cell<u64>, back: &Cell<u64>) -> Result<(), RelayError> {
    let connected = timeout(options.connect, connect(&*options.target)).await;
    let server = connected.map_err(RelayError::Silent)??;
    let idle = CancelScope::new();
    idle.set_timeout(options.idle);
    let moved = |count: &Cell<u64>, bytes: usize| {
        count.set(count.get() + bytes as u64);
        idle.set_timeout(options.idle);
    };
    let both = task_group(async |g| {
        g.spawn(carry(client, &server, |bytes| moved(there, bytes))).named("there");
        g.spawn(carry(&server, client, |bytes| moved(back, bytes))).named("back");
        Ok(())
    });
    match idle.run(both).await {
        Ok(ended) => Ok(ended?),
        Err(_) => Err(RelayError::Idle(options.idle)),
    }
}

/// One direction, until its end, which is passed on: the other direction may go on.
async fn carry(from: &TcpStream, to: &TcpStream, moved: impl Fn(usize)) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match from.read(&mut buffer).await? {
            0 => break,
            n => {
                to.write_all(&buffer[..n]).await?;
                moved(n);
            }
        }
    }
    match to.shutdown(Shutdown::Write) {
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()), // it has gone altogether
        ended => ended,
    }
}

impl Display for Relayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { there, back, time, ended } = self;
        write!(f, "{there} bytes there, {back} back, {:.3} s", time.as_secs_f64())?;
        match ended {
            Ok(()) => Ok(()),
            Err(error) => write!(f, ": {error}"),
        }
    }
}

fn run(runtime: &Runtime<'_>, options: &Options) -> Result<(), BoxError> {
    let runner = Runner::new(runtime).signals([SignalKind::INTERRUPT, SignalKind::TERMINATE]).grace(PATIENCE);
    let ended = runner.run(async |g| {
        let listener = TcpListener::bind(options.listen);
        let listener = listener.map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
        say(format_args!("listening on {}", listener.local_addr()?));
        serve(g, listener, options).await
    });
    match ended {
        Ok(never) => match never {},
        Err(RunError::Interrupted { signal, cut_off: false }) => {
            say(format_args!("ended by {signal}"));
            Ok(())
        }
        Err(RunError::Interrupted { signal, .. }) => Err(format!("ended by {signal}, with connections cut off").into()),
        Err(RunError::Failed { errors, .. }) => Err(errors.single().unwrap_or_else(BoxError::from)),
        Err(error) => Err(error.into()),
    }
}

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            complain(format_args!("{error} (see --help)"));
            return ExitCode::from(2);
        }
    };
    let runtime = Runtime::new();
    if let Err(error) = options.run.begin(&runtime) {
        complain(error);
        return ExitCode::from(2);
    }
    match run(&runtime, &options).and(options.run.finish().map_err(BoxError::from)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error);
            ExitCode::FAILURE
        }
    }
}

fn say(text: impl Display) {
    _ = writeln!(io::stdout(), "{text}"); // a reader that has gone is no reason to end connections
}

fn complain(text: impl Display) {
    _ = writeln!(io::stderr(), "tcp_proxy: {text}");
}
