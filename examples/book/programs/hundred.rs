//! The program of step 3: a hundred tasks, each of which waits for an event of its own.

#[path = "../counted.rs"]
mod counted;
#[path = "../event.rs"]
mod event;

use super::{block_on, spawn, yield_now};
use counted::counted;
use event::Event;
use std::cell::Cell;
use std::rc::Rc;

// ANCHOR: hundred
pub(crate) fn hundred() {
    let polls = Rc::new(Cell::new(0));
    let count = polls.clone();
    block_on(async move {
        let events: Vec<_> = (0..100).map(|_| Event::default()).collect();
        for event in &events {
            spawn(counted(event.wait(), count.clone()));
        }
        for event in &events {
            yield_now().await; // one event at a time: all that is ready runs in between
            event.set();
        }
    });
    println!("100 tasks, 100 events: {} polls", polls.get());
}
// ANCHOR_END: hundred
