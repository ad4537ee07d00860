//! The task tree: what it shows of programs that wait in one place or another, and how it is drawn.

mod common;

use common::{Group, OnDrop, Sink, Word, group, ms, poll_once, run};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt::Write;
use std::future::{Future, pending};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use futures_util::future::join;
use futures_util::stream::{FuturesUnordered, StreamExt};
use taskgroup::instrument::{Event, Instrument, Part, WaitsFor};
use taskgroup::net::UdpSocket;
use taskgroup::{
    BlockOnError, BoxError, Clock, ExceptionGroup, Report, Runtime, Stall, Task, TaskNode, TaskState, TaskTree,
    as_completed, boxed, shield, sleep, task_group, timeout, tree, with_cleanup, yield_now,
};

/// The tree, from inside a task.
fn seen() -> TaskTree {
    tree().expect("we are in a task")
}

/// The tree after all who are ready have run.
async fn seen_later() -> TaskTree {
    for _ in 0..5 {
        yield_now().await;
    }
    seen()
}

/// A drawn tree, with `N` for places in this file.
fn without_lines(text: &str) -> String {
    let mut pieces = text.split("tests/task_tree.rs:");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push('N');
        plain.push_str(piece.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    plain
}

#[track_caller]
fn assert_drawn(tree: &TaskTree, drawn: &str) {
    assert_eq!(without_lines(&tree.to_string()), drawn.trim_start_matches('\n'), "{tree}");
}

/// The task of that name.
fn named<'a>(tree: &'a TaskTree, name: &str) -> TaskNode<'a> {
    tree.tasks().find(|task| task.name() == name).expect("there is such a task")
}

/// Runs a program in which everything stands still at last.
#[track_caller]
fn stall_of<T>(program: impl Future<Output = T>) -> Stall {
    match Runtime::with_clock(Clock::Autojump).try_block_on(program) {
        Err(BlockOnError::Stalled(stall)) => stall,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it should have stalled"),
    }
}

/// Opens a group, hands it to `fill`, and gives the tree as it then is.
fn tree_of<'env, F>(fill: F) -> TaskTree
where
    F: for<'scope> AsyncFnOnce(&'scope Group<'scope, 'env>) -> TaskTree + 'env,
{
    run(group(async |g| {
        let tree = fill(g).await;
        g.cancel("seen");
        Ok(tree)
    }))
    .expect("no errors")
}

// ---- What is there ----

#[test]
fn tasks_are_drawn_under_their_groups_with_what_they_wait_for() {
    let tree = tree_of(async |g| {
        g.spawn(sleep(ms(3_200))).named("server");
        g.spawn(async {
            let inner = group(async |g| {
                let first = g.spawn(sleep(ms(1))).named("first");
                g.spawn(async { drop(first.await) });
                sleep(ms(20)).await;
                Ok(())
            });
            drop(inner.await);
        })
        .named("pages");
        seen_later().await
    });
    assert_drawn(
        &tree,
        "
main (block_on): being polled
`- group (N): 2 tasks
   |- task server (N): waits for a timer in 3.2s
   `- task pages (N): waits for a timer in 20ms
      `- group (N): 2 tasks
         |- task first (N): waits for a timer in 1ms
         `- task #2 (N): waits for task pages/first",
    );
}

#[test]
fn a_group_knows_where_it_was_opened_and_a_task_where_it_was_spawned() {
    let line = line!();
    let tree = tree_of(async |g| {
        g.spawn(pending::<()>()).named("here");
        seen_later().await
    });
    let place = named(&tree, "here").place().expect("known");
    assert_eq!((place.file(), place.line()), (file!(), line + 2));
    let group = named(&tree, "here").group().expect("a task of a group");
    assert_eq!(group.place().map(|place| place.file()), Some(file!()));
    assert!(group.owner().is_some_and(TaskNode::is_main));
}

