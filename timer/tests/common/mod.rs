//! The wheel beside its model.
//!
//! The model is the definition of what a wheel does, with none of its cleverness: a sorted map from
//! (deadline, how many were armed before) to value. `Pair` does each thing to both and compares all
//! that can be seen, so that a test is nothing but a choice of things to do.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::fmt::Debug;

use taskgroup_timer::{Key, Wheel};

/// Sorts as the timers must come out: by deadline, then by when it was armed.
type Rank = (u64, u64);

/// A timer is named by its number: how many were inserted before it. That is its value, too.
pub(crate) struct Pair {
    wheel: Wheel<usize>,
    /// By number; the keys of timers that are gone stay, and must be stale.
    keys: Vec<Key>,

    now: u64,
    /// By number; `None` for timers that are gone.
    ranks: Vec<Option<Rank>>,
    sorted: BTreeMap<Rank, usize>,
    armed_so_far: u64,
    /// Whether a timer was ever cancelled or reset. Until then the next deadline must be exact.
    disturbed: bool,
}

impl Pair {
    pub(crate) fn new(start: u64) -> Self {
        let pair = Pair {
            wheel: Wheel::new(start),
            keys: Vec::new(),
            now: start,
            ranks: Vec::new(),
            sorted: BTreeMap::new(),
            armed_so_far: 0,
            disturbed: false,
        };
        pair.compare();
        pair
    }

    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    /// How many timers were inserted so far; each number below names one, gone or not.
    pub(crate) fn inserted(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn insert(&mut self, deadline: u64) {
        let number = self.keys.len();
        self.keys.push(self.wheel.insert(deadline, number));
        self.ranks.push(None);
        self.arm(number, deadline);
        self.compare_deadline(number);
        self.compare();
    }

    pub(crate) fn cancel(&mut self, number: usize) {
        let expected = self.disarm(number).then_some(number);
        assert_eq!(self.wheel.get(self.keys[number]).copied(), expected);
        assert_eq!(self.wheel.cancel(self.keys[number]), expected);
        assert_eq!(self.wheel.get(self.keys[number]), None);
        self.compare_deadline(number);
        self.compare();
    }

    pub(crate) fn reset(&mut self, number: usize, deadline: u64) {
        let armed = self.disarm(number);
        if armed {
            self.arm(number, deadline);
        }
        assert_eq!(self.wheel.reset(self.keys[number], deadline), armed);
        assert_eq!(self.wheel.get(self.keys[number]).is_some(), armed);
        self.compare_deadline(number);
        self.compare();
    }

    /// Returns whether a timer came out.
    pub(crate) fn pop(&mut self, to: u64) -> bool {
        let reached = to.max(self.now);
        let expected = match self.sorted.first_entry() {
            Some(first) if first.key().0 <= reached => Some(first.remove_entry()),
            _ => None,
        };
        self.now = expected.map_or(reached, |((deadline, _), _)| deadline);
        let expected = expected.map(|(_, number)| number);
        if let Some(number) = expected {
            self.ranks[number] = None;
        }
        assert_eq!(self.wheel.pop(to), expected);
        self.compare();
        expected.is_some()
    }

    /// Waits for each next deadline in turn, as an event loop does, until no timer is left.
    pub(crate) fn run_dry(&mut self) {
        let mut waited_until = None;
        while let Some(next) = self.wheel.next_deadline() {
            assert!(Some(next) > waited_until, "woken for nothing, and no wiser");
            waited_until = Some(next);
            while self.pop(next) {}
        }
        self.pop(u64::MAX);
    }

    fn arm(&mut self, number: usize, deadline: u64) {
        let rank = (deadline.max(self.now), self.armed_so_far);
        self.armed_so_far += 1;
        self.ranks[number] = Some(rank);
        self.sorted.insert(rank, number);
    }

    fn disarm(&mut self, number: usize) -> bool {
        let Some(rank) = self.ranks[number].take() else {
            return false;
        };
        self.sorted.remove(&rank);
        self.disturbed = true;
        true
    }

    fn compare_deadline(&self, number: usize) {
        assert_eq!(self.wheel.deadline(self.keys[number]), self.ranks[number].map(|(deadline, _)| deadline));
    }

    /// Compares what can be seen without changing anything.
    fn compare(&self) {
        assert_eq!(self.wheel.now(), self.now);
        assert_eq!(self.wheel.len(), self.sorted.len());
        assert_eq!(self.wheel.is_empty(), self.sorted.is_empty());

        let promised = self.wheel.next_deadline();
        let earliest = self.sorted.keys().next().map(|&(deadline, _)| deadline);
        assert_eq!(promised.is_some(), earliest.is_some());
        assert!(promised <= earliest, "would sleep past {earliest:?}: {promised:?}");
        assert!(promised.is_none_or(|tick| tick >= self.now));
        assert!(self.disturbed || promised == earliest, "{promised:?}, not {earliest:?}");
    }
}

/// Says where the test was if it panics before this is dropped, in the wheel's own assertions too.
pub(crate) struct OnFailure<T: Debug>(pub(crate) T);

impl<T: Debug> Drop for OnFailure<T> {
    #[allow(clippy::print_stderr, reason = "the test harness shows it with the failure")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this happened in: {:?}", self.0);
        }
    }
}
