//! A level: sixty-four slots and the word that says which of them are occupied.
//!
//! Read after `wheel.rs`, before `slot.rs`. The arithmetic of digits is here too, for it is what
//! makes sixty-four slots a level; the wheel above decides when timers move.

use crate::slot::{NIL, Slot, Timers};

/// A digit is six bits, so that the slots of a level fit the bits of one word.
const DIGIT_BITS: usize = 6;

/// Slots of a level: the values a digit can take.
const SLOTS: usize = 1 << DIGIT_BITS;

/// Levels of a wheel: the digits it takes to write any `u64`.
pub(crate) const LEVELS: usize = (u64::BITS as usize).div_ceil(DIGIT_BITS);

/// The level on which a timer lives: that of the highest digit in which its deadline differs from
/// now. If none differs it is due, and lives on level 0 like all that fall into the present digit.
///
/// Since nothing but deadline and now decides it, timers of one tick come out as they were armed:
///
/// - All timers of one deadline are in one slot at every moment.
/// - Arming appends to that slot. So within it, timers of one deadline stand as they were armed.
/// - A cascade empties its slot from the front and appends each timer to its new slot. Timers of
///   one deadline go to the same new slot, and none of that deadline was there before them, else it
///   would have been in the emptied slot. So they stand there as they stood here.
/// - Timers come out at the front of a level-0 slot, in which all have one deadline.
///
/// And by deadline, since timers on a level agree with now in all higher digits and exceed it in
/// theirs: a lower level is due before a higher one, and a lower slot before a higher one beside it.
///
/// Why not the distance `deadline - now`, which is the obvious thing: two timers for one tick,
/// armed at different times, would then sit on different levels at the same moment. Which comes out
/// first would depend on how the levels are visited, and not on which was armed first.
pub(crate) const fn level_of(now: u64, deadline: u64) -> usize {
    // Bit 0 belongs to level 0 in any case; setting it spares a logarithm of zero.
    ((now ^ deadline) | 1).ilog2() as usize / DIGIT_BITS
}

/// The slot of a tick on a level: the tick's digit there. (The cast may cut off digits above it.)
pub(crate) const fn slot_of(level: usize, tick: u64) -> usize {
    (tick >> (level * DIGIT_BITS)) as usize % SLOTS
}

/// The first tick of the slot into which `tick` falls on a level.
///
/// Its span is `64^level` ticks. The wheel asks for starts only: the end of the last span would lie
/// past the last tick there is.
pub(crate) const fn slot_start(level: usize, tick: u64) -> u64 {
    tick & (u64::MAX << (level * DIGIT_BITS))
}

/// The slots of one digit.
pub(crate) struct Level {
    /// Bit `n` is set exactly if slot `n` is not empty. `push`, `unlink` and `take` keep it so.
    occupied: u64,
    /// By digit. Each list is in the order in which its timers were armed, deadline by deadline.
    slots: [Slot; SLOTS],
}

impl Level {
    /// A level without timers: one kilobyte.
    pub(crate) const fn new() -> Self {
        Level { occupied: 0, slots: [Slot::EMPTY; SLOTS] }
    }

    /// The lowest occupied slot; `None` if the level is empty.
    pub(crate) const fn first_slot(&self) -> Option<usize> {
        if self.occupied == 0 { None } else { Some(self.occupied.trailing_zeros() as usize) }
    }

    /// A tick in the span of an occupied slot, not later than any deadline in it.
    pub(crate) fn earliest(&self, slot: usize) -> u64 {
        self.slots[slot].earliest()
    }

    /// The timer of a slot that came first.
    pub(crate) const fn first_timer(&self, slot: usize) -> u32 {
        self.slots[slot].first()
    }

    /// Appends a timer to a slot.
    pub(crate) fn push<T>(&mut self, slot: usize, timers: &mut Timers<T>, index: u32) {
        self.slots[slot].push(timers, index);
        self.occupied |= 1 << slot;
    }

    /// Takes a timer out of its slot.
    pub(crate) fn unlink<T>(&mut self, slot: usize, timers: &mut Timers<T>, index: u32) {
        debug_assert!(self.occupied & (1 << slot) != 0, "a timer in a slot marked as empty");
        self.slots[slot].unlink(timers, index);
        if self.slots[slot].is_empty() {
            self.occupied &= !(1 << slot);
        }
    }

    /// Empties a slot at one stroke and returns its first timer. The others still follow it by
    /// their links, until the caller has put each into another slot.
    pub(crate) fn take(&mut self, slot: usize) -> u32 {
        let first = core::mem::replace(&mut self.slots[slot], Slot::EMPTY).first();
        debug_assert_ne!(first, NIL, "took an empty slot");
        self.occupied &= !(1 << slot);
        first
    }
}
