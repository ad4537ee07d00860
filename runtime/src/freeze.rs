//! The one question about cancellation that the runtime asks: "is a cancel in force here?"
//!
//! Before: nothing. After: every wait of ours, which asks it first.
//!
//! What a cancel is, and for whom, is a matter of the layer above. It says how many there are, and answers for one place
//! through a function that it sets once a thread. While there are none the answer is no, and costs one load.
//!
//! Runtimes that have an instrument are counted in the same place. So "is there anything out of the ordinary?" is one
//! question on every way that is short: who polls asks it before and after, and tells the instruments on the long way.
#![forbid(unsafe_code)]

use std::cell::Cell;

thread_local! {
    /// Cancels in force, and runtimes with an instrument.
    static IN_FORCE: Cell<u32> = const { Cell::new(0) };
    static PROBE: Cell<Option<fn() -> bool>> = const { Cell::new(None) };
}

/// Sets who answers [`is_frozen`] on this thread. The function must not panic and must not wait.
pub fn set_freeze_probe(probe: fn() -> bool) {
    PROBE.set(Some(probe));
}

/// One more cancel is in force on this thread.
pub fn count_cancel_in() {
    IN_FORCE.set(IN_FORCE.get() + 1);
}

/// One less.
pub fn count_cancel_out() {
    IN_FORCE.set(IN_FORCE.get() - 1);
}

/// One more runtime of this thread has an instrument.
pub(crate) fn count_instrument_in() {
    count_cancel_in();
}

/// One less. (While the thread ends there may be nothing to count in.)
pub(crate) fn count_instrument_out() {
    let _ = IN_FORCE.try_with(|count| count.set(count.get() - 1));
}

/// Whether no cancel is in force on this thread, and no instrument listens: the usual case, in one load.
#[inline(always)]
#[must_use]
pub fn is_quiet() -> bool {
    IN_FORCE.with(Cell::get) == 0
}

/// Whether what is current has been cancelled and only waits for its cleanups.
///
/// Every wait of this crate asks before it looks at its own state, and stays pending, untouched, if the answer is yes:
/// a cancel beats a result that is ready but not seen yet, and no byte is consumed by a task that will not go on. A
/// future of your own that waits by itself should do the same.
#[inline(always)]
#[must_use]
pub fn is_frozen() -> bool {
    !is_quiet() && ask()
}

#[cold]
fn ask() -> bool {
    PROBE.with(Cell::get).is_some_and(|probe| probe())
}
