//! The programs `dns_lookup` and `happy_eyeballs`. Nothing is asked of a network: names of this machine, and such as can
//! not exist.

use std::net::TcpListener;
use std::process::Command;

/// Exit status, standard output, standard error.
fn run(program: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(program).args(arguments).output().expect("it was built with this test");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn dns_lookup(arguments: &[&str]) -> (Option<i32>, String, String) {
    run(env!("CARGO_BIN_EXE_dns_lookup"), arguments)
}

fn happy_eyeballs(arguments: &[&str]) -> (Option<i32>, String, String) {
    run(env!("CARGO_BIN_EXE_happy_eyeballs"), arguments)
}

#[test]
fn addresses_are_printed_in_the_order_of_the_arguments() {
    let ended = dns_lookup(&["127.0.0.3", "::1", "127.0.0.2"]);
    assert_eq!(ended, (Some(0), "127.0.0.3: 127.0.0.3\n::1: ::1\n127.0.0.2: 127.0.0.2\n".into(), String::new()));
}

#[test]
fn a_name_of_this_machine_is_found() {
    let (status, output, errors) = dns_lookup(&["localhost"]);
    assert_eq!((status, &*errors), (Some(0), ""));
    assert!(output.starts_with("localhost: ") && output.contains("1"), "{output}");
}

#[test]
fn a_name_that_cannot_be_is_told_and_the_others_are_found() {
    let (status, output, errors) = dns_lookup(&["127.0.0.1", "no such name", "127.0.0.2"]);
    assert_eq!((status, &*output), (Some(1), "127.0.0.1: 127.0.0.1\n127.0.0.2: 127.0.0.2\n"));
    assert!(errors.starts_with("dns_lookup: 1 of 3 not found\n- no such name: "), "{errors}");
}

#[test]
fn the_first_address_that_answers_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let (status, output, errors) = happy_eyeballs(&[&address]);
    assert_eq!((status, &*errors), (Some(0), ""));
    assert!(output.starts_with(&format!("{address}: {address} has answered in ")), "{output}");
}

#[test]
fn a_name_with_two_addresses_reaches_the_one_that_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let (status, output, errors) = happy_eyeballs(&[&format!("localhost:{}", address.port())]);
    assert_eq!((status, &*errors), (Some(0), ""));
    assert!(output.contains(&format!(": {address} has answered in ")), "{output}");
}

#[test]
fn where_nobody_answers_the_tree_has_each_address() {
    let (status, output, errors) = happy_eyeballs(&["127.0.0.1:1"]);
    assert_eq!((status, &*output), (Some(1), ""));
    let lines: Vec<_> = errors.lines().collect();
    assert_eq!(&lines[..2], ["127.0.0.1:1: nobody has answered", "1 error in task group"]);
    assert!(lines[2].starts_with("`- task 127.0.0.1:1 (") && lines[2].contains("Connection refused"), "{errors}");
}

#[test]
fn a_host_that_cannot_be_found_is_told() {
    let (status, _, errors) = happy_eyeballs(&["no such name:80"]);
    assert_eq!(status, Some(1));
    assert!(errors.starts_with("no such name:80: cannot look up \"no such name:80\": "), "{errors}");
}

#[test]
fn wrong_arguments_are_exit_2() {
    for (arguments, error) in [
        (&[][..], "name what to look up"),
        (&["--at-most", "0", "x"], "--at-most is 1 at least"),
        (&["--timeout", "-1", "x"], "--timeout takes seconds, such as 2.5"),
    ] {
        let expected = format!("dns_lookup: {error} (see --help)\n");
        assert_eq!(dns_lookup(arguments), (Some(2), String::new(), expected));
    }
    for (arguments, error) in [
        (&[][..], "name a host and a port, such as example.org:443"),
        (&["example.org"], "\"example.org\" has no port: give it as in example.org:443"),
    ] {
        let expected = format!("happy_eyeballs: {error} (see --help)\n");
        assert_eq!(happy_eyeballs(arguments), (Some(2), String::new(), expected));
    }
}
