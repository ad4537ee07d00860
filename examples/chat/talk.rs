//! The life of a connection: a name, lines in, lines out, and a goodbye.
//!
//! Before: `lines.rs`, `room.rs`. After: `server.rs`.
//!
//! One task reads, one writes; both borrow the connection and the room. However that ends, what the client is still to hear
//! is sent in a cleanup, which a cancel waits for. Only who was dropped for not reading is not waited for: there is no room
//! in the socket for a goodbye.

use crate::lines::{Line, Lines};
use crate::room::{Outbox, Room, Seat, outbox};
use async_channel::Receiver;
use socket2::SockRef;
use std::cell::RefCell;
use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;
use taskgroup::net::TcpStream;
use taskgroup::{CancelScope, Elapsed, ExceptionGroup, Why, task_group, timeout, with_resource, yield_now};

/// So much is read at once, and written.
const CHUNK: usize = 4 * 1024;

/// So much may wait in the system for a client to read it. It would take megabytes by itself.
const SEND_BUFFER: usize = 64 * 1024;

/// What a client may do.
pub(crate) struct Rules {
    /// How long it may say nothing.
    pub(crate) idle: Duration,
    /// How many bytes a line may have.
    pub(crate) longest: usize,
    /// How long a goodbye may take.
    pub(crate) drain: Duration,
}

/// Why a conversation ended, if the client did not want it to.
#[derive(Debug, thiserror::Error)]
enum TalkError {
    #[error("{0}")]
    Broken(#[from] io::Error),
    #[error("silent for {:?}", .0.limit())]
    Idle(#[from] Elapsed),
    #[error("does not read what is said")]
    Deaf,
}

/// What waits to be sent.
struct Outgoing {
    outbox: Receiver<Rc<str>>,
    /// Taken out of the outbox, and not sent yet: a line may be torn here, but not lost.
    unsent: Vec<u8>,
    /// Whether it is of no use to wait for the client.
    is_given_up: bool,
}

impl Outgoing {
    fn add(&mut self, line: &str) {
        self.unsent.extend_from_slice(line.as_bytes());
        self.unsent.push(b'\n');
    }

    /// Sends all that is there.
    ///
    /// # Cancel
    ///
    /// A cancellation point wherever it waits for room. What was not sent is still there.
    async fn flush(&mut self, stream: &TcpStream) -> io::Result<()> {
        loop {
            while self.unsent.len() < CHUNK
                && let Ok(line) = self.outbox.try_recv()
            {
                self.add(&line);
            }
            if self.unsent.is_empty() {
                return Ok(());
            }
            match stream.write(&self.unsent).await? {
                0 => return Err(ErrorKind::WriteZero.into()),
                n => drop(self.unsent.drain(..n)),
            }
        }
    }

    /// Sends whatever comes, until it is cancelled.
    async fn send(&mut self, stream: &TcpStream) -> Result<Infallible, TalkError> {
        loop {
            self.flush(stream).await?;
            if let Ok(line) = self.outbox.recv().await {
                self.add(&line);
            }
        }
    }
}

/// Serves a client.
///
/// # Cancel
///
/// A cancellation point. The client is told, for as long as the rules say.
pub(crate) async fn serve(stream: TcpStream, room: &RefCell<Room>, rules: &Rules) {
    _ = stream.set_nodelay(true);
    _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER);
    let (own, outbox) = outbox();
    let outgoing = Outgoing { outbox, unsent: Vec::new(), is_given_up: false };
    let served: Result<(), Infallible> = with_resource(
        (stream, outgoing),
        async |(stream, outgoing)| {
            let scope = CancelScope::new();
            let mut talk = Talk { room, rules, own, scope: scope.clone(), seat: None };
            // The room cancels the scope of who is too slow.
            let why = match scope.run(talk.both_ways(stream, outgoing)).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(dropped) => {
                    outgoing.is_given_up = true;
                    Some(dropped.reason().to_string())
                }
            };
            if let Some(why) = &why {
                outgoing.add(&format!("* you are dropped: {why}"));
            }
            if let Some(seat) = talk.seat {
                seat.leave(why.as_deref());
            }
            Ok(())
        },
        async |(stream, mut outgoing), why| {
            if let Why::Cancelled(_) = why {
                outgoing.add("* the server ends");
            }
            if !outgoing.is_given_up {
                _ = timeout(rules.drain, hang_up(&stream, &mut outgoing)).await;
            }
        },
    )
    .await;
    let Ok(()) = served;
}

