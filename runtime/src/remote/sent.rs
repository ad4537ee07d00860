//! Which slots have a letter in the box, so that each has one at most.
//!
//! Before: nothing. After: `remote.rs`.
//!
//! A bit for each slot, set by whoever sends and cleared by the loop. The table grows in blocks that never move: the
//! first holds 4,096 bits, each other one as many as all before it together. A block is made when the first letter to
//! one of its slots is sent, so a program that wakes nobody from elsewhere has none.
#![forbid(unsafe_code)]

use crate::sync::OnceLock;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Slots of the first block, as a power of two.
const FIRST: u32 = 12;
/// Blocks that it takes for all slots that there can be.
const BLOCKS: usize = (u32::BITS - FIRST + 1) as usize;

#[derive(Debug, Default)]
pub(crate) struct Sent {
    blocks: [OnceLock<Box<[AtomicU64]>>; BLOCKS],
}

impl Sent {
    /// Sets a slot's bit. Whether it was set before.
    pub(crate) fn set(&self, slot: u32) -> bool {
        let (block, bit) = place_of(slot);
        let block = self.blocks[block].get_or_init(|| block_of(block));
        block[bit / 64].fetch_or(1 << (bit % 64), Ordering::SeqCst) & 1 << (bit % 64) != 0
    }

    /// Clears a slot's bit.
    pub(crate) fn clear(&self, slot: u32) {
        let (block, bit) = place_of(slot);
        if let Some(block) = self.blocks[block].get() {
            block[bit / 64].fetch_and(!(1 << (bit % 64)), Ordering::SeqCst);
        }
    }
}

/// The block of a slot's bit, and its place in there.
fn place_of(slot: u32) -> (usize, usize) {
    match (slot >> FIRST).checked_ilog2() {
        None => (0, slot as usize),
        Some(doublings) => (1 + doublings as usize, (slot - (1 << (FIRST + doublings))) as usize),
    }
}

fn block_of(block: usize) -> Box<[AtomicU64]> {
    let bits = 1usize << (FIRST as usize + block.saturating_sub(1));
    (0..bits / 64).map(|_| AtomicU64::new(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_a_bit_of_its_own() {
        let edges = (FIRST..u32::BITS).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) + 1]);
        let mut places: Vec<_> = edges.chain([0, 1, 63, 64, u32::MAX]).map(place_of).collect();
        for &(block, bit) in &places {
            assert!(bit < 1 << (FIRST as usize + block.saturating_sub(1)), "block {block} has no bit {bit}");
        }
        let slots = places.len();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), slots, "two slots have the same bit");
    }

    #[test]
    fn a_bit_is_set_until_it_is_cleared() {
        let sent = Sent::default();
        for slot in [0, 1, 63, 64, 4095, 4096, 100_000] {
            assert!(!sent.set(slot));
            assert!(sent.set(slot));
            sent.clear(slot);
            assert!(!sent.set(slot));
        }
        sent.clear(1 << 20); // in a block that is not there
    }
}
