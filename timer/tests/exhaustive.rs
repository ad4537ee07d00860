//! Every sequence of a few operations round a boundary of levels.
//!
//! Random operations seldom meet in one slot in just the wrong order; here all of them do.

mod common;

use common::{OnFailure, Pair};

#[derive(Clone, Copy, Debug)]
enum Operation {
    /// A new timer, due so many ticks after the start.
    Insert(u64),
    /// Of the timer with this number.
    Cancel(usize),
    /// Of the timer with this number, to so many ticks after the start.
    Reset(usize, u64),
    /// One `pop`, to so many ticks after the start.
    Pop(u64),
}
use Operation::{Cancel, Insert, Pop, Reset};

/// Ticks 2 and 3 lie beyond the boundary if the start is two ticks before it; 70 lies in the slot
/// behind the next, so that a timer cascades twice: once when 2 is reached, once when 66 is.
const OPERATIONS: [Operation; 10] =
    [Insert(1), Insert(3), Insert(70), Cancel(0), Cancel(1), Reset(0, 3), Reset(1, 70), Pop(1), Pop(3), Pop(68)];

/// One more where the compiler makes up for it.
const LENGTH: usize = if cfg!(debug_assertions) { 5 } else { 6 };

#[test]
fn every_short_sequence_agrees_with_a_sorted_map_across_the_first_boundary() {
    try_all_sequences(64 - 2);
}

#[test]
fn every_short_sequence_agrees_with_a_sorted_map_across_the_second_boundary() {
    try_all_sequences(64 * 64 - 2);
}

#[test]
fn every_short_sequence_agrees_with_a_sorted_map_at_the_end_of_time() {
    try_all_sequences(u64::MAX - 70);
}

fn try_all_sequences(start: u64) {
    let mut sequence = Vec::with_capacity(LENGTH);
    extend(start, 0, &mut sequence);
}

/// Tries every sequence that begins with this one. The recursion is as deep as a sequence is long.
fn extend(start: u64, inserted: usize, sequence: &mut Vec<Operation>) {
    if sequence.len() == LENGTH {
        // Shorter ones need no run of their own: all is compared after every operation.
        return perform(start, sequence);
    }
    for operation in OPERATIONS {
        let inserted = match operation {
            // The timer does not exist yet; there is no key to try.
            Cancel(number) | Reset(number, _) if number >= inserted => continue,
            Insert(_) => inserted + 1,
            _ => inserted,
        };
        sequence.push(operation);
        extend(start, inserted, sequence);
        sequence.pop();
    }
}

fn perform(start: u64, sequence: &[Operation]) {
    let _on_failure = OnFailure(("start", start, "then", sequence));
    let mut pair = Pair::new(start);
    for &operation in sequence {
        match operation {
            Insert(after) => pair.insert(start + after),
            Cancel(number) => pair.cancel(number),
            Reset(number, after) => pair.reset(number, start + after),
            Pop(after) => drop(pair.pop(start + after)),
        }
    }
    pair.run_dry();
}
