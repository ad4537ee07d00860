//! Waiting for descriptors: registration, wakes, hang-ups, and what must not happen.
//!
//! That a *closed* descriptor is refused is not tested: a value that owns its descriptor, and no other goes into
//! `Async`, cannot name a closed one in safe code.
#![forbid(unsafe_code)]

mod support;

use futures_io::{AsyncRead, AsyncWrite};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::process::{Resource, Rlimit, setrlimit};
use signal_hook::consts::SIGPIPE;
use socket2::SockRef;
use std::cell::Cell;
use std::fs::File;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{self, Shutdown, TcpListener};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix;
use std::pin::{Pin, pin};
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use support::{SocketPath, Wakes, as_a_child, counted, is_child, poll_once, run, run_in, shrink, turn};
use taskgroup_runtime::net::{TcpStream, UdpSocket, UnixListener, UnixStream};
use taskgroup_runtime::{Async, Clock, Runtime, sleep, spawn};

/// Reads one byte from a descriptor without a type.
async fn read_byte(fd: &Async<OwnedFd>) -> io::Result<usize> {
    fd.read_with(|fd| Ok(rustix::io::read(fd, &mut [0; 1])?)).await
}

// ---- Descriptors and registrations ----------------------------------------------------------------------------

// tokio-rs/tokio-core#172, smol-rs/polling#51, compio-rs/compio#263, oven-sh/bun#40078: the old registration lived
// on.
#[test]
fn a_descriptor_number_can_be_reused_at_once() -> io::Result<()> {
    const NUMBER: i32 = 700; // higher than what other tests of this process use
    let runtime = Runtime::new();
    // Even rounds get a duplicate of this pipe. It stays open in between, and with it, in the kernel, a registration
    // that was left behind.
    let (mut idle, mut idle_writer) = io::pipe()?;
    for round in 0..10_000 {
        let (fd, fresh_writer) = if round % 2 == 0 {
            (fcntl_dupfd_cloexec(&idle, NUMBER)?, None)
        } else {
            let (reader, writer) = io::pipe()?;
            (fcntl_dupfd_cloexec(&reader, NUMBER)?, Some(writer))
        };
        assert_eq!(fd.as_raw_fd(), NUMBER);
        let wakes = Arc::new(Wakes::default());
        let _read = runtime.block_on(async {
            let fd = Async::new(fd)?;
            let mut read = Box::pin(async move { read_byte(&fd).await });
            assert!(wakes.poll(read.as_mut()).is_pending());
            io::Result::Ok(read)
        })?;
        if let Some(mut writer) = fresh_writer.filter(|_| round % 16 == 1) {
            idle_writer.write_all(b"!")?;
            runtime.turn(Some(Duration::ZERO)).map_err(io::Error::other)?;
            assert_eq!(wakes.count(), 0, "round {round}: an event of the old owner");
            idle.read_exact(&mut [0])?;
            writer.write_all(b"!")?;
            runtime.turn(Some(Duration::ZERO)).map_err(io::Error::other)?;
            assert_eq!(wakes.count(), 1, "round {round}: no event for the new owner");
        }
    }
    assert_eq!(runtime.census().sources, 0);
    Ok(())
}

#[test]
fn a_socket_that_is_forgotten_stays_open() -> io::Result<()> {
    let (here, mut there) = unix::net::UnixStream::pair()?;
    let runtime = Runtime::new();
    runtime.block_on(async {
        std::mem::forget(UnixStream::try_from(here)?);
        there.write_all(b"into the void")?; // a closed peer would be an error
        turn().await;
        io::Result::Ok(())
    })?;
    assert_eq!(runtime.census().sources, 1);
    drop(runtime);
    there.write_all(b"still")?;
    there.set_nonblocking(true)?;
    assert_eq!(there.read(&mut [0]).err().map(|error| error.kind()), Some(ErrorKind::WouldBlock));
    Ok(())
}

