//! One connection: requests in, answers out, until either side has had enough.
//!
//! Before: `request/mod.rs`, `answer.rs`. After: `server.rs`.
//!
//! - **Between two requests** a cancel ends it at once: nothing is owed to the client.
//! - **An answer is shielded**: once a request has been read it is answered to the end, as far as the runner's grace allows.
//! - **Three waits are bounded**: for the first byte of a request and for room in the socket (`idle`), and for the rest of a
//!   head (`head`), however it trickles.

use crate::answer::{Answer, Body};
use crate::log::Entry;
use crate::request::{self, BadRequest, MAX_HEAD, Request};
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use std::fmt::Write;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use taskgroup::{cancel_reason, now, shield, timeout, timeout_at, unblock};

/// How much is read from the socket at once.
const READ: usize = 4 * 1024;

/// How long, and how much, a client that was refused may go on talking before we hang up.
const LINGER: (Duration, usize) = (Duration::from_secs(1), 1 << 20);

/// What all connections have in common.
pub(crate) struct Site {
    /// Without links.
    pub(crate) root: Arc<Path>,
    pub(crate) head_timeout: Duration,
    pub(crate) idle_timeout: Duration,
}

/// Serves a client until it goes away, is too slow, or breaks the rules; each answer is told to `log`.
///
/// # Cancel
///
/// A cancellation point between requests. An answer that has begun is finished first.
pub(crate) async fn serve<S>(stream: S, site: &Site, log: impl Fn(Entry<'_>))
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = Connection { stream, site, input: Vec::new(), parsed: 0, sent: 0 };
    loop {
        let head = connection.read_head().await;
        let start = Instant::now();
        let (line, keep_alive, status, trouble) = match head {
            Head::Ended => return,
            Head::Request(line, request) => {
                let keep_alive = request.keep_alive;
                let (status, trouble) = shield(connection.answer(request)).await;
                (line, keep_alive && trouble.is_none(), status, trouble)
            }
            Head::Bad(line, why) => {
                let trouble = shield(connection.refuse(why)).await.err();
                (line, false, why.status(), trouble)
            }
        };
        log(Entry { line: &line, status, sent: connection.sent, time: start.elapsed(), trouble });
        if !keep_alive || cancel_reason().is_some() {
            return shield(connection.hang_up()).await;
        }
    }
}

enum Head {
    Request(String, Request),
    Bad(String, BadRequest),
    /// The client has hung up, or is silent.
    Ended,
}

struct Connection<'a, S> {
    stream: S,
    site: &'a Site,
    /// What was read and not used yet.
    input: Vec<u8>,
    /// How much of that was looked at, and was no complete head.
    parsed: usize,
    /// How much of the body of the answer was sent.
    sent: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<'_, S> {
    async fn read_head(&mut self) -> Head {
        if self.input.is_empty() {
            match timeout(self.site.idle_timeout, self.read()).await {
                Ok(Ok(1..)) => {}
                _ => return Head::Ended,
            }
        }
        // Most heads are here already.
        if let Some(head) = self.parse() {
            return head;
        }
        let deadline = now() + self.site.head_timeout;
        let rest = timeout_at(deadline, async {
            loop {
                match self.read().await {
                    Ok(1..) => {}
                    _ => return Head::Ended,
                }
                if let Some(head) = self.parse() {
                    return head;
                }
            }
        });
        match rest.await {
            Ok(head) => head,
            Err(_) => Head::Bad(request::first_line(&self.input), BadRequest::TooSlow),
        }
    }

    /// Appends what comes next. Zero: nothing more will.
    async fn read(&mut self) -> io::Result<usize> {
        let before = self.input.len();
        self.input.resize(before + READ, 0);
        let read = self.stream.read(&mut self.input[before..]).await;
        self.input.truncate(before + *read.as_ref().unwrap_or(&0));
        read
    }

    /// `None`: more is to come. A head is looked at when a line of it has ended, not for each of its bytes.
    fn parse(&mut self) -> Option<Head> {
        let (seen, new) = self.input.split_at(self.parsed);
        if !seen.is_empty() && !new.contains(&b'\n') && self.input.len() < MAX_HEAD {
            self.parsed = self.input.len();
            return None;
        }
        let parsed = request::parse(&self.input);
        self.parsed = self.input.len();
        let (line, head) = match parsed {
            Ok(None) => return None,
            Ok(Some((request, length))) => {
                let line = request::first_line(&self.input);
                self.input.drain(..length);
                (line, Ok(request))
            }
            Err(why) => (request::first_line(&self.input), Err(why)),
        };
        self.parsed = 0;
        Some(head.map_or_else(|why| Head::Bad(line.clone(), why), |request| Head::Request(line.clone(), request)))
    }

    /// The status, and what went wrong: then the connection is of no use.
    async fn answer(&mut self, request: Request) -> (u16, Option<io::Error>) {
        let (root, keep_alive) = (self.site.root.clone(), request.keep_alive);
        let mut answer = unblock(move || Answer::find(&root, &request)).await;
        let (status, trouble) = (answer.status, answer.trouble.take());
        let sent = self.send(answer, keep_alive).await;
        (status, trouble.or(sent.err()))
    }

    async fn refuse(&mut self, why: BadRequest) -> io::Result<()> {
        let mut answer = Answer::text(why.status(), &why.to_string());
        if why == BadRequest::Method {
            answer.headers += "Allow: GET, HEAD\r\n";
        }
        self.send(answer, false).await
    }

    async fn send(&mut self, answer: Answer, keep_alive: bool) -> io::Result<()> {
        self.sent = 0;
        let mut out = head(&answer, keep_alive).into_bytes();
        let head = out.len();
        match answer.body {
            Body::Without | Body::Withheld(_) => self.write(&out).await,
            Body::Text(text) => {
                out.extend_from_slice(text.as_bytes());
                self.write(&out).await?;
                self.sent = (out.len() - head) as u64;
                Ok(())
            }
            Body::File(mut content) => {
                out.extend_from_slice(&content.chunk); // a small file goes out in one piece
                self.write(&out).await?;
                self.sent = (out.len() - head) as u64;
                while content.left > 0 {
                    let read;
                    (content, read) = unblock(move || {
                        let read = content.read();
                        (content, read)
                    })
                    .await;
                    read?;
                    self.write(&content.chunk).await?;
                    self.sent += content.chunk.len() as u64;
                }
                Ok(())
            }
        }
    }

    /// Writes all of it, as long as the client takes some from time to time.
    async fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match timeout(self.site.idle_timeout, self.stream.write(bytes)).await {
                Ok(Ok(0)) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written?..],
                Err(elapsed) => return Err(io::Error::new(ErrorKind::TimedOut, elapsed)),
            }
        }
        Ok(())
    }

    /// Closes our half, and reads on for a little. If the socket were closed with bytes in it that nobody has read, the
    /// system would take back what was sent.
    async fn hang_up(mut self) {
        let (time, most) = LINGER;
        let rest = async {
            self.stream.close().await?;
            let mut read = 0;
            while read < most {
                self.input.clear();
                match self.read().await? {
                    0 => break,
                    n => read += n,
                }
            }
            io::Result::Ok(())
        };
        _ = timeout(time, rest).await;
    }
}

fn head(answer: &Answer, keep_alive: bool) -> String {
    let (status, date) = (answer.status, httpdate::fmt_http_date(SystemTime::now()));
    let reason = reason(status);
    let mut head = format!("HTTP/1.1 {status} {reason}\r\nDate: {date}\r\n{}", answer.headers);
    if let Some(length) = answer.body.length() {
        _ = write!(head, "Content-Length: {length}\r\n");
    }
    head += "X-Content-Type-Options: nosniff\r\n";
    head += if keep_alive { "Connection: keep-alive\r\n\r\n" } else { "Connection: close\r\n\r\n" };
    head
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        301 => "Moved Permanently",
        304 => "Not Modified",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        414 => "URI Too Long",
        416 => "Range Not Satisfiable",
        431 => "Request Header Fields Too Large",
        505 => "HTTP Version Not Supported",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests;
