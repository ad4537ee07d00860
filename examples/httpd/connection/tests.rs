//! Connections in virtual time: the clients are made up, the files are real.

use super::{Site, serve};
use crate::log::Entry;
use futures_lite::{AsyncRead, AsyncWrite};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use taskgroup::{CancelScope, Clock, Runtime, Sleep, now, sleep, task_group};

type Test = Result<(), Box<dyn std::error::Error + Send + Sync>>;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// What a client does next. When there is no step left, it is silent and holds the connection.
enum Step {
    Says(String),
    Waits(Duration),
    HangsUp,
}
use Step::{HangsUp, Says, Waits};

/// A client that follows a script, and takes so many bytes of what it is sent.
struct Client {
    script: VecDeque<Step>,
    nap: Option<Pin<Box<Sleep>>>,
    takes: usize,
    got: Rc<RefCell<Vec<u8>>>,
}

impl AsyncRead for Client {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        loop {
            match this.script.front_mut() {
                None => return Poll::Pending,
                Some(HangsUp) => return Poll::Ready(Ok(0)),
                Some(Waits(time)) => {
                    let nap = this.nap.get_or_insert_with(|| Box::pin(sleep(*time)));
                    if nap.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    this.nap = None;
                    this.script.pop_front();
                }
                Some(Says(text)) if text.is_empty() => drop(this.script.pop_front()),
                Some(Says(text)) => {
                    let n = text.len().min(buffer.len());
                    buffer[..n].copy_from_slice(&text.as_bytes()[..n]);
                    text.drain(..n);
                    return Poll::Ready(Ok(n));
                }
            }
        }
    }
}

