//! Checks a file against "Trace Event Format", the public description of what Chrome and Perfetto read.
//!
//! Before: nothing. After: `chrome.rs`, and the workspace's tests, which check the files of programs.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Slices are balanced, flows pair, times go on, tracks are named. Gives the events.
pub(super) fn checked(text: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).expect("JSON");
    assert!(matches!(file["displayTimeUnit"].as_str(), Some("ms" | "ns")));
    let events = file["traceEvents"].as_array().expect("a list").clone();
    let mut last = 0.0;
    let mut open: BTreeMap<(u64, u64), Vec<String>> = BTreeMap::new();
    let mut asynchronous: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut starts: BTreeMap<u64, f64> = BTreeMap::new();
    let mut named = BTreeSet::new();
    let mut is_metadata_over = false;
    for event in &events {
        let track = (event["pid"].as_u64().expect("a process"), event["tid"].as_u64().expect("a track"));
        let phase = event["ph"].as_str().expect("a phase");
        if phase == "M" {
            assert!(!is_metadata_over, "names come first");
            assert!(event["args"]["name"].is_string() || event["args"]["sort_index"].is_u64());
            named.insert(track);
            continue;
        }
        is_metadata_over = true;
        let at = event["ts"].as_f64().expect("a time");
        assert!(at >= last, "times go on: {event}");
        last = at;
        if phase != "E" {
            assert!(!event["name"].as_str().expect("a name").is_empty());
        }
        let tracks = open.entry(track).or_default();
        match phase {
            "B" => {
                assert!(named.contains(&track), "a track has a name: {event}");
                tracks.push(event["name"].to_string());
            }
            "E" => assert!(tracks.pop().is_some(), "an end has a beginning: {event}"),
            "b" | "e" => {
                let text = |key: &str| event[key].as_str().expect("a text").to_string();
                let open = asynchronous.entry((text("cat"), text("id"))).or_default();
                *open += if phase == "b" { 1 } else { -1 };
                assert!(*open >= 0, "an end has a beginning: {event}");
            }
            "s" | "f" => {
                assert!(!tracks.is_empty(), "an arrow starts and ends in a slice: {event}");
                let id = event["id"].as_u64().expect("a number");
                if phase == "s" {
                    assert!(starts.insert(id, at).is_none(), "a number for each arrow");
                } else {
                    assert_eq!(event["bp"], "e");
                    assert!(starts.remove(&id).is_some_and(|start| start <= at), "an arrow starts first: {event}");
                }
            }
            "i" => assert!(matches!(event["s"].as_str(), Some("t" | "g"))),
            other => panic!("not one of ours: {other}"),
        }
    }
    assert!(open.values().all(Vec::is_empty), "all slices end");
    assert!(asynchronous.values().all(|open| *open == 0), "all groups end");
    assert!(starts.is_empty(), "all arrows arrive");
    events
}
