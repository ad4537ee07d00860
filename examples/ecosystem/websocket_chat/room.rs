//! The server's side: who is there, and the life of a connection.

use crate::{ChatError, PATIENCE};
use async_channel::{Receiver, Sender};
use async_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use async_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use async_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};
use async_tungstenite::{WebSocketReceiver, WebSocketSender, WebSocketStream, accept_async_with_config};
use futures_lite::StreamExt;
use futures_lite::future::poll_once;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;
use taskgroup::net::TcpStream;
use taskgroup::{ExceptionGroup, Why, task_group, timeout, with_resource, yield_now};

/// So many messages may wait for one who does not read. Then there is no place for more, and it has to go.
const OUTBOX: usize = 64;

/// The most bytes that a message may have.
const LONGEST: usize = 64 * 1024;

/// Those who are there.
pub(crate) struct Room {
    members: RefCell<BTreeMap<u64, Member>>,
    came: Cell<u64>,
    ping: Duration,
}

/// What the room has of somebody.
struct Member {
    outbox: Sender<Utf8Bytes>,
    /// Nothing is sent here: that it is dropped is the news.
    _stays: Sender<Infallible>,
}

/// What somebody has of the room: a place. Dropped, it is free.
struct Place<'a> {
    room: &'a Room,
    number: u64,
    outbox: Receiver<Utf8Bytes>,
    stays: Receiver<Infallible>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let place = self.room.members.borrow_mut().remove(&self.number);
        drop(place); // after the borrow
    }
}

/// The two halves of a connection.
type Halves = (WebSocketSender<TcpStream>, WebSocketReceiver<TcpStream>);

impl Room {
    pub(crate) fn new(ping: Duration) -> Self {
        Self { members: RefCell::default(), came: Cell::new(0), ping }
    }

    fn enter(&self) -> Place<'_> {
        let number = self.came.get();
        self.came.set(number + 1);
        let ((sender, outbox), (_stays, stays)) = (async_channel::bounded(OUTBOX), async_channel::bounded(1));
        self.members.borrow_mut().insert(number, Member { outbox: sender, _stays });
        Place { room: self, number, outbox, stays }
    }

    /// Sends it to all. Who has no place for it in the outbox is no member any more, and [`Place::stays`] says so.
    fn broadcast(&self, text: &str) {
        let text = Utf8Bytes::from(text);
        let outboxes = |(number, member): (&u64, &Member)| (*number, member.outbox.clone());
        let outboxes: Vec<_> = self.members.borrow().iter().map(outboxes).collect(); // to send wakes, which is no code of ours
        for (number, outbox) in outboxes {
            if outbox.try_send(text.clone()).is_err() {
                let slow = self.members.borrow_mut().remove(&number);
                drop(slow);
            }
        }
    }

    /// The life of a connection. However it ends, by a cancel too, the peer is told.
    pub(crate) async fn welcome(&self, stream: TcpStream) -> Result<(), ChatError> {
        let config = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
        let socket =
            timeout(PATIENCE, accept_async_with_config(stream, Some(config))).await?.map_err(ChatError::Handshake)?;
        with_resource(
            socket.split(),
            async |halves| self.serve(halves).await,
            async |halves, why| {
                let (code, reason) = match &why {
                    Why::Cancelled(reason) => (CloseCode::Away, format!("the server ends: {reason}")),
                    Why::Ended => (CloseCode::Normal, String::new()),
                    _ => (CloseCode::Policy, "you cannot be served".to_owned()),
                };
                let goodbye = close(halves, CloseFrame { code, reason: reason.into() });
                match why {
                    // Who says nothing sensible, or nothing at all, is told if that can be done at once.
                    Why::Failed | Why::Panicked => _ = poll_once(goodbye).await,
                    _ => _ = timeout(PATIENCE, goodbye).await,
                }
            },
        )
        .await
    }

    /// One reads, one writes, each with its half, and one waits for the room to be done with them. The first to end ends all.
    async fn serve(&self, (sender, receiver): &mut Halves) -> Result<(), ChatError> {
        let name = match self.hear(receiver).await? {
            Some(name) if (1..=32).contains(&name.chars().count()) && name.chars().all(char::is_alphanumeric) => name,
            Some(_) => return Err(ChatError::Name),
            None => return Ok(()),
        };
        let place = self.enter();
        self.broadcast(&format!("* {name} is here"));
        let both = task_group(async |g| {
            g.spawn(self.write(sender, &place.outbox)).named("writes");
            g.spawn(async {
                match place.stays.recv().await {
                    Ok(never) => match never {},
                    Err(_) => Err::<(), _>(ChatError::Slow),
                }
            })
            .named("stays");
            while let Some(text) = self.hear(receiver).await? {
                self.broadcast(&format!("{name}: {text}"));
                yield_now().await; // many may have come at once: they are not to fill the outboxes before anybody writes
            }
            g.cancel("the peer has left");
            Ok(())
        });
        let ended = both.await.map_err(first);
        drop(place);
        self.broadcast(&format!("* {name} has left"));
        ended
    }

    /// The next text. Any message is a sign of life, the answers to our pings too. `None`: the peer has said goodbye.
    async fn hear(&self, receiver: &mut WebSocketReceiver<TcpStream>) -> Result<Option<Utf8Bytes>, ChatError> {
        loop {
            match timeout(self.ping * 3, receiver.next()).await? {
                Some(Ok(Message::Text(text))) => return Ok(Some(text)),
                Some(Ok(Message::Close(_))) | None => return Ok(None),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// Sends what is in the outbox; a ping if that has been empty for a while.
    async fn write(
        &self,
        sender: &mut WebSocketSender<TcpStream>,
        outbox: &Receiver<Utf8Bytes>,
    ) -> Result<(), ChatError> {
        loop {
            let message = match timeout(self.ping, outbox.recv()).await {
                Ok(Ok(text)) => Message::Text(text),
                Ok(Err(_)) => return Err(ChatError::Slow),
                Err(_) => Message::Ping(Bytes::new()),
            };
            sender.send(message).await?;
        }
    }
}

/// The closing handshake: says goodbye, and reads until the other has said so too. (If the other was first, the goodbye is
/// refused, and it is the reading that answers.)
async fn close((mut sender, mut receiver): Halves, goodbye: CloseFrame) {
    _ = sender.close(Some(goodbye)).await;
    while let Some(Ok(_)) = receiver.next().await {}
}

fn first(errors: ExceptionGroup<ChatError>) -> ChatError {
    errors.into_errors().next().expect("a group of errors is never empty")
}

/// A client's connection.
pub(crate) type Socket = WebSocketStream<TcpStream>;
