//! A runtime in a program that has a loop of its own: a game, sixty frames a second.

use std::cell::Cell;
use std::time::Duration;
use taskgroup::{BoxError, Clock, Runtime, boxed::task_group, sleep};

const FRAME: Duration = Duration::from_millis(16);

/// What a door does, told as it happens; no state machine.
async fn door(height: &Cell<usize>) {
    for open in 1..=3 {
        sleep(2 * FRAME).await;
        height.set(open);
    }
    sleep(3 * FRAME).await;
    height.set(0);
}

pub(crate) fn main() -> Result<(), BoxError> {
    let (left, right) = (Cell::new(0), Cell::new(0)); // the world: the host's, and the tasks borrow it
    let runtime = Runtime::with_clock(Clock::Manual);
    let scene = runtime.spawn(task_group(async |g| {
        g.spawn(door(&left)).named("left");
        sleep(3 * FRAME).await;
        g.spawn(door(&right)).named("right");
        Ok(())
    }));
    let mut frame = 0;
    while !scene.is_finished() {
        while runtime.turn(Some(Duration::ZERO))?.ready {} // what the tasks do in this frame
        let draw = |door: &Cell<usize>| "#".repeat(door.get());
        println!("frame {frame:>2}: [{:3}] [{:3}]", draw(&left), draw(&right));
        runtime.advance(FRAME)?;
        frame += 1;
    }
    Ok(())
}