impl AsyncWrite for Client {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let n = self.takes.min(bytes.len());
        if n == 0 {
            return Poll::Pending;
        }
        self.takes -= n;
        self.got.borrow_mut().extend_from_slice(&bytes[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A folder with `a.txt` (ten digits) and `big.bin` (a million bytes), until it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("taskgroup-httpd-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path)?;
        let path = path.canonicalize()?;
        fs::write(path.join("a.txt"), "0123456789")?;
        fs::write(path.join("big.bin"), vec![7; 1_000_000])?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

/// What came of a connection.
struct Ended {
    got: String,
    log: Vec<String>,
    after: Duration,
}

impl Ended {
    /// The statuses that were answered.
    fn answers(&self) -> Vec<&str> {
        self.got.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.split("\r\n").next()).collect()
    }
}

/// Serves a client with a header timeout of 10 s and an idle timeout of 60 s, and cancels the server after a time.
fn run(
    script: impl Into<VecDeque<Step>>,
    takes: usize,
    cancel_after: Option<Duration>,
) -> Result<Ended, super::io::Error> {
    let (folder, runtime) = (Folder::new()?, Runtime::with_clock(Clock::Autojump));
    let site = Site { root: folder.0.as_path().into(), head_timeout: seconds(10), idle_timeout: seconds(60) };
    let (got, log) = (Rc::new(RefCell::new(Vec::new())), RefCell::new(Vec::new()));
    let client = Client { script: script.into(), nap: None, takes, got: got.clone() };
    let add = |entry: Entry<'_>| {
        let trouble = entry.trouble.map_or_else(String::new, |error| format!(" {error}"));
        log.borrow_mut().push(format!("{} {} {}{trouble}", entry.line, entry.status, entry.sent));
    };
    let after = runtime.block_on(async {
        let start = now();
        let scope = CancelScope::new();
        let served = scope.run(serve(client, &site, add));
        let ended = task_group::<io::Error, _, _>(async |g| {
            let clock = g.spawn(async {
                if let Some(time) = cancel_after {
                    sleep(time).await;
                    scope.cancel("the server ends");
                }
            });
            _ = served.await;
            clock.cancel("it is over");
            Ok(now() - start)
        });
        ended.await
    });
    let got = String::from_utf8_lossy(&got.borrow()).into_owned();
    Ok(Ended { got, log: log.into_inner(), after: after.map_err(io::Error::other)? })
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

const ALL: usize = usize::MAX;

#[test]
fn pipelined_requests_are_answered_in_their_order() -> Test {
    let ended = run([Says(get("/a.txt") + &get("/b.txt") + &get("/a.txt")), HangsUp], ALL, None)?;
    assert_eq!(ended.answers(), ["200 OK", "404 Not Found", "200 OK"]);
    assert!(ended.got.ends_with("\r\n\r\n0123456789"), "{}", ended.got);
    assert_eq!(ended.log[..2], ["GET /a.txt HTTP/1.1 200 10", "GET /b.txt HTTP/1.1 404 14"]);
    Ok(())
}

#[test]
fn it_does_not_matter_where_a_head_is_cut() -> Test {
    let text = get("/a.txt");
    for cut in 1..text.len() {
        let ended = run([Says(text[..cut].into()), Waits(seconds(1)), Says(text[cut..].into()), HangsUp], ALL, None)?;
        assert_eq!(ended.log, ["GET /a.txt HTTP/1.1 200 10"], "{cut}");
    }
    Ok(())
}

// Slowloris: a byte from time to time.
#[test]
fn a_head_that_trickles_is_given_up_in_time() -> Test {
    let mut script = VecDeque::from([Says("GET / HTTP/1.1\r\n".into())]);
    for _ in 0..1_000 {
        script.extend([Waits(seconds(1)), Says("X: y\r\n".into())]);
    }
    let ended = run(script, ALL, None)?;
    assert_eq!(ended.answers(), ["408 Request Timeout"]);
    assert_eq!(ended.after.as_secs(), 11, "and a second until it was hung up");
    Ok(())
}

#[test]
fn a_silent_client_is_hung_up_on_without_a_word() -> Test {
    for script in [vec![], vec![Says(get("/a.txt"))]] {
        let count = script.len();
        let ended = run(script, ALL, None)?;
        assert_eq!((ended.answers().len(), ended.after.as_secs()), (count, 60));
    }
    Ok(())
}

#[test]
fn a_client_that_takes_nothing_is_hung_up_on() -> Test {
    let ended = run([Says(get("/big.bin"))], 100_000, None)?;
    assert_eq!(ended.after.as_secs(), 61);
    assert!(ended.log[0].starts_with("GET /big.bin HTTP/1.1 200 "), "{:?}", ended.log);
    assert!(ended.log[0].ends_with(" not done within 60s"), "{:?}", ended.log);
    Ok(())
}

#[test]
fn a_client_that_hangs_up_in_a_head_gets_no_answer() -> Test {
    let ended = run([Says("GET / HT".into()), HangsUp], ALL, None)?;
    assert_eq!((ended.got.as_str(), ended.log.len()), ("", 0));
    Ok(())
}

#[test]
fn a_refusal_ends_the_connection() -> Test {
    let ended = run([Says("POST / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned() + &get("/a.txt")), HangsUp], ALL, None)?;
    assert_eq!(ended.answers(), ["405 Method Not Allowed"]);
    assert!(ended.got.contains("\r\nAllow: GET, HEAD\r\n") && ended.got.contains("\r\nConnection: close\r\n"));
    Ok(())
}

#[test]
fn a_client_that_goes_on_after_it_was_refused_is_listened_to_only_so_long() -> Test {
    let script = (0..1_000).map(|_| Says("x".repeat(20_000))).collect::<VecDeque<_>>();
    let ended = run(script, ALL, None)?;
    assert_eq!(ended.answers(), ["414 URI Too Long"]);
    assert!(ended.after < seconds(1), "after a megabyte: {:?}", ended.after);
    Ok(())
}

#[test]
fn a_body_is_not_taken_for_a_request() -> Test {
    let text = format!("GET /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{}", get("/b.txt"));
    let ended = run([Says(text), HangsUp], ALL, None)?;
    assert_eq!(ended.answers(), ["200 OK"]);
    Ok(())
}

#[test]
fn a_cancel_ends_a_connection_that_waits_for_a_request() -> Test {
    for script in [vec![], vec![Says(get("/a.txt"))], vec![Says("GET /a.txt HTT".into())]] {
        assert_eq!(run(script, ALL, Some(seconds(5)))?.after.as_secs(), 5);
    }
    Ok(())
}

#[test]
fn a_cancel_lets_an_answer_be_finished_and_begins_no_other() -> Test {
    // The cancel comes at the first wait, while the file is looked for: two more requests are here already.
    let ended = run([Says(get("/big.bin") + &get("/a.txt") + &get("/a.txt")), HangsUp], ALL, Some(Duration::ZERO))?;
    assert_eq!(ended.log, ["GET /big.bin HTTP/1.1 200 1000000"]);
    Ok(())
}

#[test]
fn a_head_request_gets_the_length_and_no_body() -> Test {
    let ended = run([Says("HEAD /a.txt HTTP/1.1\r\nHost: a\r\n\r\n".into()), HangsUp], ALL, None)?;
    assert!(ended.got.contains("\r\nContent-Length: 10\r\n") && ended.got.ends_with("\r\n\r\n"), "{}", ended.got);
    Ok(())
}
