//! The program `embed_poll`: a host with a loop of its own.

use std::io::Write;
use std::process::{Command, Stdio};

/// Exit status, standard output, standard error.
fn run(input: &str) -> (Option<i32>, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_embed_poll"));
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().expect("it was built with this test");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn reminders_come_in_the_order_of_their_times() {
    let ended = run("0.06 three\n0.03 two\n0 one\n");
    assert_eq!(ended, (Some(0), "1. one\n2. two\n3. three\n".into(), String::new()));
}

#[test]
fn the_last_line_needs_no_end_and_without_lines_it_ends_at_once() {
    assert_eq!(run("0 one"), (Some(0), "1. one\n".into(), String::new()));
    assert_eq!(run(""), (Some(0), String::new(), String::new()));
}

#[test]
fn a_line_that_is_no_reminder_is_told_with_its_number_and_the_others_are_kept() {
    let (status, output, errors) = run("0 one\nsoon tea\n\n-1 x\n0 two\n");
    assert_eq!((status, &*output), (Some(1), "1. one\n2. two\n"));
    let expected = "embed_poll: line 2: \"soon\" is not a number of seconds\n\
                    embed_poll: line 3: \"\" is not a number of seconds, a blank and a text\n\
                    embed_poll: line 4: \"-1\" is not a number of seconds\n";
    assert_eq!(errors, expected);
}

#[test]
fn while_the_host_waits_for_input_a_reminder_is_printed() {
    use std::io::{BufRead, BufReader};
    let mut program = Command::new(env!("CARGO_BIN_EXE_embed_poll"));
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it was built with this test");
    let (mut input, output) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
    let mut lines = BufReader::new(output).lines();
    for n in 1..=3 {
        writeln!(input, "0.001 tea").expect("it reads");
        assert_eq!(lines.next().expect("a line").expect("text"), format!("{n}. tea"));
    }
    drop(input);
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn an_argument_is_exit_2() {
    let output = Command::new(env!("CARGO_BIN_EXE_embed_poll")).arg("x").output().expect("it was built with this test");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "embed_poll: unexpected argument \"x\" (see --help)\n");
}
