//! What safe Rust cannot say: a waker that is a number, and a future with something beside it.
//!
//! Before: `waker.rs`. After: `slots.rs`. The only file with `unsafe` in it but `reactor.rs`; `plain.rs` can stand in for
//! it, has none, and is slower.
//!
//! **Facts.** A `RawWaker` is a pointer and four functions that get it. The contract asks that the functions may be
//! called from any thread, any number of times, at any time after the waker was made, also when what made it is gone.
//!
//! **Danger.** A pointer that is followed has to stay good for as long as anybody holds a clone: hence the reference
//! counts, and with them two atomic operations for each clone, and an allocation for each task.
//!
//! **Remedy.** This pointer is never followed. It has no provenance: it *cannot* be followed. It holds the runtime's
//! number in its upper half and the slot's in its lower, and each function does no more than take them apart:
//!
//! - `clone` makes a waker of the same number, `drop` does nothing: a number needs no owner.
//! - `wake` and `wake_by_ref` look for the runtime (by number, in a thread-local table, else in a process-wide one
//!   behind a lock) and for the slot (in a table, with a bounds check). Either may be missing, or be another by now: in
//!   the first case nothing happens, in the second one poll that was not needed. Both are safe code.
//!
//! So the four functions are sound for *every* value of the pointer, made by us or not, on every thread, for ever. That
//! is all the contract asks. **Cost.** It takes 64-bit pointers; and a lock, for wakes from other threads.
//!
//! The second thing is smaller. Whoever stores other people's futures has something to store with each, and wants to
//! poll the one while it holds the other. An `async` block that awaits a future it was given keeps room for it twice: a
//! task with a buffer of a kilobyte then takes two. [`Beside`] keeps it once; the argument is at its `project`.
#![allow(unsafe_code, reason = "a waker without a reference count, a future that is stored once")]

use crate::slots::Slots;
use crate::waker::Address;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::ptr;
use std::task::{RawWaker, RawWakerVTable, Waker};

/// A `static` and not a `const`: it has one address, by which our wakers are known.
static FUNCTIONS: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, drop);

/// What a slot keeps of its waker: nothing.
#[derive(Debug)]
pub(crate) struct SlotWaker;

impl SlotWaker {
    #[inline(always)]
    pub(crate) fn new(_: Address) -> Self {
        Self
    }
}

/// The waker of a slot. (In a `ManuallyDrop`, since there is nothing to drop: that spares a call for each poll.)
#[inline(always)]
pub(crate) fn waker(address: Address, _: &Slots) -> ManuallyDrop<Waker> {
    // SAFETY: the functions keep the contract of `RawWaker` for every data pointer, as the head of this file shows.
    // Guarded by `a_waker_may_be_woken_cloned_and_dropped_anywhere_and_for_ever` in tests/waker.rs, under Miri.
    ManuallyDrop::new(unsafe { Waker::new(address.to_data(), &FUNCTIONS) })
}

/// Whether a waker is the one of this slot. Another crate's waker may well hold the same number: so the functions are
/// compared too.
#[inline(always)]
pub(crate) fn is_of(waker: &Waker, address: Address) -> bool {
    waker.data() == address.to_data() && ptr::eq(waker.vtable(), &FUNCTIONS)
}

/// What a waker wakes, if it is one of ours.
pub(crate) fn address_of(waker: &Waker) -> Option<Address> {
    ptr::eq(waker.vtable(), &FUNCTIONS).then(|| Address::of(waker.data()))
}

impl Address {
    #[inline(always)]
    fn to_data(self) -> *const () {
        ptr::without_provenance((self.runtime as usize) << 32 | self.slot as usize)
    }

    #[inline(always)]
    fn of(data: *const ()) -> Self {
        Self { runtime: (data.addr() >> 32) as u32, slot: data.addr() as u32 }
    }
}

fn clone(data: *const ()) -> RawWaker {
    RawWaker::new(data, &FUNCTIONS)
}

fn wake(data: *const ()) {
    Address::of(data).wake();
}

fn drop(_: *const ()) {}

