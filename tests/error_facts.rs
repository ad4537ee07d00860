//! What a tree of errors tells beside the errors: when each came, whom the failure cancelled, and what those were waiting
//! for. (`errors.rs` has texts and types, `exception_groups.rs` the operations.)

mod common;

use common::{Errors, Word, after, fail, fail_after, group, ms, run, shape};
use futures_lite::AsyncReadExt;
use futures_lite::future::zip;
use std::future::{pending, poll_fn};
use std::os::fd::{AsFd, AsRawFd};
use std::task::Poll;
use std::time::Duration;
use taskgroup::net::UnixStream;
use taskgroup::{
    CancelledSibling, ExceptionGroup, Member, Runtime, WaitedFor, shield, sleep, timeout, with_cleanup, yield_now,
};

/// What each cancelled sibling was waiting for, in words.
fn waits(errors: &Errors) -> Vec<String> {
    let wait = |sibling: &CancelledSibling| sibling.waited_for().map_or("-".into(), ToString::to_string);
    errors.cancelled().map(wait).collect()
}

fn names<E>(errors: &ExceptionGroup<E>) -> Vec<String> {
    errors.cancelled().map(|sibling| sibling.task().name().into_owned()).collect()
}

/// What a task was waiting for that is cancelled at 5 ms by the failure of its sibling.
#[track_caller]
fn wait_of(work: impl Future<Output = ()>) -> String {
    let errors = run(group(async |g| {
        g.spawn(work);
        sleep(ms(5)).await;
        Err::<(), _>("A")
    }));
    waits(&errors.expect_err("the body fails")).join(", ")
}

/// The same for a task that waits for a socket, on the real clock; `FD` stands for its descriptor.
#[track_caller]
fn wait_at_a_socket(work: impl AsyncFnOnce(UnixStream)) -> String {
    let mut fd = 0;
    let errors = Runtime::new().block_on(group(async |g| {
        let (here, there) = UnixStream::pair().expect("a pair");
        fd = here.as_fd().as_raw_fd();
        g.spawn(work(here));
        yield_now().await;
        yield_now().await;
        drop(there);
        Err::<(), _>("A")
    }));
    waits(&errors.expect_err("the body fails")).join(", ").replace(&format!("descriptor {fd} "), "FD ")
}

#[test]
fn each_error_knows_how_long_after_the_opening_of_its_group_it_came() {
    let errors = run(async {
        sleep(ms(1000)).await;
        group(async |g| {
            g.collect_all();
            g.spawn(fail_after(20, "A"));
            sleep(ms(10)).await;
            g.spawn_group(group(async |g| {
                g.spawn(fail_after(30, "B"));
                Ok(())
            }));
            sleep(ms(90)).await;
            Err::<(), _>("C")
        })
        .await
    })
    .expect_err("they fail");
    assert_eq!(shape(&errors), "[A [B] C]");
    let members: Vec<_> = errors.members().iter().map(Member::elapsed).collect();
    assert_eq!(members, [Some(ms(20)), Some(ms(40)), Some(ms(100))]);
    let leaves: Vec<_> = errors.leaves().map(|leaf| leaf.elapsed()).collect();
    assert_eq!(leaves, [Some(ms(20)), Some(ms(30)), Some(ms(100))]);
}

#[test]
fn an_error_that_no_group_collected_has_no_time() {
    let errors = ExceptionGroup::new(["A"]).expect("one");
    assert_eq!(errors.members()[0].elapsed(), None);
    assert_eq!(errors.leaves().next().and_then(|leaf| leaf.elapsed()), None);
}

#[test]
fn an_error_in_a_group_that_a_task_made_itself_came_when_the_task_ended() {
    let errors = run(group(async |g| {
        g.spawn_group(async {
            sleep(ms(7)).await;
            Err::<(), _>(ExceptionGroup::new(["A"]).expect("one"))
        });
        Ok(())
    }))
    .expect_err("it fails");
    assert_eq!(errors.leaves().next().and_then(|leaf| leaf.elapsed()), Some(ms(7)));
}

#[test]
fn on_the_real_clock_what_happens_in_one_turn_takes_no_time() {
    let errors = Runtime::new().block_on(group(async |g| {
        g.spawn(fail("A"));
        Ok(())
    }));
    assert_eq!(errors.expect_err("it fails").members()[0].elapsed(), Some(Duration::ZERO));
}