#[test]
fn a_socket_may_outlive_its_runtime() -> io::Result<()> {
    let runtime = Runtime::new();
    let (here, there) = runtime.block_on(async { UnixStream::pair() })?;
    drop(runtime);
    drop(here);
    let mut there = there.into_std();
    assert_eq!(there.read(&mut [0])?, 0);
    Ok(())
}

#[test]
fn a_regular_file_is_refused_and_leaves_nothing() -> io::Result<()> {
    let runtime = Runtime::new();
    let file = File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))?;
    runtime.block_on(async {
        let refused = Async::new(OwnedFd::from(file));
        assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::Unsupported));
        assert_eq!(runtime.census().sources, 0);
        let (here, there) = UnixStream::pair()?; // the runtime is as good as before
        here.write_all(b"x").await?;
        assert_eq!(there.read(&mut [0]).await?, 1);
        Ok(())
    })
}

/// tokio-rs/tokio#6329: what could not be registered is kept. A poller needs a few descriptors for itself.
#[test]
fn a_runtime_without_descriptors_for_its_poller_says_so_and_goes_on_when_there_are_some() -> io::Result<()> {
    let test = "a_runtime_without_descriptors_for_its_poller_says_so_and_goes_on_when_there_are_some";
    if !is_child() {
        assert_eq!(as_a_child(test)?.code(), Some(0));
        return Ok(());
    }
    let (reader, mut writer) = io::pipe()?;
    let readers = (0..10).map(|_| reader.try_clone()).collect::<io::Result<Vec<_>>>()?;
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: Some(64) })?;
    let mut hoard = Vec::new();
    let take_all = |hoard: &mut Vec<_>| {
        let before = hoard.len();
        hoard.extend(std::iter::from_fn(|| fcntl_dupfd_cloexec(&reader, 0).ok()));
        hoard.len() - before
    };
    assert!(take_all(&mut hoard) > 20);
    let runtime = Runtime::new();
    for (spare, reader) in readers.into_iter().enumerate() {
        hoard.truncate(hoard.len() - spare);
        match runtime.block_on(async { Async::new(reader) }) {
            Err(error) => {
                assert_eq!(error.raw_os_error(), Some(Errno::MFILE.raw_os_error()), "{error}");
                assert_eq!(runtime.census().sources, 0);
                assert_eq!(take_all(&mut hoard), spare + 1, "all are given back, and the one that was to be watched");
            }
            Ok(reader) => {
                assert!(spare > 0);
                writer.write_all(b"x")?;
                let read = reader.read_with(|mut pipe| pipe.read(&mut [0; 8]));
                return run_in(&runtime, read).map(|n| assert_eq!(n, 1));
            }
        }
    }
    panic!("ten descriptors are enough")
}

/// libuv/libuv#846, tokio-rs/tokio#3809: a child process inherits the poller, and takes events from its parent.
#[test]
fn a_process_that_is_started_inherits_nothing() -> io::Result<()> {
    let test = "a_process_that_is_started_inherits_nothing";
    if !is_child() {
        assert_eq!(as_a_child(test)?.code(), Some(0)); // alone: what other tests have open does not count
        return Ok(());
    }
    let inherited =
        || io::Result::Ok(String::from_utf8_lossy(&Command::new("ls").arg("/dev/fd").output()?.stdout).into_owned());
    let before = inherited()?;
    let path = SocketPath::new("inherited");
    run(async {
        let (tcp, unix) = (net::TcpListener::bind("127.0.0.1:0")?, UnixListener::bind(&path)?);
        let (address, tcp) = (tcp.local_addr()?, taskgroup_runtime::net::TcpListener::try_from(tcp)?);
        let clients = (TcpStream::connect(address).await?, UnixStream::connect(&path).await?);
        let servers = (tcp.accept().await?, unix.accept().await?);
        let (pair, pipe) = (UnixStream::pair()?, io::pipe()?);
        let others = (UdpSocket::bind("127.0.0.1:0")?, Async::new(pipe.0)?, Async::new(pipe.1)?);
        sleep(Duration::from_nanos(1)).await;
        assert_eq!(inherited()?, before);
        drop((clients, servers, pair, others));
        Ok(())
    })
}

