//! Asking the inspector of another program.

use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use taskgroup::net::UnixStream;
use taskgroup::{Elapsed, timeout};

/// How long a program may take for an answer: it may be in a long poll.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long an answer may be: some 10,000 tasks with long names.
const LONGEST: usize = 64 << 20;

/// What is answered to `json`; see the page of `taskgroup::inspect`. Times are in nanoseconds.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) at: u64,
    pub(crate) pid: u32,
    pub(crate) program: String,
    #[serde(default)]
    pub(crate) timers: usize,
    #[serde(default)]
    pub(crate) sockets: usize,
    #[serde(rename = "loop")]
    pub(crate) of_loop: LoopFigures,
    pub(crate) groups: Vec<Group>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) left_out: usize,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct LoopFigures {
    pub(crate) turns: u64,
    pub(crate) polls: u64,
    pub(crate) wakes: u64,
    pub(crate) asleep: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Group {
    pub(crate) group: u32,
    pub(crate) owner: Option<u32>,
    pub(crate) around: Option<u32>,
    pub(crate) place: Option<String>,
    pub(crate) closing: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Task {
    pub(crate) task: u32,
    /// 0: a root task.
    pub(crate) group: u32,
    pub(crate) name: String,
    pub(crate) place: Option<String>,
    pub(crate) state: State,
    pub(crate) words: String,
    pub(crate) reason: Option<String>,
    pub(crate) polls: Option<u64>,
    pub(crate) busy: Option<u64>,
    pub(crate) polled_at: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    NotStarted,
    Queued,
    Polled,
    Waiting,
    /// Of a newer inspector.
    #[serde(other)]
    Other,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("cannot connect to {}: {source}{}", .path.display(), advice(source))]
    Connect { path: PathBuf, source: io::Error },
    #[error("the program does not answer any more: {0}")]
    Io(#[from] io::Error),
    #[error("the program has ended")]
    Ended,
    #[error("the program has not answered for {} s: it may be in a long poll", PATIENCE.as_secs())]
    Silent(#[from] Elapsed),
    #[error("this is no inspector, or one of another version: {0}")]
    Foreign(String),
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; does the program run, with `--inspect` and that path?",
        io::ErrorKind::ConnectionRefused => "; the program that made it has ended",
        io::ErrorKind::PermissionDenied => "; it is for the user who runs the program",
        _ => "",
    }
}

pub(crate) struct Client {
    stream: UnixStream,
    bytes: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(path: &Path) -> Result<Self, ClientError> {
        let connected = UnixStream::connect(path).await;
        let stream = connected.map_err(|source| ClientError::Connect { path: path.into(), source })?;
        Ok(Self { stream, bytes: Vec::new() })
    }

    /// What the program does now. Asked a second time, it has figures.
    ///
    /// Cancelled while it waits, the answer that comes would be taken for that to the next question: ask no more.
    pub(crate) async fn ask(&mut self) -> Result<Snapshot, ClientError> {
        timeout(PATIENCE, self.answer()).await?
    }

    async fn answer(&mut self) -> Result<Snapshot, ClientError> {
        self.stream.write_all(b"json\n").await?;
        self.bytes.clear();
        while self.bytes.last() != Some(&b'\n') {
            let mut buffer = [0; 16_384];
            match self.stream.read(&mut buffer).await? {
                0 => return Err(ClientError::Ended),
                n => self.bytes.extend_from_slice(&buffer[..n]),
            }
            if self.bytes.len() > LONGEST {
                return Err(ClientError::Foreign("it talks without end".into()));
            }
        }
        serde_json::from_slice(&self.bytes).map_err(|error| ClientError::Foreign(error.to_string()))
    }
}
