//! The program of step 8: one end of a pair of sockets is read before anything was written to the
//! other.

#[path = "../counted.rs"]
mod counted;

use super::{Clock, Stream, block_on, sleep, spawn};
use counted::counted;
use std::cell::Cell;
use std::io;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

// ANCHOR: pair
pub(crate) fn pair() -> io::Result<()> {
    let polls = Rc::new(Cell::new(0));
    let count = polls.clone();
    let read = block_on(Clock::Real, async move {
        let (left, right) = UnixStream::pair()?;
        let (left, right) = (Stream::new(left)?, Rc::new(Stream::new(right)?));
        let writer = right.clone(); // and `right` stays open
        spawn(async move {
            sleep(Duration::from_millis(2)).await;
            _ = writer.write(b"hello").await;
        });
        let mut buffer = [0; 16];
        let n = counted(left.read(&mut buffer), count).await?;
        io::Result::Ok(String::from_utf8_lossy(&buffer[..n]).into_owned())
    })?;
    match read {
        Ok(word) => println!("{word:?} after {} polls", polls.get()),
        Err(error) => println!("{error}"),
    }
    Ok(())
}
// ANCHOR_END: pair
