//! A chat over websockets: a server, people who talk, and both in one process.
//!
//! ```text
//! cargo run -p taskgroup-ecosystem --bin websocket_chat                           # a short talk, in one process
//! cargo run -p taskgroup-ecosystem --bin websocket_chat -- serve 127.0.0.1:8090
//! cargo run -p taskgroup-ecosystem --bin websocket_chat -- join 127.0.0.1:8090 ada
//! ```
//!
//! Shows `async-tungstenite` around our streams, with no adapter in between. Who is connected is a task; in it are two more,
//! of which one reads and one writes, and each borrows its half of the connection. A cancel ends the connection as the
//! protocol wants it: one says that one goes, and waits until the other has said so too.
//!
//! Look at `Room::welcome` in `room.rs`, the life of a connection, with that handshake as the cleanup of a resource.

mod people;
mod room;

use async_tungstenite::tungstenite;
use lexopt::prelude::*;
use people::Person;
use room::Room;
use std::convert::Infallible;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;
use taskgroup::net::TcpListener;
use taskgroup::signal::SignalKind;
use taskgroup::{BoxError, Elapsed, RunError, Runner, Runtime, TaskGroup, sleep, task_group};

const HELP: &str = "\
A chat over websockets.

Usage: websocket_chat                          a short talk, server and people in one process
       websocket_chat [OPTIONS] serve [ADDR]   the server [default: 127.0.0.1:8090; port 0 chooses one]
       websocket_chat join ADDR NAME           says what is typed, or comes through a pipe, and prints what is heard

The first message of a client is its name; what it sends then is sent to all. Every client that speaks websockets will do.

  --ping MS   ask so often whether a silent client is still there, and hang up on one that has been silent for three times
              that; up to 600000 [default: 20000]
  --help      print this

Ctrl-C or SIGTERM ends the server in order: all are told, for at most 5 seconds. A second one ends it at once.

Exit status: 0 if all went well, 1 if not, 2 if the arguments are wrong.
";

/// How long a handshake may take, and how long a goodbye.
const PATIENCE: Duration = Duration::from_secs(5);

enum Command {
    Help,
    Demo,
    Serve(SocketAddr),
    Join(SocketAddr, String),
}

/// The command, and how often to ping.
fn from_args() -> Result<(Command, Duration), lexopt::Error> {
    let (mut words, mut ping) = (Vec::new(), Duration::from_secs(20));
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("ping") => {
                let text = parser.value()?.string()?;
                match text.parse() {
                    Ok(ms @ 1..=600_000) => ping = Duration::from_millis(ms),
                    _ => return Err(format!("--ping takes milliseconds from 1 to 600000, not {text:?}").into()),
                }
            }
            Long("help") | Short('h') => return Ok((Command::Help, ping)),
            Value(word) => words.push(word.string()?),
            _ => return Err(arg.unexpected()),
        }
    }
    let command = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Command::Demo,
        ["serve"] => Command::Serve((Ipv4Addr::LOCALHOST, 8090).into()),
        ["serve", at] => Command::Serve(address(at)?),
        ["join", at, name] => Command::Join(address(at)?, name.to_owned()),
        ["join", ..] => return Err("join needs the address of a server and a name".into()),
        ["serve", .., last] => return Err(format!("one argument too many: {last:?}").into()),
        [other, ..] => return Err(format!("no such command: {other:?}").into()),
    };
    Ok((command, ping))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{text:?} is not an address like 127.0.0.1:8090 or [::1]:8090"))
}

