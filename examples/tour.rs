//! The tour: task groups at work over real sockets, in about a second.
//!
//! Shows: tasks that borrow, a group that ends well, a group in which two tasks fail at one instant while others are
//! under way, why each of the others was cancelled, and every error in one tree.
//!
//! Run: `cargo run --bin tour`, or `cargo run --bin tour -- --trace tour.svg` for a picture of all tasks.
//!
//! Look at: the lanes. Each is drawn from what the run noted down, a column for each 10 ms. Then the second group in
//! the source (`an_unlucky_day`), and the tree, which names the tasks and the lines where they were spawned.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]

#[path = "support/run_options.rs"]
mod run_options;

use futures_lite::{AsyncReadExt, StreamExt};
use run_options::RunOptions;
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use taskgroup::net::{TcpListener, TcpStream};
use taskgroup::{
    BoxError, Elapsed, ExceptionGroup, JoinError, JoinErrorKind, Runtime, Task, now, sleep, task_group, timeout_at,
};

const HELP: &str = "\
Task groups at work over real sockets: one group that ends well, one that does not.

Usage: tour [OPTIONS]

  --trace FILE  write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree        print the task tree as it was when most tasks lived
  --inspect SOCKET  show the tasks while they run: `top SOCKET` draws them
  --help        print this

It starts a small server on a free port of the loopback interface, fetches from it, and ends by itself after about a
second. Nothing else is contacted. Real sockets need the real clock: it cannot run in virtual time.";

