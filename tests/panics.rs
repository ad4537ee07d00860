//! Panics: awaited like failures, then resumed in the owner; what they displace is reported.

mod common;

use common::{
    Drops, Gate, Log, OnDrop, Word, after, counted, fail, fail_after, group, keep_reports, ms, only, panic_of,
    poll_idly, reports, run, start, text,
};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use futures_util::future::{join, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use taskgroup::{
    CancelScope, Clock, JoinErrorKind, Runtime, TaskGroup, node_count, shield, sleep, task_group, timeout,
    with_cleanup, yield_now,
};
use taskgroup_runtime::{JoinError, Local};

fn boom(text: &'static str) {
    panic_any(text)
}

/// A panic, later.
async fn panic_after(n: u64, text: &'static str) {
    sleep(ms(n)).await;
    boom(text);
}

#[test]
fn a_child_panic_cancels_the_siblings_and_goes_on_in_the_owner() {
    // H2, D9
    run(async {
        let log = Log::new();
        let whole = group(async |g| {
            g.spawn(log.work("a", 100));
            g.spawn(panic_after(5, "boom"));
            log.work("body", 100).await;
            Ok(())
        });
        assert_eq!(panic_of(whole).await, "boom");
        log.note("the owner goes on");
        let ends = ["5 a cancelled", "5 body cancelled", "5 the owner goes on"];
        assert_eq!(log.take().split_off(2), ends);
    });
}

#[test]
fn a_body_panic_waits_for_the_children() {
    // H1
    run(async {
        let log = Log::new();
        let whole = group(async |g| {
            g.spawn(log.work("a", 100));
            g.spawn_group(group(async |inner| only(inner.spawn(log.work("b", 100)))));
            panic_after(5, "boom").await;
            Ok(())
        });
        assert_eq!(panic_of(whole).await, "boom");
        log.note("the owner goes on");
        assert_eq!(log.take().split_off(2), ["5 a cancelled", "5 b cancelled", "5 the owner goes on"]);
    });
}

#[test]
fn a_body_panic_before_the_first_wait_starts_no_child() {
    // H1
    run(async {
        let (polls, drops) = (Cell::new(0), Drops::new());
        let whole = group(async |g| {
            let guard = drops.guard();
            g.spawn(counted(&polls, async { drop(guard) }));
            if drops.count() == 0 {
                panic!("boom");
            }
            Ok(())
        });
        assert_eq!(panic_of(whole).await, "boom");
        drops.assert_all(1);
        assert_eq!(polls.get(), 0);
    });
}

#[test]
fn of_two_panics_the_first_goes_on_and_the_second_is_reported() {
    // H2, D9
    keep_reports();
    run(async {
        let line = line!() + 3;
        let whole = group(async |g| {
            drop(g.spawn(panic_after(5, "first")).named("one"));
            drop(g.spawn(panic_after(5, "second")).named("two"));
            Ok(())
        });
        assert_eq!(panic_of(whole).await, "first");
        assert_eq!(reports(), [format!("displaced by a panic: a second panic, of task two ({}:{line})", file!())]);
    });
}

#[test]
fn a_second_panic_of_the_body_is_reported() {
    // D9
    keep_reports();
    run(async {
        let whole = group(async |g| {
            g.spawn(panic_after(5, "child"));
            yield_now().await;
            yield_now().await;
            panic_after(5, "body").await;
            Ok(())
        });
        assert_eq!(panic_of(whole).await, "child");
        assert_eq!(reports(), ["displaced by a panic: a second panic, of the body of the group"]);
    });
}

#[test]
fn errors_that_a_panic_displaces_are_reported() {
    // D9, I3
    keep_reports();
    run(async {
        let line = line!() + 2;
        let whole = group(async |g| {
            drop(g.spawn(fail_after(5, "A")).named("db"));
            g.spawn(panic_after(5, "boom"));
            Ok(())
        });
        assert_eq!(panic_of(whole).await, "boom");
        assert_eq!(reports(), [format!("displaced by a panic: the error of task db ({}:{line})", file!())]);
    });
}

#[test]
fn a_body_error_that_a_panic_displaces_is_reported() {
    // D9, I3
    keep_reports();
    run(async {
        let whole = group(async |g| {
            g.spawn(panic_after(5, "boom"));
            yield_now().await;
            yield_now().await;
            fail_after(5, "body").await
        });
        assert_eq!(panic_of(whole).await, "boom");
        assert_eq!(reports(), ["displaced by a panic: the error of the body of the group"]);
    });
}

#[test]
fn a_panic_beats_errors_that_came_first() {
    // H1, J3; O: panic_beats_errors
    keep_reports();
    run(async {
        let gate = Gate::new();
        let whole = group(async |g| {
            g.spawn(async {
                sleep(ms(1)).await;
                gate.open();
                Err::<(), _>("A")
            });
            g.spawn_group(group(async |inner| {
                inner.spawn(async {
                    gate.wait().await;
                    boom("boom");
                });
                Ok(())
            }));
            Ok(())
        });
        assert_eq!(panic_of(whole).await, "boom");
        assert_eq!(reports().len(), 1);
    });
}

#[test]
fn a_panic_passes_through_nested_groups() {
    // H2
    run(async {
        let drops = Drops::new();
        let whole = group(async |outer| {
            let guards = [drops.guard(), drops.guard()];
            let [a, b] = guards;
            outer.spawn(async move {
                let _guard = a;
                pending::<()>().await;
            });
            outer.spawn_group(group(async |inner| {
                inner.spawn(async move {
                    let _guard = b;
                    pending::<()>().await;
                });
                inner.spawn(panic_after(5, "deep"));
                Ok(())
            }));
            Ok(())
        });
        assert_eq!(panic_of(whole).await, "deep");
        drops.assert_all(2);
        assert_eq!(node_count(), 0);
    });
}

#[test]
fn a_panic_in_a_nested_group_of_the_body_is_the_bodys() {
    // H1
    run(async {
        let log = Log::new();
        let whole = group(async |outer| {
            outer.spawn(log.work("a", 100));
            group(async |inner| only(inner.spawn(panic_after(5, "deep")))).await.expect("not reached");
            Ok(())
        });
        assert_eq!(panic_of(whole).await, "deep");
        assert_eq!(log.take(), ["0 a starts", "5 a cancelled"]);
    });
}

#[test]
fn a_panic_in_a_destructor_at_the_end_of_a_child_is_the_childs() {
    // here: DESIGN, rule 9
    run(async {
        let log = Log::new();
        let whole = group(async |g| {
            g.spawn(log.work("a", 100));
            g.spawn(async {
                let _panics = OnDrop(|| panic!("in a destructor"));
                sleep(ms(5)).await;
            });
            Ok(())
        });
        assert_eq!(panic_of(whole).await, "in a destructor");
        assert_eq!(log.take(), ["0 a starts", "5 a cancelled"]);
    });
}

#[test]
fn a_panic_in_a_destructor_run_by_a_cancel_is_the_childs() {
    // H5; CPython: test_tasks.test_baseexception_during_cancel
    run(async {
        let mut handle = None;
        let whole = group(async |g| {
            let task = g.spawn(async {
                let _panics = OnDrop(|| panic!("in a destructor"));
                pending::<()>().await;
            });
            sleep(ms(5)).await;
            task.cancel("enough");
            handle = Some(task);
            sleep(ms(5)).await;
            unreachable!("the body is cancelled")
        });
        let whole: Pin<Box<dyn Future<Output = Result<(), common::Errors>>>> = Box::pin(whole);
        assert_eq!(panic_of(whole).await, "in a destructor");
        let error = handle.expect("spawned").await.expect_err("it panicked");
        assert_eq!(error.kind(), &JoinErrorKind::Panicked);
    });
}

/// Panics when it is polled, and again when it is dropped.
struct Twice;

impl Future for Twice {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        panic!("first")
    }
}

