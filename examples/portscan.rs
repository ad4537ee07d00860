//! Finds out which TCP ports of a host are open.
//!
//! ```text
//! cargo run --bin portscan -- 127.0.0.1 22,80,8000-8100
//! ```
//!
//! Shows tasks that borrow: each writes what it found into the vector of the function that started it, and reads that
//! function's arguments. No `Arc`, no channel, no lock: the group has ended before they go away.
//!
//! Look at [`scan`], which starts a task for each port, and at [`Semaphore`], which lets it start only so many at a
//! time. (Groups get a limit of their own; until then this also shows how to write something that tasks wait for.) What
//! would meet every port, such as no descriptors left, is an error of the task, and the first one ends the scan.

#[path = "support/run_options.rs"]
mod run_options;

use lexopt::prelude::*;
use run_options::RunOptions;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::process::ExitCode;
use std::task::{Poll, Waker};
use std::time::Duration;
use taskgroup::net::TcpStream;
use taskgroup::{BoxError, ExceptionGroup, Runtime, task_group, timeout};

const HELP: &str = "\
Finds out which TCP ports of a host are open.

Usage: portscan [OPTIONS] HOST PORTS

  HOST             a name or an address; of several addresses the first is taken
  PORTS            such as 22,80,8000-8100

  --at-most N      so many ports at a time, each a file descriptor [default: 256]
  --timeout-ms MS  how long a port may take to answer [default: 1000]
  --yes            scan a host that is not this machine: only with its owner's consent
  --trace FILE     write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree           print the task tree as it was when most tasks lived
  --inspect SOCKET  show the tasks while they run: `top SOCKET` draws them
  --help           print this

Real sockets need the real clock: it cannot run in virtual time.

Exit status: 0 if a port is open, 1 if none is, 2 if the arguments are wrong or the scan failed.
";

struct Options {
    host: String,
    ports: BTreeSet<u16>,
    at_most: usize,
    timeout: Duration,
    yes: bool,
    run: RunOptions,
}

impl Options {
    /// `None`: help was asked for.
    fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let mut parser = lexopt::Parser::from_env();
        let (mut host, mut ports) = (None, None);
        let (mut at_most, mut timeout, mut yes) = (256, Duration::from_secs(1), false);
        let mut run = RunOptions::default();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("at-most") => at_most = positive(&mut parser, "--at-most")?,
                Long("timeout-ms") => timeout = Duration::from_millis(positive(&mut parser, "--timeout-ms")? as u64),
                Long("yes") => yes = true,
                Long("trace") => run.trace(&mut parser)?,
                Long("tree") => run.tree(),
                Long("inspect") => run.inspect(&mut parser)?,
                Long("help") | Short('h') => return Ok(None),
                Value(value) if host.is_none() => host = Some(value.string()?),
                Value(value) if ports.is_none() => ports = Some(parse_ports(&value.string()?)?),
                _ => return Err(arg.unexpected()),
            }
        }
        let host = host.ok_or("no host is given")?;
        let ports = ports.ok_or("no ports are given, such as 22,80,8000-8100")?;
        Ok(Some(Self { host, ports, at_most, timeout, yes, run }))
    }

    /// The address to scan. Blocks while it looks a name up.
    fn address(&self) -> Result<IpAddr, String> {
        let host = &self.host;
        let found = (host.as_str(), 0).to_socket_addrs().map_err(|error| format!("{host}: {error}"))?.next();
        let address = found.ok_or_else(|| format!("{host} has no address"))?.ip();
        if self.yes || address.to_canonical().is_loopback() {
            return Ok(address);
        }
        Err(format!("{host} is not this machine: add --yes if its owner agrees to a scan"))
    }
}

fn positive(parser: &mut lexopt::Parser, name: &str) -> Result<usize, lexopt::Error> {
    let text = parser.value()?.string()?;
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("{name} takes a whole number above zero, not {text:?}").into()),
    }
}

pub(crate) fn parse_ports(text: &str) -> Result<BTreeSet<u16>, String> {
    let mut ports = BTreeSet::new();
    for item in text.split(',') {
        let (first, last) = item.split_once('-').unwrap_or((item, item));
        match (first.parse::<u16>(), last.parse()) {
            (Ok(first), Ok(last)) if 1 <= first && first <= last => ports.extend(first..=last),
            _ => return Err(format!("{item:?} is neither a port, from 1 to 65535, nor a range such as 8000-8100")),
        }
    }
    Ok(ports)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Open,
    Closed,
    /// Nothing came in time, or a router says that the way is closed.
    Silent,
}

