//! What a process writes: read from its pipe, and printed.
//!
//! Before: `../support/lane.rs`, `printer.rs`. After: `process.rs`.

use crate::lane::Lane;
use crate::printer::{Printer, Stream};
use std::io::{self, PipeReader, Read};
use taskgroup::{Async, with_resource};

const CHUNK: usize = 16 * 1024;
/// No pipe holds more, unless the system was told otherwise.
const PIPE: usize = 1024 * 1024;
/// So much of an output that is shown whole is kept; of a longer one these are the pieces.
const WHOLE: usize = 16 * 1024 * 1024;

/// How it is shown.
pub(crate) enum Shape {
    /// Each line as it comes, behind a name.
    Lane(Lane),
    /// The bytes as they are, when the process has ended.
    Whole(Vec<u8>),
}

impl Shape {
    /// Takes what came, and gives what is to be printed now.
    fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Lane(lane) => lane.push(bytes),
            Self::Whole(kept) => {
                kept.extend_from_slice(bytes);
                if kept.len() < WHOLE { Vec::new() } else { std::mem::take(kept) }
            }
        }
    }

    fn finish(&mut self) -> Vec<u8> {
        match self {
            Self::Lane(lane) => lane.finish(),
            Self::Whole(kept) => std::mem::take(kept),
        }
    }
}

/// The end of a pipe, and where it leads.
pub(crate) struct Output {
    pub(crate) pipe: PipeReader,
    pub(crate) shape: Shape,
    pub(crate) to: Stream,
}

impl Output {
    /// Prints all that comes, until nobody can write any more. Cancelled, it prints what is there and ends: for when the
    /// process is gone, and something that has left its group holds the pipe.
    pub(crate) async fn print(self, printer: &Printer) -> io::Result<()> {
        let Self { pipe, shape, to } = self;
        let body = async |(pipe, shape): &mut (Async<PipeReader>, Shape)| {
            let mut buffer = vec![0; CHUNK];
            loop {
                match pipe.read_with(|mut pipe| pipe.read(&mut buffer)).await? {
                    0 => return Ok(()),
                    n => printer.print(to, shape.push(&buffer[..n])).await,
                }
            }
        };
        let rest = async |(pipe, mut shape): (Async<PipeReader>, Shape), _| {
            let (mut buffer, mut taken) = (vec![0; CHUNK], 0);
            while taken < PIPE
                && let Ok(n @ 1..) = pipe.try_read_with(|mut pipe| pipe.read(&mut buffer))
            {
                taken += n;
                printer.print(to, shape.push(&buffer[..n])).await;
            }
            printer.print(to, shape.finish()).await;
        };
        with_resource((Async::new(pipe)?, shape), body, rest).await
    }
}