#[test]
fn a_socket_outside_a_runtime_is_an_error_that_hurts_nobody() -> io::Result<()> {
    let runtime = Runtime::new();
    let outside = UdpSocket::bind("127.0.0.1:0");
    assert_eq!(outside.err().map(|error| error.kind()), Some(ErrorKind::NotConnected));
    runtime.block_on(async { UdpSocket::bind("127.0.0.1:0").map(drop) })
}

#[test]
fn a_socket_under_another_runtime_is_an_error_and_not_a_hang() -> io::Result<()> {
    let home = Runtime::new();
    let (here, _there) = home.block_on(async { UnixStream::pair() })?;
    run(async {
        assert_eq!(here.read(&mut [0]).await.err().map(|error| error.kind()), Some(ErrorKind::Other));
        assert_eq!(here.write(b"x").await.err().map(|error| error.kind()), Some(ErrorKind::Other));
        let flushed = poll_fn(|cx| Pin::new(&mut &here).poll_flush(cx)).await;
        assert_eq!(flushed.err().map(|error| error.kind()), Some(ErrorKind::Other));
    });
    Ok(())
}

/// The new runtime may get the old one's place in the table of this thread.
#[test]
fn a_socket_of_a_runtime_that_is_gone_is_an_error_and_not_a_hang() -> io::Result<()> {
    let home = Runtime::new();
    let (here, _there) = home.block_on(async { UnixStream::pair() })?;
    drop(home);
    run(async {
        assert_eq!(here.read(&mut [0]).await.err().map(|error| error.kind()), Some(ErrorKind::Other));
    });
    Ok(())
}

// ---- Readiness ------------------------------------------------------------------------------------------------

// async-io 0.1.11, polling 3.8.0 (their changelogs): the list of events was not cleared.
#[test]
fn stale_events_are_not_replayed() -> io::Result<()> {
    run(async {
        let (reader, mut writer) = io::pipe()?;
        let reader = Async::new(reader)?;
        let attempts = Cell::new(0);
        let read = || {
            reader.read_with(|mut pipe| {
                attempts.set(attempts.get() + 1);
                pipe.read(&mut [0])
            })
        };
        let mut first = pin!(read());
        assert!(poll_once(first.as_mut()).await.is_pending());
        writer.write_all(b"x")?;
        first.await?;
        assert_eq!(attempts.get(), 2);
        let mut second = pin!(read());
        assert!(poll_once(second.as_mut()).await.is_pending());
        assert_eq!(attempts.get(), 3);
        for _ in 0..10 {
            turn().await;
            assert!(poll_once(second.as_mut()).await.is_pending());
        }
        assert_eq!(attempts.get(), 3, "an old event was taken for a new one");
        Ok(())
    })
}

/// The end is announced with the last bytes, in one edge: who takes the short read for "drained" waits for ever.
#[test]
fn a_short_read_does_not_hide_the_end() -> io::Result<()> {
    run(async {
        let (here, there) = UnixStream::pair()?;
        let reader = spawn(async move { support::read_to_end(&there).await });
        turn().await;
        here.write_all(b"the last words").await?;
        drop(here);
        assert_eq!(reader.await.expect("nobody panics")?, b"the last words");
        Ok(())
    })
}

#[test]
fn two_tasks_that_wait_for_the_same_direction_are_both_woken() -> io::Result<()> {
    run(async {
        let (reader, mut writer) = io::pipe()?;
        let reader = Rc::new(Async::new(OwnedFd::from(reader))?);
        let tasks: Vec<_> = (0..2)
            .map(|_| {
                let reader = reader.clone();
                spawn(async move { read_byte(&reader).await })
            })
            .collect();
        turn().await;
        writer.write_all(b"ab")?;
        for task in tasks {
            assert_eq!(task.await.expect("nobody panics")?, 1);
        }
        Ok(())
    })
}

