//! The supervisor: its rules, in virtual time, and the program that shows it.

mod common;
#[path = "../examples/supervisor/supervision/mod.rs"]
#[allow(dead_code, reason = "the program uses the rest")]
mod supervision;

use common::{Errors, Log, Word, fail_after, group, keep_reports, ms, panic_of, reports, run, shape};
use std::cell::Cell;
use std::future::pending;
use std::process::{Command, Output};
use std::time::Duration;
use supervision::{Backoff, BadPlan, Child, Event, Intensity, News, Plan, Restart, Span, Strategy, Supervisor};
use taskgroup::{CancelScope, Cancelled, shield, sleep, with_cleanup};

/// Up to three restarts a minute, after 100, 200, 400 ms, and no more than that; 10 s are a healthy spell.
fn plan(strategy: Strategy) -> Plan {
    let intensity = Intensity::new(3, ms(60_000)).expect("good");
    let backoff = Backoff::new(ms(100), 2.0, ms(400), ms(10_000)).expect("good");
    Plan { strategy, intensity, backoff, grace: ms(5_000), seed: 7 }
}

fn at_most(n: usize, strategy: Strategy) -> Plan {
    Plan { intensity: Intensity::new(n, ms(60_000)).expect("good"), ..plan(strategy) }
}

fn supervisor<'a, const N: usize>(children: [Child<'a, Word>; N], plan: Plan) -> Supervisor<'a, Word> {
    Supervisor::new("test", children.into(), plan).expect("the plan is good")
}

/// How a child lives, run after run: so many milliseconds, and then that. After the last one it runs for ever.
struct Life<const N: usize> {
    runs: Cell<usize>,
    acts: [(u64, Result<(), Word>); N],
}

impl<const N: usize> Life<N> {
    fn new(acts: [(u64, Result<(), Word>); N]) -> Self {
        Self { runs: Cell::new(0), acts }
    }

    async fn live(&self) -> Result<(), Word> {
        let run = self.runs.replace(self.runs.get() + 1);
        let Some((time, end)) = self.acts.get(run) else { return pending().await };
        sleep(ms(*time)).await;
        *end
    }
}

async fn for_ever() -> Result<(), Word> {
    pending().await
}

/// A child whose cleanup takes its time.
async fn slow_to_stop(time: u64) -> Result<(), Word> {
    with_cleanup(pending(), async |_| sleep(ms(time)).await).await
}

fn note(log: &Log, event: &Event<'_, Word>) {
    let child = event.child;
    match &event.news {
        News::Waits(delay) => log.note(format_args!("{child} waits {}", delay.as_millis())),
        News::Started => log.note(format_args!("{child} starts")),
        News::Ended => log.note(format_args!("{child} ends")),
        News::Failed(_) => log.note(format_args!("{child} fails")),
        News::Asked(reason) => log.note(format_args!("{child} is asked: {reason}")),
        News::Stopped(error) if error.was_cut_off() => log.note(format_args!("{child} is cut off")),
        News::Stopped(_) => log.note(format_args!("{child} has stopped")),
    }
}

async fn watch(supervisor: &Supervisor<'_, Word>, log: &Log) -> Result<(), Errors> {
    supervisor.run(&|event| note(log, &event)).await
}

/// Runs it for so long. `Err`: it was still running.
async fn watch_for(time: u64, supervisor: &Supervisor<'_, Word>, log: &Log) -> Result<Result<(), Errors>, Cancelled> {
    let scope = CancelScope::new();
    scope.set_timeout(ms(time));
    scope.run(watch(supervisor, log)).await
}

/// What happened until then, without what came of the end of [`watch_for`].
fn until(time: u64, log: &Log) -> Vec<String> {
    let before = |line: &String| line.split_once(' ').and_then(|(at, _)| at.parse::<u64>().ok()) < Some(time);
    log.take().into_iter().filter(before).collect()
}

