//! A slot: the timers that share a span of ticks, in the order in which they came.
//!
//! Read after `level.rs`; nothing stands below. The list is threaded through the timers themselves
//! (each knows its two neighbours by index), so that any timer leaves in constant time and a slot
//! costs sixteen bytes. Why not a `VecDeque` in each slot: to cancel one of a million timers would
//! mean to look for it, or to leave a corpse for the cascades to carry along.

use slab::Slab;

/// Every armed timer of a wheel, by index.
pub(crate) type Timers<T> = Slab<Timer<T>>;

/// The index that no timer has: ends a list in either direction.
pub(crate) const NIL: u32 = u32::MAX;

/// One armed timer. It is always linked into exactly one slot.
pub(crate) struct Timer<T> {
    /// The number of the `insert` that made it. No other timer of this wheel has ever had it, while
    /// the index is used again: together they make a key that cannot be mistaken.
    pub(crate) id: u64,
    /// When it is due. Never before the wheel's now: `insert` and `reset` see to that.
    pub(crate) deadline: u64,
    /// The timer in front of it in its slot; `NIL` exactly if it is the slot's first.
    previous: u32,
    /// The timer behind it in its slot; `NIL` exactly if it is the slot's last.
    next: u32,
    /// What the caller gets back. The wheel never looks at it.
    pub(crate) value: T,
}

impl<T> Timer<T> {
    /// A timer that is in no slot yet.
    pub(crate) const fn new(id: u64, deadline: u64, value: T) -> Self {
        Timer { id, deadline, previous: NIL, next: NIL, value }
    }

    /// The timer behind this one in its slot, or `NIL`.
    pub(crate) const fn next(&self) -> u32 {
        self.next
    }
}

/// A list of timers, first come first.
#[derive(Clone, Copy)]
pub(crate) struct Slot {
    /// The timer that came first; `NIL` exactly if the slot is empty.
    first: u32,
    /// The timer that came last; `NIL` exactly if the slot is empty.
    last: u32,
    /// Not later than any deadline in the list, and itself a deadline that was in the list, so it
    /// lies in the slot's span. Means nothing while the slot is empty.
    ///
    /// It is exact until the timer it came from is unlinked. To find the next smallest then would
    /// take a walk through the list; to be early costs the caller one look that finds nothing due.
    earliest: u64,
}

impl Slot {
    /// A slot without timers.
    pub(crate) const EMPTY: Slot = Slot { first: NIL, last: NIL, earliest: 0 };

    /// Whether no timer is in the slot.
    pub(crate) const fn is_empty(&self) -> bool {
        self.first == NIL
    }

    /// The timer that came first, or `NIL`.
    pub(crate) const fn first(&self) -> u32 {
        self.first
    }

    /// A tick in the slot's span, not later than any deadline in the slot.
    pub(crate) fn earliest(&self) -> u64 {
        debug_assert!(!self.is_empty(), "an empty slot has no earliest deadline");
        self.earliest
    }

    /// Appends a timer that is in no slot. Constant time.
    pub(crate) fn push<T>(&mut self, timers: &mut Timers<T>, index: u32) {
        let previous = self.last;
        let timer = &mut timers[index as usize];
        timer.previous = previous;
        timer.next = NIL;

        self.last = index;
        if previous == NIL {
            self.first = index;
            self.earliest = timer.deadline;
        } else {
            self.earliest = self.earliest.min(timer.deadline);
            timers[previous as usize].next = index;
        }
    }

    /// Takes out a timer that is in this very slot, wherever it stands. Constant time.
    pub(crate) fn unlink<T>(&mut self, timers: &mut Timers<T>, index: u32) {
        let Timer { previous, next, deadline, .. } = timers[index as usize];
        debug_assert!(deadline >= self.earliest, "a timer is due before its slot's earliest");

        // An end of the list is either a neighbour's link or the slot's own.
        let from_the_front = match previous {
            NIL => &mut self.first,
            previous => &mut timers[previous as usize].next,
        };
        debug_assert_eq!(*from_the_front, index, "the timer is in another slot");
        *from_the_front = next;

        let from_the_back = match next {
            NIL => &mut self.last,
            next => &mut timers[next as usize].previous,
        };
        debug_assert_eq!(*from_the_back, index, "the timer is in another slot");
        *from_the_back = previous;
    }
}
