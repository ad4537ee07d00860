//! The wheel: which timers exist, what time it is, and when timers change their place.
//!
//! Start here; `level.rs` and `slot.rs` stand below. Two rules explain the rest:
//!
//! 1. **A timer's place follows from its deadline and now, and from nothing else.** The level is
//!    that of the highest digit in which the two differ, the slot is the deadline's digit there.
//!    No timer remembers its place: `cancel` computes it.
//! 2. **Now moves only in `pop`, and never past a timer.** It moves over empty slots at one stroke;
//!    when it enters an occupied slot of a higher level it stops and lets that slot cascade, as
//!    rule 1 demands. No other timer's place changes, for no other timer's digit was reached.
//!
//! Why timers then come out by deadline, and in one tick as they were armed, is argued in `level.rs`
//! at `level_of`, which is rule 1 as a function.

use alloc::boxed::Box;
use core::fmt;

use crate::key::Key;
use crate::level::{LEVELS, Level, level_of, slot_of, slot_start};
use crate::slot::{NIL, Timer, Timers};

/// Why a level that is asked for exists.
const LIVES_HERE: &str = "the level was made when the first timer was placed on it";

/// Timers that each hold a value, handed back by deadline and, within one tick, in the order in
/// which they were armed.
///
/// The [crate documentation](crate) shows the use and explains the structure. A timer is *armed* by
/// [`insert`](Wheel::insert) and again by [`reset`](Wheel::reset). Those still armed when the wheel
/// is dropped are dropped with it.
pub struct Wheel<T> {
    /// The tick that time has reached. Never decreases; never later than an armed timer's deadline.
    now: u64,
    /// How many timers were ever inserted, and so the id of the next. It does not wrap: at one
    /// insert a nanosecond that would take 584 years.
    inserted: u64,
    /// By digit, lowest first. Rule 1 holds whenever a caller can look. `None` until a timer first
    /// lives there: few programs see more than five levels, and an empty wheel costs no memory.
    levels: [Option<Box<Level>>; LEVELS],
    /// All armed timers, and nothing else.
    timers: Timers<T>,
}

impl<T> Wheel<T> {
    /// An empty wheel at tick `start`. Allocates nothing.
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use taskgroup_timer::Wheel;
    ///
    /// static ALARMS: Mutex<Wheel<&str>> = Mutex::new(Wheel::new(0));
    /// ```
    #[must_use]
    pub const fn new(start: u64) -> Self {
        Wheel { now: start, inserted: 0, levels: [const { None }; LEVELS], timers: Timers::new() }
    }

    /// The tick that time has reached: `start`, or as far as [`pop`](Wheel::pop) has moved it.
    #[must_use]
    pub const fn now(&self) -> u64 {
        self.now
    }

    /// The number of armed timers, those included that are due but not yet popped.
    #[must_use]
    pub fn len(&self) -> usize {
        self.timers.len()
    }

