//! A key: the name of one timer, for the caller to keep.

/// Names one timer of one [`Wheel`](crate::Wheel), from [`insert`](crate::Wheel::insert) until it
/// comes out or is cancelled. A [`reset`](crate::Wheel::reset) keeps it.
///
/// Afterwards the key is *stale*: every call with it does nothing and says so. It stays stale for
/// ever, also when the wheel uses the timer's memory again. Keys of one wheel mean nothing to
/// another, which may take them for a timer of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Where the timer is, or was: its index among the wheel's timers.
    pub(crate) index: u32,
    /// Which of the timers that ever had this index is meant: the number of its `insert`. A count
    /// of reuses in 32 bits would be smaller, and after four billion of them a stale key would live.
    pub(crate) id: u64,
}