#[derive(Debug, thiserror::Error)]
#[error("port {port}: {source}")]
struct ProbeError {
    port: u16,
    source: io::Error,
}

/// A task for each port, and what they found.
async fn scan(address: IpAddr, options: &Options) -> Result<BTreeMap<u16, Port>, ExceptionGroup<ProbeError>> {
    let found = RefCell::new(BTreeMap::new());
    let semaphore = Semaphore::new(options.at_most);
    task_group(async |g| {
        for &port in &options.ports {
            // The permit first, then the task: there are never more tasks than permits. When one fails, this wait is
            // cancelled, and no more are started.
            let permit = semaphore.acquire().await;
            let found = &found;
            g.spawn(async move {
                let _permit = permit;
                let state = probe((address, port).into(), options.timeout).await;
                found.borrow_mut().insert(port, state.map_err(|source| ProbeError { port, source })?);
                show_progress(found.borrow().len(), options.ports.len());
                Ok(())
            });
        }
        Ok(())
    })
    .await?;
    Ok(found.into_inner()) // complete, since the group has ended
}

async fn probe(address: SocketAddr, limit: Duration) -> io::Result<Port> {
    match timeout(limit, TcpStream::connect(address)).await {
        // Where nobody listens, a client of this machine may be given just the port that it connects to, and then
        // talks to itself.
        Ok(Ok(stream)) => Ok(if stream.local_addr()? == address { Port::Closed } else { Port::Open }),
        Ok(Err(error)) => match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Ok(Port::Closed),
            ErrorKind::HostUnreachable | ErrorKind::TimedOut => Ok(Port::Silent),
            _ => Err(error),
        },
        Err(_late) => Ok(Port::Silent),
    }
}

/// Lets at most so many tasks in at a time, those that asked first before the others.
///
/// A permit is never on its way: it is either free or held. Who waits stands in the queue until it takes a permit
/// itself, and whoever leaves the queue, cancelled or served, wakes the next. So a cancel can lose none.
struct Semaphore {
    free: Cell<usize>,
    tickets: Cell<u64>,
    /// Who waits, in the order of their tickets. `None`: woken already.
    queue: RefCell<BTreeMap<u64, Option<Waker>>>,
}

impl Semaphore {
    fn new(permits: usize) -> Self {
        Self { free: Cell::new(permits), tickets: Cell::new(0), queue: RefCell::default() }
    }

    async fn acquire(&self) -> Permit<'_> {
        let ticket = self.tickets.replace(self.tickets.get() + 1);
        let _place = Place { semaphore: self, ticket };
        poll_fn(|cx| {
            let is_first = self.queue.borrow().keys().next().is_none_or(|first| ticket <= *first);
            if is_first && self.free.get() > 0 {
                self.free.set(self.free.get() - 1);
                return Poll::Ready(());
            }
            let waker = Some(cx.waker().clone());
            let _old = self.queue.borrow_mut().insert(ticket, waker); // dropped after the borrow has ended
            Poll::Pending
        })
        .await;
        Permit(self)
    }

    fn wake_first(&self) {
        let waker = match self.queue.borrow_mut().values_mut().next() {
            Some(first) if self.free.get() > 0 => first.take(),
            _ => None,
        };
        waker.into_iter().for_each(Waker::wake); // after the borrow: a waker is somebody else's code
    }
}

/// A place in the queue.
struct Place<'a> {
    semaphore: &'a Semaphore,
    ticket: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let _waker = self.semaphore.queue.borrow_mut().remove(&self.ticket);
        self.semaphore.wake_first();
    }
}

/// The right to be in; given back when dropped.
struct Permit<'a>(&'a Semaphore);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.free.set(self.0.free.get() + 1);
        self.0.wake_first();
    }
}

/// A line on the terminal, written over each time; nothing where standard error is no terminal.
fn show_progress(done: usize, all: usize) {
    let percent = |n| n * 100 / all;
    if percent(done) != percent(done - 1) && io::stderr().is_terminal() {
        let line = if done == all { String::new() } else { format!("{done} of {all} ports") };
        let _ = write!(io::stderr(), "\x1b[K{line}\r");
    }
}

