//! The README's first command, run as a reader runs it. What varies (times, lengths of lanes) is masked.

#[path = "../taskgroup/src/trace/tests/chrome_format.rs"]
mod chrome_format;

use std::process::{Command, Output};

fn tour(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tour")).args(arguments).output().expect("the tour was built with this test")
}

/// Every number becomes `N`, every bar `-`, and runs of spaces after a name one space.
fn masked(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match (c, out.chars().last()) {
            ('0'..='9' | '.', Some('N')) => {}
            ('0'..='9', _) => out.push('N'),
            ('-', Some('-')) | (' ', Some(' ')) => {}
            (c, _) => out.push(c),
        }
    }
    out
}

#[test]
fn the_tour_prints_lanes_reasons_and_the_error_tree() {
    let output = tour(&[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(masked(&String::from_utf8_lossy(&output.stdout)), include_str!("golden/tour.txt"));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn help_says_how_to_use_it() {
    let output = tour(&["--help"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("Usage: tour"));
}

#[test]
fn an_argument_is_refused_with_advice_and_exit_code_2() {
    let output = tour(&["--fast"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(error, "tour: invalid option '--fast' (see --help)\n");
}

#[test]
fn its_trace_is_what_perfetto_reads() {
    let file = std::env::temp_dir().join(format!("taskgroup-tour-{}.json", std::process::id()));
    let output = tour(&["--trace", file.to_str().expect("a path in UTF-8")]);
    let text = std::fs::read_to_string(&file);
    _ = std::fs::remove_file(&file);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let events = chrome_format::checked(&text.expect("it was written"));
    let has = |key: &str, value: &str| events.iter().any(|event| event[key] == value);
    assert!(has("name", "cancel asked") && has("name", "cancel seen") && has("cat", "group") && has("ph", "s"));
    let track = |event: &&serde_json::Value| {
        event["name"] == "thread_name" && event["args"]["name"].as_str().is_some_and(|name| name.starts_with("price ("))
    };
    assert_eq!(events.iter().filter(track).count(), 1);
}