#[test]
fn one_for_one_starts_the_failed_child_again_alone() {
    run(async {
        let (log, b) = (Log::new(), Life::new([(50, Err("broken"))]));
        let children = [
            Child::new("a", Restart::Always, for_ever),
            Child::new("b", Restart::Always, || b.live()),
            Child::new("c", Restart::Always, for_ever),
        ];
        let ended = watch_for(1000, &supervisor(children, plan(Strategy::OneForOne)), &log).await;
        assert!(ended.is_err());
        let lines = ["0 a starts", "0 b starts", "0 c starts", "50 b fails", "50 b waits 100", "150 b starts"];
        assert_eq!(until(1000, &log), lines);
    });
}

#[test]
fn one_for_all_stops_the_others_last_first_and_starts_all_in_order() {
    run(async {
        let (log, b) = (Log::new(), Life::new([(50, Err("broken"))]));
        let children = [
            Child::new("a", Restart::Always, || slow_to_stop(10)),
            Child::new("b", Restart::Always, || b.live()),
            Child::new("c", Restart::Always, || slow_to_stop(20)),
        ];
        let ended = watch_for(1000, &supervisor(children, plan(Strategy::OneForAll)), &log).await;
        assert!(ended.is_err());
        let lines = [
            "0 a starts",
            "0 b starts",
            "0 c starts",
            "50 b fails",
            "50 c is asked: b failed",
            "70 c has stopped",
            "70 a is asked: b failed",
            "80 a has stopped",
            "80 a waits 100",
            "80 b waits 100",
            "80 c waits 100",
            "180 a starts",
            "180 b starts",
            "180 c starts",
        ];
        assert_eq!(until(1000, &log), lines);
    });
}

#[test]
fn rest_for_one_restarts_those_that_were_started_after_the_failed_one() {
    run(async {
        let (log, b) = (Log::new(), Life::new([(50, Err("broken"))]));
        let children = [
            Child::new("a", Restart::Always, for_ever),
            Child::new("b", Restart::Always, || b.live()),
            Child::new("c", Restart::Always, for_ever),
        ];
        let ended = watch_for(1000, &supervisor(children, plan(Strategy::RestForOne)), &log).await;
        assert!(ended.is_err());
        let lines = [
            "50 b fails",
            "50 c is asked: b failed",
            "50 c has stopped",
            "50 b waits 100",
            "50 c waits 100",
            "150 b starts",
            "150 c starts",
        ];
        assert_eq!(until(1000, &log)[3..], lines);
    });
}

#[test]
fn delays_grow_up_to_the_ceiling_and_begin_anew_after_a_healthy_spell() {
    run(async {
        let log = Log::new();
        let (soon, late) = ((1, Err("soon")), (10_000, Err("late")));
        let a = Life::new([soon, soon, soon, soon, late, soon]);
        let children = [Child::new("a", Restart::Always, || a.live())];
        let ended = watch_for(50_000, &supervisor(children, at_most(100, Strategy::OneForOne)), &log).await;
        assert!(ended.is_err());
        let lines = until(50_000, &log);
        let delays: Vec<_> = lines.iter().filter_map(|line| Some(line.split_once("a waits ")?.1)).collect();
        assert_eq!(delays, ["100", "200", "400", "400", "100", "200"]);
    });
}

#[test]
fn a_wait_in_a_backoff_is_no_healthy_spell() {
    run(async {
        let log = Log::new();
        let backoff = Backoff::new(ms(20_000), 2.0, ms(80_000), ms(10_000)).expect("good");
        let a = Life::new([(1, Err("x")), (1, Err("x"))]);
        let children = [Child::new("a", Restart::Always, || a.live())];
        let ended =
            watch_for(100_000, &supervisor(children, Plan { backoff, ..plan(Strategy::OneForOne) }), &log).await;
        assert!(ended.is_err());
        let lines = until(100_000, &log);
        let delays: Vec<_> = lines.iter().filter_map(|line| Some(line.split_once("a waits ")?.1)).collect();
        assert_eq!(delays, ["20000", "40000"]);
    });
}

