//! What safe code may do to a group: forget it, leak it, wake it from elsewhere, end it in every way. Fit for Miri:
//! `MIRIFLAGS="-Zmiri-ignore-leaks -Zmiri-disable-isolation" cargo +nightly miri test --test soundness`.

mod common;

use common::{Drops, Errors, Gate, OnDrop, Word, after, failed, group, ms, only, panic_of, poll_idly, run, start};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::marker::PhantomPinned;
use std::mem;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use futures_util::future::join;
use taskgroup::{Async, CancelScope, Clock, Runtime, Spawner, Task, advance, sleep, task_group, timeout, yield_now};

/// Reads the borrowed text when it is dropped, and notes what it read.
struct Reads<'a> {
    text: &'a RefCell<String>,
    sum: &'a Cell<usize>,
}

impl Drop for Reads<'_> {
    fn drop(&mut self) {
        self.text.borrow_mut().push('.');
        self.sum.set(self.sum.get() + self.text.borrow().len());
    }
}

/// Pending for ever; keeps the last waker where a thread can get it.
async fn wait_with(wakers: Arc<Mutex<Vec<Waker>>>) {
    poll_fn(|cx| {
        wakers.lock().expect("nobody panics").push(cx.waker().clone());
        Poll::<()>::Pending
    })
    .await;
}

fn wake_from_a_thread(wakers: &Arc<Mutex<Vec<Waker>>>) {
    let wakers = wakers.clone();
    let woken = thread::spawn(move || {
        let wakers = mem::take(&mut *wakers.lock().expect("nobody panics"));
        let count = wakers.len();
        wakers.into_iter().for_each(Waker::wake);
        count
    });
    assert!(woken.join().expect("no panic") > 0, "there were wakers");
}

#[test]
fn a_forgotten_group_is_never_touched_again() {
    // H3: everything a child borrows is gone afterwards
    let runtime = Runtime::with_clock(Clock::Autojump);
    let wakers = Arc::new(Mutex::new(Vec::new()));
    runtime.block_on(async {
        {
            let text = RefCell::new(String::from("borrowed"));
            let sum = Cell::new(0);
            let wakers = &wakers;
            let mut whole = Box::pin(group(async |g| {
                for _ in 0..3 {
                    g.spawn(async {
                        let _reads = Reads { text: &text, sum: &sum };
                        wait_with(wakers.clone()).await;
                        text.borrow_mut().push('!');
                    });
                }
                wait_with(wakers.clone()).await;
                Ok(())
            }));
            start(whole.as_mut()).await;
            mem::forget(whole);
            assert_eq!((text.borrow().as_str(), sum.get()), ("borrowed", 0));
        }
        let late: Vec<_> = wakers.lock().expect("nobody panics").clone();
        wake_from_a_thread(&wakers);
        for _ in 0..3 {
            yield_now().await;
        }
        sleep(ms(5)).await;
        let next = group(async |g| Ok(g.spawn(after(5, 7)).await.expect("a value")));
        assert_eq!(next.await.expect("no error"), 7);
        wakers.lock().expect("nobody panics").extend(late);
    });
    wake_from_a_thread(&wakers); // between two turns
    runtime.block_on(yield_now());
}

#[test]
fn a_forgotten_group_with_timers_does_not_stop_the_clock() {
    // H3: timers of a forgotten group fire and wake nobody
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.block_on(async {
        let text = RefCell::new(String::from("borrowed"));
        {
            let local = String::from("gone");
            let mut whole = Box::pin(group(async |g| {
                g.spawn(async {
                    sleep(ms(2)).await;
                    text.borrow_mut().push_str(&local);
                });
                sleep(ms(3)).await;
                Ok(())
            }));
            start(whole.as_mut()).await;
            mem::forget(whole);
        }
        sleep(ms(5)).await;
        assert_eq!(text.take(), "borrowed");
    });
}

