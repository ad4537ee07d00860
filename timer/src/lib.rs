//! A timing wheel: give it values with deadlines, tell it how far time has come, and it hands back
//! the values that are due, earliest first. It is the piece under every `sleep` and `timeout` of an
//! event loop. Arming, cancelling and resetting cost the same with ten timers as with ten million.
//!
//! ```
//! use taskgroup_timer::Wheel;
//!
//! let mut wheel = Wheel::new(0);
//! let tea = wheel.insert(180, "tea");
//! wheel.insert(7, "egg");
//! wheel.reset(tea, 240);
//! assert_eq!(wheel.next_deadline(), Some(7)); // sleep this long, then
//! while let Some(value) = wheel.pop(10) {
//!     assert_eq!(value, "egg");
//! }
//! assert_eq!(wheel.cancel(tea), Some("tea"));
//! ```
//!
//! - [`Wheel`] holds the timers.
//! - [`Key`] names one timer, to cancel or reset it. A key that has outlived its timer does nothing.
//!
//! # Ticks
//!
//! Time is a `u64` that counts ticks. How long a tick lasts, when tick 0 was, and which way a
//! fraction of a tick is rounded are the caller's affair. Every `u64` is a good start, a good
//! deadline and a good target; no call overflows, and time that steps back is taken to stand still.
//!
//! # How it works
//!
//! Read a deadline as a number in base 64. It has eleven digits, and the wheel has one level for
//! each, with one slot for each value of the digit:
//!
//! ```text
//!            one slot spans       digit of the deadline that picks the slot
//! level 10   64^10 ticks          D..........    16 slots are enough: 64 = 10 * 6 + 4 bits
//!    :          :
//! level  2   4096 ticks           ........D..    [ ][ ][ ][x][ ] .. [ ]
//! level  1   64 ticks             .........D.    [ ][x][ ][ ][x] .. [ ]
//! level  0   1 tick               ..........D    [ ][ ][x][ ][ ] .. [ ]
//!                                                       |
//!                                                       timer -> timer -> timer, as they were armed
//! ```
//!
//! A timer lives on the level of the first digit, read from the left, in which its deadline differs
//! from now: the nearer the deadline, the lower the level. When time enters a slot of a higher
//! level, the digit no longer differs, and the slot's timers *cascade*: each moves to a lower level.
//! Armed once, a timer moves at most ten times, whatever its deadline.
//!
//! One 64-bit word on each level says which slots are occupied. The earliest timer is in the lowest
//! occupied slot of the lowest occupied level; no search is longer than a look at eleven words.
//!
//! To read the source, take `wheel.rs`, then `level.rs`, then `slot.rs`: each stands on the next.
//!
//! # What it is not
//!
//! - Not a clock: it never asks what time it is, and wakes nobody.
//! - Not a scheduler of repeating timers: insert again, or reset, when a timer comes out.
//! - Not shared: one owner holds it mutably. Put it behind a lock if two threads must see it.
//! - Not frugal with memory that was used once: the room of timers that are gone is kept for the
//!   next ones until the wheel is dropped, and a level once used keeps its kilobyte.

#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod key;
mod level;
mod slot;
mod wheel;

pub use key::Key;
pub use wheel::Wheel;
