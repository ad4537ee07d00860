//! A chat over TCP: a client, for a terminal or behind a pipe.
//!
//! ```text
//! cargo run --bin chat_server
//! cargo run --bin chat_client -- 127.0.0.1:7000 ada
//! fortune | cargo run --bin chat_client -- 127.0.0.1:7000 bob
//! ```
//!
//! Shows two things done side by side that share a connection by borrowing it: what is typed is sent, and what comes is
//! printed, in one group, of which the end of either ends the other.
//!
//! Look at [`converse`]: at the end of the input the connection is closed in one direction only, so that nothing is lost
//! of what was said last.
#![allow(clippy::print_stdout, reason = "a program prints")]

#[allow(dead_code, reason = "only a server minds lines that are too long")]
mod lines;
#[path = "../support/run_options.rs"]
mod run_options;
#[path = "../support/stdin.rs"]
mod stdin;

use lexopt::prelude::*;
use lines::{Line, Lines};
use run_options::RunOptions;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::Shutdown;
use std::process::ExitCode;
use std::time::Duration;
use stdin::Stdin;
use taskgroup::net::{ConnectError, TcpStream, connect};
use taskgroup::{BoxError, CancelScope, Elapsed, ExceptionGroup, RunError, Runner, Runtime, task_group, timeout};

const HELP: &str = "\
A chat over TCP, in lines: a client.

Usage: chat_client [OPTIONS] HOST:PORT NAME

  --timeout S      seconds for the server to take the name [default: 10]
  --trace FILE     write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree           print the task tree as it was when most tasks lived
  --inspect SOCKET show the tasks while they run: `top SOCKET` draws them
  --help           print this

Each line of standard input is said, and what is heard goes to standard output. At the end of the input the client ends.

Exit status: 0 at the end of the input, 1 if the server cannot be reached, refuses the name or ends before, 2 if the
arguments are wrong, 130 after Ctrl-C.
";

/// So long the server may take for the goodbye, at the end of the input.
const PATIENCE: Duration = Duration::from_secs(5);

/// No line of a server is longer than this.
const LONGEST: usize = 128 * 1024;

struct Options {
    server: String,
    name: String,
    timeout: Duration,
    run: RunOptions,
}

impl Options {
    /// `None`: help was asked for.
    fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let (mut words, mut limit, mut run) = (Vec::new(), Duration::from_secs(10), RunOptions::default());
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("timeout") => {
                    let text = parser.value()?.string()?;
                    let time = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                    limit = time
                        .filter(|time| !time.is_zero())
                        .ok_or_else(|| format!("--timeout takes seconds, such as 2.5, and not {text:?}"))?;
                }
                Long("trace") => run.trace(&mut parser)?,
                Long("tree") => run.tree(),
                Long("inspect") => run.inspect(&mut parser)?,
                Long("help") | Short('h') => return Ok(None),
                Value(word) => words.push(word.string()?),
                _ => return Err(arg.unexpected()),
            }
        }
        let Ok([server, name]) = <[String; 2]>::try_from(words) else {
            return Err("give the address of the server and a name".into());
        };
        if !server.contains(':') {
            return Err(format!("{server:?} has no port: give it as in example.org:7000").into());
        }
        if name.is_empty() || name.contains(char::is_control) {
            return Err(format!("{name:?} is no name").into());
        }
        Ok(Some(Self { server, name, timeout: limit, run }))
    }
}

#[derive(Debug, thiserror::Error)]
enum ChatError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the server does not answer: {0}")]
    Silent(#[from] Elapsed),
    #[error("{0}")]
    Refused(String),
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("the server has hung up")]
    HungUp,
    #[error("cannot read standard input: {0}")]
    Input(io::Error),
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
}

/// What the server says.
struct Ear<'a> {
    stream: &'a TcpStream,
    lines: Lines,
}