/// What goes wrong with a connection.
#[derive(Debug, thiserror::Error)]
enum ChatError {
    #[error("no connection: {0}")]
    Connect(io::Error),
    #[error("no websocket: {0}")]
    Handshake(tungstenite::Error),
    #[error("the connection broke: {0}")]
    Broken(#[from] tungstenite::Error),
    #[error("no sign of life: {0}")]
    Silent(#[from] Elapsed),
    #[error("it does not take what is said")]
    Slow,
    #[error("the first message is to be a name of 1 to 32 letters")]
    Name,
    #[error("the server has hung up")]
    Ended,
    #[error("cannot wait for standard input (a terminal or a pipe will do): {0}")]
    Input(io::Error),
    #[error("cannot print: {0}")]
    Print(io::Error),
}

/// Accepts connections and gives each a task, until it is cancelled.
async fn listen<'scope>(
    g: &'scope TaskGroup<'scope, '_, BoxError>,
    listener: &TcpListener,
    room: &'scope Room,
) -> Result<Infallible, BoxError> {
    g.limit(1000);
    loop {
        g.admit().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                // The task ends in `()`: to the group it cannot fail, so no connection ends another.
                g.spawn(async move {
                    if let Err(error) = room.welcome(stream).await {
                        complain(format_args!("{peer}: {error}"));
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

/// A server, until a signal ends it.
fn serve(runtime: &Runtime<'_>, address: SocketAddr, ping: Duration) -> Result<(), BoxError> {
    let room = Room::new(ping);
    let runner = Runner::new(runtime).signals([SignalKind::INTERRUPT, SignalKind::TERMINATE]).grace(PATIENCE);
    let ended = runner.run(async |g| {
        let listener = TcpListener::bind(address).map_err(|error| format!("cannot listen on {address}: {error}"))?;
        writeln!(io::stdout(), "listening on {}", listener.local_addr()?)?;
        listen(g, &listener, &room).await
    });
    match ended {
        Ok(never) => match never {},
        Err(RunError::Interrupted { signal, .. }) => Ok(writeln!(io::stdout(), "ended by {signal}")?),
        Err(RunError::Failed { errors, .. }) => Err(errors.single().unwrap_or_else(BoxError::from)),
        Err(error) => Err(error.into()),
    }
}

/// A server and three people. The server is cancelled while two of them are still there.
async fn demo(ping: Duration) -> Result<(), BoxError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let room = Room::new(ping);
    let talk = task_group(async |g| {
        let server = g.spawn_group(task_group(async |g| listen(g, &listener, &room).await)).named("server");
        let mut output = io::stdout();
        let mut ada = Person::join(address, "ada").await?;
        ada.hear(1, &mut output).await?;
        let mut bob = Person::join(address, "bob").await?;
        bob.hear(1, &mut output).await?;
        let mut eve = Person::join(address, "eve").await?;
        eve.hear(1, &mut output).await?;
        ada.say("who is there?").await?;
        eve.hear(1, &mut output).await?;
        eve.leave().await?;
        bob.hear(3, &mut output).await?;
        bob.say("only you and me").await?;
        ada.hear(5, &mut output).await?;

        server.cancel("it is late");
        // At the same time: the server waits for neither of them alone.
        let (mut left, mut right) = (Vec::new(), Vec::new());
        let (ada, bob) = futures_lite::future::zip(ada.hear(9, &mut left), bob.hear(9, &mut right)).await;
        output.write_all(&[left, right].concat())?;
        match (ada, bob) {
            (Err(ChatError::Ended), Err(ChatError::Ended)) => Ok(()),
            (ada, bob) => Err(format!("not a goodbye: {ada:?}, {bob:?}").into()),
        }
    });
    talk.await.map_err(|errors| errors.single().unwrap_or_else(BoxError::from))
}

fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "websocket_chat: {text}"); // if that is gone too, nobody is left to tell
}

fn main() -> ExitCode {
    let (command, ping) = match from_args() {
        Ok(command) => command,
        Err(error) => {
            complain(format_args!("{error} (websocket_chat --help tells more)"));
            return ExitCode::from(2);
        }
    };
    let runtime = Runtime::new();
    let ended = match command {
        Command::Help => io::stdout().write_all(HELP.as_bytes()).map_err(BoxError::from),
        Command::Serve(address) => serve(&runtime, address, ping),
        Command::Demo => runtime.try_block_on(demo(ping)).map_err(BoxError::from).and_then(|ended| ended),
        Command::Join(address, name) => {
            runtime.try_block_on(people::join(address, &name)).map_err(BoxError::from).and_then(|ended| ended)
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error);
            ExitCode::FAILURE
        }
    }
}
