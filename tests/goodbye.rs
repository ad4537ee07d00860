//! Async cleanups, twice nested, in a program: the order is exact.

use std::process::{Command, Output};

fn goodbye(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_goodbye")).args(arguments).output().expect("the program was built with this test")
}

/// The number of a line in the source is of no interest.
fn masked(text: &str) -> String {
    let (before, after) = text.split_once("goodbye.rs:").expect("the tree names the place");
    format!("{before}goodbye.rs:N{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
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