#[test]
fn the_tree_tells_the_time_of_what_did_not_fail_at_once() {
    let lines = |micros| {
        let errors = run(group(async |_| {
            sleep(Duration::from_micros(micros)).await;
            Err::<(), _>("A")
        }));
        format!("{:#}", errors.expect_err("it fails"))
    };
    assert_eq!(lines(0), "1 error in task group\n`- body: A");
    assert_eq!(lines(900), "1 error in task group\n`- body: A");
    assert_eq!(lines(1000), "1 error in task group\n`- body, after 1ms: A");
    assert_eq!(lines(9_000_000_000), "1 error in task group\n`- body, after 2h 30m: A");
}

#[test]
fn the_tree_ends_with_whom_the_failure_cancelled() {
    // J17 (what is told is ours)
    let mut line = 0;
    let errors = run(group(async |g| {
        line = line!();
        g.spawn(fail_after(200, "out of time")).named("search");
        g.spawn(sleep(ms(500))).named("news");
        g.limit(2);
        g.spawn(async {}).named("late");
        Ok(())
    }))
    .expect_err("it fails");
    let file = file!();
    let (search, news, late) = (line + 1, line + 2, line + 4);
    let tree = format!(
        "1 error in task group\n\
         |- task search ({file}:{search}), after 200ms: out of time\n\
         |- cancelled (search failed): task late ({file}:{late}), never started\n\
         `- cancelled (search failed): task news ({file}:{news}), waiting for a timer (300ms left)"
    );
    assert_eq!(format!("{errors:#}"), tree);
    assert_eq!(errors.to_string(), "1 error in task group: out of time");
    assert_eq!(errors.cancelled().map(CancelledSibling::was_started).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_task_that_slept_was_waiting_for_a_timer() {
    assert_eq!(wait_of(sleep(ms(7))), "a timer (2ms left)");
    assert_eq!(wait_of(sleep(Duration::MAX)), "a time that never comes");
}

#[test]
fn a_deadline_over_a_wait_is_not_what_is_waited_for() {
    assert_eq!(wait_of(async { _ = timeout(ms(50), pending::<()>()).await }), "-");
    assert_eq!(wait_of(async { _ = timeout(ms(50), sleep(ms(7))).await }), "a timer (2ms left)");
}

#[test]
fn what_is_awaited_counts_and_not_what_is_merely_held() {
    let work = async {
        let mut held = std::pin::pin!(sleep(ms(90)));
        poll_fn(|cx| Poll::Ready(assert!(held.as_mut().poll(cx).is_pending()))).await;
        sleep(ms(7)).await;
    };
    assert_eq!(wait_of(work), "a timer (2ms left)");
}

#[test]
fn a_task_that_awaits_a_channel_says_nothing() {
    assert_eq!(wait_of(pending()), "-");
}

#[test]
fn a_task_that_joined_another_was_waiting_for_it() {
    let errors = run(group(async |g| {
        let slow = g.spawn(sleep(ms(50))).named("slow");
        g.spawn(async { drop(slow.await) }).named("joins");
        sleep(ms(5)).await;
        Err::<(), _>("A")
    }))
    .expect_err("the body fails");
    assert_eq!(waits(&errors), ["a timer (45ms left)", "task slow"]);
}

#[test]
fn a_task_that_read_or_wrote_was_waiting_for_its_descriptor() {
    assert_eq!(wait_at_a_socket(async |here| drop(here.read(&mut [0; 8]).await)), "FD to be readable");
    let fill = async |here: UnixStream| while here.write(&[7; 4096]).await.is_ok() {};
    assert_eq!(wait_at_a_socket(fill), "FD to be writable");
    // through the traits, which know no end of a wait but that of the socket
    assert_eq!(wait_at_a_socket(async |mut here| drop(here.read_to_end(&mut Vec::new()).await)), "FD to be readable");
}

#[test]
fn a_task_with_a_group_was_waiting_for_what_the_body_awaited_or_for_its_tasks() {
    let open = async |body_waits: bool| {
        let inner: Result<(), Errors> = group(async |g| {
            g.spawn(sleep(ms(50)));
            if body_waits {
                sleep(ms(30)).await;
            }
            Ok(())
        })
        .await;
        drop(inner);
    };
    assert_eq!(wait_of(open(true)), "a timer (25ms left)");
    assert_eq!(wait_of(open(false)), "the tasks of its group");
}

#[test]
fn a_task_whose_body_joined_a_task_of_its_group_was_waiting_for_that() {
    let join = async {
        let inner: Result<(), Errors> = group(async |g| {
            drop(g.spawn(sleep(ms(50))).named("slow").await);
            Ok(())
        })
        .await;
        drop(inner);
    };
    assert_eq!(wait_of(join), "task #1/slow");
}

#[test]
fn a_task_that_accepted_work_was_waiting_for_leave_to_spawn() {
    let accept = async {
        let inner: Result<(), Errors> = group(async |g| {
            g.limit(1);
            g.spawn(sleep(ms(50)));
            g.admit().await;
            Ok(())
        })
        .await;
        drop(inner);
    };
    assert_eq!(wait_of(accept), "leave to spawn into a group");
}

#[test]
fn what_a_cleanup_waits_for_afterwards_does_not_count() {
    let clean = with_cleanup(after(50, ()), async |_| _ = timeout(ms(3), sleep(ms(20))).await);
    assert_eq!(wait_of(async { _ = clean.await }), "a timer (45ms left)");
}

#[test]
fn tasks_that_take_longer_over_their_ends_are_not_mixed_up() {
    let errors = run(group(async |g| {
        for n in [30, 10, 20] {
            let clean = with_cleanup(after(n * 10, ()), async move |_| sleep(ms(n)).await);
            g.spawn(clean).named(n.to_string());
        }
        sleep(ms(5)).await;
        Err::<(), _>("A")
    }))
    .expect_err("the body fails");
    assert_eq!(names(&errors), ["10", "20", "30"]);
    assert_eq!(waits(&errors), ["a timer (95ms left)", "a timer (195ms left)", "a timer (295ms left)"]);
}

#[test]
fn a_long_cleanup_of_one_task_takes_no_room_from_the_others() {
    let errors = run(group(async |g| {
        let clean = with_cleanup(after(50, ()), async |_| {
            for _ in 0..20 {
                _ = timeout(ms(1), sleep(ms(10))).await;
            }
        });
        g.spawn(clean);
        g.spawn(async { _ = zip(shield(sleep(ms(60))), sleep(ms(90))).await });
        sleep(ms(5)).await;
        Err::<(), _>("A")
    }))
    .expect_err("the body fails");
    assert_eq!(waits(&errors), ["a timer (45ms left)", "a timer (30ms left)"]);
}

#[test]
fn a_task_whose_cleanup_was_cut_off_says_so() {
    common::keep_reports();
    let errors = run(group(async |g| {
        g.grace(ms(10));
        g.spawn(shield(sleep(ms(1000)))).named("deaf");
        yield_now().await;
        Err::<(), _>("A")
    }))
    .expect_err("the body fails");
    assert!(errors.cancelled().all(|sibling| sibling.was_cut_off() && sibling.was_started()));
    let tree = format!("{errors:#}");
    assert!(tree.ends_with("waiting for a timer (990ms left), its cleanup cut off"), "{tree}");
}

#[test]
fn who_fails_or_ends_with_a_value_is_not_among_the_cancelled() {
    // J16 (what is told is ours)
    let errors = run(group(async |g| {
        g.spawn(fail("A")).named("first");
        g.spawn(with_cleanup(pending::<Result<(), Word>>(), async |_| Err("B"))).named("fails in its cleanup");
        g.spawn(shield(sleep(ms(1)))).named("shielded");
        g.spawn(async { shield(sleep(ms(1))).await }).named("shielded, too");
        g.spawn(async {}).named("done");
        g.spawn(pending::<()>()).named("cancelled");
        Ok(())
    }))
    .expect_err("they fail");
    assert_eq!(shape(&errors), "[A B]");
    assert_eq!(names(&errors), ["cancelled"]);
}

#[test]
fn a_cancel_of_the_whole_group_counts_if_there_were_errors() {
    let cancelled = |error: bool| {
        run(async {
            let mut ended = None;
            let work = async {
                let work = group(async |g| {
                    g.collect_all();
                    if error {
                        g.spawn(fail_after(1, "A"));
                    }
                    g.spawn(pending::<()>()).named("slow");
                    Ok(())
                });
                ended = Some(work.await.expect_err("an error or none"));
            };
            assert!(timeout(ms(20), work).await.is_ok() || !error);
            ended
        })
    };
    let errors = cancelled(true).expect("an error");
    let reasons: Vec<_> = errors.cancelled().map(|sibling| sibling.reason().to_string()).collect();
    assert_eq!(reasons, ["a deadline of 20ms passed"]);
    assert!(cancelled(false).is_none());
}

#[test]
fn a_task_that_was_cancelled_alone_is_not_told_of() {
    let errors = run(group(async |g| {
        g.collect_all();
        g.spawn(fail("A"));
        let alone = g.spawn(pending::<()>());
        yield_now().await;
        alone.cancel("not needed");
        Ok(())
    }))
    .expect_err("a task fails");
    assert_eq!(errors.cancelled_count(), 0);
}

#[test]
fn a_task_that_was_cancelled_before_there_was_an_error_is_not_told_of() {
    let errors = run(group(async |g| {
        g.limit(9); // keeps books already
        g.spawn(pending::<()>()).named("before");
        g.spawn(with_cleanup(pending::<Result<(), Word>>(), async |_| Err("A")));
        g.spawn(shield(sleep(ms(3)))).named("shielded");
        g.spawn(async {
            shield(sleep(ms(3))).await;
            pending::<()>().await;
        })
        .named("after");
        yield_now().await;
        g.cancel("enough");
        Ok(())
    }))
    .expect_err("a cleanup fails");
    assert_eq!(names(&errors), ["after"]);
}

#[test]
fn of_many_the_first_eight_are_kept_and_the_others_counted() {
    let errors = run(group(async |g| {
        for n in 1..=1000 {
            g.spawn(sleep(ms(n * 10))).named(n.to_string());
        }
        sleep(ms(5)).await;
        Err::<(), _>("A")
    }))
    .expect_err("the body fails");
    assert_eq!(names(&errors), ["1", "2", "3", "4", "5", "6", "7", "8"]);
    assert_eq!((errors.cancelled_count(), errors.cancelled().len(), errors.count()), (1000, 8, 1));
    let tree = format!("{errors:#}");
    assert_eq!(tree.lines().count(), 11);
    assert_eq!(tree.lines().last(), Some("`- ... and 992 more cancelled"));
    let short = errors.report().max_members(1).to_string();
    assert_eq!(short.lines().last(), Some("`- ... and 999 more cancelled"));
    assert_eq!(short.lines().count(), 4);
}

#[test]
fn each_group_of_a_tree_tells_of_its_own() {
    let errors = run(group(async |g| {
        g.spawn_group(group(async |g| {
            g.spawn(fail_after(1, "A"));
            g.spawn(sleep(ms(8))).named("inner");
            Ok(())
        }));
        g.spawn(sleep(ms(9))).named("outer");
        Ok(())
    }))
    .expect_err("a task fails");
    assert_eq!(names(&errors), ["outer"]);
    assert_eq!(waits(&errors), ["a timer (8ms left)"]);
    let tree = format!("{errors:#}");
    let cancelled: Vec<_> = tree.lines().filter_map(|line| line.split_once("cancelled (")).collect();
    assert!(cancelled[0].0 == "|  `- " && cancelled[0].1.contains("#1/inner"), "{tree}");
    assert!(cancelled[1].0 == "`- " && cancelled[1].1.contains("outer"), "{tree}");
}

#[test]
fn a_group_that_fails_inside_a_cancelled_task_hides_nothing_from_the_one_around() {
    let inner = async {
        let failed: Result<(), Errors> = group(async |g| {
            g.spawn(with_cleanup(after(50, ()), async |_| Err("B")));
            g.spawn(sleep(ms(70)));
            Ok(())
        })
        .await;
        drop(failed);
        pending::<()>().await;
    };
    assert_eq!(wait_of(inner), "the tasks of its group");
}

#[test]
fn what_a_failing_group_hears_further_in_is_heard_by_the_one_around_too() {
    let inner = async {
        let failed: Result<(), Errors> = group(async |g| {
            g.spawn(fail_after(1, "B"));
            g.spawn(async { _ = zip(shield(sleep(ms(8))), sleep(ms(90))).await });
            shield(sleep(ms(10))).await; // keeps the body, so that the task is not waiting for its group
            Ok(())
        })
        .await;
        drop(failed);
        pending::<()>().await;
    };
    assert_eq!(wait_of(inner), "a timer (82ms left)");
}

#[test]
fn a_part_of_a_tree_keeps_its_times_and_the_rest_keeps_the_cancelled() {
    // J8 (what is told is ours)
    let errors = || {
        run(group(async |g| {
            g.spawn(fail_after(3, "A"));
            g.spawn(fail_after(3, "B"));
            g.spawn(pending::<()>()).named("slow");
            Ok(())
        }))
        .expect_err("they fail")
    };
    let (part, rest) = errors().split(|word| *word == "A");
    let (part, rest) = (part.expect("A"), rest.expect("B"));
    assert_eq!((part.cancelled_count(), rest.cancelled_count()), (0, 1));
    assert_eq!([&part, &rest].map(|errors| errors.members()[0].elapsed()), [Some(ms(3)); 2]);
    let (all, _) = errors().split(|_| true);
    assert_eq!(names(&all.expect("both")), ["slow"]);
    let mapped = errors().map(str::len);
    assert_eq!((names(&mapped), mapped.members()[1].elapsed()), (vec!["slow".to_string()], Some(ms(3))));
    assert_eq!(names(&errors().derive([Member::from("C")]).expect("one")), ["slow"]);
}

#[test]
fn the_facts_cross_threads() {
    fn crosses<T: Send + Sync + Clone + 'static>() {}
    crosses::<CancelledSibling>();
    crosses::<WaitedFor>();
}
