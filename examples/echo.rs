//! A TCP echo server, and a client that puts load on it.
//!
//! ```text
//! cargo run --release --bin echo                      # both, in one process, for a second
//! cargo run --release --bin echo -- serve 127.0.0.1:7007
//! cargo run --release --bin echo -- load 127.0.0.1:7007 --connections 100 --seconds 5 --size 1024
//! ```
//!
//! Shows a server as a group: a task for each connection, and none outlives the server. Shows a load as a group: its
//! tasks borrow their connections and the counters of the function that started them, which are plain `Cell`s, since
//! there is one thread.
//!
//! Look at [`listen`], where a connection that fails is reported and ends nobody else; at [`client`], which reads while
//! it writes; and at `bench`, which ends a server that has no end of its own by cancelling it.
//!
//! Ctrl-C ends the server in order, see `answer` and `listen`: what has been read is still sent back.

#[path = "support/latencies.rs"]
mod latencies;
#[path = "support/run_options.rs"]
mod run_options;

use futures_lite::AsyncReadExt;
use futures_lite::future::try_zip;
use latencies::Latencies;
use lexopt::prelude::*;
use run_options::RunOptions;
use std::convert::Infallible;
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, Instant};
use taskgroup::net::{Acceptor, TcpListener, TcpStream};
use taskgroup::signal::SignalKind;
use taskgroup::{
    BoxError, Elapsed, RunError, Runner, Runtime, TaskGroup, now, shield, task_group, timeout, timeout_at,
};

const HELP: &str = "\
A TCP echo server and a load client.

Usage: echo [bench] [OPTIONS]       both in one process, over loopback
       echo serve [ADDR]            the server [default: 127.0.0.1:7007; port 0 chooses one]
       echo load ADDR [OPTIONS]     the client, for a server at ADDR

  --connections N  so many at once, from 1 to 60000 [default: 16]
  --seconds S      for so long, up to a day [default: 1]
  --size BYTES     of each message, from 1 to 16777216 [default: 64]
  --trace FILE     write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree           print the task tree as it was when most tasks lived
  --inspect SOCKET show the tasks while they run: `top SOCKET` draws them
  --help           print this

serve takes only --trace, --tree and --inspect. Ctrl-C or SIGTERM ends it in order: it takes no more connections, sends
back what it has read, for at most 5 seconds, and hangs up. A second one ends it at once. At SIGUSR1 it writes to standard
error what each task waits for. Real sockets need the real clock: nothing here can run in virtual time.

Exit status: 0 if all went well, also for a server that was ended in order, 1 if not, 2 if the arguments are wrong.
";

/// How long a server may take for an answer before it counts as dead; and a client to take one from a server that ends.
const PATIENCE: Duration = Duration::from_secs(5);

enum Command {
    Help,
    Serve(SocketAddr),
    Load(SocketAddr, Load),
    Bench(Load),
}

struct Load {
    connections: usize,
    time: Duration,
    size: usize,
}

impl Command {
    fn from_args(run: &mut RunOptions) -> Result<Self, lexopt::Error> {
        let mut parser = lexopt::Parser::from_env();
        let (mut words, mut has_options) = (Vec::new(), false);
        let mut load = Load { connections: 16, time: Duration::from_secs(1), size: 64 };
        while let Some(arg) = parser.next()? {
            match arg {
                Long("connections") => load.connections = number(&mut parser, "--connections", 1..=60_000)?,
                Long("seconds") => {
                    load.time = Duration::from_secs_f64(number(&mut parser, "--seconds", 0.001..=86_400.0)?)
                }
                Long("size") => load.size = number(&mut parser, "--size", 1..=16 << 20)?,
                Long("trace") => {
                    run.trace(&mut parser)?;
                    continue;
                }
                Long("tree") => {
                    run.tree();
                    continue;
                }
                Long("inspect") => {
                    run.inspect(&mut parser)?;
                    continue;
                }
                Long("help") | Short('h') => return Ok(Self::Help),
                Value(word) => {
                    words.push(word.string()?);
                    continue;
                }
                _ => return Err(arg.unexpected()),
            }
            has_options = true;
        }
        match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] | ["bench"] => Ok(Self::Bench(load)),
            ["serve", ..] if has_options => Err("serve takes no option but --trace, --tree and --inspect".into()),
            ["serve"] => Ok(Self::Serve((Ipv4Addr::LOCALHOST, 7007).into())),
            ["serve", at] => Ok(Self::Serve(address(at)?)),
            ["load", at] => Ok(Self::Load(address(at)?, load)),
            ["load"] => Err("load needs the address of a server".into()),
            ["bench" | "serve" | "load", .., last] => Err(format!("one argument too many: {last:?}").into()),
            [other, ..] => Err(format!("no such command: {other:?}").into()),
        }
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

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{text:?} is not an address like 127.0.0.1:7007 or [::1]:7007"))
}

/// A server, until a signal ends it.
fn serve(runtime: &Runtime<'_>, address: SocketAddr) -> Result<(), BoxError> {
    runtime.report_tree_on(SignalKind::USER_DEFINED1)?;
    let runner = Runner::new(runtime).signals([SignalKind::INTERRUPT, SignalKind::TERMINATE]).grace(PATIENCE);
    let ended = runner.run(async |g| {
        let listener = TcpListener::bind(address).map_err(|error| format!("cannot listen on {address}: {error}"))?;
        writeln!(io::stdout(), "listening on {}", listener.local_addr()?)?;
        listen(g, &listener).await
    });
    match ended {
        Ok(never) => match never {},
        Err(RunError::Interrupted { signal, .. }) => Ok(writeln!(io::stdout(), "ended by {signal}")?),
        Err(RunError::Failed { errors, .. }) => Err(errors.single().unwrap_or_else(BoxError::from)),
        Err(error) => Err(error.into()),
    }
}

