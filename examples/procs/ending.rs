//! Signals that end the program: the first in order, the second at once.
//!
//! `taskgroup::run` leaves the second to the system, which ends this process and nobody else. Here others run, in process
//! groups that the terminal's Ctrl-C does not reach: they must be killed. So the second drops everything, and a process
//! that is dropped is killed.
//!
//! Before: nothing. After: `main.rs`.

use futures_lite::future::or;
use std::future::Future;
use std::io;
use std::pin::pin;
use taskgroup::signal::{SignalKind, Signals};
use taskgroup::{CancelScope, Reason};

const KINDS: [SignalKind; 3] = [SignalKind::INTERRUPT, SignalKind::TERMINATE, SignalKind::HANGUP];

/// What a program ends with, if it comes to that, and the signal that came.
pub(crate) struct Ended<T> {
    pub(crate) value: Option<T>,
    pub(crate) signal: Option<SignalKind>,
}

/// Runs `program`. The first signal cancels `work`, a part of it; the second drops all of it.
pub(crate) async fn until_signalled<T>(work: &CancelScope, program: impl Future<Output = T>) -> io::Result<Ended<T>> {
    let signals = Signals::new(KINDS)?;
    let mut program = pin!(program);
    // `or` drops a reference to the program, not the program.
    let mut next = async || or(async { Ok(Err(program.as_mut().await)) }, async { signals.recv().await.map(Ok) }).await;
    let signal = match next().await? {
        Err(value) => return Ok(Ended { value: Some(value), signal: None }),
        Ok(signal) => signal,
    };
    work.cancel(Reason::Interrupt);
    let value = next().await?.err();
    Ok(Ended { value, signal: Some(signal) })
}