#[test]
fn every_task_is_there_once() {
    let tree = tree_of(async |g| {
        g.spawn(async {
            drop(join(group(async |g| Ok(two_in(g).await)), group(async |g| Ok(two_in(g).await))).await);
        });
        g.spawn(async {
            let two = || group(async |g| Ok(two_in(g).await));
            let mut foreign: FuturesUnordered<_> = [two(), two()].into_iter().collect();
            while foreign.next().await.is_some() {}
        });
        g.spawn(async { drop(group(async |_| group(async |g| Ok(two_in(g).await)).await.map_err(|_| "inner")).await) });
        seen_later().await
    });
    let numbers: HashSet<_> = tree.tasks().map(TaskNode::number).collect();
    assert_eq!((tree.len(), numbers.len()), (1 + 3 + 2 * 5, 14));
    assert_eq!(tree.adrift().count(), 0);
    let met: usize = tree.to_string().matches("waits for a timer in 1s").count();
    assert_eq!(met, 10, "{tree}");
}

async fn two_in<'scope>(g: &'scope Group<'scope, '_>) {
    g.spawn(sleep(ms(1_000)));
    g.spawn(sleep(ms(1_000)));
    pending::<()>().await;
}

#[test]
fn a_group_behind_a_combinator_with_its_own_wakers_hangs_in_its_task() {
    let tree = tree_of(async |g| {
        g.spawn(async {
            let mut foreign: FuturesUnordered<_> = [group(async |g| Ok(two_in(g).await))].into_iter().collect();
            foreign.next().await;
        });
        seen_later().await
    });
    assert_drawn(
        &tree,
        "
main (block_on): being polled
`- group (N): 1 task
   `- task #1 (N): waits for something of somebody else's (a channel, a lock)
      `- group (N): 2 tasks
         |- task #1 (N): waits for a timer in 1s
         `- task #2 (N): waits for a timer in 1s",
    );
}

