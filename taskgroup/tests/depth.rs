//! Groups in groups in groups, on a stack of 2 MiB: nothing overflows, nothing gets lost on the way.

#[path = "../../tests/common/mod.rs"]
mod common;

use common::{Errors, Sink, Word, failed, ms, only, run, start};
use std::cell::Cell;
use std::fmt::Write;
use std::future::{Future, pending};
use std::pin::Pin;
use std::thread;

use taskgroup::{BoxError, ExceptionGroup, boxed, node_count, sleep, task_group, timeout, yield_now};

/// How deep: debug builds have large frames.
const DEPTH: u32 = if cfg!(debug_assertions) { 250 } else { 1_000 };

/// Runs a test on a stack of 2 MiB, whatever the harness gives.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    on_a_stack_of(2 << 20, test);
}

fn on_a_stack_of(bytes: usize, test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(bytes).spawn(test).expect("a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// For what must not recurse at all: 10,000 frames do not fit, however small.
const SMALL: usize = 256 << 10;

/// A group whose only child is a group, and so on; at the bottom is `leaf`.
fn nested<'a, L>(depth: u32, leaf: L) -> Pin<Box<dyn Future<Output = Result<(), Errors>> + 'a>>
where
    L: Future<Output = Result<(), Word>> + 'a,
{
    let mut inner: Pin<Box<dyn Future<Output = Result<(), Errors>> + 'a>> =
        Box::pin(task_group(async |g| only(g.spawn(leaf))));
    for _ in 1..depth {
        inner = Box::pin(task_group(async |g| only(g.spawn_group(inner))));
    }
    inner
}

/// The same, but each group is in the body of the one around.
fn nested_in_bodies<'a, L>(depth: u32, leaf: L) -> Pin<Box<dyn Future<Output = Result<(), BoxError>> + 'a>>
where
    L: Future<Output = Result<(), BoxError>> + 'a,
{
    let mut inner: Pin<Box<dyn Future<Output = Result<(), BoxError>> + 'a>> = Box::pin(leaf);
    for _ in 0..depth {
        inner = Box::pin(async { Ok(boxed::task_group(async |_| inner.await).await?) });
    }
    inner
}

/// Bytes of stack between the polls of two leaves, for each level that one lies deeper than the other.
fn stack_of_a_level() -> usize {
    let bottom = |depth| {
        let address = Cell::new(0);
        let leaf = std::future::poll_fn(|_| {
            let here = 0_u8;
            address.set(std::ptr::from_ref(&here).addr());
            std::task::Poll::Ready(Ok(()))
        });
        run(nested(depth, leaf)).expect("no errors");
        address.get()
    };
    bottom(10).abs_diff(bottom(110)) / 100
}

fn depth_of<E>(mut errors: &ExceptionGroup<E>) -> u32 {
    let mut depth = 1;
    while let [member] = errors.members()
        && let taskgroup::What::Group(inner) = member.what()
    {
        depth += 1;
        errors = inner;
    }
    depth
}

#[test]
fn a_leaf_deep_down_is_polled_and_woken() {
    // C11
    on_a_small_stack(|| {
        let naps = Cell::new(0);
        run(nested(DEPTH, async {
            for _ in 0..3 {
                sleep(ms(1)).await;
                naps.set(naps.get() + 1);
            }
            Ok(())
        }))
        .expect("no error");
        assert_eq!(naps.get(), 3);
    });
}

#[test]
fn a_failure_deep_down_travels_up() {
    // C11
    on_a_small_stack(|| {
        let errors = run(nested(DEPTH, async {
            sleep(ms(1)).await;
            Err("leaf")
        }))
        .expect_err("it fails");
        assert_eq!(depth_of(&errors), DEPTH);
        assert_eq!(errors.single().expect("one"), "leaf");
    });
}

#[test]
fn a_panic_deep_down_travels_up() {
    // H2
    on_a_small_stack(|| {
        run(async {
            let leaf = async {
                sleep(ms(1)).await;
                std::panic::panic_any("leaf")
            };
            assert_eq!(common::panic_of(nested(DEPTH, leaf)).await, "leaf");
            assert_eq!(node_count(), 0);
        });
    });
}

#[test]
fn a_cancel_travels_down_to_the_leaf() {
    // E11
    on_a_small_stack(|| {
        let dropped = Cell::new(false);
        run(async {
            let leaf = async {
                let _dropped = common::OnDrop(|| dropped.set(true));
                pending().await
            };
            assert!(timeout(ms(1), nested(DEPTH, leaf)).await.is_err());
        });
        assert!(dropped.get());
    });
}

#[test]
fn a_deep_tree_of_groups_is_dropped_half_way() {
    // H3
    on_a_small_stack(|| {
        let dropped = Cell::new(false);
        run(async {
            let leaf = async {
                let _dropped = common::OnDrop(|| dropped.set(true));
                pending().await
            };
            let mut whole = nested(DEPTH, leaf);
            for _ in 0..DEPTH {
                start(whole.as_mut()).await;
            }
            assert!(node_count() > DEPTH as usize);
            drop(whole);
            assert_eq!(node_count(), 0);
        });
        assert!(dropped.get());
    });
}

#[test]
fn bodies_nest_deep() {
    // C12, C11
    on_a_small_stack(|| {
        run(async {
            let depth = DEPTH;
            nested_in_bodies(depth, async {
                yield_now().await;
                Ok(())
            })
            .await
            .expect("no error");
            let error = nested_in_bodies(depth, async { Err("leaf".into()) }).await.expect_err("it fails");
            let errors = error.downcast::<ExceptionGroup<BoxError>>().expect("a group");
            assert_eq!(depth_of(&errors), depth);
            let late = timeout(ms(1), nested_in_bodies(depth, pending()));
            assert!(late.await.is_err());
        });
    });
}

/// A tree so deep, by a loop: the body of each group fails with the group before it.
async fn tower(depth: u32) -> ExceptionGroup<BoxError> {
    let mut errors = ExceptionGroup::<BoxError>::new(["leaf".into()]).expect("one");
    for _ in 1..depth {
        errors = boxed::task_group(async |_| Err::<(), BoxError>(errors.into())).await.expect_err("it fails");
    }
    errors
}

#[test]
fn a_tree_ten_thousand_deep_is_dropped_and_printed() {
    // J11; test_exception_group DeepRecursion
    on_a_stack_of(SMALL, || {
        let errors = run(tower(10_000));
        assert_eq!(depth_of(&errors), 10_000);
        assert_eq!(errors.to_string(), "1 error in task group: leaf");
        assert_eq!(errors.leaves().count(), 1);
        drop(errors);
    });
}

#[test]
fn a_tree_a_thousand_deep_is_drawn() {
    // J11, J17: each level is a line, indented by its depth
    on_a_stack_of(SMALL, || {
        let errors = run(tower(1_000));
        let mut sink = Sink::default();
        write!(sink, "{}", errors.report().max_depth(usize::MAX)).expect("it takes all");
        let line = |level: usize| "\n".len() + 3 * level + "`- body: 1 error in task group".len();
        let lines: usize = (0..999).map(line).sum();
        let last = 3 * 999 + "\n`- leaf".len();
        assert_eq!(sink.0, "1 error in task group".len() + lines + last);
    });
}

#[test]
fn a_lone_error_ten_thousand_deep_is_unwrapped() {
    // J11, C2
    on_a_stack_of(SMALL, || {
        let error = run(tower(10_000)).single().expect("one");
        assert_eq!(error.to_string(), "leaf");
    });
}

#[test]
fn errors_of_many_levels_keep_their_order() {
    // A8, C11: at each level a task that fails beside the next level
    on_a_small_stack(|| {
        async fn level(left: u32) -> Result<(), ExceptionGroup<u32>> {
            task_group(async |g| {
                if left > 0 {
                    g.spawn_group(Box::pin(level(left - 1)));
                }
                sleep(ms(1)).await;
                Err(left)
            })
            .await
        }
        let depth = 50;
        let errors = run(level(depth)).expect_err("they fail");
        let found: Vec<_> = errors.leaves().map(|leaf| *leaf.error()).collect();
        assert_eq!(failed::<(), _>(Err(errors)).matches('[').count(), found.len());
        assert_eq!(found.last(), Some(&depth));
    });
}

/// A task with ten tasks below it, each with ten, and so on.
fn spread<'a>(levels: u32, ended: &'a Cell<u32>) -> Pin<Box<dyn Future<Output = Result<(), Errors>> + 'a>> {
    Box::pin(task_group(async move |g| {
        for _ in 0..10 {
            match levels {
                1 => drop(g.spawn(async {
                    let _ended = common::OnDrop(|| ended.set(ended.get() + 1));
                    pending::<()>().await;
                })),
                levels => drop(g.spawn_group(spread(levels - 1, ended))),
            }
        }
        Ok(())
    }))
}

