//! Panics that nobody asked for, and reports.
//!
//! Injected panics, and those of the programs themselves, are raised without the hook. So whatever comes to the hook on
//! a thread that sweeps is an assertion that failed: in the library or in a program.

use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;
use taskgroup::Report;

thread_local! {
    static SWEEPING: Cell<bool> = const { Cell::new(false) };
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static REPORTS: Cell<usize> = const { Cell::new(0) };
}

/// From now on, panics of this thread are kept and not printed.
pub(crate) fn listen() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if SWEEPING.get() {
                HEARD.with_borrow_mut(|heard| heard.push(info.to_string()));
            } else {
                before(info);
            }
        }));
    });
    SWEEPING.set(true);
}

pub(crate) fn stop() {
    SWEEPING.set(false);
}

/// The library's reporter on a thread that sweeps: it counts.
pub(crate) fn report(_: &Report<'_>) {
    REPORTS.set(REPORTS.get() + 1);
}

/// How many reports there were since the last call.
pub(crate) fn take_reports() -> usize {
    REPORTS.take()
}

/// What was heard since the last call.
pub(crate) fn take() -> Vec<String> {
    HEARD.take()
}
