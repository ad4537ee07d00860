//! The wheel beside a sorted map, from any start: what is drawn is when the wheel begins and what is done to it.
//!
//! Before: `timer/tests/common/mod.rs`, whose `Pair` does each thing to both and compares all that can be seen.
#![no_main]

#[path = "../../timer/tests/common/mod.rs"]
mod common;

use common::Pair;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Program {
    /// Shifted right by so many bits: else nearly all starts would lie beyond 2^60.
    start: (u64, u8),
    operations: Vec<Operation>,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    Insert(Tick),
    Cancel(u8),
    Reset(u8, Tick),
    Pop(Tick),
    PopAllUntil(Tick),
    RunDry,
}

/// In some relation to now.
#[derive(Arbitrary, Debug)]
enum Tick {
    Soon(u8),
    Later(u64, u8),
    /// At the edge of a slot of this level, or just behind it.
    Edge(u8, u8),
    Past(u64, u8),
    End(u8),
}

impl Tick {
    fn from(&self, now: u64) -> u64 {
        match *self {
            Self::Soon(ticks) => now.saturating_add(ticks.into()),
            Self::Later(ticks, shift) => now.saturating_add(ticks >> (shift % 64)),
            Self::Edge(shift, nudge) => (now | ((1 << (shift % 64)) - 1)).saturating_add((nudge % 4).into()),
            Self::Past(ticks, shift) => now.saturating_sub(ticks >> (shift % 64)),
            Self::End(ticks) => u64::MAX - u64::from(ticks),
        }
    }
}

fuzz_target!(|program: Program| {
    let (start, shift) = program.start;
    let mut pair = Pair::new(start >> (shift % 64));
    for operation in &program.operations {
        let number = |number: u8| usize::from(number).checked_rem(pair.inserted());
        match operation {
            Operation::Insert(tick) => pair.insert(tick.from(pair.now())),
            Operation::Cancel(which) => {
                if let Some(number) = number(*which) {
                    pair.cancel(number);
                }
            }
            Operation::Reset(which, tick) => {
                if let Some(number) = number(*which) {
                    pair.reset(number, tick.from(pair.now()));
                }
            }
            Operation::Pop(tick) => drop(pair.pop(tick.from(pair.now()))),
            Operation::PopAllUntil(tick) => {
                let tick = tick.from(pair.now());
                while pair.pop(tick) {}
            }
            Operation::RunDry => pair.run_dry(),
        }
    }
    pair.run_dry();
});