fn main() -> ExitCode {
    let options = match RunOptions::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("tour: {error} (see --help)");
            return ExitCode::from(2);
        }
    };
    let runtime = Runtime::new();
    if let Err(error) = options.begin(&runtime) {
        eprintln!("tour: {error}");
        return ExitCode::from(2);
    }
    let ended = runtime.block_on(tour()).map_err(BoxError::from);
    match ended.and(options.finish().map_err(BoxError::from)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tour: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn tour() -> Result<(), ExceptionGroup<BoxError>> {
    task_group(async |g| {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let server = listener.local_addr()?;
        g.spawn(serve(listener)).named("server");

        println!("1. A group that ends well. It waits for its three tasks, which borrow what is around it.\n");
        let log = Log::new();
        a_good_day(server, &log).await?;
        log.print();

        println!("\n2. A group in which two tasks run out of time at one instant. The rest is cancelled.\n");
        let log = Log::new();
        let Err(errors) = an_unlucky_day(server, &log).await else { return Err("nothing failed".into()) };
        log.print();
        println!("\n   Every error arrives, with its task and its place:\n");
        println!("{}", indented(&format!("{errors:#}")));

        g.cancel("the tour is over"); // the server would run for ever
        Ok(())
    })
    .await
}

/// Three pages, all there in the end.
async fn a_good_day(server: SocketAddr, log: &Log) -> Result<(), ExceptionGroup<FetchError>> {
    task_group(async |g| {
        let pages = [("home", 100), ("news", 200), ("weather", 150)];
        let tasks: Vec<_> =
            pages.iter().map(|(name, ms)| g.spawn(log.lane(name, fetch(server, *ms))).named(*name)).collect();
        let mut bytes = 0;
        for task in tasks {
            bytes += task.await?.len();
        }
        log.note(format!("all three pages: {bytes} bytes"));
        Ok(())
    })
    .await
}

/// `home` is there in time, `basket` and `search` are not, `news` would have been.
async fn an_unlucky_day(server: SocketAddr, log: &Log) -> Result<(), ExceptionGroup<FetchError>> {
    let deadline = now() + Duration::from_millis(200);
    let mut news = None;
    let result = task_group(async |g| {
        g.spawn(log.lane("home", fetch(server, 100))).named("home");
        // A task may have a group of its own; its errors stay together.
        let basket = async {
            task_group(async |g| {
                g.spawn(log.lane("basket/stock", fetch(server, 50))).named("stock");
                let price = async { timeout_at(deadline, fetch(server, 500)).await? };
                g.spawn(log.lane("basket/price", price)).named("price");
                Ok(())
            })
            .await
        };
        g.spawn_group(basket).named("basket");
        let search = async { timeout_at(deadline, fetch(server, 500)).await? };
        g.spawn(log.lane("search", search)).named("search");
        news = Some(g.spawn(log.lane("news", fetch(server, 400))).named("news"));
        Ok(())
    })
    .await;
    if let Some(why) = news.as_ref().and_then(Task::result).and_then(Result::err) {
        log.because("news", &why);
    }
    result
}

/// Why a page could not be had.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("out of time")]
    Late(#[from] Elapsed),
    #[error("the connection failed: {0}")]
    Connection(#[from] io::Error),
    #[error(transparent)]
    Task(#[from] JoinError),
}

/// Asks for a page that takes the server so many milliseconds.
async fn fetch(server: SocketAddr, ms: u64) -> Result<String, FetchError> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(format!("{ms}\n").as_bytes()).await?;
    let mut page = Vec::new();
    stream.read_to_end(&mut page).await?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// A server with a task for each connection. A client that hangs up is no failure of the server.
async fn serve(listener: TcpListener) -> Result<(), BoxError> {
    task_group(async |g| {
        let mut incoming = listener.incoming();
        while let Some(client) = incoming.next().await {
            let client = client?;
            g.spawn(async move {
                if let Err(error) = answer(&client).await {
                    eprintln!("server: {error}");
                }
            });
        }
        Ok(())
    })
    .await
    .map_err(|errors: ExceptionGroup<io::Error>| errors.into())
}

async fn answer(client: &TcpStream) -> io::Result<()> {
    let mut request = [0; 16];
    let mut len = 0;
    while len < request.len() && !request[..len].contains(&b'\n') {
        match client.read(&mut request[len..]).await? {
            0 => return Ok(()), // it hung up; whoever cancels a fetch does
            n => len += n,
        }
    }
    let ms = str::from_utf8(&request[..len]).ok().and_then(|line| line.trim().parse().ok());
    let ms = ms.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a number of milliseconds"))?;
    sleep(Duration::from_millis(ms)).await;
    client.write_all(format!("a page that took {ms} ms\n").as_bytes()).await
}

/// What a run noted down: when each task began and how it ended.
struct Log {
    start: Instant,
    lanes: RefCell<Vec<Lane>>,
    note: RefCell<Option<String>>,
}

struct Lane {
    name: String,
    began: Instant,
    ended: Option<(Instant, String)>,
}

impl Log {
    fn new() -> Self {
        Self { start: now(), lanes: RefCell::default(), note: RefCell::default() }
    }

    /// Runs a future in a lane of its own. Dropped before its end, the lane ends as cancelled.
    async fn lane<T, E: fmt::Display>(&self, name: &str, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let index = self.lanes.borrow().len();
        self.lanes.borrow_mut().push(Lane { name: name.into(), began: now(), ended: None });
        let mut lane = OpenLane { log: self, index, end: "X cancelled".into() };
        let result = work.await;
        lane.end = match &result {
            Ok(_) => "> done".into(),
            Err(error) => format!("X {error}"),
        };
        result
    }

    /// Says why a lane was cancelled.
    fn because(&self, name: &str, why: &JoinError) {
        let lanes = &mut *self.lanes.borrow_mut();
        let lane = lanes.iter_mut().find(|lane| lane.name == name).and_then(|lane| lane.ended.as_mut());
        if let (Some((_, end)), JoinErrorKind::Cancelled(reason)) = (lane, why.kind()) {
            *end = format!("X cancelled because {reason}");
        }
    }

    fn note(&self, text: String) {
        *self.note.borrow_mut() = Some(text);
    }

    fn print(&self) {
        let lanes = self.lanes.borrow();
        let width = lanes.iter().map(|lane| lane.name.len()).max().unwrap_or(0);
        for lane in lanes.iter() {
            let column = |at: Instant| (at - self.start).as_millis() as usize / 10;
            let from = column(lane.began);
            let Some((ended, end)) = &lane.ended else { continue };
            let ms = (*ended - self.start).as_millis();
            let bar = "-".repeat((column(*ended) - from).max(1));
            println!("   [{:width$}] {:from$}{bar}{end} ({ms} ms)", lane.name, "");
        }
        if let Some(note) = &*self.note.borrow() {
            println!("   {note}");
        }
    }
}

/// A lane that has not ended.
struct OpenLane<'a> {
    log: &'a Log,
    index: usize,
    end: String,
}

impl Drop for OpenLane<'_> {
    fn drop(&mut self) {
        let end = std::mem::take(&mut self.end);
        self.log.lanes.borrow_mut()[self.index].ended = Some((now(), end));
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("   {line}")).collect::<Vec<_>>().join("\n")
}
