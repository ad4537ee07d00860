//! Cancel scopes: when and from where they are cancelled, deadlines that move, what they say afterwards; checkpoints.

mod common;

use common::cancelled::reason_of;
use common::{Drops, Log, OnDrop, group, ms, panic_of, poll_idly, poll_once, run};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use futures_util::future::{join, select};
use taskgroup::{
    CancelScope, Cancelled, Clock, Reason, Runtime, cancel_reason, checkpoint, shield, sleep, timeout, with_cleanup,
    yield_now,
};

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

// When it is cancelled.

#[test]
fn a_scope_that_nobody_cancels_gives_the_value() {
    run(async {
        let scope = CancelScope::new();
        assert_eq!(scope.run(async { 7 }).await, Ok(7));
        assert_eq!((scope.reason(), scope.deadline(), scope.cancelled_caught()), (None, None, false));
    });
}

#[test]
fn a_scope_cancelled_before_it_runs_ends_at_the_first_wait() {
    run(async {
        let (scope, polls) = (CancelScope::new(), Cell::new(0));
        scope.cancel("early");
        let work = async {
            polls.set(1);
            yield_now().await;
            polls.set(2);
        };
        assert_eq!(reason_of(scope.run(work).await), text("early"));
        assert_eq!((polls.get(), scope.cancelled_caught()), (1, true));
    });
}

#[test]
fn a_scope_cancelled_before_it_runs_gives_a_value_that_needs_no_wait() {
    run(async {
        let scope = CancelScope::new();
        scope.cancel("early");
        assert_eq!(scope.run(async { 7 }).await, Ok(7));
        assert!(!scope.cancelled_caught(), "it was called and had nothing to catch");
        assert_eq!(scope.reason(), Some(Reason::from("early")));
    });
}