#[test]
fn jitter_shortens_delays_by_no_more_than_its_part_and_the_same_seed_gives_the_same() {
    let delays = |seed| {
        run(async move {
            let log = Log::new();
            let backoff = Backoff::new(ms(1000), 1.0, ms(1000), ms(10_000)).and_then(|plain| plain.with_jitter(0.2));
            let backoff = backoff.expect("good");
            let a = Life::new([(1, Err("x")); 40]);
            let children = [Child::new("a", Restart::Always, || a.live())];
            let plan = Plan { backoff, seed, ..at_most(100, Strategy::OneForOne) };
            let ended = watch_for(100_000, &supervisor(children, plan), &log).await;
            assert!(ended.is_err());
            let lines = log.take();
            let delays = lines.iter().filter_map(|line| line.split_once("a waits ")?.1.parse::<u64>().ok());
            delays.collect::<Vec<_>>()
        })
    };
    let first = delays(7);
    assert!(first.len() == 40 && first.iter().all(|delay| (800..=1000).contains(delay)), "{first:?}");
    assert!(first.iter().any(|delay| *delay < 900) && first.iter().any(|delay| *delay > 900), "{first:?}");
    assert_eq!(first, delays(7));
    assert_ne!(first, delays(8));
}

#[test]
fn one_failure_too_many_ends_it_with_every_error_of_the_window_after_the_cleanups_of_all() {
    run(async {
        let log = Log::new();
        let a = Life::new([(10, Err("first")), (10, Err("second"))]);
        let b = Life::new([(200, Err("third"))]);
        let children = [
            Child::new("a", Restart::Always, || a.live()),
            Child::new("b", Restart::OnFailure, || b.live()),
            Child::new("c", Restart::Always, || slow_to_stop(30)),
            Child::new("d", Restart::Never, || slow_to_stop(40)),
        ];
        let errors =
            watch(&supervisor(children, at_most(2, Strategy::OneForOne)), &log).await.expect_err("it gives up");
        assert_eq!(shape(&errors), "[first second third]");
        let names: Vec<_> = errors.leaves().filter_map(|leaf| Some(leaf.task()?.name().into_owned())).collect();
        assert_eq!(names, ["a", "a", "b"]);
        assert_eq!(errors.message(), "supervisor test, after more than 2 restarts within 1m");
        let end = [
            "200 b fails",
            "200 d is asked: the supervisor gave up",
            "240 d has stopped",
            "240 c is asked: the supervisor gave up",
            "270 c has stopped",
            "270 a is asked: the supervisor gave up", // in its second backoff, or else it would live
            "270 a has stopped",
        ];
        let lines = log.take();
        assert_eq!(lines[lines.len() - end.len()..], end);
    });
}

#[test]
fn an_error_in_a_cleanup_at_the_end_joins_the_tree() {
    run(async {
        let log = Log::new();
        let grumpy = async || with_cleanup(for_ever(), async |_| Err("cannot flush")).await;
        let a = Life::new([(10, Err("first")), (10, Err("second"))]);
        let children = [Child::new("a", Restart::Always, || a.live()), Child::new("b", Restart::Always, grumpy)];
        let errors =
            watch(&supervisor(children, at_most(1, Strategy::OneForOne)), &log).await.expect_err("it gives up");
        assert_eq!(shape(&errors), "[first second cannot flush]");
    });
}

#[test]
fn failures_that_are_older_than_the_window_neither_count_nor_are_kept() {
    run(async {
        let log = Log::new();
        let a = Life::new([(0, Err("old")), (59_900, Err("new")), (100, Err("newer"))]);
        let children = [Child::new("a", Restart::Always, || a.live())];
        let errors =
            watch(&supervisor(children, at_most(1, Strategy::OneForOne)), &log).await.expect_err("it gives up");
        assert_eq!(shape(&errors), "[new newer]"); // at 0, 60000 and 60200
    });
}