/// A future, and what its keeper needs beside it, in one place: pinned together, the future can be polled while the
/// companion is at hand.
///
/// ```
/// use std::future::Future;
/// use std::pin::pin;
/// use std::task::{Context, Poll, Waker};
/// use taskgroup_runtime::Beside;
///
/// let mut task = pin!(Beside::new(async { 7 }, 0));
/// let (future, polls) = task.as_mut().project();
/// *polls += 1;
/// assert_eq!(future.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(7));
/// assert_eq!(*task.companion(), 1);
/// ```
///
/// It may be moved after it was pinned only if its future may:
///
/// ```compile_fail,E0277
/// fn may_be_moved(_: impl Unpin) {}
/// may_be_moved(taskgroup_runtime::Beside::new(async { 7 }, 0));
/// ```
#[derive(Debug)]
pub struct Beside<F, C> {
    /// Pinned with the whole: nothing here moves it, or hands it out but pinned.
    future: F,
    /// Never pinned.
    companion: C,
}

impl<F, C> Beside<F, C> {
    /// Puts the two together.
    #[inline(always)]
    pub fn new(future: F, companion: C) -> Self {
        Self { future, companion }
    }

    /// The companion, to look at.
    #[inline(always)]
    pub fn companion(&self) -> &C {
        &self.companion
    }