/// Accepts connections and gives each a task, until it is cancelled. Then no more are accepted, and the tasks are
/// cancelled in their turn.
async fn listen<'scope>(
    g: &'scope TaskGroup<'scope, '_, BoxError>,
    listener: &TcpListener,
) -> Result<Infallible, BoxError> {
    let mut acceptor = Acceptor::new(async || listener.accept().await);
    loop {
        let (stream, peer) = acceptor.accept(g).await?;
        // The task ends in `()`: to the group it cannot fail, so no connection ends another.
        g.spawn(async move {
            if let Err(error) = answer(&stream).await {
                complain(format_args!("{peer}: {error}"));
            }
        })
        .named(peer.to_string());
    }
}

/// Sends everything back. A cancel ends it between two messages, so that nothing is lost that it has read.
async fn answer(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            n => shield(stream.write_all(&buffer[..n])).await?,
        }
    }
}

/// What goes wrong under load.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error("connection {number} of {of} to {address}: {source}")]
    Connect { number: usize, of: usize, address: SocketAddr, source: io::Error },
    #[error("the server broke a connection: {0}")]
    Broken(#[from] io::Error),
    #[error("byte {at} of a message came back as {came:#04x} and was sent as {sent:#04x}")]
    Differs { at: usize, sent: u8, came: u8 },
    #[error("the server does not answer: {0}")]
    Silent(#[from] Elapsed),
}

/// Connects, sends and receives for the time given, and reports.
async fn put_load(address: SocketAddr, load: &Load) -> Result<Report<'_>, BoxError> {
    // One after the other: a listener's queue is short, and who does not fit in waits for a second.
    let mut streams = Vec::new();
    for number in 1..=load.connections {
        let connected = timeout(PATIENCE, TcpStream::connect(address)).await.map_err(LoadError::from)?;
        let stream =
            connected.map_err(|source| LoadError::Connect { number, of: load.connections, address, source })?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let latencies = Latencies::new();
    let start = now();
    let end = start + load.time;
    let clients = task_group(async |g| {
        for (number, stream) in streams.iter().enumerate() {
            g.spawn(client(stream, number as u8, load.size, end, &latencies));
        }
        Ok(())
    });
    if let Err(errors) = timeout_at(end + PATIENCE, clients).await.map_err(LoadError::from)? {
        return Err(errors.single().map_or_else(BoxError::from, BoxError::from)); // one error needs no tree
    }
    Ok(Report { load, time: now() - start, latencies })
}

/// Sends messages and compares what comes back, until the time is over.
async fn client(
    mut stream: &TcpStream,
    seed: u8,
    size: usize,
    end: Instant,
    latencies: &Latencies,
) -> Result<(), LoadError> {
    let mut message: Vec<u8> = (0..size).map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed)).collect();
    let mut back = vec![0; size];
    loop {
        message[0] = message[0].wrapping_add(1); // an answer to the message before would be noticed
        let start = Instant::now();
        // At the same time: a message that fits into no socket buffer comes back while it is still being sent.
        try_zip(stream.write_all(&message), AsyncReadExt::read_exact(&mut stream, &mut back)).await?;
        latencies.add(start.elapsed());
        if message != back {
            let at = message.iter().zip(&back).position(|(sent, came)| sent != came).unwrap_or(0);
            return Err(LoadError::Differs { at, sent: message[at], came: back[at] });
        }
        if now() >= end {
            return Ok(());
        }
    }
}

struct Report<'a> {
    load: &'a Load,
    time: Duration,
    latencies: Latencies,
}

impl Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, seconds) = (self.latencies.count(), self.time.as_secs_f64());
        writeln!(f, "connections  {}", self.load.connections)?;
        writeln!(f, "message      {} bytes, there and back", self.load.size)?;
        writeln!(f, "round trips  {count} in {seconds:.2} s, {:.0} per second", count as f64 / seconds)?;
        write!(f, "latency      p50 {:.1?}, p99 {:.1?}", self.latencies.percentile(50), self.latencies.percentile(99))
    }
}

/// Server and clients in one group. The server is cancelled when the clients are done, and its connections with it.
async fn bench(load: &Load) -> Result<Report<'_>, BoxError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let report = task_group(async |g| {
        let server = g.spawn_group(task_group(async |g| listen(g, &listener).await));
        let report = put_load(address, load).await?;
        server.cancel("the load is over");
        Ok(report)
    });
    report.await.map_err(|errors| errors.single().unwrap_or_else(BoxError::from))
}

fn run(command: Command, runtime: &Runtime<'_>) -> Result<(), BoxError> {
    let report = match command {
        Command::Help => return Ok(io::stdout().write_all(HELP.as_bytes())?),
        Command::Serve(address) => return serve(runtime, address),
        Command::Load(address, ref load) => runtime.try_block_on(put_load(address, load))??,
        Command::Bench(ref load) => runtime.try_block_on(bench(load))??,
    };
    Ok(writeln!(io::stdout(), "{report}")?)
}

fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "echo: {text}"); // if that is gone too, nobody is left to tell
}

fn main() -> ExitCode {
    let mut options = RunOptions::default();
    let command = match Command::from_args(&mut options) {
        Ok(command) => command,
        Err(error) => {
            complain(format_args!("{error} (echo --help tells more)"));
            return ExitCode::from(2);
        }
    };
    let runtime = Runtime::new();
    if let Err(error) = options.begin(&runtime) {
        complain(error);
        return ExitCode::from(2);
    }
    match run(command, &runtime).and(options.finish().map_err(BoxError::from)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error);
            ExitCode::FAILURE
        }
    }
}
