//! Async cleanups, twice nested, in a program: the order is exact.

use std::process::{Command, Output};

fn goodbye(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_goodbye")).args(arguments).output().expect("the program was built with this test")
}

/// Numbers of lines in the source are of no interest, and times vary.
fn masked(text: &str) -> String {
    ["goodbye.rs:", ", after ", "a timer ("].iter().fold(text.to_owned(), |text, before| {
        let mut parts = text.split(before);
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |out, part| out + before + "N" + &part[part.find([')', ':']).unwrap_or(0)..])
    })
}

#[test]
fn the_transaction_is_rolled_back_before_the_connection_is_closed_and_both_before_the_group_ends() {
    let output = goodbye(&[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let golden = include_str!("golden/goodbye.txt");
    assert_eq!(masked(&String::from_utf8_lossy(&output.stdout)), masked(golden));
}

#[test]
fn an_argument_is_refused_with_advice_and_exit_code_2() {
    let output = goodbye(&["now"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--help"));
}