impl Ear<'_> {
    /// The next line; `None` at the end.
    async fn hear(&mut self) -> Result<Option<String>, ChatError> {
        let mut buffer = [0; 4 * 1024];
        loop {
            match self.lines.next() {
                Some(Line::Text(text)) => return Ok(Some(text)),
                Some(Line::TooLong) => continue, // from a server that is none of ours
                None => {}
            }
            match self.stream.read(&mut buffer).await.map_err(ChatError::Broken)? {
                0 => return Ok(None),
                n => self.lines.feed(&buffer[..n]),
            }
        }
    }

    /// Waits until the server has taken the name.
    async fn is_welcome(&mut self) -> Result<(), ChatError> {
        loop {
            let line = self.hear().await?.ok_or(ChatError::HungUp)?;
            match line.strip_prefix("! ") {
                Some(why) => return Err(ChatError::Refused(why.to_owned())),
                None if line.starts_with("* you are ") => return print(&line),
                None => {}
            }
        }
    }
}

async fn chat(options: &Options) -> Result<(), ChatError> {
    let begin = async {
        let stream = connect(&*options.server).await?;
        stream.write_all(format!("{}\n", options.name).as_bytes()).await.map_err(ChatError::Broken)?;
        Ok::<_, ChatError>(stream)
    };
    let stream = timeout(options.timeout, begin).await??;
    let mut ear = Ear { stream: &stream, lines: Lines::new(LONGEST) };
    timeout(options.timeout, ear.is_welcome()).await??;
    converse(&stream, &mut ear).await
}

/// Says what is typed and prints what is heard, until the input or the server ends.
async fn converse(stream: &TcpStream, ear: &mut Ear<'_>) -> Result<(), ChatError> {
    let goodbye = CancelScope::new();
    let both = task_group(async |g| {
        let speaks = g.spawn(async {
            speak(stream, &Stdin::open()).await?;
            // In one direction: what the server has not read yet would be lost if we were gone altogether.
            _ = stream.shutdown(Shutdown::Write); // if that fails the connection is gone, which is heard
            goodbye.set_timeout(PATIENCE);
            Ok(())
        });
        let speaks = speaks.named("speaks");
        let heard = goodbye.run(async {
            while let Some(line) = ear.hear().await? {
                print(&line)?;
            }
            Ok::<_, ChatError>(())
        });
        let is_over = heard.await.unwrap_or(Ok(()));
        if speaks.is_finished() { Ok(()) } else { is_over.and(Err(ChatError::HungUp)) }
    });
    both.await.map_err(|errors: ExceptionGroup<ChatError>| {
        errors.into_errors().next().expect("a group of errors is never empty")
    })
}

/// Sends each line that is typed.
async fn speak(stream: &TcpStream, stdin: &Stdin) -> Result<(), ChatError> {
    let mut input = Vec::new();
    while stdin.read(&mut input).await.map_err(ChatError::Input)? > 0 {
        stream.write_all(&input).await.map_err(ChatError::Broken)?;
        input.clear();
    }
    Ok(())
}

fn print(line: &str) -> Result<(), ChatError> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(ChatError::Output)
}

fn run(runtime: &Runtime<'_>, options: &Options) -> Result<ExitCode, BoxError> {
    match Runner::new(runtime).run(async |_| chat(options).await) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error @ RunError::Interrupted { .. }) => Ok(error.exit_code()),
        Err(RunError::Failed { errors, .. }) => Err(errors.single().map_or_else(BoxError::from, BoxError::from)),
        Err(error) => Err(error.into()),
    }
}

fn complain(text: impl Display) {
    _ = writeln!(io::stderr(), "chat_client: {text}");
}

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            complain(format_args!("{error} (chat_client --help tells more)"));
            return ExitCode::from(2);
        }
    };
    let runtime = Runtime::new();
    if let Err(error) = options.run.begin(&runtime) {
        complain(error);
        return ExitCode::from(2);
    }
    let ended = run(&runtime, &options);
    let written = options.run.finish(); // also of a run that failed
    ended.and_then(|code| Ok(written.map(|()| code)?)).unwrap_or_else(|error| {
        complain(error);
        ExitCode::FAILURE
    })
}
