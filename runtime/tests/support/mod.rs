//! What the tests of sockets share. Loopback only; nothing sleeps, and what hangs fails.
#![allow(dead_code, unreachable_pub, reason = "each test file is a crate and uses a part")]

use socket2::SockRef;
use std::env;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use taskgroup_runtime::net::{TcpListener, TcpStream};
use taskgroup_runtime::{Runtime, sleep};

/// Runs the future of a test. What takes five seconds hangs.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    run_in(&Runtime::new(), future)
}

/// The same in a runtime that the test goes on to look at.
pub fn run_in<T>(runtime: &Runtime<'_>, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut limit = pin!(sleep(Duration::from_secs(5)));
    runtime.block_on(poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        assert!(limit.as_mut().poll(cx).is_pending(), "it hangs");
        Poll::Pending
    }))
}

/// Runs a test of this file again, alone in a process of its own, in which [`is_child`] is true: for what concerns a whole
/// process.
#[allow(clippy::print_stderr, reason = "what it said is shown if this test fails")]
pub fn as_a_child(test: &str) -> io::Result<ExitStatus> {
    let run = Command::new(env::current_exe()?).args(["--exact", test]).env("TASKGROUP_CHILD", test).output()?;
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(said.contains("running 1 test\n"), "there is no test {test}");
    eprintln!("{said}{}", String::from_utf8_lossy(&run.stderr));
    Ok(run.status)
}

pub fn is_child() -> bool {
    env::var_os("TASKGROUP_CHILD").is_some()
}

/// Lets the loop turn: events that are there are handed on.
pub async fn turn() {
    sleep(Duration::ZERO).await;
}

/// One poll with the task's own waker.
pub async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// A waker that counts.
#[derive(Default)]
pub struct Wakes(AtomicU32);

impl Wakes {
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// One poll with this as its waker.
    pub fn poll<F: Future>(self: &Arc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        let waker = Waker::from(self.clone());
        future.poll(&mut Context::from_waker(&waker))
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A future that counts its polls.
pub async fn counted<F: Future>(polls: &std::cell::Cell<u32>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        polls.set(polls.get() + 1);
        future.as_mut().poll(cx)
    })
    .await
}

/// Two ends of a TCP connection.
pub async fn tcp_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    let (server, _) = listener.accept().await?;
    Ok((client, server))
}

/// Makes the kernel's buffers this small, or as small as it lets us.
pub fn shrink(socket: &impl AsFd, bytes: usize) -> io::Result<()> {
    SockRef::from(socket).set_send_buffer_size(bytes)?;
    SockRef::from(socket).set_recv_buffer_size(bytes)
}

/// `read` and `write_all` for both kinds of streams.
pub trait Stream {
    fn read(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>>;
    fn write_all(&self, bytes: &[u8]) -> impl Future<Output = io::Result<()>>;
}

macro_rules! streams {
    ($($stream:ty),+) => { $(
        impl Stream for $stream {
            fn read(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
                <$stream>::read(self, buffer)
            }

            fn write_all(&self, bytes: &[u8]) -> impl Future<Output = io::Result<()>> {
                <$stream>::write_all(self, bytes)
            }
        }
    )+ };
}

streams!(TcpStream, taskgroup_runtime::net::UnixStream);

pub async fn read_exact(stream: &impl Stream, buffer: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..]).await? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            n => filled += n,
        }
    }
    Ok(())
}

pub async fn read_to_end(stream: &impl Stream) -> io::Result<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(bytes),
            n => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

/// Sends back what comes, until the end comes.
pub async fn echo(stream: &impl Stream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            n => stream.write_all(&buffer[..n]).await?,
        }
    }
}

/// Bytes that do not repeat soon, so that a lost or doubled piece shows.
pub fn noise(length: usize, mut seed: u32) -> Vec<u8> {
    let mut bytes = vec![0; length];
    for byte in &mut bytes {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (seed >> 24) as u8;
    }
    bytes
}

/// FNV-1a.
pub fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// Joins two futures.
pub async fn both<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut from_a, mut from_b) = (None, None);
    poll_fn(|cx| {
        if from_a.is_none()
            && let Poll::Ready(output) = a.as_mut().poll(cx)
        {
            from_a = Some(output);
        }
        if from_b.is_none()
            && let Poll::Ready(output) = b.as_mut().poll(cx)
        {
            from_b = Some(output);
        }
        match from_a.is_some() && from_b.is_some() {
            true => Poll::Ready(from_a.take().zip(from_b.take()).expect("both are there")),
            false => Poll::Pending,
        }
    })
    .await
}

/// A path for a socket, removed with the value.
pub struct SocketPath(PathBuf);

impl SocketPath {
    pub fn new(test: &str) -> Self {
        Self(std::env::temp_dir().join(format!("taskgroup-{}-{test}", std::process::id())))
    }
}

impl AsRef<Path> for SocketPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}
