//! The trace events, checked against the description of their format.

use super::{chrome_format, programs};
use crate::trace::Trace;
use serde_json::Value;

/// Checks a trace as a file. Gives the events.
pub(super) fn checked(trace: &Trace) -> Vec<Value> {
    chrome_format::checked(&trace.chrome().to_string())
}

#[test]
fn slices_are_balanced_flows_pair_and_time_goes_on() {
    for (name, trace) in programs::all() {
        assert!(!checked(&trace).is_empty(), "{name}");
    }
}

#[test]
fn each_task_is_a_track_and_each_group_an_asynchronous_slice() {
    let events = checked(&programs::nested_failure());
    let text = |event: &Value| event["args"]["name"].as_str().unwrap_or_default().to_string();
    let names: Vec<_> = events.iter().filter(|event| event["name"] == "thread_name").map(text).collect();
    let names: Vec<_> = names.iter().map(|name| name.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(names, ["turns", "root", "home", "basket", "stock", "price", "search"]);
    let groups = events.iter().filter(|event| event["cat"] == "group" && event["ph"] == "b");
    assert_eq!(groups.count(), 2);
}

#[test]
fn a_wake_is_an_arrow_into_the_next_poll() {
    let events = checked(&programs::supervisor());
    let tracks = |phase: &str| -> Vec<u64> {
        let arrows = events.iter().filter(|event| event["ph"] == phase && event["name"] == "wake");
        arrows.map(|event| event["tid"].as_u64().expect("a track")).collect()
    };
    assert_eq!(tracks("s"), [2, 5, 6], "each worker that fails");
    assert_eq!(tracks("f"), [1, 1, 1], "wakes the body");
}

#[test]
fn a_wake_from_outside_of_all_polls_is_no_arrow() {
    use taskgroup_runtime::instrument::WokenBy;
    let mut script = super::script::Script::new();
    script.poll(&[0], |script| script.wake(1, WokenBy::Task(0)));
    script.wake(2, WokenBy::Task(0)); // as it is dropped
    script.poll(&[1], |script| script.wake(3, WokenBy::Task(1))); // and that one is never polled
    script.poll(&[2], |_| {});
    let events = checked(&script.trace());
    assert_eq!(events.iter().filter(|event| event["ph"] == "f").count(), 1);
}

#[test]
fn the_phases_of_the_loop_are_a_track_of_their_own() {
    use taskgroup_runtime::instrument::{Event, Phase};
    let mut script = super::script::Script::new();
    for phase in [Phase::Wait(None), Phase::Dispatch, Phase::Expire, Phase::Run, Phase::Run] {
        script.tell(Event::Phase(phase));
        script.ms(5);
    }
    let events = checked(&script.trace());
    let names: Vec<_> = events.iter().filter(|event| event["ph"] == "B").map(|event| event["name"].clone()).collect();
    assert_eq!(names, ["waits", "dispatches", "expires timers", "runs", "runs"]);
    let events = checked(&programs::asleep());
    let most = events.iter().filter_map(|event| event["args"]["at most"].as_str());
    assert_eq!(most.collect::<Vec<_>>(), ["99ms", "until something happens", "until something happens"]);
}

#[test]
fn times_are_microseconds_to_the_nanosecond() {
    let mut script = super::script::Script::new();
    script.tick(1_000_007);
    script.poll(&[0], |_| {});
    let events = checked(&script.trace());
    let times: Vec<_> = events.iter().filter_map(|event| event["ts"].as_f64()).collect();
    assert_eq!(times, [1_000.007, 2_000.014]);
}