/// Sends what is left, closes our half, and reads on until the client has closed the other. If the socket were closed with
/// bytes in it that nobody has read, the system would take back what was sent.
async fn hang_up(stream: &TcpStream, outgoing: &mut Outgoing) -> io::Result<()> {
    outgoing.flush(stream).await?;
    stream.shutdown(Shutdown::Write)?;
    while stream.read(&mut [0; CHUNK]).await? > 0 {}
    Ok(())
}

/// A conversation with a client.
struct Talk<'a> {
    room: &'a RefCell<Room>,
    rules: &'a Rules,
    /// The outbox of this client.
    own: Outbox,
    /// Around the conversation.
    scope: CancelScope,
    /// `None`: it has no name yet.
    seat: Option<Seat<'a>>,
}

impl Talk<'_> {
    /// Reads and writes, until the client has left or either fails.
    async fn both_ways(&mut self, stream: &TcpStream, outgoing: &mut Outgoing) -> Result<(), TalkError> {
        let both = task_group(async |g| {
            g.spawn(outgoing.send(stream)).named("writes");
            self.listen(stream).await?;
            g.cancel("the client has left");
            Ok(())
        });
        both.await.map_err(|errors: ExceptionGroup<TalkError>| {
            errors.into_errors().next().expect("a group of errors is never empty")
        })
    }

    async fn listen(&mut self, stream: &TcpStream) -> Result<(), TalkError> {
        self.tell("* say your name, in a line")?;
        let mut lines = Lines::new(self.rules.longest);
        while let Some(line) = timeout(self.rules.idle, next_line(stream, &mut lines)).await?? {
            match line {
                Line::Text(text) if text == "/quit" => break,
                Line::Text(text) => self.hear(&text)?,
                Line::TooLong => self.tell(&format!("! a line has at most {} bytes", self.rules.longest))?,
            }
            yield_now().await; // many may have come at once: they are not to fill the outboxes before anybody writes
        }
        Ok(())
    }

    fn hear(&mut self, text: &str) -> Result<(), TalkError> {
        let Some(seat) = &self.seat else {
            let others = self.room.borrow().names();
            return match Seat::take(self.room, text, &self.own, &self.scope) {
                Ok(seat) => {
                    self.seat = Some(seat);
                    let others = if others.is_empty() { "nobody" } else { &others };
                    self.tell(&format!("* you are {text}; here are: {others}"))
                }
                Err(error) => self.tell(&format!("! {error}")),
            };
        };
        match text.split_once(' ').map_or((text, ""), |(word, rest)| (word, rest.trim())) {
            ("", "") => Ok(()),
            ("/who", _) => self.tell(&format!("* here are: {}", self.room.borrow().names())),
            ("/nick", name) => match seat.rename(name) {
                Ok(()) => Ok(()),
                Err(error) => self.tell(&format!("! {error}")),
            },
            (word, _) if word.starts_with('/') => {
                self.tell(&format!("! there is no {word}, but /nick NAME, /who and /quit"))
            }
            _ => {
                seat.say(text);
                Ok(())
            }
        }
    }

    /// Tells this client only.
    fn tell(&self, text: &str) -> Result<(), TalkError> {
        self.own.try_send(text.into()).map_err(|_| TalkError::Deaf)
    }
}

/// `None`: the client says no more.
async fn next_line(stream: &TcpStream, lines: &mut Lines) -> io::Result<Option<Line>> {
    let mut buffer = [0; CHUNK];
    loop {
        if let Some(line) = lines.next() {
            return Ok(Some(line));
        }
        match stream.read(&mut buffer).await? {
            0 => return Ok(lines.finish()),
            n => lines.feed(&buffer[..n]),
        }
    }
}