#[test]
fn a_task_around_a_forgotten_group_can_be_cancelled() {
    // H3: the node of the group is left in the tree, and nobody waits for it
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.block_on(async {
        let ended = Cell::new(false);
        group(async |g| {
            let task = g.spawn(async {
                let _ended = OnDrop(|| ended.set(true));
                let mut whole = Box::pin(group(async |g| only(g.spawn(pending::<()>()))));
                start(whole.as_mut()).await;
                mem::forget(whole);
                pending::<()>().await;
            });
            sleep(ms(5)).await;
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
        assert!(ended.get());
    });
}

#[test]
fn a_leaked_group_can_be_polled_to_its_end() {
    // H3: what is leaked stays where it is for ever, so it may be pinned there
    run(async {
        let whole = Box::leak(Box::new(group(async |g| Ok(g.spawn(after(5, 7)).await.expect("a value")))));
        let mut whole = Pin::static_mut(whole);
        start(whole.as_mut()).await;
        assert_eq!(whole.await.expect("no error"), 7);
    });
}

#[test]
fn a_forgotten_handle_is_only_memory() {
    // H3
    run(async {
        group(async |g| {
            mem::forget(g.spawn(after(1, String::from("a value"))));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

/// Checks on each poll, and when it is dropped, that it has not moved.
struct Pinned<'a> {
    seen: Cell<Option<*const Self>>,
    left: Cell<u32>,
    drops: &'a Cell<u32>,
    _pinned: PhantomPinned,
}

impl<'a> Pinned<'a> {
    fn new(left: u32, drops: &'a Cell<u32>) -> Self {
        Self { seen: Cell::new(None), left: Cell::new(left), drops, _pinned: PhantomPinned }
    }

    fn check(&self) -> bool {
        let here = std::ptr::from_ref(self);
        self.seen.replace(Some(here)).is_none_or(|before| before == here)
    }
}

impl Future for Pinned<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        assert!(self.check(), "it moved between polls");
        if self.left.get() == 0 {
            return Poll::Ready(());
        }
        self.left.set(self.left.get() - 1);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        assert!(self.seen.get().is_none() || self.check(), "it moved before its drop");
        self.drops.set(self.drops.get() + 1);
    }
}

#[test]
fn children_and_bodies_stay_where_they_are() {
    // pinning, through polls, a table that grows, and the drop
    run(async {
        let drops = Cell::new(0);
        group(async |g| {
            for n in 0..40 {
                g.spawn(Pinned::new(n, &drops));
            }
            Pinned::new(10, &drops).await;
            for n in 0..40 {
                g.spawn(Pinned::new(n, &drops));
            }
            Pinned::new(10, &drops).await;
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(drops.get(), 82);
    });
}

#[test]
fn children_stay_where_they_are_when_their_group_is_moved() {
    // the group's future may move behind a box; what it polls may not
    run(async {
        let drops = Cell::new(0);
        let mut whole = Box::pin(group(async |g| {
            for _ in 0..3 {
                g.spawn(Pinned::new(u32::MAX, &drops));
            }
            Pinned::new(u32::MAX, &drops).await;
            Ok(())
        }));
        start(whole.as_mut()).await;
        let mut moved = vec![whole];
        start(moved[0].as_mut()).await;
        drop(moved);
        assert_eq!(drops.get(), 4);
    });
}

/// Two children and a body that read borrowed data when they are dropped; the group ends as `end` says.
async fn ends<T>(
    text: &RefCell<String>,
    sum: &Cell<usize>,
    end: impl AsyncFnOnce(&Task<()>) -> Result<T, Word>,
) -> Result<T, Errors> {
    group(async |g| {
        let first = g.spawn(async {
            let _reads = Reads { text, sum };
            sleep(ms(10)).await;
        });
        g.spawn_group(group(async |g| {
            g.spawn(async {
                let _reads = Reads { text, sum };
                sleep(ms(10)).await;
            });
            Ok(())
        }));
        let _reads = Reads { text, sum };
        sleep(ms(1)).await;
        end(&first).await
    })
    .await
}

/// Runs `whole` over locals that end right after it: each destructor must have read them by then.
fn reads_in_every_destructor<F>(whole: F)
where
    F: AsyncFnOnce(&RefCell<String>, &Cell<usize>),
{
    run(async {
        let sum = Cell::new(0);
        {
            let text = RefCell::new(String::new());
            whole(&text, &sum).await;
            assert_eq!(text.into_inner(), "...");
        }
        assert_eq!(sum.get(), 1 + 2 + 3);
    });
}

#[test]
fn destructors_read_borrowed_data_when_the_scope_returns() {
    // B1
    reads_in_every_destructor(async |text, sum| ends(text, sum, async |_| Ok(())).await.expect("no error"));
}

#[test]
fn destructors_read_borrowed_data_when_the_scope_fails() {
    // C4
    reads_in_every_destructor(async |text, sum| {
        assert_eq!(failed(ends(text, sum, async |_| Err::<(), _>("body")).await), "[body]");
    });
}

#[test]
fn destructors_read_borrowed_data_when_the_scope_panics() {
    // H1
    reads_in_every_destructor(async |text, sum| {
        let panics = ends(text, sum, async |task| if task.is_finished() { Ok(()) } else { panic!("boom") });
        assert_eq!(panic_of(panics).await, "boom");
    });
}

#[test]
fn destructors_read_borrowed_data_when_the_scope_is_cancelled() {
    // E10
    reads_in_every_destructor(async |text, sum| {
        group(async |g| {
            let task = g.spawn_group(ends(text, sum, async |_| pending::<Result<(), Word>>().await));
            sleep(ms(5)).await;
            task.cancel("enough");
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn destructors_read_borrowed_data_when_the_time_is_over() {
    // F1
    reads_in_every_destructor(async |text, sum| {
        let late = timeout(ms(5), ends(text, sum, async |_| pending::<Result<(), Word>>().await));
        assert!(late.await.is_err());
    });
}

#[test]
fn destructors_read_borrowed_data_when_the_scope_is_dropped() {
    // H3
    reads_in_every_destructor(async |text, sum| {
        let mut whole = Box::pin(ends(text, sum, async |_| Ok(())));
        start(whole.as_mut()).await;
        start(whole.as_mut()).await;
        drop(whole);
    });
}

#[test]
fn destructors_read_borrowed_data_when_the_runtime_is_dropped() {
    // H3
    let (text, sum) = (RefCell::new(String::new()), Cell::new(0));
    {
        let runtime = Runtime::with_clock(Clock::Autojump);
        runtime.spawn(ends(&text, &sum, async |_| pending::<Result<(), Word>>().await));
        runtime.block_on(sleep(ms(5)));
    }
    assert_eq!((text.into_inner().as_str(), sum.get()), ("...", 6));
    assert_eq!(taskgroup::node_count(), 0);
}

#[test]
fn values_that_nobody_takes_are_dropped_with_their_handles() {
    // B1: a value may borrow, so it must be gone before what it borrows is
    run(async {
        let sum = Cell::new(0);
        {
            let text = RefCell::new(String::new());
            let handle = group(async |g| {
                g.spawn(async { Ok(Reads { text: &text, sum: &sum }) });
                Ok(g.spawn(async { Ok(Reads { text: &text, sum: &sum }) }))
            })
            .await
            .expect("no error");
            assert_eq!(sum.get(), 1, "the value without a handle went with the task");
            drop(handle);
            assert_eq!(sum.get(), 1 + 2);
        }
    });
}

#[test]
fn values_in_a_group_that_fails_are_dropped() {
    // C1
    run(async {
        let drops = Drops::new();
        let result = group(async |g| {
            for _ in 0..3 {
                let guard = drops.guard();
                g.spawn(async move { Ok(guard) });
            }
            g.spawn(async { Err::<(), _>("A") });
            Ok(drops.guard())
        });
        assert_eq!(failed(result.await), "[A]");
        drops.assert_all(4);
    });
}

#[test]
fn a_handle_kept_by_a_sibling_holds_a_borrowed_value_no_longer_than_it_may() {
    // a handle in a child's own future: a value that borrows, in a task that outlives it
    run(async {
        let (text, sum) = (RefCell::new(String::new()), Cell::new(0));
        group(async |g| {
            let value = g.spawn(async { Ok(Reads { text: &text, sum: &sum }) });
            g.spawn(async move {
                let _value = value;
                sleep(ms(5)).await;
            });
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(text.into_inner(), ".");
    });
}

#[test]
fn wakes_from_a_thread_reach_a_group_and_its_children() {
    // H3
    let runtime = Runtime::with_clock(Clock::Autojump);
    let hold = runtime.hold();
    let wakers = Arc::new(Mutex::new(Vec::new()));
    let done = Arc::new(Mutex::new(false));
    runtime.block_on(async {
        let wait = async || {
            poll_fn(|cx| {
                wakers.lock().expect("nobody panics").push(cx.waker().clone());
                if *done.lock().expect("nobody panics") { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        };
        let whole = group(async |g| {
            g.spawn(wait());
            g.spawn(wait());
            wait().await;
            Ok(())
        });
        let wakes = async {
            yield_now().await;
            let (wakers, done) = (wakers.clone(), done.clone());
            thread::spawn(move || {
                *done.lock().expect("nobody panics") = true;
                let wakers = mem::take(&mut *wakers.lock().expect("nobody panics"));
                wakers.into_iter().for_each(Waker::wake);
                drop(hold);
            });
        };
        let (ended, ()) = join(whole, wakes).await;
        assert!(ended.is_ok());
    });
}

#[test]
fn wakers_outlive_their_group_and_their_runtime() {
    // a stale waker finds nobody
    let wakers = Arc::new(Mutex::new(Vec::new()));
    run(async {
        let whole = group(async |g| {
            g.spawn(wait_with(wakers.clone()));
            Ok(())
        });
        assert!(timeout(ms(1), whole).await.is_err());
        let kept = wakers.lock().expect("nobody panics")[0].clone();
        kept.wake_by_ref();
        let next = group(async |g| Ok(g.spawn(after(1, 7)).await.expect("a value")));
        assert_eq!(next.await.expect("no error"), 7);
    });
    wake_from_a_thread(&wakers);
}

#[test]
fn a_destructor_that_uses_the_group_finds_it_whole() {
    // `Drain`: the group outlives its children
    run(async {
        let lives = RefCell::new(Vec::new());
        {
            let mut whole = pin!(task_group(async |g: &common::Group<'_, '_>| {
                for _ in 0..3 {
                    g.spawn(async {
                        let _looks = OnDrop(|| lives.borrow_mut().push(g.live()));
                        pending::<()>().await;
                    });
                }
                let _looks = OnDrop(|| lives.borrow_mut().push(g.live()));
                pending::<()>().await;
                Ok(())
            }));
            start(whole.as_mut()).await;
        }
        assert_eq!(lives.take(), [3, 3, 2, 1], "the body first");
    });
}

#[test]
fn a_destructor_that_opens_a_gate_of_a_sibling_wakes_nobody_dead() {
    // wakes during the drain
    run(async {
        let (gate, drops) = (Gate::new(), Drops::new());
        {
            let mut whole = pin!(group(async |g| {
                for _ in 0..3 {
                    let guard = drops.guard();
                    g.spawn(async {
                        let _guard = guard;
                        let _opens = OnDrop(|| gate.open());
                        gate.wait().await;
                    });
                }
                Ok(())
            }));
            start(whole.as_mut()).await;
        }
        drops.assert_all(3);
    });
}

// ---- Wakers that do things: A7; tokio-rs/tokio#4129, #5578, #8391, apache/asyncband#189 ----

#[derive(Clone, Copy, Debug, PartialEq)]
enum Function {
    Wake,
    WakeByRef,
    /// Of the last clone.
    Drop,
}

/// Somebody else's waker: what it does in one of its functions is in `PLAN`.
struct Hostile;

type Act = fn(&Stage);
type Plan = (Function, Act);

thread_local! {
    static PLAN: Cell<Option<Plan>> = const { Cell::new(None) };
    static DONE: Cell<u32> = const { Cell::new(0) };
    static STAGE: RefCell<Option<Rc<Stage>>> = const { RefCell::new(None) };
}

fn mischief(function: Function) {
    let stage = STAGE.with_borrow(Clone::clone);
    if let (Some((when, act)), Some(stage)) = (PLAN.get(), stage)
        && when == function
    {
        DONE.set(DONE.get() + 1);
        act(&stage);
    }
}

impl Wake for Hostile {
    fn wake(self: Arc<Self>) {
        mischief(Function::Wake);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        mischief(Function::WakeByRef);
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        mischief(Function::Drop);
    }
}

/// What such a waker can get at.
struct Stage {
    spawner: Spawner<Word>,
    scope: CancelScope,
    handle: RefCell<Option<Task<()>>>,
    timer: RefCell<Option<Pin<Box<taskgroup::Sleep>>>>,
    source: RefCell<Option<Async<OwnedFd>>>,
}

const ACTS: [(&str, Act); 8] = [
    ("spawns", |stage| drop(stage.spawner.spawn(async { Ok(()) }))),
    ("cancels the group", |stage| stage.spawner.cancel("a waker")),
    ("cancels a scope", |stage| stage.scope.cancel("a waker")),
    ("drops a handle", |stage| drop(stage.handle.replace(stage.spawner.spawn(async { Ok(()) }).ok()))),
    ("arms a timer and drops one", |stage| {
        let mut armed = Box::pin(sleep(ms(1)));
        assert!(poll_idly(armed.as_mut()).is_pending());
        drop(stage.timer.replace(Some(armed)));
    }),
    ("drops a timer", |stage| drop(stage.timer.take())),
    ("registers a descriptor and closes one", |stage| {
        if !cfg!(miri) {
            let (reader, _) = std::io::pipe().expect("a pipe");
            drop(stage.source.replace(Async::new(OwnedFd::from(reader)).ok()));
        }
    }),
    ("runs a loop inside", |_| assert!(Runtime::new().try_block_on(async {}).is_err())),
];

/// Polls a wait with such a waker, with another one, again with such a one; it has to end by its `cause`.
async fn bears(mut wait: Pin<&mut dyn Future<Output = ()>>, cause: impl Fn()) {
    let mut poll = |waker: Waker| wait.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
    let mut over = poll(Arc::new(Hostile).into()) || poll(Waker::noop().clone()) || poll(Arc::new(Hostile).into());
    for turn in 0..10 {
        if turn == 3 {
            cause(); // children have started
        }
        sleep(Duration::ZERO).await; // a whole turn
        over = over || turn > 3 && poll(Waker::noop().clone());
    }
    assert!(over, "it does not end");
}

/// Every act in every function, at a wait of one kind, which is made and ended in a group.
fn whatever_a_waker_does(
    functions: &[Function],
    wait: impl for<'scope> AsyncFn(&'scope common::Group<'scope, 'static>),
) {
    for function in functions {
        let mut done = 0;
        for (what, act) in ACTS {
            let runtime = Runtime::with_clock(Clock::Manual);
            let held = catch_unwind(AssertUnwindSafe(|| {
                runtime.block_on(async {
                    let ended = group(async |g| {
                        let scope = CancelScope::new();
                        let in_scope = scope.clone();
                        g.spawn(async move { drop(in_scope.run(pending::<()>()).await) });
                        yield_now().await;
                        yield_now().await;
                        let (handle, timer, source) = (RefCell::default(), RefCell::default(), RefCell::default());
                        let (spawner, scope) = (g.spawner(), scope);
                        STAGE.set(Some(Rc::new(Stage { spawner, scope, handle, timer, source })));
                        PLAN.set(Some((*function, act)));
                        wait(g).await;
                        PLAN.set(None);
                        drop(STAGE.take());
                        g.cancel("over");
                        Ok(())
                    });
                    ended.await.expect("no error");
                });
            }));
            PLAN.set(None);
            drop(STAGE.take());
            assert!(held.is_ok(), "a waker that {what} in {function:?}");
            let left = runtime.census();
            assert_eq!((left.tasks, left.timers, left.sources, taskgroup::node_count()), (0, 0, 0, 0), "{what}");
            done += DONE.take();
        }
        assert!(done > 0, "{function:?} was never called");
    }
}

#[test]
fn a_join_bears_a_waker_that_does_anything() {
    whatever_a_waker_does(&[Function::Wake, Function::Drop], async |g| {
        let task = g.spawn(async { Ok(sleep(ms(1)).await) });
        let mut join = pin!(async { drop(task.await) });
        bears(join.as_mut(), || advance(ms(1)).expect("a manual clock")).await;
    });
}

#[test]
fn a_stream_bears_a_waker_that_does_anything() {
    whatever_a_waker_does(&[Function::Wake, Function::Drop], async |g| {
        let stream = g.stream::<()>();
        stream.spawn(async { Ok(sleep(ms(1)).await) });
        let mut next = pin!(async { drop(stream.next().await) });
        bears(next.as_mut(), || advance(ms(1)).expect("a manual clock")).await;
    });
}

#[test]
fn an_admission_bears_a_waker_that_does_anything() {
    whatever_a_waker_does(&[Function::Wake, Function::Drop], async |g| {
        g.limit(1);
        let mut admit = pin!(g.admit());
        bears(admit.as_mut(), || g.limit(1000)).await;
    });
}

#[test]
fn a_scope_bears_a_waker_that_does_anything() {
    whatever_a_waker_does(&[Function::WakeByRef, Function::Drop], async |_| {
        let scope = CancelScope::new();
        let mut run = pin!(async { drop(scope.run(pending::<()>()).await) });
        bears(run.as_mut(), || scope.cancel("enough")).await;
    });
}

#[test]
fn a_deadline_bears_a_waker_that_does_anything() {
    whatever_a_waker_does(&[Function::Wake, Function::Drop], async |_| {
        let mut late = pin!(async { assert!(timeout(ms(1), pending::<()>()).await.is_err()) });
        bears(late.as_mut(), || advance(ms(1)).expect("a manual clock")).await;
    });
}

#[test]
fn a_group_bears_an_owner_whose_waker_does_anything() {
    whatever_a_waker_does(&[Function::WakeByRef, Function::Drop], async |_| {
        let inner = group(async |inner| {
            inner.spawn(async { Ok(sleep(ms(1)).await) });
            inner.spawn(async { Ok(yield_now().await) });
            sleep(ms(1)).await;
            Ok(())
        });
        let mut whole = pin!(async { drop(inner.await) });
        bears(whole.as_mut(), || advance(ms(1)).expect("a manual clock")).await;
    });
}
