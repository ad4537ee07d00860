//! When it is whose turn: so many requests a second to each host.
//!
//! Before: nothing. After: `crawl.rs`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use taskgroup::{now, sleep_until};

pub(crate) struct Turns {
    /// Between two requests to a host. `None`: whoever comes is next.
    pause: Option<Duration>,
    /// When the next request to a host may begin.
    next: RefCell<HashMap<String, Instant>>,
}

impl Turns {
    pub(crate) fn new(pause: Option<Duration>) -> Self {
        Self { pause, next: RefCell::default() }
    }

    /// Waits for a turn. Who comes first goes first.
    ///
    /// # Cancel
    ///
    /// A cancellation point. The turn is lost.
    pub(crate) async fn take(&self, host: &str) {
        let Some(pause) = self.pause else { return };
        let now = now();
        let turn = {
            let mut next = self.next.borrow_mut();
            let free = next.entry(host.to_owned()).or_insert(now);
            let turn = (*free).max(now);
            *free = turn + pause;
            turn
        };
        if turn > now {
            sleep_until(turn).await;
        }
    }
}
