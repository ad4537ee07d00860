//! The clients' side: a person in the demo, and one at a terminal.

use crate::ChatError;
use crate::room::Socket;
use async_tungstenite::client_async;
use async_tungstenite::tungstenite::Message;
use futures_lite::io::BufReader;
use futures_lite::{AsyncBufReadExt, StreamExt};
use std::fs::File;
use std::io::{self, PipeReader, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use taskgroup::net::TcpStream;
use taskgroup::{Async, BoxError, ExceptionGroup, task_group};

/// Somebody who talks.
pub(crate) struct Person {
    name: String,
    socket: Socket,
}

async fn connect(address: SocketAddr, name: &str) -> Result<Socket, ChatError> {
    let stream = TcpStream::connect(address).await.map_err(ChatError::Connect)?;
    let connected = client_async(format!("ws://{address}/"), stream).await;
    let (mut socket, _) = connected.map_err(ChatError::Handshake)?;
    socket.send(Message::text(name)).await?;
    Ok(socket)
}

impl Person {
    pub(crate) async fn join(address: SocketAddr, name: &str) -> Result<Self, ChatError> {
        Ok(Self { name: name.to_owned(), socket: connect(address, name).await? })
    }

    pub(crate) async fn say(&mut self, text: &str) -> Result<(), ChatError> {
        Ok(self.socket.send(Message::text(text)).await?)
    }

    /// Prints the next so many things that are said.
    pub(crate) async fn hear(&mut self, count: usize, output: &mut impl Write) -> Result<(), ChatError> {
        for _ in 0..count {
            let text = loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => break text,
                    Some(Ok(Message::Close(Some(goodbye)))) => {
                        writeln!(output, "{} is told: {} {}", self.name, u16::from(goodbye.code), goodbye.reason)
                            .map_err(ChatError::Print)?;
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err(ChatError::Ended),
                }
            };
            writeln!(output, "{} hears: {text}", self.name).map_err(ChatError::Print)?;
        }
        Ok(())
    }

    /// Says goodbye, and waits until the server has said so too.
    pub(crate) async fn leave(mut self) -> Result<(), ChatError> {
        self.socket.close(None).await?;
        while let Some(message) = self.socket.next().await {
            message?;
        }
        Ok(())
    }
}

/// A person at a terminal, or behind a pipe: says each line, and prints what is heard, until there are no more lines.
pub(crate) async fn join(address: SocketAddr, name: &str) -> Result<(), BoxError> {
    // Opened once more: standard input is shared with whoever started us, who would not like it non-blocking.
    let input = File::open("/dev/stdin").map(|file| PipeReader::from(OwnedFd::from(file)));
    let input = input.and_then(Async::new).map_err(ChatError::Input)?;
    let mut lines = BufReader::new(input).lines();
    let (mut sender, mut receiver) = connect(address, name).await?.split();
    let talk = task_group::<ChatError, _, _>(async |g| {
        g.spawn(async {
            // Nothing is sent that was not typed, but the goodbye; who is cancelled here has been hung up on.
            while let Some(line) = lines.next().await {
                sender.send(Message::text(line.map_err(ChatError::Input)?)).await?;
            }
            Ok(sender.close(None).await?)
        })
        .named("says");
        while let Some(message) = receiver.next().await {
            match message? {
                Message::Text(text) => writeln!(io::stdout(), "{text}").map_err(ChatError::Print)?,
                Message::Close(Some(goodbye)) if !goodbye.reason.is_empty() => {
                    writeln!(io::stdout(), "* {}", goodbye.reason).map_err(ChatError::Print)?;
                }
                _ => {}
            }
        }
        g.cancel("the server has hung up");
        Ok(())
    });
    talk.await.map_err(|errors: ExceptionGroup<ChatError>| errors.single().map_or_else(BoxError::from, BoxError::from))
}