#[test]
fn an_error_as_old_as_the_window_is_not_in_the_tree() {
    run(async {
        let log = Log::new();
        let (a, b) =
            (Life::new([(0, Err("old")), (59_900, Err("a"))]), Life::new([(30_000, Err("mid")), (29_900, Err("b"))]));
        let children = [Child::new("a", Restart::Always, || a.live()), Child::new("b", Restart::Always, || b.live())];
        let errors =
            watch(&supervisor(children, at_most(2, Strategy::OneForOne)), &log).await.expect_err("it gives up");
        assert_eq!((shape(&errors).as_str(), log.ms()), ("[mid a b]", 60_000));
    });
}

#[test]
fn failures_of_one_instant_are_one_restart_of_all_but_one_each_if_each_is_restarted_alone() {
    let ended = |strategy| {
        run(async {
            let (log, a, b) = (Log::new(), Life::new([(50, Err("a"))]), Life::new([(50, Err("b"))]));
            let children =
                [Child::new("a", Restart::Always, || a.live()), Child::new("b", Restart::Always, || b.live())];
            match watch_for(1000, &supervisor(children, at_most(1, strategy)), &log).await {
                Ok(ended) => shape(&ended.expect_err("nobody ends well")),
                Err(_) => "it runs".to_owned(),
            }
        })
    };
    assert_eq!(ended(Strategy::OneForAll), "it runs");
    assert_eq!(ended(Strategy::RestForOne), "it runs");
    assert_eq!(ended(Strategy::OneForOne), "[a b]");
}

#[test]
fn what_fails_together_is_restarted_together_in_the_order_of_starting_after_the_longest_delay() {
    run(async {
        let (log, runs, b) = (Log::new(), Cell::new(0), Life::new([(1000, Ok(())), (90, Err("b"))]));
        let a = async || match runs.replace(runs.get() + 1) {
            0 => fail_after(10, "first").await,
            1 => {
                sleep(ms(40)).await; // so that `b` comes first at that instant
                fail_after(50, "second").await
            }
            _ => for_ever().await,
        };
        let children = [
            Child::new("a", Restart::Always, a),
            Child::new("b", Restart::Always, || b.live()),
            Child::new("c", Restart::Always, for_ever),
        ];
        let ended = watch_for(1000, &supervisor(children, at_most(2, Strategy::RestForOne)), &log).await;
        assert!(ended.is_err());
        let lines = [
            "200 b fails",
            "200 a fails",
            "200 c is asked: a and b failed",
            "200 c has stopped",
            "200 a waits 200",
            "200 b waits 200",
            "200 c waits 200",
        ];
        let after = until(300, &log);
        assert_eq!(after[after.len() - lines.len()..], lines);
    });
}

#[test]
fn a_failure_during_the_backoff_of_others_begins_their_wait_anew() {
    run(async {
        let log = Log::new();
        let (a, b) = (Life::new([(90, Err("a"))]), Life::new([(50, Err("b"))]));
        let children = [Child::new("a", Restart::Always, || a.live()), Child::new("b", Restart::Always, || b.live())];
        let ended = watch_for(1000, &supervisor(children, plan(Strategy::RestForOne)), &log).await;
        assert!(ended.is_err());
        let lines = [
            "50 b fails",
            "50 b waits 100",
            "90 a fails",
            "90 b is asked: a failed",
            "90 b has stopped",
            "90 a waits 100",
            "90 b waits 100",
            "190 a starts",
            "190 b starts",
        ];
        assert_eq!(until(1000, &log)[2..], lines);
    });
}