impl Drop for Twice {
    fn drop(&mut self) {
        panic!("second")
    }
}

#[test]
fn a_future_that_panics_again_in_its_destructor_panics_with_the_first() {
    // here: DESIGN, rule 9: a future is dropped after the catch, else this would abort the process
    keep_reports();
    run(async {
        assert_eq!(panic_of(timeout(ms(1), Twice)).await, "first");
        assert_eq!(reports(), ["displaced by a panic: a second panic, of a destructor in the same future"]);
    });
}

#[test]
fn every_sibling_of_a_panic_is_dropped_once() {
    // H2
    run(async {
        let drops = Drops::new();
        let whole = group(async |g| {
            for n in 0..100 {
                let guard = drops.guard();
                g.spawn(async move {
                    let _guard = guard;
                    if n == 50 {
                        panic_after(5, "boom").await;
                    }
                    pending::<()>().await;
                });
            }
            Ok(())
        });
        assert_eq!(panic_of(whole).await, "boom");
        drops.assert_all(100);
    });
}

#[test]
fn joiners_of_a_task_that_panicked_are_told() {
    // D14
    run(async {
        let log = Log::new();
        let mut handle = None;
        let whole = group(async |g| {
            handle = Some(g.spawn(panic_after(5, "boom")));
            Ok(())
        });
        assert_eq!(panic_of(whole).await, "boom");
        let error = handle.expect("spawned").await.expect_err("it panicked");
        assert_eq!((error.kind(), error.is_cancelled()), (&JoinErrorKind::Panicked, false));
        assert!(error.to_string().ends_with(") panicked"), "{error}");
        assert_eq!(log.ms(), 5);
    });
}