/// `first` was woken, but before it looks, somebody else drains the pipe and waits in the place that it had.
#[test]
fn who_looks_again_after_a_wake_does_not_push_out_who_came_since() -> io::Result<()> {
    run(async {
        let (reader, mut writer) = io::pipe()?;
        let reader = Async::new(OwnedFd::from(reader))?;
        let (wakes_of_first, wakes_of_second) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
        let mut first = pin!(read_byte(&reader));
        assert!(wakes_of_first.poll(first.as_mut()).is_pending());
        writer.write_all(b"x")?;
        turn().await;
        assert_eq!(wakes_of_first.count(), 1);
        read_byte(&reader).await?;
        let mut second = pin!(read_byte(&reader));
        assert!(wakes_of_second.poll(second.as_mut()).is_pending());
        assert!(wakes_of_first.poll(first.as_mut()).is_pending());
        writer.write_all(b"x")?;
        turn().await;
        assert_eq!((wakes_of_first.count(), wakes_of_second.count()), (2, 1));
        Ok(())
    })
}

/// The same, but `first` is dropped instead of polled.
#[test]
fn who_gives_up_after_a_wake_does_not_push_out_who_came_since() -> io::Result<()> {
    run(async {
        let (reader, mut writer) = io::pipe()?;
        let reader = Async::new(OwnedFd::from(reader))?;
        let (wakes_of_first, wakes_of_second) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
        let mut first = Box::pin(read_byte(&reader));
        assert!(wakes_of_first.poll(first.as_mut()).is_pending());
        writer.write_all(b"x")?;
        turn().await;
        read_byte(&reader).await?;
        let mut second = pin!(read_byte(&reader));
        assert!(wakes_of_second.poll(second.as_mut()).is_pending());
        drop(first);
        writer.write_all(b"x")?;
        turn().await;
        assert_eq!((wakes_of_first.count(), wakes_of_second.count()), (1, 1));
        Ok(())
    })
}

#[test]
fn a_wait_that_moves_to_another_task_wakes_that_one_only() -> io::Result<()> {
    run(async {
        let (reader, mut writer) = io::pipe()?;
        let reader = Async::new(OwnedFd::from(reader))?;
        let (before, after) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
        let mut read = pin!(read_byte(&reader));
        assert!(before.poll(read.as_mut()).is_pending());
        assert!(after.poll(read.as_mut()).is_pending());
        writer.write_all(b"x")?;
        turn().await;
        assert_eq!((before.count(), after.count()), (0, 1));
        Ok(())
    })
}

#[test]
fn a_wait_that_was_dropped_does_not_hold_virtual_time() -> io::Result<()> {
    Runtime::with_clock(Clock::Autojump).block_on(async {
        let (here, _there) = UnixStream::pair()?;
        let mut buffer = [0];
        let mut read = Box::pin(here.read(&mut buffer));
        assert!(poll_once(read.as_mut()).await.is_pending());
        drop(read);
        sleep(Duration::from_secs(3600)).await;
        Ok(())
    })
}

// ---- Both directions ------------------------------------------------------------------------------------------

// smol-rs/smol#161: an event for one direction left the other unarmed.
#[test]
fn both_directions_of_one_socket_wait_at_once() -> io::Result<()> {
    const BYTES: usize = 512 * 1024;
    run(async {
        let (here, there) = UnixStream::pair()?;
        shrink(&here, 1)?;
        shrink(&there, 1)?;
        let waits = Rc::new(Cell::new(0));
        let mut tasks = Vec::new();
        for stream in [Rc::new(here), Rc::new(there)] {
            let (reader, writer, waits) = (stream.clone(), stream, waits.clone());
            tasks.push(spawn(async move {
                let mut buffer = [0; 512];
                let mut read = 0;
                while read < BYTES {
                    read += counted(&waits, reader.read(&mut buffer)).await?;
                }
                io::Result::Ok(())
            }));
            tasks.push(spawn(async move { writer.write_all(&[7; BYTES]).await }));
        }
        for task in tasks {
            task.await.expect("nobody panics")?;
        }
        assert!(waits.get() > 1000, "the buffers are too large for this to be a test: {} polls", waits.get());
        Ok(())
    })
}