#[test]
fn what_fails_while_a_round_stops_the_others_is_part_of_it_if_it_is_in_it_and_a_round_of_its_own_if_not() {
    run(async {
        let log = Log::new();
        let (a, b) = (Life::new([(60, Err("a"))]), Life::new([(50, Err("b"))]));
        let (c, d) = (Life::new([(70, Err("c"))]), || slow_to_stop(100));
        let children = [
            Child::new("a", Restart::Always, || a.live()),
            Child::new("b", Restart::Always, || b.live()),
            Child::new("c", Restart::Always, || c.live()),
            Child::new("d", Restart::Always, d),
        ];
        let ended = watch_for(1000, &supervisor(children, at_most(2, Strategy::RestForOne)), &log).await;
        assert!(ended.is_err());
        let lines = [
            "50 b fails",
            "50 d is asked: b failed",
            "60 a fails",
            "70 c fails",
            "150 d has stopped",
            "150 b waits 100",
            "150 c waits 100",
            "150 d waits 100",
            "150 d is asked: a failed",
            "150 d has stopped",
            "150 c is asked: a failed",
            "150 c has stopped",
            "150 b is asked: a failed",
            "150 b has stopped",
            "150 a waits 100",
            "150 b waits 100",
            "150 c waits 100",
            "150 d waits 100",
        ];
        assert_eq!(until(250, &log)[4..], lines);
    });
}

#[test]
fn it_ends_well_when_all_children_have() {
    run(async {
        let log = Log::new();
        let (a, b) = (Life::new([(10, Ok(()))]), Life::new([(5, Err("once")), (5, Ok(()))]));
        let children =
            [Child::new("a", Restart::OnFailure, || a.live()), Child::new("b", Restart::OnFailure, || b.live())];
        assert!(watch(&supervisor(children, plan(Strategy::OneForOne)), &log).await.is_ok());
        let lines =
            ["0 a starts", "0 b starts", "5 b fails", "5 b waits 100", "10 a ends", "105 b starts", "110 b ends"];
        assert_eq!(log.take(), lines);
    });
}

#[test]
fn a_child_that_has_ended_well_stays_ended_when_all_are_restarted() {
    run(async {
        let log = Log::new();
        let (a, b) = (Life::new([(10, Ok(()))]), Life::new([(50, Err("b"))]));
        let children =
            [Child::new("a", Restart::OnFailure, || a.live()), Child::new("b", Restart::Always, || b.live())];
        assert!(watch_for(1000, &supervisor(children, plan(Strategy::OneForAll)), &log).await.is_err());
        assert_eq!(until(1000, &log)[2..], ["10 a ends", "50 b fails", "50 b waits 100", "150 b starts"]);
    });
}

#[test]
fn a_child_that_is_always_restarted_may_end_well_as_often_as_it_likes_but_waits_longer_and_longer() {
    run(async {
        let (log, a) = (Log::new(), Life::new([(0, Ok(())); 6]));
        let children = [Child::new("a", Restart::Always, || a.live())];
        assert!(watch_for(5000, &supervisor(children, at_most(1, Strategy::OneForOne)), &log).await.is_err());
        let starts: Vec<_> = until(5000, &log).into_iter().filter(|line| line.ends_with("starts")).collect();
        let lines = ["0 a starts", "100 a starts", "300 a starts", "700 a starts", "1100 a starts", "1500 a starts"];
        assert_eq!(starts[..6], lines);
    });
}

#[test]
fn a_child_that_is_never_restarted_fails_alone_and_is_stopped_for_good_with_others() {
    run(async {
        let (log, a, c) = (Log::new(), Life::new([(10, Err("a"))]), Life::new([(50, Err("c"))]));
        let children = [
            Child::new("a", Restart::Never, || a.live()),
            Child::new("b", Restart::Never, for_ever),
            Child::new("c", Restart::Always, || c.live()),
        ];
        assert!(watch_for(1000, &supervisor(children, plan(Strategy::OneForAll)), &log).await.is_err());
        let lines = [
            "10 a fails",
            "50 c fails",
            "50 b is asked: c failed",
            "50 b has stopped",
            "50 c waits 100",
            "150 c starts",
        ];
        assert_eq!(until(1000, &log)[3..], lines);
    });
}