#[test]
fn a_group_in_the_body_of_another_hangs_there_and_not_in_its_tasks() {
    let tree = tree_of(async |g| {
        g.spawn(pending::<()>()).named("outer");
        let inner = group(async |g| {
            g.spawn(pending::<()>()).named("inner");
            let tree = seen_later().await;
            g.cancel("seen");
            Ok(tree)
        });
        inner.await.expect("no errors")
    });
    assert_drawn(
        &tree,
        "
main (block_on): being polled
`- group (N): 1 task
   |- group (N) in the body: 1 task
   |  `- task inner (N): waits for something of somebody else's (a channel, a lock)
   `- task outer (N): waits for something of somebody else's (a channel, a lock)",
    );
}

#[test]
fn a_group_that_was_taken_out_of_its_task_and_left_alone_is_adrift() {
    let left = RefCell::new(None);
    let tree = tree_of(async |g| {
        let taken = g.spawn(async {
            let mut group: Pin<Box<dyn Future<Output = _>>> = Box::pin(group(async |g| Ok(two_in(g).await)));
            assert!(poll_once(group.as_mut()).await.is_pending());
            left.replace(Some(group));
        });
        drop(taken.await);
        let tree = seen_later().await;
        left.take();
        tree
    });
    assert_drawn(
        &tree,
        "
main (block_on): being polled
`- group (N): no tasks
group (N) that no task polls: 2 tasks
|- task #1 (N): not started
`- task #2 (N): not started",
    );
    assert_eq!(tree.len(), 3);
}

#[test]
fn outside_a_runtime_there_is_no_tree() {
    assert_eq!(tree(), None);
}

#[test]
fn a_runtime_shows_its_tree_between_turns() {
    let runtime = Runtime::with_clock(Clock::Manual);
    runtime.spawn(async {
        drop(group(async |g| Ok(two_in(g).await)).await);
    });
    runtime.turn(Some(ms(0))).expect("a turn");
    assert_drawn(
        &runtime.tree(),
        "
root task #0: waits for something of somebody else's (a channel, a lock)
`- group (N): 2 tasks
   |- task #1 (N): waits for a timer in 1s
   `- task #2 (N): waits for a timer in 1s",
    );
}

// ---- States ----

#[test]
fn a_task_is_not_started_woken_polled_or_waits() {
    let tree = tree_of(async |g| {
        g.spawn(yield_now()).named("woken");
        g.spawn(pending::<()>()).named("waiting");
        let own = g.spawn(async {
            g.spawn(pending::<()>()).named("new");
            Ok(seen())
        });
        own.named("own").await.expect("a value")
    });
    let state = |name| named(&tree, name).state();
    assert_eq!(state("woken"), TaskState::Queued);
    assert_eq!(state("waiting"), TaskState::Waiting);
    assert_eq!((state("new"), named(&tree, "new").waits()), (TaskState::NotStarted, &[WaitsFor::FirstPoll][..]));
    assert_eq!((state("own"), state("main")), (TaskState::Polled, TaskState::Polled));
    assert!(tree.to_string().contains("task new (tests/task_tree.rs:"), "{tree}");
    assert!(tree.to_string().ends_with("): not started"), "{tree}");
}

#[test]
fn a_task_in_whose_group_somebody_is_woken_is_not_woken_itself() {
    let tree = tree_of(async |g| {
        let owner = g.spawn(async {
            drop(
                group(async |g| {
                    g.spawn(async {
                        sleep(ms(1)).await;
                        pending::<()>().await;
                    })
                    .named("inner");
                    sleep(ms(9)).await;
                    Ok(())
                })
                .await,
            );
        });
        owner.named("owner");
        let own = g.spawn(async {
            sleep(ms(1)).await; // at the same instant, and comes up first
            Ok(seen())
        });
        let early = g.spawn(async {
            sleep(ms(1)).await;
        });
        drop(early);
        own.await.expect("a value")
    });
    assert_eq!(named(&tree, "owner").waits(), [WaitsFor::Timer(Some(ms(9)))], "{tree}");
}

#[test]
fn a_cancelled_task_says_why_and_what_its_cleanup_waits_for() {
    let tree = tree_of(async |g| {
        let task = g.spawn(async {
            let _ = with_cleanup(pending::<Result<(), Word>>(), async |_| sleep(ms(20)).await).await;
        });
        yield_now().await;
        yield_now().await;
        task.named("db").cancel("no longer needed");
        seen_later().await
    });
    assert_eq!(named(&tree, "db").reason(), Some("no longer needed"));
    assert_drawn(
        &tree,
        "
main (block_on): being polled
`- group (N): 1 task
   `- task db (N), being cancelled (no longer needed), in its cleanup: waits for a timer in 20ms",
    );
}

#[test]
fn a_closing_group_says_why() {
    let stall = stall_of(group(async |g| {
        g.spawn(shield(pending::<()>())).named("slow");
        g.spawn(async { Err::<(), _>("broken") }).named("db");
        Ok(())
    }));
    assert_drawn(
        &stall.tree,
        "
main (block_on): waits for the tasks of its group
`- group (N), closing (db failed): 1 task
   `- task slow (N), being cancelled (db failed), in a shield: waits for something of somebody else's (a channel, a \
         lock)",
    );
    assert_eq!(named(&stall.tree, "slow").group().and_then(|group| group.closing()), Some("db failed"));
}

#[test]
fn a_scope_whose_deadline_has_passed_says_so() {
    let stall = stall_of(async {
        let _ = timeout(ms(1_000), shield(pending::<()>())).await;
    });
    assert_drawn(
        &stall.tree,
        "main (block_on), in a scope that is being cancelled (a deadline of 1s passed), in a shield: waits for something \
         of somebody else's (a channel, a lock)",
    );
    let parts: Vec<_> = named(&stall.tree, "main").parts().iter().map(|open| open.part).collect();
    assert_eq!(parts, [Part::Scope, Part::Shield]);
}

// ---- Waits ----

#[test]
fn a_deadline_is_told_apart_from_what_is_waited_for() {
    let tree = tree_of(async |g| {
        g.spawn(async { timeout(ms(2_000), sleep(ms(5_000))).await.map_err(|_| "late") }).named("slow");
        sleep(ms(500)).await;
        seen()
    });
    let text = tree.to_string();
    assert!(text.ends_with("): waits for a timer in 4.5s (deadline in 1.5s)"), "{text}");
    let task = named(&tree, "slow");
    assert_eq!((task.waits(), task.deadline()), (&[WaitsFor::Timer(Some(ms(5_000)))][..], Some(ms(2_000))));
    assert_eq!(tree.at(), ms(500));
}

#[test]
fn a_task_may_wait_for_several_things() {
    let tree = tree_of(async |g| {
        g.spawn(async {
            let three = join(sleep(ms(3)), join(sleep(ms(1)), sleep(ms(2))));
            join(three, sleep(ms(4))).await;
        });
        seen_later().await
    });
    let text = tree.to_string();
    assert!(text.ends_with(": waits for a timer in 1ms, a timer in 2ms, a timer in 3ms and 1 more"), "{text}");
}

#[test]
fn a_descriptor_is_named_with_its_direction() {
    let tree = tree_of(async |g| {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let fd = socket.as_fd().as_raw_fd();
        let reader = g.spawn(async move {
            let _: io::Result<_> = socket.recv_from(&mut [0; 8]).await;
        });
        reader.named("reader");
        let tree = seen_later().await;
        assert_eq!(named(&tree, "reader").waits(), [WaitsFor::Readable(fd)]);
        let text = tree.to_string();
        assert!(text.ends_with(&format!("): waits for descriptor {fd} to be readable")), "{text}");
        tree
    });
    assert_eq!(tree.len(), 2);
}

#[test]
fn tasks_that_join_each_other_are_both_named_in_the_stall() {
    let handles = [const { Cell::new(None::<Task<()>>) }; 2];
    let stall = stall_of(group(async |g| {
        for (n, name) in ["chicken", "egg"].into_iter().enumerate() {
            let handles = &handles;
            let task = g.spawn(async move {
                yield_now().await;
                drop(handles[1 - n].take().expect("spawned by now").await);
            });
            handles[n].set(Some(task.named(name)));
        }
        Ok(())
    }));
    assert_drawn(
        &stall.tree,
        "
main (block_on): waits for the tasks of its group
`- group (N): 2 tasks
   |- task chicken (N): waits for task egg
   `- task egg (N): waits for task chicken",
    );
    assert!(stall.to_string().ends_with(&format!("\n{}", stall.tree)));
    assert_eq!(Report::Stalled(&stall).to_string(), stall.to_string());
}

#[test]
fn a_task_that_joins_itself_says_so() {
    let own = RefCell::new(None::<Task<()>>);
    let stall = stall_of(group(async |g| {
        let task = g.spawn(async {
            let own = own.take().expect("set");
            drop(own.await);
        });
        own.replace(Some(task));
        Ok(())
    }));
    assert!(stall.to_string().ends_with("): waits for itself"), "{stall}");
}

#[test]
fn a_limit_that_is_a_deadlock_shows_who_has_the_place_and_who_waits_for_it() {
    let stall = stall_of(group(async |g| {
        g.limit(1);
        g.spawn(async {
            let queued = g.spawn(async {}).named("queued");
            queued.await.map_err(|_| "cancelled")
        })
        .named("holder");
        Ok(())
    }));
    assert_drawn(
        &stall.tree,
        "
main (block_on): waits for the tasks of its group
`- group (N): 2 tasks
   |- task holder (N): waits for task queued
   `- task queued (N): not started, waits for a place under the limit of its group",
    );
    assert_eq!(named(&stall.tree, "queued").waits(), [WaitsFor::Place]);
}

#[test]
fn who_waits_for_leave_to_spawn_says_into_which_group() {
    if cfg!(feature = "plain") {
        return; // its wakers do not say whose they are
    }
    let stall = stall_of(group(async |g| {
        g.limit(1);
        g.spawn(pending::<()>());
        g.admit().await;
        Ok(())
    }));
    let drawn = without_lines(&stall.to_string());
    assert!(drawn.contains("\nmain (block_on): waits for leave to spawn into the group of N\n"), "{drawn}");
}

#[test]
fn who_takes_tasks_as_they_end_waits_for_all_of_them() {
    if cfg!(feature = "plain") {
        return;
    }
    let stall = stall_of(group(async |g| {
        let tasks = ["a", "b"].map(|name| g.spawn(pending::<()>()).named(name));
        as_completed(tasks).next().await;
        Ok(())
    }));
    assert!(stall.to_string().contains("\nmain (block_on): waits for task a and task b\n"), "{stall}");
}

#[test]
fn of_two_groups_in_a_task_each_is_named_by_its_place() {
    let tree = tree_of(async |g| {
        g.spawn(async {
            let one = group(async |g| Ok(drop(g.spawn(sleep(ms(9))))));
            let other = group(async |g| Ok(drop(g.spawn(sleep(ms(9))))));
            drop(join(one, other).await);
        });
        seen_later().await
    });
    let drawn = without_lines(&tree.to_string());
    assert!(drawn.contains(": waits for the tasks of the group of N and the tasks of the group of N\n"), "{drawn}");
}

#[test]
fn a_path_that_is_long_ends_in_its_last_names() {
    let tree = tree_of(async |g| {
        g.spawn_group(chain(9)).named("top");
        for _ in 0..30 {
            yield_now().await;
        }
        seen()
    });
    let text = tree.display().max_depth(20).to_string();
    assert!(text.contains(": waits for task ../inner/inner/inner/first\n"), "{text}");
    assert!(text.contains(": waits for task top/first\n"), "{text}");
}

/// Groups in groups, each with two tasks of which the second waits for the first.
fn chain(depth: u32) -> Pin<Box<dyn Future<Output = Result<(), ExceptionGroup<Word>>>>> {
    Box::pin(group(async move |g| {
        let first = g.spawn(sleep(ms(9))).named("first");
        g.spawn(async { drop(first.await) });
        if depth > 1 {
            g.spawn_group(chain(depth - 1)).named("inner");
        }
        Ok(())
    }))
}

// ---- Drawing ----

#[test]
fn a_name_of_whatever_kind_stays_on_its_line() {
    let tree = tree_of(async |g| {
        g.spawn(pending::<()>()).named("say \"hello\"\nand 'bye'\t\u{1b}[31m");
        g.spawn(pending::<()>()).named("\u{202e}lanigiro \u{5e9}\u{5dc}\u{5d5}\u{5dd}");
        g.spawn(pending::<()>()).named("x".repeat(1_000));
        seen_later().await
    });
    let text = tree.to_string();
    let lines: Vec<_> = text.lines().skip(2).map(|line| line.split(" (tests").next().unwrap_or_default()).collect();
    assert_eq!(
        lines,
        [
            "   |- task say \"hello\"\\nand 'bye'\\t\\u{1b}[31m",
            "   |- task \\u{202e}lanigiro \u{5e9}\u{5dc}\u{5d5}\u{5dd}",
            &format!("   `- task {}...", "x".repeat(80)),
        ]
    );
}

