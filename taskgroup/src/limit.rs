//! How many tasks of a group run at once, and who waits for a place.
//!
//! Before: `waiters.rs`. After: `ledger.rs`, which asks here whether a new task may be woken.

use crate::group::TaskGroup;
use crate::ledger::{Ledger, Phase};
use crate::waiters::{Waiters, Waiting};
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::Poll;
use taskgroup_runtime::instrument::WaitsFor;
use taskgroup_runtime::is_frozen;

/// The places of a group. Until a limit is set there are none to keep account of.
#[derive(Default)]
pub(crate) struct Limit {
    /// How many may run at once. `None`: as many as there are.
    places: Cell<Option<usize>>,
    /// How many do: were woken for their first poll and have not ended.
    running: Cell<usize>,
    /// The last task that was given a place. Places are given in the order of spawning, so all before it were.
    called: Cell<Number>,
    /// Those that were not called yet, first in first out. `None`: cancelled in the queue; the first is not.
    queue: RefCell<Queue>,
    /// Who waits in [`TaskGroup::admit`], in the order of their coming.
    pub(crate) admitting: Waiters,
}

/// A task that waits for a place.
#[derive(Clone, Copy)]
pub(crate) struct Queued {
    pub(crate) slot: u32,
    pub(crate) key: u32,
}

/// A task's number in the order of spawning. It wraps: of two tasks, that one is the older whose number is less than half
/// of all numbers before the other's.
type Number = u32;

fn is_not_after(one: Number, other: Number) -> bool {
    order(one, other).is_le()
}

fn order(one: Number, other: Number) -> Ordering {
    (one.wrapping_sub(other) as i32).cmp(&0)
}

type Queue = VecDeque<(Number, Option<Queued>)>;

impl Limit {
    /// Gives a new task a place, or a place in the queue: then false.
    pub(crate) fn enter(&self, task: Queued, number: Number) -> bool {
        let has_room = self.has_room();
        if has_room {
            self.call(number);
        } else {
            self.queue.borrow_mut().push_back((number, Some(task)));
        }
        has_room
    }

    fn call(&self, number: Number) {
        self.called.set(number);
        self.running.set(self.running.get() + 1);
    }

    /// Whether a task was given a place.
    pub(crate) fn has_place(&self, number: Number) -> bool {
        self.places.get().is_none() || is_not_after(number, self.called.get())
    }

    /// A task has ended. One in the queue was cancelled there.
    pub(crate) fn leave(&self, number: Number) {
        if self.has_place(number) {
            self.running.set(self.running.get().saturating_sub(1));
            return;
        }
        let mut queue = self.queue.borrow_mut();
        if let Some(task) = find(&mut queue, number) {
            *task = None; // to take it out would move half of the queue
        }
        skip_cancelled(&mut queue);
    }

    /// Nobody else is started: all are asked to end, and come up for that by themselves.
    pub(crate) fn clear(&self) {
        self.queue.borrow_mut().clear();
    }

    /// Whom to wake, now that a place may be free.
    pub(crate) fn next(&self) -> Option<Queued> {
        if !self.is_place_free() {
            return None;
        }
        let (number, task) = {
            let mut queue = self.queue.borrow_mut();
            let (number, task) = queue.pop_front()?;
            skip_cancelled(&mut queue);
            (number, task?)
        };
        self.call(number);
        Some(task)
    }

    /// Wakes those who wait for a place, if there is one. All of them: the first may be a wait that was polled once and
    /// then left alone, and must not keep the place from the others.
    pub(crate) fn tell_admitting(&self) {
        if self.has_room() {
            self.admitting.wake();
        }
    }

    /// Sets how many may run at once. The first time it is said who does already: so many, up to that number.
    pub(crate) fn set(&self, places: usize, live: usize, last: Number) {
        if self.places.replace(Some(places)).is_none() {
            self.running.set(live);
            self.called.set(last);
        }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.is_place_free() && self.queue.borrow().is_empty()
    }

    fn is_place_free(&self) -> bool {
        self.places.get().is_none_or(|places| self.running.get() < places)
    }
}

/// The place of a task in the queue, which is in their order.
fn find(queue: &mut Queue, number: Number) -> Option<&mut Option<Queued>> {
    let at = queue.binary_search_by(|(other, _)| order(*other, number)).ok()?;
    Some(&mut queue[at].1)
}

fn skip_cancelled(queue: &mut Queue) {
    while queue.front().is_some_and(|(_, task)| task.is_none()) {
        queue.pop_front();
    }
}