fn run(address: IpAddr, options: &Options) -> Result<ExitCode, BoxError> {
    let runtime = Runtime::new();
    options.run.begin(&runtime)?;
    let found = runtime.try_block_on(scan(address, options));
    let written = options.run.finish(); // also of a scan that failed
    let found = found??;
    let mut output = io::stdout().lock();
    for port in found.iter().filter(|(_, state)| **state == Port::Open).map(|(port, _)| *port) {
        writeln!(output, "open {}", SocketAddr::new(address, port))?;
    }
    let count = |wanted| found.values().filter(|state| **state == wanted).count();
    let (open, closed, silent) = (count(Port::Open), count(Port::Closed), count(Port::Silent));
    writeln!(output, "{address}: {open} open, {closed} closed, {silent} timed out")?;
    written?;
    Ok(ExitCode::from(if open > 0 { 0 } else { 1 }))
}

fn complain(text: impl Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "portscan: {text}"); // if that is gone too, nobody is left to tell
    ExitCode::from(2)
}

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => return io::stdout().write_all(HELP.as_bytes()).map_or(ExitCode::from(2), |()| ExitCode::SUCCESS),
        Err(error) => return complain(format_args!("{error} (portscan --help tells more)")),
    };
    match options.address() {
        Ok(address) => run(address, &options).unwrap_or_else(complain),
        Err(error) => complain(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskgroup::{Clock, TaskGroup, yield_now};

    #[test]
    fn ports_are_numbers_and_ranges() {
        assert_eq!(parse_ports("80,22,8000-8002,22").map(Vec::from_iter), Ok(vec![22, 80, 8000, 8001, 8002]));
        assert_eq!(parse_ports("1-65535").map(|ports| ports.len()), Ok(65535));
        for wrong in ["", "0", "22,", "x", "9-8", "1-65536", "-1", "1-2-3", "0-1"] {
            assert!(parse_ports(wrong).is_err(), "{wrong:?}");
        }
    }

    /// On the virtual clock, where tasks that nobody wakes are an error and not a wait without end.
    fn is_ok<T, E>(run: impl Future<Output = Result<T, E>>) -> bool {
        Runtime::with_clock(Clock::Autojump).try_block_on(run).is_ok_and(|result| result.is_ok())
    }

    /// Five tasks at one permit, of which `cancelled` are cancelled while they wait; who got in, in order.
    fn who_gets_in(cancelled: &[usize]) -> Vec<usize> {
        let (semaphore, entered) = (Semaphore::new(1), RefCell::new(Vec::new()));
        let run = task_group(async |g: &TaskGroup<'_, '_, BoxError>| {
            let held = semaphore.acquire().await;
            let (semaphore, entered) = (&semaphore, &entered);
            let enter = |number| {
                g.spawn(async move {
                    let _permit = semaphore.acquire().await;
                    entered.borrow_mut().push(number);
                    yield_now().await;
                })
            };
            let tasks: Vec<_> = (0..5).map(enter).collect();
            yield_now().await;
            drop(held); // wakes the first; that it is cancelled before it runs must not lose the permit
            for &number in cancelled {
                tasks[number].cancel("it changed its mind");
            }
            Ok(())
        });
        assert!(is_ok(run));
        assert_eq!((semaphore.free.get(), semaphore.queue.borrow().len()), (1, 0));
        entered.into_inner()
    }

    #[test]
    fn who_asks_first_gets_in_first() {
        assert_eq!(who_gets_in(&[]), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_cancelled_waiter_loses_no_permit() {
        assert_eq!(who_gets_in(&[0]), [1, 2, 3, 4]);
        assert_eq!(who_gets_in(&[0, 1, 3]), [2, 4]);
        assert_eq!(who_gets_in(&[0, 1, 2, 3, 4]), []);
    }

    #[test]
    fn a_newcomer_does_not_overtake_one_that_was_woken() {
        let (semaphore, entered) = (Semaphore::new(1), RefCell::new(Vec::new()));
        let run = task_group(async |g: &TaskGroup<'_, '_, BoxError>| {
            let held = semaphore.acquire().await;
            g.spawn(async {
                let _permit = semaphore.acquire().await;
                entered.borrow_mut().push("waited");
            });
            yield_now().await;
            drop(held);
            let _permit = semaphore.acquire().await;
            entered.borrow_mut().push("newcomer");
            Ok(())
        });
        assert!(is_ok(run));
        assert_eq!(entered.into_inner(), ["waited", "newcomer"]);
    }
}