#[test]
fn a_wide_tree_is_cut_and_counted() {
    let tree = tree_of(async |g| {
        (0..1_000).for_each(|_| drop(g.spawn(pending::<()>())));
        seen_later().await
    });
    assert_eq!(tree.len(), 1_001);
    assert_eq!(tree.to_string().lines().count(), 2 + 15 + 1);
    assert!(tree.to_string().ends_with("\n   `- ... and 985 more"), "{tree}");
    assert_eq!(tree.display().max_members(0).to_string(), "... and 1 more");
    assert_eq!(tree.display().max_members(usize::MAX).to_string().lines().count(), 1_002);
}

#[test]
fn a_deep_tree_is_cut() {
    let tree = tree_of(async |g| {
        g.spawn_group(chain(9));
        for _ in 0..30 {
            yield_now().await;
        }
        seen()
    });
    let text = without_lines(&tree.display().max_depth(1).max_members(1).to_string());
    let drawn = "
main (block_on): being polled
`- group (N): 1 task
   `- task #1 (N): waits for the tasks of its group
      `- ... (more than 1 level deep)";
    assert_eq!(text, drawn.trim_start());
}

#[test]
fn a_tree_goes_to_another_thread_and_equals_its_clone() {
    let tree = tree_of(async |g| {
        g.spawn(pending::<()>());
        seen_later().await
    });
    let clone = tree.clone();
    let there = thread::spawn(move || (tree.to_string(), tree)).join().expect("no panic");
    assert_eq!(there, (clone.to_string(), clone.clone()));
    assert_eq!(format!("{clone:?}"), clone.to_string());
}

/// On a stack that has room for the groups themselves; then on one that has none. (In bodies, since those are reached in
/// one poll.)
#[test]
fn a_tree_of_20000_levels_is_drawn_compared_and_dropped_without_recursion() {
    const DEPTH: u32 = 20_000;
    let (sender, trees) = channel();
    let dive = move || {
        let mut inner: Pin<Box<dyn Future<Output = Result<(), BoxError>>>> = Box::pin(async move {
            for _ in 0..2 {
                sender.send(seen()).expect("it is waited for");
            }
            Ok(())
        });
        for _ in 0..DEPTH {
            inner = Box::pin(async {
                let group = boxed::task_group(async |g| {
                    g.spawn(async {});
                    inner.await
                });
                Ok(group.await?)
            });
        }
        run(inner).expect("no errors");
    };
    let diver = thread::Builder::new().stack_size(1 << 30).spawn(dive).expect("a thread");
    let look = move || {
        let (one, other) = (trees.recv().expect("sent"), trees.recv().expect("sent"));
        assert_eq!(one.len(), DEPTH as usize + 1);
        assert!(one == other);
        assert_eq!(one.to_string().lines().count(), 1 + 2 * 10 + 1, "{one}");
        let mut sink = Sink::default();
        write!(sink, "{}", one.display().max_depth(1_000)).expect("a sink takes all");
        assert!(sink.0 > 1_000_000, "{}", sink.0);
    };
    thread::Builder::new().stack_size(64 << 10).spawn(look).expect("a thread").join().expect("no panic");
    diver.join().expect("no panic");
}

#[test]
fn a_tree_may_be_asked_for_while_a_task_is_dropped() {
    let lines = Cell::new(0);
    run(async {
        let ended = group(async |g| {
            g.spawn(async {
                let _look = OnDrop(|| lines.set(seen().to_string().lines().count()));
                pending::<()>().await;
            });
            yield_now().await;
            yield_now().await;
            g.cancel("enough");
            Ok(())
        });
        drop(ended.await);
        drop(boxed::task_group(async |_| Ok(())).await);
    });
    assert_eq!(lines.get(), 3);
}

#[test]
fn a_group_in_the_background_is_neither_shown_nor_heard() {
    #[derive(Default)]
    struct Heard(Cell<u32>);
    impl Instrument for Heard {
        fn hear(&self, _at: Duration, event: &Event<'_>) {
            if !matches!(event, Event::Phase(_)) {
                self.0.set(self.0.get() + 1);
            }
        }
    }
    let runtime = Runtime::with_clock(Clock::Autojump);
    let heard = Rc::new(Heard::default());
    runtime.instrument(heard.clone());
    let (wake, woken) = async_channel::bounded::<()>(1);
    runtime.spawn_in_background(async move {
        let ended: Result<(), ExceptionGroup<BoxError>> = task_group(async |g| {
            g.spawn(async { while woken.recv().await.is_ok() {} });
            pending().await
        })
        .await;
        drop(ended);
    });
    for _ in 0..3 {
        runtime.turn(Some(Duration::ZERO)).expect("a turn");
        wake.try_send(()).expect("there is room"); // from outside: a wake of a child, and of its owners
    }
    assert_eq!((runtime.tree().to_string(), heard.0.get()), ("no tasks".to_string(), 0));
}