    /// The future, pinned, and the companion.
    #[inline(always)]
    pub fn project(self: Pin<&mut Self>) -> (Pin<&mut F>, &mut C)
    where
        C: Unpin, // not asked by the proof, but by `plain.rs`
    {
        // SAFETY: `future` is pinned as long as the whole is. The rules for that (std::pin, "structural pinning"):
        // `Beside` has no destructor, is not `repr(packed)`, is `Unpin` only if its future is (by the auto trait), and
        // no method moves the future out of a pinned whole or gives it out unpinned: this is the only one that gives it
        // out at all. `companion` is never given out pinned, so it may be given out unpinned.
        // Guarded by `a_future_beside_something_stays_where_it_is` below, under Miri.
        unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.future), &mut this.companion)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ready::ReadySet;
    use crate::{BlockOnError, Clock, JoinHandle, Local, Runtime, Sleep, sleep, spawn, yield_now};
    use std::cell::{Cell, RefCell};
    use std::future::{Future, pending};
    use std::mem;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::task::{Context, Poll};
    use std::time::Duration;

    /// Another crate's waker, which does what its functions do.
    fn of(functions: &'static RawWakerVTable, data: *const ()) -> Waker {
        // SAFETY: the functions that are given here do nothing with the pointer.
        unsafe { Waker::new(data, functions) }
    }

    /// Another crate's wakers may be numbers too.
    #[test]
    fn somebody_elses_waker_with_the_same_number_is_somebody_elses() {
        static THEIRS: RawWakerVTable = RawWakerVTable::new(|data| RawWaker::new(data, &THEIRS), drop, drop, drop);
        let address = Address { runtime: 7, slot: 11 };
        let own = waker(address, &Slots::default());
        let theirs = of(&THEIRS, own.data());
        assert!(is_of(&own, address) && is_of(&own.clone(), address));
        assert!(!is_of(&theirs, address));
        assert!(!is_of(&own, Address { runtime: 7, slot: 12 }) && !is_of(&own, Address { runtime: 8, slot: 11 }));
    }

    // ---- A waker whose every function is somebody's code: tokio-rs/tokio#4129, #5578, #8391; folo-rs/folo#150 ----

    static HOSTILE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            mischief(Function::Clone);
            RawWaker::new(data, &HOSTILE)
        },
        |_| {
            mischief(Function::Wake);
            mischief(Function::Drop); // it is used up
        },
        |_| mischief(Function::WakeByRef),
        |_| mischief(Function::Drop),
    );

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Function {
        Clone,
        Wake,
        WakeByRef,
        Drop,
    }

    /// In which of its functions the waker does what.
    type Plan = (Function, fn());

    thread_local! {
        static PLAN: Cell<Option<Plan>> = const { Cell::new(None) };
        static DONE: Cell<u32> = const { Cell::new(0) };
        static TASK: RefCell<Option<JoinHandle<()>>> = const { RefCell::new(None) };
        static TIMER: RefCell<Option<Pin<Box<Sleep>>>> = const { RefCell::new(None) };
        #[cfg(feature = "net")]
        static SOURCE: RefCell<Option<crate::Async<std::io::PipeReader>>> = const { RefCell::new(None) };
    }

    fn mischief(function: Function) {
        let Some((when, act)) = PLAN.take() else { return };
        if when == function && Local::current().is_some() {
            DONE.set(DONE.get() + 1);
            act();
        }
        PLAN.set(Some((when, act)));
    }

    fn put<T>(place: &'static std::thread::LocalKey<RefCell<Option<T>>>, new: Option<T>) {
        let before = place.replace(new);
        mem::drop(before);
    }

    /// What it does.
    const ACTS: [(&str, fn()); 8] = [
        ("spawns", || mem::drop(spawn(async {}))),
        ("cancels a task", || {
            TASK.with_borrow(|task| task.as_ref().is_some_and(JoinHandle::cancel));
            put(&TASK, Some(spawn(pending())));
        }),
        ("drops a handle", || put(&TASK, Some(spawn(pending())))),
        ("arms a timer and drops one", || {
            let mut armed = Box::pin(sleep(Duration::from_millis(1)));
            assert!(armed.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            put(&TIMER, Some(armed));
        }),
        ("drops a timer", || put(&TIMER, None)),
        ("registers a descriptor and closes one", || {
            #[cfg(feature = "net")]
            put(&SOURCE, Some(crate::Async::new(std::io::pipe().expect("a pipe").0).expect("a source")));
        }),
        ("runs a loop inside", || {
            assert!(matches!(Runtime::new().try_block_on(async {}), Err(BlockOnError::Nested)));
        }),
        ("drops and turns another runtime", || {
            let other = Runtime::with_clock(Clock::Manual);
            other.spawn(pending::<()>());
            assert!(other.turn(Some(Duration::ZERO)).is_ok_and(|turn| turn.polled == 1));
        }),
    ];

    /// A wait that is polled with hostile wakers, with another in between, is woken by its cause and ends; and another one
    /// is dropped while it waits. `cause` ends what `make` makes.
    async fn bears<F: Future>(make: impl Fn() -> F, cause: impl Fn()) {
        let poll = |wait: Pin<&mut F>, waker: &Waker| wait.poll(&mut Context::from_waker(waker));
        let theirs = of(&HOSTILE, ptr::null());
        let mut left = Box::pin(make());
        assert!(poll(left.as_mut(), &theirs).is_pending());
        mem::drop(left);
        let mut wait = Box::pin(make());
        for waker in [&theirs, Waker::noop(), &theirs] {
            assert!(poll(wait.as_mut(), waker).is_pending());
        }
        cause();
        for _ in 0..5 {
            sleep(Duration::ZERO).await; // a whole turn
        }
        assert!(poll(wait.as_mut(), Waker::noop()).is_ready());
    }

    /// Every act in every function, at a wait of one kind.
    fn whatever_it_does(name: &str, wait: impl AsyncFn()) {
        for function in [Function::Clone, Function::Wake, Function::WakeByRef, Function::Drop] {
            let mut done = 0;
            for (what, act) in ACTS {
                let runtime = Runtime::with_clock(Clock::Manual);
                DONE.set(0);
                PLAN.set(Some((function, act)));
                let failed = catch_unwind(AssertUnwindSafe(|| runtime.block_on(wait()))).is_err();
                PLAN.set(None);
                assert!(!failed, "{name}: a waker {what} in {function:?}");
                done += DONE.take();
                runtime.block_on(async {
                    put(&TASK, None);
                    put(&TIMER, None);
                    #[cfg(feature = "net")]
                    put(&SOURCE, None);
                });
                assert_eq!((runtime.census().timers, runtime.census().sources), (0, 0), "{name}: {what}");
            }
            let unused = if name == "a set" { Function::Wake } else { Function::WakeByRef };
            assert_eq!(done > 0, function != unused, "{name}: {function:?}");
        }
    }

    #[test]
    fn a_sleep_bears_a_waker_that_does_anything_in_any_of_its_functions() {
        let millisecond = Duration::from_millis(1);
        whatever_it_does("a sleep", async || {
            bears(|| sleep(millisecond), || crate::advance(millisecond).expect("a manual clock")).await;
        });
    }

    #[test]
    fn a_join_handle_bears_a_waker_that_does_anything_in_any_of_its_functions() {
        whatever_it_does("a join", async || {
            let millisecond = Duration::from_millis(1);
            bears(|| spawn(sleep(millisecond)), || crate::advance(millisecond).expect("a manual clock")).await;
        });
    }

    /// Its runtime goes while the waker is cloned: nobody would wake it later.
    #[test]
    fn a_join_handle_whose_task_ends_while_its_waker_is_cloned_is_not_left_waiting() {
        thread_local! { static HOME: RefCell<Option<Runtime<'static>>> = const { RefCell::new(None) }; }
        let home = Runtime::with_clock(Clock::Manual);
        let mut task = home.spawn(pending::<()>());
        put(&HOME, Some(home));
        Runtime::with_clock(Clock::Manual).block_on(async {
            PLAN.set(Some((Function::Clone, || put(&HOME, None))));
            let waker = of(&HOSTILE, ptr::null());
            let polled = Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
            assert!(matches!(polled, Poll::Ready(Err(crate::JoinError::Cancelled))));
            PLAN.set(None);
        });
    }

    /// Of tasks, as a group has them.
    #[test]
    fn a_set_bears_an_owner_whose_waker_does_anything_in_any_of_its_functions() {
        whatever_it_does("a set", async || {
            let local = Local::current().expect("a runtime");
            let theirs = of(&HOSTILE, ptr::null());
            for _ in 0..2 {
                let set = ReadySet::new(&local);
                let member = set.join(0);
                for waker in [&theirs, Waker::noop(), &theirs] {
                    set.owned_by(&Context::from_waker(waker));
                }
                set.wake(member);
                assert_eq!(set.begin().map(|woken| woken.key).collect::<Vec<_>>(), [0]);
                set.wake(member);
                set.end(); // tells the owner
                yield_now().await;
                set.leave(member);
            }
        });
    }

    #[cfg(feature = "net")]
    #[test]
    fn a_read_bears_a_waker_that_does_anything_in_any_of_its_functions() {
        use std::future::poll_fn;
        use std::io::{Read, Write};

        for polls in [false, true] {
            whatever_it_does("a read", async || {
                let (reader, writer) = std::io::pipe().expect("a pipe");
                let reader = crate::Async::new(reader).expect("a source");
                let cause = || (&writer).write_all(b"x").expect("room");
                match polls {
                    false => bears(|| reader.read_with(|mut pipe| pipe.read(&mut [0])), cause).await,
                    true => {
                        bears(|| poll_fn(|cx| reader.poll_read_with(cx, |mut pipe| pipe.read(&mut [0]))), cause).await;
                    }
                }
            });
        }
    }

    #[test]
    fn a_future_beside_something_stays_where_it_is() {
        let mut boxed = Box::pin(Beside::new(
            async {
                let local = 7;
                let own = &local; // points into the future
                std::future::poll_fn(|_| Poll::<()>::Pending).await;
                *own
            },
            String::from("x"),
        ));
        for n in 1..4 {
            let (future, companion) = boxed.as_mut().project();
            companion.push('y');
            assert!(future.poll(&mut Context::from_waker(Waker::noop())).is_pending());
            assert_eq!(boxed.companion().len(), 1 + n);
        }
    }

    #[test]
    fn an_address_survives_the_way_through_a_pointer() {
        for (runtime, slot) in [(0, 0), (1, u32::MAX), (u32::MAX, 0), (u32::MAX, u32::MAX), (0x1234_5678, 0x9abc_def0)]
        {
            let address = Address { runtime, slot };
            assert_eq!(Address::of(address.to_data()), address);
        }
    }
}