#[test]
fn the_runtime_goes_on_after_a_panic() {
    // H2, B11, H1; CPython: test_taskgroups.test_exception_refcycles_base_error
    let runtime = Runtime::with_clock(Clock::Autojump);
    let panic = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(group(async |g| {
            g.spawn(after(100, ()));
            g.spawn(panic_after(5, "boom"));
            Ok(())
        }))
    }));
    assert_eq!(text(&*panic.expect_err("it panics")), "boom");
    assert_eq!((node_count(), runtime.census().timers), (0, 0));
    let value = runtime.block_on(group(async |g| Ok(g.spawn(after(5, 7)).await.expect("a value"))));
    assert_eq!(value.expect("no error"), 7);
}

#[test]
fn a_panic_in_one_branch_of_a_join_leaves_the_cancel_state_clean() {
    // H1
    run(async {
        let both = join(
            group(async |g| only(g.spawn(panic_after(5, "boom")))),
            group(async |g| only(g.spawn(after(100, ())))),
        );
        assert_eq!(panic_of(both).await, "boom");
        assert_eq!(node_count(), 0);
        sleep(ms(1)).await; // no cancel is in force here
    });
}

#[test]
fn a_destructor_that_panics_in_a_dropped_group_leaves_no_sibling_behind() {
    // H3, rule 9
    run(async {
        let drops = Drops::new();
        let whole = group(async |g| {
            for n in 0..3 {
                let guard = drops.guard();
                g.spawn(async move {
                    let _guard = guard;
                    let _panics = OnDrop(|| assert!(n != 1, "in a destructor"));
                    pending::<()>().await;
                });
            }
            Ok(())
        });
        let mut whole = Box::pin(whole);
        start(whole.as_mut()).await;
        assert_eq!(panic_of(async { drop(whole) }).await, "in a destructor");
        drops.assert_all(3);
        assert_eq!(node_count(), 0);
    });
}

#[test]
fn further_panics_of_destructors_in_a_dropped_group_are_reported() {
    // rule 9: never lost in silence
    keep_reports();
    run(async {
        let whole = group(async |g| {
            for text in ["first", "second", "third"] {
                g.spawn(async move {
                    let _panics = OnDrop(|| panic_any(text));
                    pending::<()>().await;
                });
            }
            Ok(())
        });
        let mut whole = Box::pin(whole);
        start(whole.as_mut()).await;
        assert_eq!(panic_of(async { drop(whole) }).await, "first");
        assert_eq!(reports().len(), 2);
    });
}

