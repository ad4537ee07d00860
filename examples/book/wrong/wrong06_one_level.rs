//! Wrong: a wheel of one level. What is far away is looked at each time the wheel comes round.
//!
//! Run: `cargo run --bin wrong06_one_level`
#![allow(clippy::print_stdout, reason = "a program prints")]

// ANCHOR: wheel
const SLOTS: u64 = 64;

/// Timers by the last digit of their tick, in base 64.
struct Wheel {
    now: u64,
    slots: Vec<Vec<u64>>,
    /// How often a timer was looked at.
    looks: u32,
}

impl Wheel {
    fn insert(&mut self, deadline: u64) {
        self.slots[(deadline % SLOTS) as usize].push(deadline);
    }

    /// Goes on by one tick. Gives the timers that are due.
    fn tick(&mut self) -> Vec<u64> {
        self.now += 1;
        let (now, slot) = (self.now, &mut self.slots[(self.now % SLOTS) as usize]);
        self.looks += slot.len() as u32;
        slot.extract_if(.., |deadline| *deadline == now).collect() // the others: another round
    }
}
// ANCHOR_END: wheel

fn main() {
    const HOUR: u64 = 3_600_000; // ticks of a millisecond
    let mut wheel = Wheel { now: 0, slots: vec![Vec::new(); SLOTS as usize], looks: 0 };
    wheel.insert(HOUR);
    while wheel.tick().is_empty() {}
    println!("one timer, due in an hour: looked at {} times", wheel.looks);
}
