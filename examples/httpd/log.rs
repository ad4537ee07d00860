//! The access log: a line on standard output for each answer, from all threads.
//!
//! Before: nothing. After: `connection.rs`, `server.rs`.
//!
//! **Danger.** A pipe whose reader is slow, or gone, would hold every client up. **Remedy.** A thread of its own writes;
//! between lies a queue, and lines that do not fit in are dropped and counted. **Cost.** A line that is not written yet when
//! the process is killed is lost.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

/// How many lines may wait.
const QUEUE: usize = 4096;

/// How long the end of the program waits for them to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// An answer.
pub(crate) struct Entry<'a> {
    /// The first line of the request, as it can be printed.
    pub(crate) line: &'a str,
    pub(crate) status: u16,
    /// How many bytes of the body were sent.
    pub(crate) sent: u64,
    pub(crate) time: Duration,
    /// Why they were not all sent, or are not what was asked for.
    pub(crate) trouble: Option<io::Error>,
}

/// Takes lines. Clones write to the same output.
#[derive(Clone)]
pub(crate) struct Log {
    /// `None`: quiet.
    lines: Option<SyncSender<String>>,
    dropped: Arc<AtomicU64>,
}

/// Tells when all is written.
pub(crate) struct Written(Receiver<()>);

impl Log {
    pub(crate) fn new(is_quiet: bool) -> (Self, Written) {
        let (lines, queue) = sync_channel(QUEUE);
        let (tell, written) = sync_channel(1);
        if !is_quiet {
            thread::spawn(move || {
                _ = write_all(&queue); // who closed our output wants no more of it
                drop(queue);
                _ = tell.send(());
            });
        }
        (Self { lines: (!is_quiet).then_some(lines), dropped: Arc::default() }, Written(written))
    }

    pub(crate) fn add(&self, peer: &str, entry: &Entry<'_>) {
        let Some(lines) = &self.lines else { return };
        let Entry { line, status, sent, time, trouble } = entry;
        let trouble = trouble.as_ref().map_or_else(String::new, |error| format!(": {error}"));
        let text = format!("{peer} \"{line}\" {status} {sent} {:.3}ms{trouble}\n", time.as_secs_f64() * 1e3);
        if let Err(TrySendError::Full(_)) = lines.try_send(text) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits a little until all is written. Says how many lines were dropped.
    pub(crate) fn finish(self, written: &Written) -> u64 {
        drop(self.lines);
        _ = written.0.recv_timeout(PATIENCE);
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Each line at once; those that came meanwhile, together.
fn write_all(queue: &Receiver<String>) -> io::Result<()> {
    let mut output = io::stdout();
    while let Ok(mut lines) = queue.recv() {
        while lines.len() < 64 * 1024
            && let Ok(more) = queue.try_recv()
        {
            lines += &more;
        }
        output.write_all(lines.as_bytes())?;
        output.flush()?;
    }
    Ok(())
}
