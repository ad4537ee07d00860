//! A chat over TCP: the server. Its clients are `chat_client`, or `nc`.
//!
//! ```text
//! cargo run --bin chat_server -- 127.0.0.1:7000
//! cargo run --bin chat_client -- 127.0.0.1:7000 ada
//! ```
//!
//! Shows state that is shared by borrowing: all tasks have a `&RefCell<Room>` of the function that opened the group, and
//! there is no `Arc`, no lock and no channel to a task that owns it. Shows that one who does not read costs the others
//! nothing: what may wait is bounded, then the connection is dropped, and they are told. And a server that says goodbye: at
//! Ctrl-C everybody hears the last lines, and that it ends.
//!
//! Look at `room.rs`, where somebody is dropped by cancelling a scope; and at `talk.rs`, where one task reads and one
//! writes, and the goodbye is a cleanup.
#![allow(clippy::print_stdout, reason = "a program prints")]

mod lines;
mod room;
#[path = "../support/run_options.rs"]
mod run_options;
mod talk;

use lexopt::prelude::*;
use room::Room;
use run_options::RunOptions;
use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;
use talk::{Rules, serve};
use taskgroup::net::{Acceptor, TcpListener};
use taskgroup::signal::SignalKind;
use taskgroup::{BoxError, RunError, Runner, Runtime};

const HELP: &str = "\
A chat over TCP, in lines: the server.

Usage: chat_server [OPTIONS] [ADDR]

  ADDR             where to listen; port 0 chooses one [default: 127.0.0.1:7000]
  --connections N  so many at once; more wait to be accepted [default: 1000]
  --idle S         seconds after which somebody is dropped who says nothing [default: 3600]
  --max-line BYTES the longest line, from 1 to 65536 [default: 1024]
  --drain S        seconds for a goodbye [default: 5]
  --trace FILE     write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree           print the task tree as it was when most tasks lived
  --inspect SOCKET show the tasks while they run: `top SOCKET` draws them
  --help           print this

The first line of a client is its name; each further one is said to all others. `/nick NAME` changes the name, `/who` lists
who is here, `/quit` ends. The server's own lines begin with `*`, or with `!` if something is wrong. What is no UTF-8, and
control characters, are replaced. Who does not read what is said is dropped as soon as 64 lines wait.

Who comes and goes is a line on standard output. Ctrl-C or SIGTERM ends the server in order: all are told. A second one ends
it at once.

Exit status: 0 if it was ended in order, 1 if not, 2 if the arguments are wrong.
";

struct Options {
    listen: SocketAddr,
    connections: usize,
    rules: Rules,
    run: RunOptions,
}

impl Options {
    /// `None`: help was asked for.
    fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let rules = Rules { idle: Duration::from_secs(3600), longest: 1024, drain: Duration::from_secs(5) };
        let listen = (Ipv4Addr::LOCALHOST, 7000).into();
        let mut options = Self { listen, connections: 1000, rules, run: RunOptions::default() };
        let (mut parser, mut words) = (lexopt::Parser::from_env(), Vec::new());
        while let Some(arg) = parser.next()? {
            match arg {
                Long("connections") => options.connections = number(&mut parser, "--connections", 1..=1_000_000)?,
                Long("idle") => options.rules.idle = seconds(&mut parser, "--idle")?,
                Long("max-line") => options.rules.longest = number(&mut parser, "--max-line", 1..=65_536)?,
                Long("drain") => options.rules.drain = seconds(&mut parser, "--drain")?,
                Long("trace") => options.run.trace(&mut parser)?,
                Long("tree") => options.run.tree(),
                Long("inspect") => options.run.inspect(&mut parser)?,
                Long("help") | Short('h') => return Ok(None),
                Value(word) => words.push(word.string()?),
                _ => return Err(arg.unexpected()),
            }
        }
        match &words[..] {
            [] => {}
            [at] => options.listen = at.parse().map_err(|_| format!("{at:?} is not an address like 127.0.0.1:7000"))?,
            [.., last] => return Err(format!("one argument too many: {last:?}").into()),
        }
        Ok(Some(options))
    }
}

fn seconds(parser: &mut lexopt::Parser, name: &str) -> Result<Duration, lexopt::Error> {
    number(parser, name, 0.001..=86_400.0).map(Duration::from_secs_f64)
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

fn run(runtime: &Runtime<'_>, options: &Options) -> Result<(), BoxError> {
    let room = RefCell::new(Room::new(|text| say(text)));
    // Without a grace: each goodbye has its own.
    let runner = Runner::new(runtime).signals([SignalKind::INTERRUPT, SignalKind::TERMINATE]);
    let ended: Result<Infallible, _> = runner.run(async |g| {
        let listener = TcpListener::bind(options.listen);
        let listener = listener.map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
        say(format_args!("listening on {}", listener.local_addr()?));
        g.limit(options.connections);
        let mut acceptor = Acceptor::new(async || listener.accept().await);
        loop {
            let (stream, peer) = acceptor.accept(g).await?;
            // The task ends in `()`: to the group it cannot fail, so no connection ends another.
            g.spawn(serve(stream, &room, &options.rules)).named(peer.to_string());
        }
    });
    match ended {
        Ok(never) => match never {},
        Err(RunError::Interrupted { signal, .. }) => {
            say(format_args!("ended by {signal}"));
            Ok(())
        }
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
            complain(format_args!("{error} (chat_server --help tells more)"));
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
    _ = writeln!(io::stdout(), "{text}"); // a reader that has gone is no reason to end conversations
}

fn complain(text: impl Display) {
    _ = writeln!(io::stderr(), "chat_server: {text}");
}