#[test]
fn a_child_that_ignores_the_request_is_cut_off_after_its_grace_and_restarted() {
    run(async {
        keep_reports();
        let (log, a) = (Log::new(), Life::new([(50, Err("a"))]));
        let children =
            [Child::new("a", Restart::Always, || a.live()), Child::new("deaf", Restart::Always, || shield(for_ever()))];
        assert!(watch_for(10_000, &supervisor(children, plan(Strategy::OneForAll)), &log).await.is_err());
        let lines = [
            "50 a fails",
            "50 deaf is asked: a failed",
            "5050 deaf is cut off",
            "5050 a waits 100",
            "5050 deaf waits 100",
            "5150 a starts",
            "5150 deaf starts",
        ];
        assert_eq!(until(10_000, &log)[2..], lines);
        reports();
    });
}

#[test]
fn a_cancel_stops_the_children_last_first_and_starts_nobody_although_a_cleanup_fails() {
    run(async {
        let log = Log::new();
        let grumpy = async || with_cleanup(for_ever(), async |_| Err("cannot flush")).await;
        let children = [
            Child::new("a", Restart::Always, || slow_to_stop(10)),
            Child::new("b", Restart::Always, grumpy),
            Child::new("c", Restart::Always, || slow_to_stop(20)),
        ];
        let scope = CancelScope::new();
        scope.set_timeout(ms(100));
        let ended = scope.run(watch(&supervisor(children, plan(Strategy::OneForOne)), &log)).await;
        assert!(ended.is_err());
        let why = "a deadline of 100ms passed";
        let lines = [
            format!("100 c is asked: {why}"),
            "120 c has stopped".into(),
            format!("120 b is asked: {why}"),
            "120 b fails".into(),
            format!("120 a is asked: {why}"),
            "130 a has stopped".into(),
        ];
        assert_eq!(log.take()[3..], lines);
    });
}

#[test]
fn a_cancel_of_the_group_around_it_stops_it_in_the_same_way() {
    run(async {
        let (log, b) = (Log::new(), Life::new([(50, Err("b"))]));
        let children =
            [Child::new("a", Restart::Always, || slow_to_stop(10)), Child::new("b", Restart::Always, || b.live())];
        let supervisor = supervisor(children, plan(Strategy::OneForOne));
        let ended = group(async |g| {
            g.spawn_group(watch(&supervisor, &log));
            sleep(ms(100)).await;
            Ok(g.cancel("closing time"))
        });
        assert!(ended.await.is_ok());
        let lines =
            ["100 b is asked: closing time", "100 b has stopped", "100 a is asked: closing time", "110 a has stopped"];
        assert_eq!(log.take()[4..], lines);
    });
}

#[test]
fn a_cancel_during_a_backoff_starts_nobody() {
    run(async {
        let (log, a) = (Log::new(), Life::new([(50, Err("a"))]));
        let children = [Child::new("a", Restart::Always, || a.live())];
        assert!(watch_for(100, &supervisor(children, plan(Strategy::OneForOne)), &log).await.is_err());
        let lines = ["0 a starts", "50 a fails", "50 a waits 100", "100 a is asked: a deadline of 100ms passed"];
        assert_eq!(log.take()[..4], lines);
        assert_eq!(a.runs.get(), 1);
    });
}

#[test]
fn a_cancel_while_a_round_stops_the_others_keeps_the_order_and_starts_nobody() {
    run(async {
        let (log, c) = (Log::new(), Life::new([(50, Err("c"))]));
        let children = [
            Child::new("a", Restart::Always, || slow_to_stop(100)),
            Child::new("b", Restart::Always, || slow_to_stop(100)),
            Child::new("c", Restart::Always, || c.live()),
        ];
        assert!(watch_for(100, &supervisor(children, plan(Strategy::OneForAll)), &log).await.is_err());
        let lines = [
            "50 c fails",
            "50 b is asked: c failed",
            "150 b has stopped",
            "150 a is asked: a deadline of 100ms passed",
            "250 a has stopped",
        ];
        assert_eq!(log.take()[3..], lines);
    });
}

