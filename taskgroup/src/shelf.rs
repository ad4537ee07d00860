//! Buffers of groups that are over, for the next ones.
//!
//! Before: `tasks.rs`, `child.rs`. After: `ledger.rs`, `group.rs`.
//!
//! A small group would spend a third of its time on two tables that grow from nothing. So a thread keeps a few empty
//! ones, and only small ones: 64 KiB at most.

use crate::child::BoxedChild;
use crate::tasks::Rows;
use std::cell::RefCell;
use std::mem::ManuallyDrop;

/// The children of a group, by key.
pub(crate) type Children<'scope> = Vec<ManuallyDrop<Option<BoxedChild<'scope>>>>;

/// Tables of each kind that are kept.
const MOST: usize = 32;
/// Tasks for which a table that is kept has room.
const LARGEST: usize = 32;

#[derive(Default)]
struct Shelf {
    rows: Vec<Rows>,
    children: Vec<Children<'static>>,
}

thread_local! {
    static SHELF: RefCell<Shelf> = RefCell::default();
}

/// While the thread ends there is no shelf, and then nothing is kept.
fn with<R>(look: impl FnOnce(&mut Shelf) -> R) -> Option<R> {
    SHELF.try_with(|shelf| look(&mut shelf.borrow_mut())).ok()
}

/// Empty tables.
pub(crate) fn take<'scope>() -> (Rows, Children<'scope>) {
    let found = with(|shelf| (shelf.rows.pop(), shelf.children.pop()));
    let (rows, children) = found.unwrap_or_default();
    (rows.unwrap_or_default(), children.unwrap_or_default())
}

/// Keeps a table of rows, of which all are free.
pub(crate) fn keep_rows(mut rows: Rows) {
    if (1..=LARGEST).contains(&rows.capacity()) {
        rows.clear();
        with(|shelf| {
            if shelf.rows.len() < MOST {
                shelf.rows.push(rows)
            }
        });
    }
}

/// Keeps a table of children, of whom nobody is left.
pub(crate) fn keep_children(mut children: Children<'_>) {
    if (1..=LARGEST).contains(&children.capacity()) {
        children.clear();
        // Another lifetime for nobody; the buffer stays the same.
        let children: Children<'static> = children.into_iter().map(|_| ManuallyDrop::new(None)).collect();
        with(|shelf| {
            if shelf.children.len() < MOST {
                shelf.children.push(children)
            }
        });
    }
}