// ---- Hang-ups -------------------------------------------------------------------------------------------------

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Pipe,
    Unix,
    Tcp,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum HangUp {
    Close,
    /// Ends the write half; the rest stays open until the test is over.
    ShutdownWrite,
    /// TCP: closes with linger 0. Unix: closes with bytes that nobody has read.
    Reset,
}

const MATRIX: [(Kind, HangUp); 7] = [
    (Kind::Pipe, HangUp::Close),
    (Kind::Unix, HangUp::Close),
    (Kind::Unix, HangUp::ShutdownWrite),
    (Kind::Unix, HangUp::Reset),
    (Kind::Tcp, HangUp::Close),
    (Kind::Tcp, HangUp::ShutdownWrite),
    (Kind::Tcp, HangUp::Reset),
];

/// The far end, a blocking one.
enum Peer {
    PipeReader(#[expect(dead_code, reason = "held open")] io::PipeReader),
    PipeWriter(io::PipeWriter),
    Unix(unix::net::UnixStream),
    Tcp(net::TcpStream),
}

impl Peer {
    fn say(&mut self, words: &[u8]) -> io::Result<()> {
        match self {
            Self::PipeReader(_) => Ok(()),
            Self::PipeWriter(pipe) => pipe.write_all(words),
            Self::Unix(stream) => stream.write_all(words),
            Self::Tcp(stream) => stream.write_all(words),
        }
    }

    /// Hangs up. What comes back is still open.
    fn hang_up(self, how: HangUp) -> io::Result<Option<Self>> {
        match (&self, how) {
            (Self::Unix(stream), HangUp::ShutdownWrite) => stream.shutdown(Shutdown::Write)?,
            (Self::Tcp(stream), HangUp::ShutdownWrite) => stream.shutdown(Shutdown::Write)?,
            (Self::Tcp(stream), HangUp::Reset) => SockRef::from(stream).set_linger(Some(Duration::ZERO))?,
            _ => {}
        }
        Ok((how == HangUp::ShutdownWrite).then_some(self))
    }
}

fn std_tcp_pair() -> io::Result<(net::TcpStream, net::TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = net::TcpStream::connect(listener.local_addr()?)?;
    Ok((client, listener.accept()?.0))
}

fn reading_end(kind: Kind, how: HangUp) -> io::Result<(Box<dyn AsyncRead + Unpin>, Peer)> {
    Ok(match kind {
        Kind::Pipe => {
            let (reader, writer) = io::pipe()?;
            (Box::new(Async::new(reader)?), Peer::PipeWriter(writer))
        }
        Kind::Unix => {
            let (mut here, there) = unix::net::UnixStream::pair()?;
            if how == HangUp::Reset {
                here.write_all(b"never read")?;
            }
            (Box::new(UnixStream::try_from(here)?), Peer::Unix(there))
        }
        Kind::Tcp => {
            let (here, there) = std_tcp_pair()?;
            (Box::new(TcpStream::try_from(here)?), Peer::Tcp(there))
        }
    })
}

fn writing_end(kind: Kind) -> io::Result<(Box<dyn AsyncWrite + Unpin>, Peer)> {
    Ok(match kind {
        Kind::Pipe => {
            let (reader, writer) = io::pipe()?;
            (Box::new(Async::new(writer)?), Peer::PipeReader(reader))
        }
        Kind::Unix => {
            let (here, there) = unix::net::UnixStream::pair()?;
            (Box::new(UnixStream::try_from(here)?), Peer::Unix(there))
        }
        Kind::Tcp => {
            let (here, there) = std_tcp_pair()?;
            (Box::new(TcpStream::try_from(here)?), Peer::Tcp(there))
        }
    })
}

/// Everything that comes until the end (`None`) or an error.
async fn drain(reader: &mut (dyn AsyncRead + Unpin)) -> (Vec<u8>, Option<ErrorKind>) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 64]);
    loop {
        match poll_fn(|cx| Pin::new(&mut *reader).poll_read(cx, &mut buffer)).await {
            Ok(0) => return (bytes, None),
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
            Err(error) => return (bytes, Some(error.kind())),
        }
    }
}

