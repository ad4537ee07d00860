//! The tasks of a running program, live, as `top` shows processes.
//!
//! ```text
//! cargo run --bin echo -- serve --inspect /tmp/echo.socket
//! cargo run -p taskgroup-ecosystem --bin top -- /tmp/echo.socket
//! ```
//!
//! Shows a program with a terminal: one task asks the [inspector](taskgroup::inspect) of the other program every now and
//! then, one reads keys, and the body of their group draws. When it has had enough, it cancels them.
//!
//! Look at [`watch`], the group; at `client.rs`, which asks; and at `view.rs`, which makes lines of what is answered.

mod client;
mod keys;
mod screen;
#[cfg(test)]
mod tests;
mod view;

use async_channel::Sender;
use client::Client;
use keys::Key;
use lexopt::prelude::*;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use taskgroup::{BoxError, ExceptionGroup, interval, sleep, task_group};
use view::View;

const HELP: &str = "\
The tasks of a running program, live.

Usage: top [OPTIONS] SOCKET

SOCKET is where the program listens: what `--inspect` of the programs here was given.

  --every MS   ask again so often, from 20 to 60000 [default: 500]
  --once       ask, and print the tasks as they are, without a terminal
  --help       print this

Keys: up, down, page up, page down, home, end to scroll; space to hold still and to go on; q to leave.

Exit status: 0 if all went well, 1 if not, 2 if the arguments are wrong.
";

struct Options {
    socket: PathBuf,
    every: Duration,
    once: bool,
}

impl Options {
    /// `None`: help was asked for.
    fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let (mut socket, mut every, mut once) = (None, 500, false);
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("every") => every = parser.value()?.parse()?,
                Long("once") => once = true,
                Long("help") | Short('h') => return Ok(None),
                Value(path) if socket.is_none() => socket = Some(PathBuf::from(path)),
                _ => return Err(arg.unexpected()),
            }
        }
        if !(20..=60_000).contains(&every) {
            return Err(format!("--every takes milliseconds from 20 to 60000, not {every}").into());
        }
        let socket = socket.ok_or("name the socket of the program that you want to see")?;
        Ok(Some(Self { socket, every: Duration::from_millis(every), once }))
    }
}

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => {
            print(HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            complain(&format!("{error}; `top --help` says more"));
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), BoxError> {
    if options.once {
        return taskgroup::block_on(async {
            let mut client = Client::connect(&options.socket).await?;
            let first = client.ask().await?;
            sleep(options.every).await; // figures are differences
            let mut view = View::default();
            view.see(first);
            view.see(client.ask().await?);
            print(&screen::plain(&view));
            Ok(())
        });
    }
    if !io::stdout().is_terminal() {
        return Err("standard output is no terminal: use --once to print the tasks as they are".into());
    }
    let end = taskgroup::block_on(async {
        let client = Client::connect(&options.socket).await?; // before the terminal is taken
        let keys = keys::open()?;
        let mut terminal = ratatui::init();
        let end = watch(client, keys, &mut terminal, options.every).await;
        ratatui::restore();
        end.map_err(BoxError::from)
    });
    // One error is the rule; more than one in a terminal that has just been restored is best told as a tree.
    end.map_err(|error| match error.downcast::<ExceptionGroup<BoxError>>() {
        Ok(group) if group.leaves().count() == 1 => group.to_string().into(),
        Ok(group) => format!("{group:#}").into(),
        Err(error) => error,
    })
}

/// What the tasks tell the body.
enum News {
    Seen(client::Snapshot),
    Pressed(Key),
}

async fn watch(
    client: Client,
    keys: keys::Terminal,
    terminal: &mut ratatui::DefaultTerminal,
    every: Duration,
) -> Result<(), ExceptionGroup<BoxError>> {
    task_group(async |g| {
        let (tell, news) = async_channel::bounded(8);
        g.spawn(ask(client, every, tell.clone())).named("client");
        g.spawn(press(keys, tell)).named("keys");
        let mut view = View::default();
        while let Ok(news) = news.recv().await {
            match news {
                News::Pressed(Key::Quit) => break,
                News::Pressed(key) => view.press(key),
                News::Seen(snapshot) => view.see(snapshot),
            }
            terminal.draw(|frame| screen::draw(&mut view, frame))?;
        }
        g.cancel("q was pressed");
        Ok(())
    })
    .await
}

async fn ask(mut client: Client, every: Duration, tell: Sender<News>) -> Result<(), BoxError> {
    let mut ticks = interval(every);
    loop {
        let snapshot = client.ask().await?;
        if tell.send(News::Seen(snapshot)).await.is_err() {
            return Ok(()); // the body has ended
        }
        ticks.tick().await;
    }
}

async fn press(keys: keys::Terminal, tell: Sender<News>) -> Result<(), BoxError> {
    while let Some(key) = keys::next(&keys).await? {
        if tell.send(News::Pressed(key)).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn print(text: &str) {
    // A reader that has gone, as of `top --once | head`, is no error.
    _ = io::stdout().write_all(text.as_bytes());
}

fn complain(text: &str) {
    _ = writeln!(io::stderr(), "top: {text}");
}
