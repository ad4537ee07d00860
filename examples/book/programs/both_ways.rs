//! The first program of step 9: a task writes to a socket while another one waits to read from it.

#[path = "../event.rs"]
mod event;
#[path = "within.rs"]
mod within;

use super::{Clock, Stream, block_on, sleep, spawn};
use event::Event;
use std::io;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;
use within::within;

// ANCHOR: both_ways
const MUCH: usize = 4 << 20; // more than the kernel keeps for us

pub(crate) fn both_ways() -> io::Result<()> {
    block_on(Clock::Real, async move {
        let (left, right) = UnixStream::pair()?;
        let (left, right) = (Rc::new(Stream::new(left)?), Stream::new(right)?);
        let writer = left.clone();
        spawn(async move {
            let (bytes, mut written) = ([0; 65536], 0);
            while written < MUCH {
                written += writer.write(&bytes).await.expect("the other end is open");
            }
        });
        let late = Event::default();
        let too_late = late.clone();
        spawn(async move {
            let (mut buffer, mut read) = ([0; 65536], 0);
            for enough in [MUCH / 2, MUCH] {
                while read < enough {
                    read += right.read(&mut buffer).await.expect("the other end is open");
                }
                if enough < MUCH {
                    sleep(Duration::from_millis(2)).await; // the writer has to wait again
                    right.write(b"so far, so good").await.expect("the other end is open");
                    sleep(Duration::from_millis(5)).await; // time enough to be woken
                    too_late.set();
                }
            }
        });
        let mut answer = [0; 16];
        match within(late.wait(), left.read(&mut answer)).await {
            Some(n) => println!("the answer: {}", String::from_utf8_lossy(&answer[..n?])),
            None => println!("the answer is there, and who waits for it was not woken"),
        }
        Ok(())
    })?
}
// ANCHOR_END: both_ways