#[test]
fn a_body_destructor_that_panics_in_a_dropped_group_leaves_no_child_behind() {
    // H3, rule 9
    run(async {
        let drops = Drops::new();
        let whole = group(async |g| {
            let guard = drops.guard();
            g.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            let _panics = OnDrop(|| panic!("in the body"));
            pending::<()>().await;
            Ok(())
        });
        let mut whole = Box::pin(whole);
        start(whole.as_mut()).await;
        assert_eq!(panic_of(async { drop(whole) }).await, "in the body");
        drops.assert_all(1);
        assert_eq!(node_count(), 0);
    });
}

#[test]
fn a_panic_of_a_cancelled_body_goes_on() {
    // H5
    run(async {
        let whole = group(async |g| {
            let owner = g.spawn_group(group(async |inner| {
                inner.spawn(after(100, ()));
                let _panics = OnDrop(|| panic!("in the body"));
                pending::<()>().await;
                Ok(())
            }));
            sleep(ms(5)).await;
            owner.cancel("enough");
            Ok(())
        });
        assert_eq!(panic_of(whole).await, "in the body");
        assert_eq!(node_count(), 0);
    });
}

#[test]
fn a_group_dropped_while_unwinding_drops_its_children() {
    // H3
    run(async {
        let drops = Drops::new();
        let unwinding = async {
            let mut whole = pin!(group(async |g| {
                let guard = drops.guard();
                g.spawn(async move {
                    let _guard = guard;
                    pending::<()>().await;
                });
                Ok(())
            }));
            start(whole.as_mut()).await;
            panic!("boom")
        };
        assert_eq!(panic_of::<Pin<Box<dyn Future<Output = ()>>>>(Box::pin(unwinding)).await, "boom");
        drops.assert_all(1);
        assert_eq!(node_count(), 0);
    });
}

#[test]
fn a_panic_outside_a_group_beside_it_drops_the_group() {
    // H3
    run(async {
        let drops = Drops::new();
        let beside = select(
            Box::pin(group(async |g| {
                let guard = drops.guard();
                g.spawn(async move {
                    let _guard = guard;
                    pending::<()>().await;
                });
                Ok(())
            })),
            Box::pin(panic_after(5, "beside")),
        );
        assert_eq!(panic_of(async { drop(beside.await) }).await, "beside");
        drops.assert_all(1);
        assert_eq!(node_count(), 0);
    });
}

#[test]
fn an_error_after_a_caught_panic_is_an_error_again() {
    // H2
    run(async {
        let whole = group(async |g| only(g.spawn(panic_after(1, "boom"))));
        assert_eq!(panic_of(whole).await, "boom");
        let next = group(async |g| only(g.spawn(fail("A"))));
        assert_eq!(common::failed(next.await), "[A]");
    });
}

// What a group had collected when it was dropped.

#[test]
fn a_panic_that_a_dropped_group_had_collected_goes_on() {
    // DESIGN 5, rule 9
    run(async {
        let mut whole = Box::pin(group(async |g| {
            g.spawn(async { boom("boom") });
            pending::<()>().await;
            Ok(())
        }));
        start(whole.as_mut()).await;
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(whole)));
        assert_eq!(dropped.err().map(|payload| text(&*payload)).as_deref(), Some("boom"));
    });
}

#[test]
fn errors_that_a_dropped_group_had_collected_are_reported() {
    // H6; DESIGN 5, rule 9: nothing is lost in silence
    keep_reports();
    run(async {
        let line = line!() + 2;
        let mut whole = Box::pin(group(async |g| {
            g.spawn(fail("disk on fire")).named("disk");
            pending::<()>().await;
            Ok(())
        }));
        start(whole.as_mut()).await;
        drop(whole);
        assert_eq!(reports(), [format!("lost with a dropped future: the error of task disk ({}:{line})", file!())]);
    });
}

#[test]
fn a_panic_in_the_destructor_of_a_value_that_nobody_wants_is_the_childs() {
    // DESIGN 5, rule 9: siblings are cancelled and awaited, as for any panic of the child
    run(async {
        let (drops, sibling) = (Drops::new(), std::cell::OnceCell::new());
        let whole = group(async |g| {
            let guard = drops.guard();
            let task = g.spawn(async {
                let _guard = guard;
                pending::<()>().await;
            });
            let _ = sibling.set(task);
            g.spawn(async { Ok(OnDrop(|| boom("value"))) });
            Ok(())
        });
        assert_eq!(panic_of(whole).await, "value");
        drops.assert_all(1);
        let end = sibling.get().and_then(taskgroup::Task::result).and_then(Result::err).expect("it was cancelled");
        assert!(end.to_string().ends_with("was cancelled: #2 failed"), "{end}");
    });
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("bomb");
    }
}