impl<E: 'static> TaskGroup<'_, '_, E> {
    /// At most so many tasks run at once; the others are queued, and start in the order of their spawning.
    ///
    /// The body does not count. Queued tasks are part of the group: it waits for them, and they are cancelled with it,
    /// without having run. A higher limit starts queued tasks at once; under a lower one running tasks go on. Zero
    /// starts nobody: a pause, until the limit is raised.
    ///
    /// A running task that waits for a queued one holds the place that the other needs: if all do, the group stands
    /// still (a stall on the virtual clock names both). Spawn such tasks into a group of their own.
    ///
    /// Source: the semaphore that one passes to each child in asyncio, Trio's `CapacityLimiter`; here nothing is polled
    /// before it has a place.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use taskgroup::{ExceptionGroup, block_on, task_group, yield_now};
    ///
    /// # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
    /// let (running, most) = (Cell::new(0), Cell::new(0));
    /// block_on(task_group(async |g| {
    ///     g.limit(3);
    ///     for _ in 0..10 {
    ///         g.spawn(async {
    ///             running.set(running.get() + 1);
    ///             most.set(most.get().max(running.get()));
    ///             yield_now().await;
    ///             running.set(running.get() - 1);
    ///         });
    ///     }
    ///     Ok(())
    /// }))?;
    /// assert_eq!(most.get(), 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn limit(&self, places: usize) {
        self.ledger.set_limit(places);
    }

    /// Waits until a task that is spawned now would start at once: *before* work is accepted, so that what cannot be
    /// served waits where it comes from, not in the group.
    ///
    /// The place is not held: spawn before you wait for anything that lets others spawn. Meant for one acceptor or a
    /// few: each place that becomes free wakes all who wait here. In a group that is closing it
    /// returns at once, since nothing will start any more.
    ///
    /// # Cancel
    ///
    /// A cancellation point, also when there is a place. Nothing is lost.
    ///
    /// ```
    /// # use taskgroup::net::{TcpListener, TcpStream};
    /// # use taskgroup::{BoxError, TaskGroup};
    /// # async fn serve(_: TcpStream) -> Result<(), BoxError> { Ok(()) }
    /// async fn accept<'scope>(listener: &TcpListener, g: &'scope TaskGroup<'scope, '_>) -> Result<(), BoxError> {
    ///     g.limit(100);
    ///     loop {
    ///         g.admit().await; // the hundred and first waits in the kernel's queue
    ///         let (stream, _) = listener.accept().await?;
    ///         g.spawn(serve(stream));
    ///     }
    /// }
    /// ```
    pub async fn admit(&self) {
        let limit = &self.ledger.books().limit;
        let waiting = Admitting { ledger: &self.ledger, waiting: limit.admitting.come() };
        poll_fn(|cx| {
            if is_frozen() {
                return Poll::Pending;
            }
            if limit.has_room() || self.ledger.phase() != Phase::Open {
                return Poll::Ready(());
            }
            limit.admitting.wait(waiting.waiting.number(), cx.waker());
            self.ledger.set.local().tell_wait(WaitsFor::Admission(self.ledger.set.number()));
            Poll::Pending
        })
        .await;
    }
}

/// Who waits in [`TaskGroup::admit`].
struct Admitting<'a> {
    ledger: &'a Ledger,
    waiting: Waiting<'a>,
}

impl Drop for Admitting<'_> {
    /// Says so, if it still waits.
    fn drop(&mut self) {
        let set = &self.ledger.set;
        set.local().drops_wait(|| self.waiting.is_noted().then(|| WaitsFor::Admission(set.number())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C11.
    #[test]
    fn places_are_given_in_the_order_of_spawning_over_the_end_of_the_numbers() {
        let limit = Limit::default();
        limit.set(1, 0, u32::MAX - 2);
        let numbers = [u32::MAX - 1, u32::MAX, 1, 2, 3]; // 0 is the body's
        let entered = numbers.map(|number| limit.enter(Queued { slot: number, key: 0 }, number));
        assert_eq!(entered, [true, false, false, false, false]);
        limit.leave(1); // cancelled in the queue
        let mut called = vec![numbers[0]];
        while let Some(last) = called.last().copied() {
            assert!(limit.has_place(last));
            limit.leave(last);
            let Some(next) = limit.next() else { break };
            called.push(next.slot);
        }
        assert_eq!(called, [numbers[0], u32::MAX, 2, 3]);
    }
}