#[test]
fn a_supervisor_that_gives_up_is_restarted_as_a_whole_by_the_one_around_it() {
    run(async {
        let log = Log::new();
        let (x, y) = (Life::new([(10, Err("x1")), (10, Err("x2")), (20, Err("x3"))]), || slow_to_stop(5));
        let inner = [Child::new("x", Restart::Always, || x.live()), Child::new("y", Restart::Always, y)];
        let inner = Supervisor::new("inner", inner.into(), at_most(1, Strategy::OneForOne)).expect("good");
        let children = [Child::group("inner", Restart::Always, async || watch(&inner, &log).await)];
        let outer = supervisor(children, at_most(1, Strategy::OneForOne));
        let ended = watch_for(1000, &outer, &log).await;
        assert!(ended.is_err());
        let lines = [
            "0 inner starts",
            "0 x starts",
            "0 y starts",
            "10 x fails",
            "10 x waits 100",
            "110 x starts",
            "120 x fails",
            "120 y is asked: the supervisor gave up",
            "125 y has stopped",
            "125 inner fails",
            "125 inner waits 100",
            "225 inner starts",
            "225 x starts",
            "225 y starts",
            "245 x fails",
            "245 x waits 100", // as after its first failure: it knows of none before
            "345 x starts",
        ];
        assert_eq!(until(1000, &log), lines);
    });
}

#[test]
fn the_tree_of_a_supervisor_within_is_a_part_of_the_tree() {
    run(async {
        let log = Log::new();
        let inner = [Child::new("x", Restart::Always, async || Err("x"))];
        let inner = Supervisor::new("inner", inner.into(), at_most(1, Strategy::OneForOne)).expect("good");
        let children = [Child::group("inner", Restart::Always, async || watch(&inner, &log).await)];
        let errors =
            watch(&supervisor(children, at_most(2, Strategy::OneForOne)), &log).await.expect_err("it gives up");
        assert_eq!(shape(&errors), "[[x x] [x x] [x x]]");
        let paths: Vec<_> = errors.leaves().filter_map(|leaf| Some(leaf.task()?.path())).collect();
        assert_eq!(paths, ["inner/x"; 6]);
    });
}

#[test]
fn a_panic_of_a_child_cancels_all_at_once_and_goes_on_and_nothing_is_said_of_the_body() {
    run(async {
        keep_reports();
        let log = Log::new();
        let children = [
            Child::new("a", Restart::Always, || slow_to_stop(20)),
            Child::new("deaf", Restart::Always, || shield(for_ever())),
            Child::new("c", Restart::Always, async || {
                sleep(ms(10)).await;
                panic!("a bug")
            }),
        ];
        let text = panic_of(watch(&supervisor(children, plan(Strategy::OneForOne)), &log)).await;
        assert_eq!((text.as_str(), log.ms()), ("a bug", 5010));
        assert!(reports().iter().all(|report| report.contains("deaf")));
        assert_eq!(log.take(), ["0 a starts", "0 deaf starts", "0 c starts"]);
    });
}

