//! The program of step 10: a task that never waits, beside one that waits for a byte and one that
//! waits for a timer.

use super::{Async, Clock, block_on, sleep, spawn, yield_now};
use std::cell::Cell;
use std::io;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

// ANCHOR: fair
pub(crate) fn fair() -> io::Result<()> {
    block_on(Clock::Real, async {
        let (left, right) = UnixStream::pair()?;
        let (left, right) = (Async::new(left)?, Async::new(right)?);
        let (byte, timer) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
        let (has_byte, has_timer) = (byte.clone(), timer.clone());
        spawn(async move {
            left.read(&mut [0]).await.expect("the other end is open");
            has_byte.set(true);
        });
        spawn(async move {
            sleep(Duration::from_millis(1)).await;
            has_timer.set(true);
        });
        yield_now().await; // both wait now
        right.write(b"!").await?;

        let mut turns = 0; // the task that never waits
        while !byte.get() && turns < 300_000 {
            yield_now().await;
            turns += 1;
        }
        match byte.get() {
            true => println!("the byte was read after {turns} yields"),
            false => println!("the byte was not read in {turns} yields"),
        }
        while !timer.get() && turns < 300_000 {
            yield_now().await;
            turns += 1;
        }
        println!("the timer {}", if timer.get() { "came" } else { "did not come" });
        Ok(())
    })?
}
// ANCHOR_END: fair
