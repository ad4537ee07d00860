//! Random operations on the wheel and its model, from every start that could be special: 20,000 sequences of them, the long
//! ones of 250 operations. (`fuzz/targets/wheel.rs` draws the start too, and runs as long as it may.)
//!
//! The seeds are fixed, so the test does the same each time; a failure says from which start and
//! seed it came.

mod common;

use common::{OnFailure, Pair};
use fastrand::Rng;

/// A few sequences are long, so that the wheel fills up; the many are short, as the bugs of wheels are.
const LONG: usize = 250;
const SHORT: usize = 60;

#[test]
fn ten_thousand_sequences_agree_with_a_sorted_map_from_every_level_boundary() {
    for power in 1..=10 {
        let boundary = 1_u64 << (6 * power);
        for start in boundary - 2..=boundary + 2 {
            for seed in 0..200 {
                operate_at_random(start, start.wrapping_add(seed), if seed == 0 { LONG } else { SHORT });
            }
        }
    }
}

#[test]
fn two_thousand_sequences_agree_with_a_sorted_map_at_both_ends_of_time() {
    for distance in 0..10 {
        for seed in 0..100 {
            let length = if seed < 10 { LONG } else { SHORT };
            operate_at_random(distance, seed, length);
            operate_at_random(u64::MAX - distance, seed, length);
        }
    }
}

#[test]
fn eight_thousand_sequences_agree_with_a_sorted_map_from_random_starts() {
    let mut random = Rng::with_seed(8334);
    for number in 0..8000 {
        // Of every magnitude, not nearly all beyond 2^60.
        let start = random.u64(..) >> random.u32(..64);
        operate_at_random(start, random.u64(..), if number < 300 { LONG } else { SHORT });
    }
}

/// At most so many operations.
fn operate_at_random(start: u64, seed: u64, length: usize) {
    let _on_failure = OnFailure(("start", start, "seed", seed));
    let mut random = Rng::with_seed(seed);
    let mut pair = Pair::new(start);
    // Without cancel and reset half of the time: only then must every next deadline be exact.
    let kinds = if random.bool() { 10 } else { 6 };
    // Time must not be used up by the first jump: this many bits it moves at most at once.
    let jump_bits = random.u32(1..=64);

    for _ in 0..if length == LONG { LONG } else { random.usize(1..=length) } {
        match random.u32(..kinds) {
            0..3 => pair.insert(some_tick(&mut random, pair.now(), 64)),
            3..6 => {
                let to = some_tick(&mut random, pair.now(), jump_bits);
                // Once, or until nothing is due, so that the others meet timers that are due.
                while pair.pop(to) && random.bool() {}
            }
            6..8 if pair.inserted() > 0 => {
                let number = random.usize(..pair.inserted());
                pair.reset(number, some_tick(&mut random, pair.now(), 64));
            }
            _ if pair.inserted() > 0 => pair.cancel(random.usize(..pair.inserted())),
            _ => {}
        }
    }
    pair.run_dry();
}

/// A tick that stands in some relation to now: soon, later by any magnitude up to so many bits, at
/// the edge of a slot ahead, in the past, at the end of time.
fn some_tick(random: &mut Rng, now: u64, bits: u32) -> u64 {
    let shift = random.u32(..bits);
    let nudge = random.u64(..3);
    match random.u32(..8) {
        0 | 1 => now.saturating_add(random.u64(..5)),
        2 => now.saturating_add(random.u64(..130)),
        3 | 4 => now.saturating_add(random.u64(..) >> (63 - shift) >> 1),
        5 | 6 => (now | ((1 << shift) - 1)).saturating_add(nudge),
        _ if random.bool() || bits < 64 => now.saturating_sub(random.u64(..) >> random.u32(..64)),
        _ => u64::MAX - nudge,
    }
}