#[test]
fn bad_plans_are_errors_with_advice() {
    assert_eq!(Intensity::new(0, ms(1)).err(), Some(BadPlan::NoRestarts));
    assert_eq!(Intensity::new(1, Duration::ZERO).err(), Some(BadPlan::NoWindow));
    let backoff = |first, factor, ceiling, healthy| Backoff::new(ms(first), factor, ms(ceiling), ms(healthy)).err();
    assert_eq!(backoff(0, 2.0, 1, 1), Some(BadPlan::NoDelay));
    assert_eq!(backoff(1, 0.9, 1, 1), Some(BadPlan::Factor(0.9)));
    assert!(matches!(backoff(1, f64::NAN, 1, 1), Some(BadPlan::Factor(_))));
    assert_eq!(backoff(2, 1.0, 1, 1), Some(BadPlan::Ceiling { first: ms(2), ceiling: ms(1) }));
    assert_eq!(backoff(1, 1.0, 1, 0), Some(BadPlan::NoHealthySpell));
    let jitter = |jitter| plan(Strategy::OneForOne).backoff.with_jitter(jitter).err();
    assert_eq!((jitter(1.0), jitter(-0.1)), (Some(BadPlan::Jitter(1.0)), Some(BadPlan::Jitter(-0.1))));
    let of = |names: &[&str]| {
        let children = names.iter().map(|name| Child::new(name, Restart::Always, for_ever)).collect();
        Supervisor::new("test", children, plan(Strategy::OneForOne)).err()
    };
    assert_eq!(of(&[]), Some(BadPlan::NoChildren));
    assert_eq!(of(&["a", "b", "a"]), Some(BadPlan::SameName("a".into())));
    let text = BadPlan::Factor(0.5).to_string();
    assert_eq!(
        text,
        "with a factor of 0.5, delays would shrink: take 1 for delays that stay, 2 for delays that double"
    );
}

#[test]
fn delays_and_windows_beyond_all_clocks_are_as_long_as_can_be() {
    run(async {
        let (log, a) = (Log::new(), Life::new([(1, Err("a"))]));
        let children = [Child::new("a", Restart::Always, || a.live())];
        let plan = Plan {
            intensity: Intensity::new(1, Duration::MAX).expect("good"),
            backoff: Backoff::new(Duration::MAX, f64::MAX, Duration::MAX, Duration::MAX).expect("good"),
            grace: Duration::MAX,
            ..plan(Strategy::OneForAll)
        };
        assert!(watch_for(1_000_000, &supervisor(children, plan), &log).await.is_err());
        assert_eq!(a.runs.get(), 1);
    });
}

#[test]
fn times_are_said_in_two_units_at_most() {
    let said = [0, 45, 3600, 5400, 90_061].map(|seconds| Span(Duration::from_secs(seconds)).to_string());
    assert_eq!(said, ["0ns", "45s", "1h", "1h 30m", "1d 1h"]);
    assert_eq!(Span(ms(20)).to_string(), "20ms");
}

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_supervisor")).args(arguments).output().expect("it was built with this test")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The number of a line in the source is of no interest.
fn masked(text: &str) -> String {
    let mut parts = text.split("station.rs:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + "station.rs:N" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[test]
fn the_program_draws_lanes_and_prints_failures_and_the_error_tree() {
    let output = program(&[]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(masked(&stdout(&output)), masked(include_str!("golden/supervisor.txt")));
    assert_eq!(stdout(&output), stdout(&program(&["--strategy", "one", "--seed", "1"])));
}

#[test]
fn strategies_and_seeds_make_different_days_and_a_station_that_is_stopped_ends_well() {
    let output = program(&["--strategy", "rest", "--seed", "1"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("The technician came"));
    assert_ne!(stdout(&output), stdout(&program(&["--strategy", "all", "--seed", "1"])));
}

#[test]
fn help_says_how_to_use_it() {
    let output = program(&["--help"]);
    assert!(output.status.success());
    assert!(stdout(&output).contains("Usage: supervisor"));
}

#[test]
fn bad_arguments_are_refused_with_advice_and_exit_code_2() {
    for (arguments, advice) in [
        (&["--strategy", "some"][..], "--strategy takes one, all or rest, not \"some\" (see --help)\n"),
        (&["--seed", "x"], "invalid digit"),
        (&["--strategy"], "missing argument"),
        (&["now"], "see --help"),
    ] {
        let output = program(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(error.starts_with("supervisor: ") && error.contains(advice), "{error}");
    }
}