#[test]
fn what_a_second_panic_carries_may_panic_in_its_destructor() {
    run(async {
        keep_reports();
        let mut cleaned = false;
        let text = panic_of(group(async |g| {
            g.spawn(with_cleanup(pending::<Result<(), Word>>(), async |_| {
                sleep(ms(5)).await;
                cleaned = true;
            }));
            g.spawn(async { boom("first") });
            g.spawn(async { panic_any::<Bomb>(Bomb) as () });
            Ok(())
        }));
        assert_eq!(text.await, "first");
        assert!(cleaned, "the sibling's cleanup has ended before the panic goes on");
        let reports = reports();
        assert_eq!(reports.len(), 2, "{reports:?}");
        assert!(reports[0].contains("a panic of a destructor"), "{reports:?}");
        assert!(reports[1].contains("a second panic, of task #3"), "{reports:?}");
    });
}

#[test]
fn an_error_that_is_left_out_may_panic_in_its_destructor() {
    run(async {
        keep_reports();
        let result = task_group(async |g: &TaskGroup<'_, '_, Bomb>| {
            g.collect_at_most(1);
            for _ in 0..3 {
                g.spawn(async { Err::<(), _>(Bomb) });
            }
            Ok(())
        });
        let errors = result.await.expect_err("they fail");
        assert_eq!((errors.count(), errors.omitted()), (3, 2));
        errors.into_errors().for_each(std::mem::forget);
        assert_eq!(reports().len(), 4);
    });
}

#[test]
fn a_reporter_that_panics_hangs_nobody_and_leaves_nothing() {
    let before = taskgroup::set_reporter(Some(|what| panic!("{what}")));
    let ended = catch_unwind(AssertUnwindSafe(|| {
        Runtime::with_clock(Clock::Autojump).block_on(group(async |g| {
            g.grace(ms(1));
            g.spawn(shield(sleep(ms(1000)))); // cut off, which is reported
            yield_now().await;
            g.cancel("enough");
            Ok(())
        }))
    }));
    taskgroup::set_reporter(before);
    assert!(ended.is_err());
    assert_eq!(node_count(), 0);
}

#[test]
fn a_body_that_panics_when_it_is_called_leaves_no_slot() {
    run(async {
        let members = || Local::current().expect("a runtime").members().len();
        let before = members();
        let called = catch_unwind(AssertUnwindSafe(|| {
            let work = task_group::<Word, (), _>(|_: &TaskGroup<'_, '_, Word>| {
                boom("no future");
                async { Ok(()) }
            });
            drop(pin!(work).poll(&mut Context::from_waker(std::task::Waker::noop())));
        }));
        assert!(called.is_err());
        assert_eq!(members(), before);
    });
}

// ---- Wakers that panic: C3; rust-lang/futures-rs#2278 ----

/// A waker that panics whenever it is woken.
struct PanickingWaker;

impl Wake for PanickingWaker {
    fn wake(self: Arc<Self>) {
        panic_any("a waker");
    }
}

/// Polls a future once, with a waker that panics when it is woken.
#[track_caller]
fn poll_with_a_panicking_waker<F: Future + ?Sized>(future: Pin<&mut F>) {
    let waker = Waker::from(Arc::new(PanickingWaker));
    assert!(future.poll(&mut Context::from_waker(&waker)).is_pending());
}

