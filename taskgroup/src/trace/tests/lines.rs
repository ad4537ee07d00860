//! The plain events.

use super::programs;
use serde_json::Value;

#[test]
fn each_event_is_an_object_in_a_line_with_its_time_first() {
    for (_, trace) in programs::all() {
        let text = trace.json_lines().to_string();
        let marks = usize::from(trace.left_out() > 0);
        assert_eq!(text.lines().count(), trace.events() + marks);
        let mut last = 0;
        for line in text.lines() {
            assert!(line.starts_with("{\"at\":") && line.contains(",\"event\":\""), "{line}");
            let event: Value = serde_json::from_str(line).expect("JSON");
            let at = event["at"].as_u64().expect("whole nanoseconds");
            assert!(at >= last, "{line}");
            last = at;
        }
    }
}

#[test]
fn the_fields_are_always_in_the_same_order() {
    let text = programs::timeout().json_lines().to_string();
    let lines: Vec<_> = text.lines().collect();
    let has = |line: &str| assert!(lines.contains(&line), "{line} is not in\n{text}");
    has(r#"{"at":0,"event":"poll_begins","task":1}"#);
    has(r#"{"at":0,"event":"poll_begins","task":1,"body_of":1}"#);
    has(r#"{"at":0,"event":"named","task":2,"name":"quick"}"#);
    has(r#"{"at":0,"event":"waits","task":2,"for":"timer","until":80000000}"#);
    has(r#"{"at":0,"event":"waits","task":4,"for":"task","other":3}"#);
    has(r#"{"at":0,"event":"entered","task":3,"part":"scope"}"#);
    has(r#"{"at":200000000,"event":"cancel_asked","part":"scope","reason":"a deadline of 200ms passed","task":3}"#);
    has(r#"{"at":200000000,"event":"woken","task":3,"by":"cancel"}"#);
    has(r#"{"at":260000000,"event":"woken","task":4,"by":"task","by_task":1}"#);
    has(r#"{"at":260000000,"event":"group_ended","group":1,"errors":0}"#);
}

#[test]
fn the_same_events_give_the_same_bytes() {
    let not_the_largest = || programs::all().into_iter().filter(|(name, _)| *name != "busy");
    for ((name, one), (_, two)) in not_the_largest().zip(not_the_largest()) {
        assert_eq!(one.json_lines().to_string(), two.json_lines().to_string(), "{name}");
        assert_eq!(one.chrome().to_string(), two.chrome().to_string(), "{name}");
        assert_eq!(one.svg().to_string(), two.svg().to_string(), "{name}");
        assert_eq!(one.timeline().to_string(), two.timeline().to_string(), "{name}");
    }
}