#[test]
fn a_cancel_reaches_a_hundred_thousand_tasks_in_a_tree() {
    // E11; pydantic/monty#747, python-trio/trio#1235
    on_a_small_stack(|| {
        let ended = Cell::new(0);
        run(async { assert!(timeout(ms(1), spread(5, &ended)).await.is_err()) });
        assert_eq!(ended.get(), 100_000);
    });
}

#[test]
fn a_chain_of_a_hundred_thousand_tasks_that_await_each_other_unwinds() {
    // D1; pydantic/monty#747: by turns, and not by recursion
    on_a_stack_of(SMALL, || {
        run(async {
            let last = common::group(async |g| {
                let mut last = g.spawn(common::after(1, 0));
                for _ in 0..100_000 {
                    let before = last;
                    last = g.spawn(async move { Ok(before.await.expect("a value") + 1) });
                }
                Ok(last.await.expect("a value"))
            });
            assert_eq!(last.await.expect("no error"), 100_000);
        });
    });
}

#[test]
fn a_chain_of_a_hundred_thousand_handles_is_dropped_half_way() {
    // H3
    on_a_stack_of(SMALL, || {
        let drops = common::Drops::new();
        run(async {
            let mut whole = Box::pin(common::group(async |g| {
                let mut last = g.spawn(pending::<()>());
                for _ in 0..100_000 {
                    let (before, guard) = (last, drops.guard());
                    last = g.spawn(async move {
                        let _guard = guard;
                        drop(before.await);
                    });
                }
                drop(last.await);
                Ok(())
            }));
            start(whole.as_mut()).await;
            drop(whole);
            assert_eq!(node_count(), 0);
        });
        drops.assert_all(100_000);
    });
}

/// Says with `--nocapture` what docs/ARCHITECTURE.md quotes.
#[test]
#[allow(clippy::print_stdout, reason = "the figure is to be read")]
fn a_level_leaves_room_for_as_many_as_are_promised() {
    let bytes = stack_of_a_level();
    println!("a nested group takes {bytes} bytes of stack");
    assert!(bytes * (DEPTH as usize) < 2 << 20, "{bytes} bytes a level");
}
