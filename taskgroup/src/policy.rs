//! What a group does when a task fails.
//!
//! Before: nothing. After: `handlers.rs`; `ledger.rs`, which asks.

use crate::exception_group::Member;
use crate::group::TaskGroup;
use std::rc::Rc;
use std::time::Duration;

/// What becomes of a task's failure. Each task keeps what held when it was spawned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Siblings and the body are cancelled, and the error is in the tree.
    FailFast,
    /// Nobody is cancelled; the error is in the tree.
    Collect,
    /// Nobody is cancelled; the handler of that number gets the error.
    Supervise(u32),
}

impl<'scope, E: 'static> TaskGroup<'scope, '_, E> {
    /// From the next spawn on, the failure of a task cancels its siblings and the body. So it is from the start.
    ///
    /// Source: `asyncio.TaskGroup`.
    pub fn fail_fast(&self) {
        self.ledger.set_policy(Policy::FailFast);
    }

    /// From the next spawn on, the failure of a task touches nobody else: all run to their ends, and then the group
    /// returns all errors. A panic still cancels everybody, and so does the body's own failure.
    ///
    /// Source: `gather(return_exceptions=True)`, van Rossum's tg2.
    ///
    /// ```
    /// use taskgroup::{block_on, task_group};
    ///
    /// let ended = block_on(task_group(async |g| {
    ///     g.collect_all();
    ///     for word in ["1", "x", "3", "y"] {
    ///         g.spawn(async move { word.parse::<u32>() });
    ///     }
    ///     Ok(())
    /// }));
    /// assert_eq!(ended.map_err(|errors| errors.leaves().count()), Err(2));
    /// ```
    pub fn collect_all(&self) {
        self.collect_at_most(usize::MAX);
    }

    /// The same, but the group keeps only the first `most` errors, at least one; further ones go to the reporter and
    /// are counted. The bound is the group's: the last one that was set holds, for all tasks. For groups that live
    /// long.
    pub fn collect_at_most(&self, most: usize) {
        self.ledger.books().failures.keep_at_most(most.max(1));
        self.ledger.set_policy(Policy::Collect);
    }

    /// From the next spawn on, `handler` gets what tasks fail with, and the group goes on as if nothing had happened: a
    /// server's group. A panic still cancels everybody.
    ///
    /// The handler is called after the task's future is dropped and before those who wait for the task are told; it may
    /// spawn. Its panic is the group's.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use taskgroup::{ExceptionGroup, block_on, task_group};
    ///
    /// # fn main() -> Result<(), ExceptionGroup<std::num::ParseIntError>> {
    /// let failures = Cell::new(0);
    /// block_on(task_group(async |g| {
    ///     g.supervise(|_failed| failures.set(failures.get() + 1));
    ///     for word in ["1", "x", "3", "y"] {
    ///         g.spawn(async move { word.parse::<u32>() });
    ///     }
    ///     Ok(())
    /// }))?;
    /// assert_eq!(failures.get(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn supervise(&self, handler: impl Fn(Member<E>) + 'scope) {
        let number = self.handlers.add(Rc::new(move |failed| handler(Member::from_failed(failed))));
        self.ledger.set_policy(Policy::Supervise(number));
        let books = self.ledger.books();
        books.holders.hold(number);
        if let Some(before) = books.handler.replace(Some(number)) {
            drop(self.handlers.get(before, books.holders.release(before))); // last: it is the user's
        }
    }

    /// Bounds the cleanups of this group: a task, or the body, that has not ended so long after the group asked it to
    /// is dropped with nothing but destructors, shields and cleanups included. For the body and for tasks that are
    /// spawned later.
    ///
    /// What was cut off, says so: [`JoinError::was_cut_off`](crate::JoinError::was_cut_off), and the reporter. A cancel
    /// from outside the group is bounded by the grace of whoever was asked.
    ///
    /// ```
    /// use std::time::Duration;
    /// use taskgroup::{Clock, ExceptionGroup, Runtime, shield, sleep, task_group, now, yield_now};
    ///
    /// # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
    /// # taskgroup::set_reporter(Some(|_| {}));
    /// Runtime::with_clock(Clock::Autojump).block_on(async {
    ///     let start = now();
    ///     task_group(async |g| {
    ///         g.grace(Duration::from_secs(5));
    ///         g.spawn(shield(sleep(Duration::from_secs(3600))));
    ///         yield_now().await;
    ///         g.cancel("closing time");
    ///         Ok(())
    ///     })
    ///     .await?;
    ///     assert_eq!((now() - start).as_secs(), 5);
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub fn grace(&self, limit: Duration) {
        self.ledger.set_grace(limit);
    }
}
