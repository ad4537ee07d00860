//! A connection that says goodbye: async cleanup, twice nested, when a sibling fails.
//!
//! Shows: a task holds a connection to a database, and in it an open transaction. Its sibling fails. Before the group
//! ends with the error, the transaction is rolled back and the connection closed, both with a round trip to the server,
//! innermost first; what was between them stands still.
//!
//! Run: `cargo run --bin goodbye`
//!
//! Look at: `order`, where the two cleanups stand, and at the printed order. It is the same in every run, since each
//! step waits for the one before.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]

#[path = "support/run_options.rs"]
mod run_options;

use futures_lite::io::BufReader;
use futures_lite::{AsyncBufReadExt, AsyncWriteExt, StreamExt};
use run_options::RunOptions;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use taskgroup::net::{TcpListener, TcpStream};
use taskgroup::{BoxError, ExceptionGroup, Runtime, sleep, task_group, with_resource};

const HELP: &str = "\
A task is cancelled while it holds a connection with an open transaction, and puts both in order before it ends.

Usage: goodbye [OPTIONS]

  --trace FILE  write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree        print the task tree as it was when most tasks lived
  --inspect SOCKET  show the tasks while they run: `top SOCKET` draws them
  --help        print this

It starts a small database server on a free port of the loopback interface, and ends by itself. Real sockets need the real
clock: it cannot run in virtual time.";

fn main() -> ExitCode {
    let options = match RunOptions::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("goodbye: {error} (see --help)");
            return ExitCode::from(2);
        }
    };
    let runtime = Runtime::new();
    if let Err(error) = options.begin(&runtime) {
        eprintln!("goodbye: {error}");
        return ExitCode::from(2);
    }
    let ended = runtime.block_on(shop()).map_err(BoxError::from);
    match ended.and(options.finish().map_err(BoxError::from)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("goodbye: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn shop() -> Result<(), ExceptionGroup<BoxError>> {
    task_group(async |g| {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let server = listener.local_addr()?;
        g.spawn(serve(listener)).named("server");

        let ended: Result<(), ExceptionGroup<BoxError>> = task_group(async |g| {
            g.spawn(order(server)).named("order");
            g.spawn(audit()).named("audit");
            Ok(())
        })
        .await;
        match ended {
            Ok(()) => println!("all went well"),
            Err(errors) => println!("the group has ended:\n{errors:#}"),
        }
        Ok(())
    })
    .await
}

/// Two cleanups, one in the other: the transaction's ends before the connection's begins.
async fn order(server: SocketAddr) -> Result<(), BoxError> {
    let connection = Connection::open(server).await?;
    with_resource(
        connection,
        async |connection| {
            connection.ask("BEGIN").await?;
            with_resource(
                connection,
                async |connection| {
                    connection.ask("INSERT 3 books").await?;
                    println!("order:  waits for the payment");
                    sleep(Duration::from_secs(3600)).await;
                    Ok(())
                },
                async |connection, why| {
                    println!("order:  the transaction {why}");
                    connection.ask(if why.is_ended() { "COMMIT" } else { "ROLLBACK" }).await
                },
            )
            .await
        },
        async |mut connection, why| {
            println!("order:  the connection's task {why}");
            connection.ask("QUIT").await
        },
    )
    .await
}

async fn audit() -> Result<(), BoxError> {
    sleep(Duration::from_millis(50)).await;
    println!("audit:  fails");
    Err("there are only 2 books".into())
}

/// A line is a question, and a line is the answer.
struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    async fn open(server: SocketAddr) -> io::Result<Self> {
        Ok(Self { stream: BufReader::new(TcpStream::connect(server).await?) })
    }

    async fn ask(&mut self, question: &str) -> Result<(), BoxError> {
        self.stream.get_mut().write_all(format!("{question}\n").as_bytes()).await?;
        let mut answer = String::new();
        self.stream.read_line(&mut answer).await?;
        println!("order:  {question} -> {}", answer.trim_end());
        Ok(())
    }
}

/// A database that agrees to everything, after a while. It has one client.
async fn serve(listener: TcpListener) -> Result<(), BoxError> {
    let (stream, _) = listener.accept().await?;
    let mut lines = BufReader::new(&stream).lines();
    while let Some(line) = lines.next().await {
        println!("server: {}", line?);
        sleep(Duration::from_millis(5)).await;
        stream.write_all(b"ok\n").await?;
    }
    println!("server: the client has closed the connection");
    Ok(())
}
