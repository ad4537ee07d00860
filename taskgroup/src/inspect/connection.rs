//! Who has connected to an inspector, and what they are answered.
//!
//! Before: `inspect.rs`. After: `inspect/snapshot.rs`, `inspect/live.rs`.

use super::figures::Figures;
use super::live::Live;
use super::snapshot;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use taskgroup_runtime::instrument::Instrument;
use taskgroup_runtime::net::{UnixListener, UnixStream};
use taskgroup_runtime::{JoinHandle, Local, TaskTree, sleep, tree};

/// How many may be connected at once.
const MOST: usize = 16;

/// How long a line may be.
const LONGEST: usize = 1024;

/// How long to wait when the system has no more descriptors. (The program's own accept loop has the same trouble.)
const BREATH: Duration = Duration::from_millis(100);

const HELP: &str = "\
tree    the task tree, in text
json    the task tree and figures of the loop, a JSON object in one line
events  what there is, and what happens from then on: a JSON object a line, until you hang up
help    this

";

/// The tasks that answer.
#[derive(Default)]
pub(super) struct Connections(RefCell<Vec<JoinHandle<()>>>);

impl Connections {
    pub(super) fn new() -> Rc<Self> {
        Rc::default()
    }

    /// Whether there is room for one more.
    fn has_room(&self) -> bool {
        let mut handles = self.0.borrow_mut();
        handles.retain(|handle| !handle.is_finished());
        handles.len() < MOST
    }

    fn add(&self, handle: JoinHandle<()>) {
        self.0.borrow_mut().push(handle);
    }

    /// Ends them all, each in its next turn.
    pub(super) fn hang_up(&self) {
        let handles = self.0.take();
        for handle in handles {
            handle.cancel();
        }
    }
}

/// Accepts for ever. Each connection is a task of the background by itself: what is spawned there must not be seen.
pub(super) async fn serve(listener: UnixListener, connections: Rc<Connections>) {
    loop {
        let Some(local) = Local::current() else { return };
        match listener.accept().await {
            Ok((stream, _)) if connections.has_room() => {
                connections.add(local.spawn_in_background(talk(stream)));
            }
            Ok((stream, _)) => _ = stream.try_write(b"error: too many are connected already\n"),
            Err(_) => sleep(BREATH).await,
        }
    }
}

/// Answers line by line, until the peer hangs up or does not read any more.
async fn talk(stream: UnixStream) {
    _ = answer_all(&stream).await; // a peer that has gone need not be told
}

async fn answer_all(stream: &UnixStream) -> io::Result<()> {
    let Some(local) = Local::current() else { return Ok(()) };
    let mut lines = Lines { stream, bytes: Vec::new() };
    let mut figures = None;
    while let Some(line) = lines.next().await? {
        match line.as_str() {
            "tree" => {
                let text = format!("{}\n\n", current_tree());
                stream.write_all(text.as_bytes()).await?;
            }
            "json" => {
                let heard = figures.get_or_insert_with(|| Listening::to(&local, Figures::new()));
                let text = snapshot::json(&current_tree(), &heard.instrument);
                stream.write_all(text.as_bytes()).await?;
            }
            "events" => {
                let live = Listening::to(&local, Live::new(&current_tree()));
                return send_events(stream, &live.instrument).await;
            }
            "help" => stream.write_all(HELP.as_bytes()).await?,
            "" => {}
            other => {
                let text = format!("error: unknown request {other:?}; there are: tree, json, events, help\n");
                stream.write_all(text.as_bytes()).await?;
            }
        }
    }
    Ok(())
}

/// Sends until the peer hangs up, also while nothing happens: a program that hangs has no events.
async fn send_events(stream: &UnixStream, live: &Live) -> io::Result<()> {
    let mut reads = true;
    loop {
        let text = {
            let (mut next, mut buffer) = (pin!(live.next()), [0; 64]);
            let mut read = pin!(stream.read(&mut buffer));
            poll_fn(|cx| match next.as_mut().poll(cx) {
                Poll::Ready(text) => Poll::Ready(io::Result::Ok(Some(text))),
                Poll::Pending if reads => read.as_mut().poll(cx).map(|read| Ok((read? > 0).then(String::new))),
                Poll::Pending => Poll::Pending,
            })
            .await?
        };
        match text {
            Some(text) => stream.write_all(text.as_bytes()).await?,
            // It sends no more, or has gone. An empty line finds that out.
            None => {
                reads = false;
                stream.write_all(b"\n").await?;
            }
        }
    }
}

fn current_tree() -> TaskTree {
    tree().expect("a connection is polled in its runtime")
}

/// An instrument, heard until this is dropped.
struct Listening<'a, T: Instrument + 'static> {
    local: &'a Local,
    instrument: Rc<T>,
}

impl<'a, T: Instrument + 'static> Listening<'a, T> {
    fn to(local: &'a Local, instrument: T) -> Self {
        let instrument = Rc::new(instrument);
        local.add_instrument(instrument.clone());
        Self { local, instrument }
    }
}

impl<T: Instrument + 'static> Drop for Listening<'_, T> {
    fn drop(&mut self) {
        let instrument: Rc<dyn Instrument> = self.instrument.clone();
        self.local.remove_instrument(&instrument);
    }
}

/// The lines that a peer sends.
struct Lines<'a> {
    stream: &'a UnixStream,
    bytes: Vec<u8>,
}

impl Lines<'_> {
    /// The next one, without its end. A last one may have none. `None`: the peer sends no more.
    async fn next(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
                let line: Vec<_> = self.bytes.drain(..=end).collect();
                return Ok(Some(text(&line)));
            }
            if self.bytes.len() > LONGEST {
                self.stream.write_all(b"error: that line is too long\n").await?;
                return Err(ErrorKind::InvalidData.into());
            }
            let mut buffer = [0; 256];
            match self.stream.read(&mut buffer).await? {
                0 if self.bytes.is_empty() => return Ok(None),
                0 => return Ok(Some(text(&std::mem::take(&mut self.bytes)))),
                n => self.bytes.extend_from_slice(&buffer[..n]),
            }
        }
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim().to_string()
}
