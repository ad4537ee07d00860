//! What is written to standard output and standard error: all of it here, one piece after the other.
//!
//! A write blocks as long as the reader does not read. So it is done on another thread, and whoever has something to
//! write waits for room.
//!
//! Before: nothing. After: `output.rs`, which has something to write.

use async_channel::{Receiver, Sender, bounded};
use std::io::{self, Write};
use taskgroup::{shield, unblock};

/// Clears the line of the terminal.
const CLEAR: &[u8] = b"\r\x1b[K";

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

enum Piece {
    Text(Stream, Vec<u8>),
    /// The last line of the terminal, which stays behind whatever is written; empty for none.
    Status(String),
}

pub(crate) struct Printer(Sender<Piece>);

/// The other end, with [`write`](Writer::write).
pub(crate) struct Writer {
    pieces: Receiver<Piece>,
    status: String,
}

impl Printer {
    pub(crate) fn new() -> (Self, Writer) {
        let (sender, pieces) = bounded(64);
        (Self(sender), Writer { pieces, status: String::new() })
    }

    /// Writes a piece: no other gets in between. Waits for room, and holds a cancel off: what has been read is written.
    pub(crate) async fn print(&self, to: Stream, text: Vec<u8>) {
        if !text.is_empty() {
            self.send(Piece::Text(to, text)).await;
        }
    }

    /// Changes the status line, which goes to standard error. For a terminal.
    pub(crate) async fn status(&self, text: String) {
        self.send(Piece::Status(text)).await;
    }

    async fn send(&self, piece: Piece) {
        let _ = shield(self.0.send(piece)).await; // the writer has failed, and has said so
    }

    /// No more: when all is written, the writer ends.
    pub(crate) fn close(&self) {
        self.0.close();
    }
}

impl Writer {
    /// Writes what comes, until the printer is closed.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written to. If standard error cannot, nobody is left to tell.
    pub(crate) async fn write(mut self) -> io::Result<()> {
        let mut next = self.pieces.recv().await.ok();
        while let Some(piece) = next.take() {
            let (mut to, mut text, before) = (Stream::Stderr, Vec::new(), !self.status.is_empty());
            match piece {
                Piece::Status(status) => self.status = status,
                Piece::Text(stream, bytes) => (to, text) = (stream, bytes),
            }
            // All that is there in one write.
            while text.len() < 64 * 1024 {
                match self.pieces.try_recv() {
                    Ok(Piece::Text(stream, bytes)) if stream == to => text.extend_from_slice(&bytes),
                    Ok(other) => {
                        next = Some(other);
                        break;
                    }
                    Err(_) => break,
                }
            }
            let status = self.status.clone();
            unblock(move || put(to, before, &text, &status)).await?;
            if next.is_none() {
                next = self.pieces.recv().await.ok();
            }
        }
        if !self.status.is_empty() {
            unblock(|| put(Stream::Stderr, true, &[], "")).await?;
        }
        Ok(())
    }
}

/// Writes a text, without a status line before it and with one behind. Blocks.
fn put(to: Stream, has_status: bool, text: &[u8], status: &str) -> io::Result<()> {
    let mut stderr = io::stderr();
    if has_status {
        let _ = stderr.write_all(CLEAR);
    }
    match to {
        Stream::Stdout => {
            let mut stdout = io::stdout().lock();
            stdout.write_all(text)?;
            stdout.flush()?;
        }
        Stream::Stderr => drop(stderr.write_all(text)),
    }
    let _ = stderr.write_all(status.as_bytes());
    Ok(())
}
