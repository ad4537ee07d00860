//! The order of a batch, if it is not that of the wakes.
//!
//! Before: `slots.rs`. After: `seed.rs`, which tells the seed.
//!
//! **What may be shuffled.** The members of a batch, among themselves. What a batch is, when a group acts on it, and what
//! is woken by it, stays. **What may not.** Those who come up for the first time stay in order among themselves, though not
//! among the others: that tasks start in the order of spawning is promised, and the loop relies on it (`SPAWNED`). That a
//! body comes before its tasks needs no rule: nobody else is in its group when it is polled first.
#![forbid(unsafe_code)]

use super::{FOR_FIRST_POLL, FOR_PLACE, Slots, Tables};
use crate::current::NONE;

/// A state of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
#[derive(Clone, Copy)]
pub(super) struct Shuffle(u64);

impl Shuffle {
    /// A number below `bound`, which is not 0. (Nearly uniform: bounds are small.)
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut n = self.0;
        n = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n = (n ^ n >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^= n >> 31;
        ((u128::from(n) * bound as u128) >> 64) as usize
    }
}

impl Slots {
    /// From now on, batches are shuffled.
    pub(crate) fn shuffle(&self, seed: u64) {
        self.0.borrow().shuffle.set(Some(Shuffle(seed)));
    }
}

impl Tables {
    /// Shuffles a queue that was taken out of its set, and gives its new first.
    #[cold]
    pub(super) fn shuffled(&self, first: u32) -> u32 {
        let Some(mut shuffle) = self.shuffle.get() else { return first };
        let next = |id: &u32| Some(self.slots[*id as usize].next.get()).filter(|next| *next != NONE);
        let mut order: Vec<u32> = std::iter::successors(Some(first), next).collect();
        let is_new = |id: &u32| matches!(self.slots[*id as usize].wait.get(), FOR_FIRST_POLL | FOR_PLACE);
        let mut newcomers = order.clone().into_iter().filter(is_new);
        for left in (2..=order.len()).rev() {
            order.swap(left - 1, shuffle.below(left));
        }
        for id in order.iter_mut().filter(|id| is_new(id)) {
            *id = newcomers.next().expect("as many as before");
        }
        self.shuffle.set(Some(shuffle));
        order.into_iter().rev().fold(NONE, |next, id| {
            self.slots[id as usize].next.set(next);
            id
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_below_a_bound_comes_up_about_as_often() {
        let mut shuffle = Shuffle(7);
        let mut counts = [0_u32; 5];
        (0..5_000).for_each(|_| counts[shuffle.below(5)] += 1);
        assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
    }
}