    /// Whether no timer is armed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timers.is_empty()
    }

    /// The armed timers in no order, each with its deadline: for who wants to show them. Linear in the number of timers
    /// that were ever armed at once.
    ///
    /// ```
    /// let mut wheel = taskgroup_timer::Wheel::new(100);
    /// wheel.insert(107, "later");
    /// wheel.insert(3, "at once");
    /// let mut timers: Vec<_> = wheel.iter().collect();
    /// timers.sort_unstable();
    /// assert_eq!(timers, [(100, &"at once"), (107, &"later")]);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.timers.iter().map(|(_, timer)| (timer.deadline, &timer.value))
    }

    /// Arms a timer for the tick `deadline`. A deadline in the past counts as `now`: the timer is
    /// due at once, behind those that were armed for `now` before it.
    ///
    /// Constant time; allocates when there are more timers than ever before, or when a level is
    /// used for the first time.
    ///
    /// # Panics
    ///
    /// If `u32::MAX` timers are armed already. The wheel is then as it was before. (They would take
    /// more than 100 gigabytes; in return every timer and every slot is eight bytes smaller.)
    ///
    /// ```
    /// let mut wheel = taskgroup_timer::Wheel::new(100);
    /// wheel.insert(101, "next tick");
    /// wheel.insert(3, "long ago");
    /// assert_eq!(wheel.pop(100), Some("long ago"));
    /// assert_eq!(wheel.pop(100), None);
    /// ```
    pub fn insert(&mut self, deadline: u64, value: T) -> Key {
        let index = u32::try_from(self.timers.vacant_key())
            .ok()
            .filter(|&index| index != NIL)
            .expect("a wheel holds at most u32::MAX timers");

        let id = self.inserted;
        self.inserted += 1;
        let deadline = deadline.max(self.now);
        self.timers.insert(Timer::new(id, deadline, value));
        self.place(index);
        Key { index, id }
    }

    /// The value of an armed timer; `None` if the key is stale. Constant time.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&T> {
        let timer = self.timers.get(key.index as usize)?;
        (timer.id == key.id).then_some(&timer.value)
    }

    /// When an armed timer is due; `None` if the key is stale. Constant time.
    ///
    /// ```
    /// let mut wheel = taskgroup_timer::Wheel::new(10);
    /// let (late, later) = (wheel.insert(5, "late"), wheel.insert(20, "later"));
    /// assert_eq!((wheel.deadline(late), wheel.deadline(later)), (Some(10), Some(20)));
    /// ```
    #[must_use]
    pub fn deadline(&self, key: Key) -> Option<u64> {
        let timer = self.timers.get(key.index as usize)?;
        (timer.id == key.id).then_some(timer.deadline)
    }

    /// The value of an armed timer, to change it; `None` if the key is stale. Constant time.
    #[must_use]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let timer = self.timers.get_mut(key.index as usize)?;
        (timer.id == key.id).then_some(&mut timer.value)
    }

    /// Disarms a timer and returns its value; `None` if the key is stale. Constant time.
    ///
    /// A timer that is due but not yet popped can be cancelled like any other:
    ///
    /// ```
    /// let mut wheel = taskgroup_timer::Wheel::new(0);
    /// wheel.insert(5, "first");
    /// let second = wheel.insert(5, "second");
    /// assert_eq!(wheel.pop(5), Some("first"));
    /// assert_eq!(wheel.cancel(second), Some("second"));
    /// assert_eq!(wheel.cancel(second), None);
    /// assert_eq!(wheel.pop(5), None);
    /// ```
    pub fn cancel(&mut self, key: Key) -> Option<T> {
        self.get(key)?;
        Some(self.remove(key.index))
    }

    /// Arms a timer anew, for another deadline or the same; `false` if the key is stale. Constant
    /// time, and like an [`insert`](Wheel::insert) in all but the key and the value, which stay:
    /// a deadline in the past counts as `now`, and timers armed earlier for its tick go first.
    ///
    /// ```
    /// let mut wheel = taskgroup_timer::Wheel::new(0);
    /// let patient = wheel.insert(5, "patient");
    /// wheel.insert(5, "prompt");
    /// assert!(wheel.reset(patient, 5));
    /// assert_eq!(wheel.pop(5), Some("prompt"));
    /// assert_eq!(wheel.pop(5), Some("patient"));
    /// ```
    pub fn reset(&mut self, key: Key, deadline: u64) -> bool {
        let armed = self.get(key).is_some();
        if armed {
            self.unlink(key.index);
            self.timers[key.index as usize].deadline = deadline.max(self.now);
            self.place(key.index);
        }
        armed
    }

    /// A tick up to which nothing is due: no earlier than `now`, no later than the first deadline.
    /// `None` if no timer is armed. Looks at each level once.
    ///
    /// It *is* the first deadline, unless the timer it came from was cancelled or reset away; then
    /// it may be earlier. Whoever sleeps that long and pops finds nothing due, and a later tick the
    /// next time it asks.
    ///
    /// ```
    /// let mut wheel = taskgroup_timer::Wheel::new(0);
    /// wheel.insert(90, 'a');
    /// wheel.insert(70, 'b');
    /// assert_eq!(wheel.next_deadline(), Some(70));
    /// ```
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        self.earliest_slot().map(|(_, _, earliest)| earliest)
    }

    /// Moves time towards the tick `to` and takes out the next timer that is due by then. Time then
    /// stands at that timer's deadline. `None` if no timer is due at or before `to`: time then has
    /// reached `to`. A `to` before `now` counts as `now`.
    ///
    /// Between two calls any timer may be inserted, cancelled or reset, those that are due included:
    /// the next call goes by what it finds. So a loop over `pop` that arms a timer for a tick
    /// already reached gets it back in that same loop, and if it does so each time, never ends. An
    /// event loop is safe from this if it first pops all that is due, and acts on it afterwards.
    ///
    /// Constant time for each timer and level: a call may walk a whole slot when it cascades, but no
    /// timer is walked over more than ten times for each arming. Jumping empty time costs nothing.
    ///
    /// ```
    /// let mut wheel = taskgroup_timer::Wheel::new(0);
    /// wheel.insert(1_000_000, "late");
    /// wheel.insert(1_000, "soon");
    /// assert_eq!(wheel.pop(u64::MAX), Some("soon"));
    /// assert_eq!(wheel.now(), 1_000);
    /// assert_eq!(wheel.pop(5_000), None);
    /// assert_eq!(wheel.now(), 5_000);
    /// ```
    pub fn pop(&mut self, to: u64) -> Option<T> {
        let to = to.max(self.now);
        while let Some((level, slot, earliest)) = self.earliest_slot() {
            if slot_start(level, earliest) > to {
                break;
            }
            // Not only to the slot's first tick: a lone timer then cascades once, right down to
            // level 0, instead of level by level. Not past `to` either, even though the slot's
            // earliest may be: time enters the slot, so it must cascade, due or not.
            debug_assert!(earliest >= self.now, "time would step back");
            self.now = earliest.min(to);
            if level == 0 {
                let first = self.level_mut(level).first_timer(slot);
                return Some(self.remove(first));
            }
            self.cascade(level, slot);
        }
        self.now = to;
        None
    }

    /// The slot that holds the earliest timer, as level, slot and a tick in its span that is not
    /// later than any of its deadlines. On level 0 a span is one tick, so there it is the deadline.
    fn earliest_slot(&self) -> Option<(usize, usize, u64)> {
        self.levels.iter().enumerate().find_map(|(number, level)| {
            let level = level.as_ref()?;
            let slot = level.first_slot()?;
            Some((number, slot, level.earliest(slot)))
        })
    }

    /// Gives each timer of a slot that time has entered its place on a lower level.
    ///
    /// A loop along the links: a million timers need no more stack or heap than one does.
    fn cascade(&mut self, level: usize, slot: usize) {
        let mut following = self.level_mut(level).take(slot);
        while following != NIL {
            let index = following;
            let timer = &self.timers[index as usize];
            // Always down: that is what makes the cascades end.
            debug_assert!(level_of(self.now, timer.deadline) < level);
            following = timer.next();
            self.place(index);
        }
    }

    /// Appends a timer that is in no slot to the one that rule 1 names.
    fn place(&mut self, index: u32) {
        let deadline = self.timers[index as usize].deadline;
        debug_assert!(deadline >= self.now, "time has passed an armed timer");
        let number = level_of(self.now, deadline);
        let level = self.levels[number].get_or_insert_with(|| Box::new(Level::new()));
        level.push(slot_of(number, deadline), &mut self.timers, index);
    }

    /// Takes an armed timer out of the slot that rule 1 names.
    fn unlink(&mut self, index: u32) {
        let deadline = self.timers[index as usize].deadline;
        let number = level_of(self.now, deadline);
        let level = self.levels[number].as_mut().expect(LIVES_HERE);
        level.unlink(slot_of(number, deadline), &mut self.timers, index);
    }

    /// Disarms a timer and returns its value.
    fn remove(&mut self, index: u32) -> T {
        self.unlink(index);
        self.timers.remove(index as usize).value
    }

    /// A level that is known to hold a timer.
    fn level_mut(&mut self, level: usize) -> &mut Level {
        self.levels[level].as_mut().expect(LIVES_HERE)
    }
}

/// An empty wheel at tick 0.
impl<T> Default for Wheel<T> {
    fn default() -> Self {
        Wheel::new(0)
    }
}

/// Shows the time, the number of timers and the next deadline; not the values, which need not be
/// `Debug`, and may be a million.
impl<T> fmt::Debug for Wheel<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Wheel");
        shown.field("now", &self.now).field("len", &self.len());
        shown.field("next_deadline", &self.next_deadline());
        shown.finish_non_exhaustive()
    }
}