#[test]
fn a_scope_cancelled_while_it_runs_ends_where_it_waits() {
    // D4, I1, M2
    run(async {
        let (log, scope) = (Log::new(), CancelScope::new());
        group(async |g| {
            g.spawn(async {
                sleep(ms(10)).await;
                scope.cancel("enough");
                log.note("asked");
            });
            assert_eq!(reason_of(scope.run(log.work("work", 100)).await), text("enough"));
            log.note("goes on");
            sleep(ms(5)).await;
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 work starts", "10 asked", "10 work cancelled", "10 goes on"]);
    });
}

#[test]
fn a_cancel_after_the_run_is_for_the_next_one() {
    // F8; CPython: test_timeouts.test_timeout_finished
    run(async {
        let scope = CancelScope::new();
        assert_eq!(scope.run(async { 7 }).await, Ok(7));
        scope.cancel("late");
        assert!(!scope.cancelled_caught());
        assert_eq!(reason_of(scope.run(yield_now()).await), text("late"));
        assert_eq!(reason_of(scope.run(yield_now()).await), text("late"), "and so it stays");
    });
}

#[test]
fn the_first_reason_stands() {
    run(async {
        let scope = CancelScope::new();
        scope.cancel("one");
        scope.cancel("two");
        assert_eq!(reason_of(scope.run(yield_now()).await), text("one"));
        assert_eq!(scope.reason(), Some(Reason::from("one")));
    });
}

#[test]
fn a_scope_cancelled_from_inside_runs_on_to_its_next_wait() {
    run(async {
        let (scope, steps) = (CancelScope::new(), Cell::new(0));
        let work = async {
            scope.cancel("from inside");
            steps.set(1);
            yield_now().await;
            steps.set(2);
        };
        assert_eq!(reason_of(scope.run(work).await), text("from inside"));
        assert_eq!(steps.get(), 1);
    });
}

#[test]
fn a_value_that_is_reached_after_the_cancel_stands() {
    run(async {
        let scope = CancelScope::new();
        let work = async {
            scope.cancel("from inside");
            7
        };
        assert_eq!(scope.run(work).await, Ok(7));
        assert!(!scope.cancelled_caught());
    });
}

#[test]
fn a_destructor_may_cancel_its_own_scope_and_another() {
    // hole: `cancel` in a Drop
    run(async {
        let (one, two) = (CancelScope::new(), CancelScope::new());
        let work = async {
            let _cancel = OnDrop(|| {
                one.cancel("again");
                two.cancel("from a drop");
            });
            pending::<()>().await;
        };
        let (first, second) = join(timeout(ms(5), one.run(work)), two.run(sleep(ms(100)))).await;
        assert!(first.is_err());
        assert_eq!(reason_of(second), text("from a drop"));
        assert_eq!(one.reason(), Some(Reason::from("again")));
    });
}

#[test]
fn a_clone_cancels_the_same_scope() {
    run(async {
        let scope = CancelScope::new();
        scope.clone().cancel("by a clone");
        assert_eq!(reason_of(scope.run(yield_now()).await), text("by a clone"));
    });
}

#[test]
fn a_reason_may_be_any() {
    run(async {
        let scope = CancelScope::new();
        scope.cancel(Reason::Interrupt);
        assert_eq!(reason_of(scope.run(yield_now()).await), text("interrupted"));
    });
}

#[test]
fn a_scope_may_be_cancelled_from_between_the_turns_of_its_runtime() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let (scope, ended) = (CancelScope::new(), Rc::new(RefCell::new(None)));
    let (inside, result) = (scope.clone(), ended.clone());
    drop(runtime.spawn(async move {
        let ended = inside.run(pending::<()>()).await;
        *result.borrow_mut() = Some(ended);
    }));
    runtime.block_on(yield_now());
    scope.cancel("from outside");
    runtime.block_on(yield_now());
    assert_eq!(ended.take().and_then(reason_of), text("from outside"));
}

// Wakers of other crates.

/// Does something when it is woken. For wakers of a combinator that does much in its `wake`.
struct OnWake(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Wake for OnWake {
    fn wake(self: Arc<Self>) {
        let act = self.0.lock().expect("not poisoned").take();
        if let Some(act) = act {
            act();
        }
    }
}

type Running = Pin<Box<dyn Future<Output = Result<(), Cancelled>>>>;

thread_local! {
    /// What a waker has at hand though it may carry nothing of this thread.
    static HERE: RefCell<Option<Running>> = const { RefCell::new(None) };
    static SCOPE: RefCell<Option<CancelScope>> = const { RefCell::new(None) };
}

fn waker_that(act: impl FnOnce() + Send + 'static) -> Waker {
    Waker::from(Arc::new(OnWake(Mutex::new(Some(Box::new(act))))))
}

fn run_of(scope: &CancelScope) -> Running {
    let scope = scope.clone();
    Box::pin(async move { scope.run(pending::<()>()).await })
}

#[test]
fn a_waker_may_drop_another_run_of_the_scope_while_it_is_cancelled() {
    run(async {
        let scope = CancelScope::new();
        let mut first = run_of(&scope);
        let mut second = run_of(&scope);
        let waker = waker_that(|| drop(HERE.take()));
        assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(poll_idly(second.as_mut()).is_pending());
        HERE.set(Some(second));
        scope.cancel("enough");
        assert!(HERE.with_borrow(Option::is_none));
        assert_eq!(reason_of(first.await), text("enough"));
    });
}

#[test]
fn a_waker_may_drop_another_run_of_the_scope_while_its_deadline_is_moved() {
    run(async {
        let scope = CancelScope::new();
        let mut first = run_of(&scope);
        let mut second = run_of(&scope);
        let waker = waker_that(|| drop(HERE.take()));
        assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(poll_idly(second.as_mut()).is_pending());
        HERE.set(Some(second));
        scope.set_timeout(ms(10));
        assert!(HERE.with_borrow(Option::is_none));
        assert_eq!(reason_of(first.await), text("a deadline of 10ms passed"));
    });
}

#[test]
fn a_waker_may_cancel_the_scope_again() {
    run(async {
        let scope = CancelScope::new();
        SCOPE.set(Some(scope.clone()));
        let mut work = run_of(&scope);
        let waker = waker_that(|| SCOPE.with_borrow(|scope| scope.as_ref().expect("set").cancel("from a wake")));
        assert!(work.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        scope.cancel("enough");
        assert_eq!(reason_of(work.await), text("enough"));
        SCOPE.set(None);
    });
}

#[test]
fn a_waker_may_drop_a_group_while_a_spawner_cancels_it() {
    run(async {
        type Work = Pin<Box<dyn Future<Output = ()>>>;
        thread_local! { static WORK: RefCell<Option<Work>> = const { RefCell::new(None) }; }
        let spawner = Rc::new(RefCell::new(None));
        let out = spawner.clone();
        let mut work: Work = Box::pin(async move {
            let _ = group(async |g| {
                *out.borrow_mut() = Some(g.spawner());
                for _ in 0..3 {
                    g.spawn(pending::<()>());
                }
                Ok(())
            })
            .await;
        });
        assert!(poll_idly(work.as_mut()).is_pending());
        assert!(poll_idly(work.as_mut()).is_pending());
        let waker = waker_that(|| drop(WORK.take()));
        assert!(work.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        WORK.set(Some(work));
        spawner.take().expect("it was made").cancel("enough");
        assert!(WORK.with_borrow(Option::is_none));
    });
}

// Several runs.

#[test]
fn a_cancel_reaches_all_runs() {
    // F11
    run(async {
        let (scope, drops) = (CancelScope::new(), Drops::new());
        let work = || {
            scope.run(async {
                let _guard = drops.guard();
                pending::<()>().await
            })
        };
        group(async |g| {
            g.spawn(async {
                sleep(ms(10)).await;
                scope.cancel("enough");
            });
            g.spawn(async { assert_eq!(reason_of(work().await), text("enough")) });
            let (one, two) = join(work(), work()).await;
            assert_eq!((reason_of(one), reason_of(two)), (text("enough"), text("enough")));
            Ok(())
        })
        .await
        .expect("no error");
        drops.assert_all(3);
    });
}

#[test]
fn a_run_that_has_ended_is_not_touched_by_a_cancel() {
    // its node's number may be somebody else's by then
    run(async {
        let scope = CancelScope::new();
        let mut other = pin!(scope.run(pending::<()>()));
        assert!(poll_once(other.as_mut()).await.is_pending());
        assert_eq!(scope.run(async { 7 }).await, Ok(7));
        let stranger = CancelScope::new();
        let mut work = pin!(stranger.run(sleep(ms(10))));
        assert!(poll_once(work.as_mut()).await.is_pending());
        scope.cancel("enough");
        assert_eq!(work.await, Ok(()));
        assert_eq!(reason_of(other.await), text("enough"));
    });
}

#[test]
fn a_scope_runs_inside_itself() {
    run(async {
        let scope = CancelScope::new();
        scope.set_timeout(ms(10));
        let inner = async { scope.run(pending::<()>()).await };
        assert_eq!(
            scope.run(inner).await.map_err(|cancelled| cancelled.reason().to_string()),
            Err("a deadline of 10ms passed".to_owned())
        );
    });
}

#[test]
fn a_run_that_is_dropped_leaves_nothing() {
    run(async {
        let (scope, drops) = (CancelScope::new(), Drops::new());
        scope.set_timeout(ms(1000));
        let guard = drops.guard();
        let mut work = Box::pin(scope.run(async {
            let _guard = guard;
            pending::<()>().await
        }));
        assert!(poll_once(work.as_mut()).await.is_pending());
        drop(work);
        drops.assert_all(1);
        scope.cancel("nobody is here");
        assert!(!scope.cancelled_caught());
    }); // and no timer or node is left: `run` looks
}

#[test]
fn a_forgotten_run_does_no_harm_when_its_scope_is_cancelled() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.block_on(async {
        let scope = CancelScope::new();
        let mut work = run_of(&scope);
        assert!(poll_once(work.as_mut()).await.is_pending());
        std::mem::forget(work);
        scope.set_timeout(ms(5));
        scope.cancel("enough");
        assert_eq!(reason_of(scope.run(yield_now()).await), text("enough"));
        sleep(ms(10)).await;
    });
}

// python-trio/trio#882, #1061, #3307, #3329: a scope was left in another task than the one that had entered it.
#[test]
fn a_run_that_moves_to_another_task_is_cancelled_there() {
    run(async {
        let scope = CancelScope::new();
        let mut work = run_of(&scope);
        assert!(poll_once(work.as_mut()).await.is_pending());
        group(async |g| {
            let task = g.spawn(async { Ok(reason_of(work.await)) });
            yield_now().await;
            scope.cancel("enough");
            assert_eq!(task.await, Ok(text("enough")));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_run_that_moves_to_another_task_keeps_its_deadline() {
    run(async {
        let scope = CancelScope::new();
        scope.set_timeout(ms(20));
        let mut work = run_of(&scope);
        assert!(poll_once(work.as_mut()).await.is_pending());
        sleep(ms(5)).await;
        group(async |g| {
            let task = g.spawn(async { Ok(reason_of(work.await)) });
            assert_eq!(task.await, Ok(text("a deadline of 20ms passed")));
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn a_run_polled_again_after_an_outer_cancel_panics() {
    run(async {
        let scope = CancelScope::new();
        let mut work = pin!(scope.run(with_cleanup(pending::<Result<(), ()>>(), async |_| sleep(ms(5)).await)));
        assert!(timeout(ms(10), work.as_mut()).await.is_err());
        assert!(panic_of(work).await.contains("polled again after it was cancelled"));
        assert!(!scope.cancelled_caught());
    });
}

// Asking.

#[test]
fn a_checkpoint_lets_others_run() {
    // M7
    run(async {
        let log = Log::new();
        group(async |g| {
            g.spawn(async { log.note("other") });
            checkpoint().await;
            log.note("body");
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(log.take(), ["0 other", "0 body"]);
    });
}

#[test]
fn a_checkpoint_ends_what_is_cancelled() {
    // M7
    run(async {
        let (scope, rounds) = (CancelScope::new(), Cell::new(0));
        let work = async {
            while rounds.get() < 10 {
                rounds.set(rounds.get() + 1);
                if rounds.get() == 3 {
                    scope.cancel("enough");
                }
                checkpoint().await;
            }
        };
        assert!(scope.run(work).await.is_err());
        assert_eq!(rounds.get(), 3);
    });
}

#[test]
fn a_checkpoint_in_a_shield_is_none() {
    run(async {
        let scope = CancelScope::new();
        let work = async {
            scope.cancel("enough");
            shield(async {
                checkpoint().await;
                7
            })
            .await
        };
        assert_eq!(scope.run(work).await, Ok(7));
    });
}

#[test]
fn the_reason_of_a_cancel_can_be_asked_for() {
    run(async {
        let scope = CancelScope::new();
        assert_eq!(cancel_reason(), None);
        let work = async {
            assert_eq!(cancel_reason(), None);
            scope.cancel("asked");
            assert_eq!(cancel_reason(), Some(Reason::from("asked")));
            assert_eq!(shield(async { cancel_reason() }).await, None);
            timeout(ms(5), async { cancel_reason() }).await
        };
        assert_eq!(scope.run(work).await, Ok(Ok(Some(Reason::from("asked")))));
        assert_eq!(cancel_reason(), None);
    });
}

#[test]
fn a_destructor_can_ask_why() {
    run(async {
        let (scope, why) = (CancelScope::new(), RefCell::new(None));
        let work = scope.run(async {
            let _ask = OnDrop(|| *why.borrow_mut() = Some(cancel_reason()));
            pending::<()>().await
        });
        let _ = join(work, async { scope.cancel("asked") }).await;
        assert_eq!(why.take(), Some(Some(Reason::from("asked"))));
    });
}

#[test]
fn a_destructor_of_a_run_that_is_dropped_is_told_no_reason() {
    run(async {
        let (scope, why) = (CancelScope::new(), RefCell::new(None));
        let work = Box::pin(scope.run(async {
            let _ask = OnDrop(|| *why.borrow_mut() = Some(cancel_reason()));
            pending::<()>().await
        }));
        drop(select(work, pin!(yield_now())).await); // and with it the loser
        assert_eq!(why.take(), Some(None));
    });
}

#[test]
fn outside_of_everything_nothing_is_cancelled() {
    assert_eq!(cancel_reason(), None);
}