/// Writes until it fails.
async fn flood(writer: &mut (dyn AsyncWrite + Unpin)) -> ErrorKind {
    loop {
        if let Err(error) = poll_fn(|cx| Pin::new(&mut *writer).poll_write(cx, &[7; 64 * 1024])).await {
            return error.kind();
        }
    }
}

fn is_gone(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

// tokio-rs/tokio-core#117, netty/netty#4317, typelevel/cats-effect#4421: a hang, or the last bytes lost.
#[test]
fn a_hang_up_ends_a_reader_that_waits_after_the_last_byte() -> io::Result<()> {
    for (kind, how) in MATRIX {
        run(async {
            let (mut reader, mut peer) = reading_end(kind, how)?;
            let polls = Cell::new(0);
            let mut drained = pin!(counted(&polls, drain(&mut *reader)));
            assert!(poll_once(drained.as_mut()).await.is_pending(), "{kind:?} {how:?}");
            peer.say(b"the last words")?;
            let _open = peer.hang_up(how)?;
            let reset = (how == HangUp::Reset).then_some(ErrorKind::ConnectionReset);
            assert_eq!(drained.await, (b"the last words".to_vec(), reset), "{kind:?} {how:?}");
            assert!(polls.get() <= 4, "{kind:?} {how:?}: {} polls", polls.get());
            io::Result::Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_hang_up_loses_nothing_that_is_still_to_be_read() -> io::Result<()> {
    for (kind, how) in MATRIX {
        run(async {
            let (mut reader, mut peer) = reading_end(kind, how)?;
            let words = vec![7; 10_000];
            peer.say(&words)?;
            let _open = peer.hang_up(how)?;
            turn().await;
            let reset = (how == HangUp::Reset).then_some(ErrorKind::ConnectionReset);
            assert_eq!(drain(&mut *reader).await, (words, reset), "{kind:?} {how:?}");
            io::Result::Ok(())
        })?;
    }
    Ok(())
}

// tokio-rs/mio#933, libuv: who waits for room did not hear of the end.
#[test]
fn a_hang_up_fails_a_writer_that_waits() -> io::Result<()> {
    for (kind, how) in MATRIX {
        run(async {
            let (mut writer, peer) = writing_end(kind)?;
            let polls = Cell::new(0);
            let mut flooded = pin!(counted(&polls, flood(&mut *writer)));
            assert!(poll_once(flooded.as_mut()).await.is_pending(), "{kind:?} {how:?}");
            turn().await;
            let open = peer.hang_up(how)?;
            if open.is_some() {
                turn().await; // who writes no more may still read: the writer waits on
                assert!(poll_once(flooded.as_mut()).await.is_pending(), "{kind:?} {how:?}");
                drop(open);
            }
            let error = flooded.await;
            assert!(is_gone(error), "{kind:?} {how:?}: {error:?}");
            assert!(polls.get() <= 5, "{kind:?} {how:?}: {} polls", polls.get());
            io::Result::Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_hang_up_wakes_reader_and_writer_of_one_socket() -> io::Result<()> {
    for (kind, how) in MATRIX {
        run(async {
            match kind {
                Kind::Pipe => Ok(()), // goes one way
                Kind::Unix => {
                    let (here, there) = unix::net::UnixStream::pair()?;
                    reads_and_writes(&UnixStream::try_from(here)?, Peer::Unix(there), how).await
                }
                Kind::Tcp => {
                    let (here, there) = std_tcp_pair()?;
                    reads_and_writes(&TcpStream::try_from(here)?, Peer::Tcp(there), how).await
                }
            }
        })?;
    }
    Ok(())
}

async fn reads_and_writes<S>(here: &S, peer: Peer, how: HangUp) -> io::Result<()>
where
    for<'a> &'a S: AsyncRead + AsyncWrite,
{
    let (mut reader, mut writer) = (here, here);
    let (mut drained, mut flooded) = (pin!(drain(&mut reader)), pin!(flood(&mut writer)));
    assert!(poll_once(drained.as_mut()).await.is_pending() && poll_once(flooded.as_mut()).await.is_pending());
    turn().await;
    let open = peer.hang_up(how)?;
    assert!(drained.await.0.is_empty(), "{how:?}");
    if open.is_some() {
        turn().await; // who writes no more may still read: the writer waits on
        assert!(poll_once(flooded.as_mut()).await.is_pending(), "{how:?}");
        drop(open);
    }
    let error = flooded.await;
    assert!(is_gone(error), "{how:?}: {error:?}");
    Ok(())
}

/// Level-triggered, a peer that is gone would be reported on each turn.
#[test]
fn a_hang_up_that_interests_nobody_does_not_keep_the_loop_awake() -> io::Result<()> {
    let runtime = Runtime::new();
    let (_here, there) = runtime.block_on(async { UnixStream::pair() })?;
    drop(there);
    runtime.turn(Some(Duration::ZERO)).map_err(io::Error::other)?;
    let before = Instant::now();
    for _ in 0..3 {
        runtime.turn(Some(Duration::from_millis(2))).map_err(io::Error::other)?;
    }
    assert!(before.elapsed() >= Duration::from_millis(6));
    Ok(())
}

#[test]
fn writing_to_who_is_gone_is_an_error() -> io::Result<()> {
    run(async {
        let (here, there) = UnixStream::pair()?;
        drop(there);
        assert_eq!(here.write(b"x").await.err().map(|error| error.kind()), Some(ErrorKind::BrokenPipe));
        Ok(())
    })
}

/// tokio-rs/mio#577, utensils/mold#342, z-galaxy/zbus#1657: a library in a program in which SIGPIPE has its default effect.
/// (The runtime of Rust ignores it; here it is given back.) A pipe can only be written to by who ignores it.
#[test]
fn writing_to_who_is_gone_ends_no_process_in_which_sigpipe_would() -> io::Result<()> {
    type Way = fn(Pin<&mut (dyn AsyncWrite + Unpin)>, &mut Context<'_>) -> Poll<io::Result<usize>>;
    let test = "writing_to_who_is_gone_ends_no_process_in_which_sigpipe_would";
    if !is_child() {
        assert_eq!(as_a_child(test)?.code(), Some(0));
        return Ok(());
    }
    signal_hook::flag::register_conditional_default(SIGPIPE, Arc::new(AtomicBool::new(true)))?;
    let ways: [Way; 2] = [
        |stream, cx| stream.poll_write(cx, b"x"),
        |stream, cx| stream.poll_write_vectored(cx, &[IoSlice::new(b"x"), IoSlice::new(b"y")]),
    ];
    for kind in [Kind::Unix, Kind::Tcp] {
        for write in ways {
            run(async {
                let (mut writer, peer) = writing_end(kind)?;
                drop(peer);
                // The first bytes to a TCP peer that is gone are on their way when the answer comes.
                let error = loop {
                    match poll_fn(|cx| write(Pin::new(&mut *writer), cx)).await {
                        Ok(_) => {}
                        Err(error) => break error.kind(),
                    }
                };
                assert!(is_gone(error), "{kind:?}: {error:?}");
                io::Result::Ok(())
            })?;
        }
    }
    Ok(())
}

#[test]
fn an_operation_that_is_interrupted_is_repeated() -> io::Result<()> {
    run(async {
        let (here, _there) = UnixStream::pair()?;
        let socket = Async::new(OwnedFd::from(here.into_std()))?;
        let mut interruptions = 3;
        let result = socket.read_with(|_| match interruptions {
            0 => Ok(7),
            _ => {
                interruptions -= 1;
                Err(Errno::INTR.into())
            }
        });
        assert_eq!(result.await?, 7);
        Ok(())
    })
}