#[test]
fn joiners_behind_a_waker_that_panics_are_told() {
    // A7: they were taken out to be woken, and nobody else would wake them
    let (handles, ended) = (RefCell::new(Vec::new()), Cell::new(0));
    let runtime = Runtime::with_clock(Clock::Autojump);
    let whole = runtime.spawn(group(async |g| {
        for _ in 0..3 {
            handles.borrow_mut().push(g.spawn(after(5, ())));
        }
        pending::<()>().await;
        Ok(())
    }));
    runtime.block_on(async {
        yield_now().await;
        let mut all = handles.take().into_iter();
        let mut first = Box::pin(all.next().expect("three"));
        poll_with_a_panicking_waker(first.as_mut());
        for handle in all {
            let ended = &ended;
            runtime.spawn(async move {
                handle.await.expect("a value");
                ended.set(ended.get() + 1);
            });
        }
        let Err(JoinError::Panicked(payload)) = whole.await else { panic!("it panics") };
        assert_eq!(text(&*payload), "a waker");
        yield_now().await;
    });
    assert_eq!((ended.get(), node_count()), (2, 0));
}

#[test]
fn whom_a_cancel_wakes_behind_a_waker_that_panics_is_woken() {
    // A7
    run(async {
        let scope = CancelScope::new();
        group(async |g| {
            let mut first = Box::pin(scope.run(pending::<()>()));
            poll_with_a_panicking_waker(first.as_mut());
            let second = g.spawn(async {
                let mut all = FuturesUnordered::new(); // it has wakers of its own, too
                all.push(scope.run(pending::<()>()));
                drop(all.next().await);
            });
            yield_now().await;
            yield_now().await;
            assert_eq!(panic_of(async { scope.cancel("enough") }).await, "a waker");
            second.await.expect("it ended");
            assert!(poll_idly(first.as_mut()).is_ready());
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn who_waits_for_a_place_behind_a_waker_that_panics_gets_it() {
    // A7
    run(async {
        group(async |g| {
            g.limit(1);
            let second = g.spawn(async { g.admit().await }); // it has the only place
            let mut first = Box::pin(g.admit());
            poll_with_a_panicking_waker(first.as_mut());
            yield_now().await;
            yield_now().await;
            assert_eq!(panic_of(async { g.limit(2) }).await, "a waker");
            second.await.expect("it was admitted");
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_group_dropped_under_a_waker_that_panics_leaves_no_child_behind() {
    // C2; rust-lang/futures-rs#2863: the first panic must not keep the others from being dropped
    run(async {
        let drops = Drops::new();
        let mut whole = Box::pin(group(async |g| {
            for _ in 0..3 {
                let guard = drops.guard();
                g.spawn(async move {
                    let _guard = guard;
                    pending::<()>().await;
                });
            }
            pending::<()>().await;
            Ok(())
        }));
        start(whole.as_mut()).await;
        poll_with_a_panicking_waker(whole.as_mut());
        assert_eq!(panic_of(async { drop(whole) }).await, "a waker");
        drops.assert_all(3);
        assert_eq!(node_count(), 0);
    });
}

#[test]
fn whichever_destructors_of_five_panic_all_are_dropped_once() {
    // C2: rust-lang/futures-rs#2863, tokio-rs/tokio#3967
    keep_reports();
    for (n, m) in (0..5).flat_map(|n| (n..5).map(move |m| (n, m))) {
        for end in ["cancelled", "failed", "dropped"] {
            run(async {
                let drops = Drops::new();
                let whole = group(async |g| {
                    for child in 0..5 {
                        let guard = drops.guard();
                        g.spawn(async move {
                            let _guard = guard;
                            let _panics = OnDrop(|| assert!(child != n && child != m, "{child}"));
                            pending::<()>().await;
                        });
                    }
                    yield_now().await;
                    yield_now().await;
                    match end {
                        "cancelled" => g.cancel("enough"),
                        "failed" => return Err("body"),
                        _ => pending::<()>().await,
                    }
                    Ok(())
                });
                let mut whole: Pin<Box<dyn Future<Output = Result<(), common::Errors>> + '_>> = Box::pin(whole);
                let panic = if end == "dropped" {
                    (0..4).for_each(|_| drop(poll_idly(whole.as_mut())));
                    panic_of(async { drop(whole) }).await
                } else {
                    panic_of(whole).await
                };
                assert_eq!(panic, n.to_string(), "{n} and {m} {end}");
                drops.assert_all(5);
                let further = reports().len();
                let expected = usize::from(n != m) + usize::from(end == "failed");
                assert_eq!(further, expected, "{n} and {m} {end}");
            });
        }
    }
}
