//! The program `top`, beside a program of the test's.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use taskgroup::inspect::Inspector;
use taskgroup::{Async, BoxError, block_on, sleep, task_group};

fn top(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_top"));
    command.args(arguments).stdin(Stdio::null()).output().expect("it was built with this test")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A path that is removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("taskgroup-top-{name}-{}.socket", std::process::id()));
        _ = fs::remove_file(&path);
        Self(path)
    }

    fn as_str(&self) -> &str {
        self.0.to_str().expect("a path in UTF-8")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.0);
    }
}

#[test]
fn the_tasks_of_a_program_are_printed_with_what_they_wait_for() {
    let scratch = Scratch::new("once");
    let (listens, listening) = mpsc::channel();
    let (ended, mut end) = std::io::pipe().expect("a pipe");
    let path = scratch.0.clone();
    let program = thread::spawn(move || {
        block_on(async {
            let _inspector = Inspector::listen(path).expect("a free path");
            let run = task_group::<BoxError, _, _>(async |g| {
                g.spawn(sleep(Duration::from_secs(86_400))).named("tea");
                listens.send(()).expect("somebody waits");
                let ended = Async::new(ended)?;
                ended.read_with(|mut pipe| pipe.read(&mut [0])).await?;
                g.cancel("the test is over");
                Ok(())
            });
            run.await.expect("no errors");
        });
    });
    listening.recv().expect("it listens");
    let output = top(&["--once", "--every", "30", scratch.as_str()]);
    end.write_all(b"x").expect("it runs");
    program.join().expect("it ends");
    let (printed, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{errors}");
    assert!(printed.contains("\nthe loop: "), "{printed}");
    let tea = printed.lines().find(|line| line.contains("tea")).expect("the task");
    assert!(tea.contains("waits for a timer in "), "{printed}");
    assert!(tea.contains(" (examples/ecosystem/tests/top.rs:"), "{printed}");
}

#[test]
fn a_socket_that_is_not_there_is_named_with_what_to_do() {
    let output = top(&["--once", "/nowhere/at/all.socket"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "top: cannot connect to /nowhere/at/all.socket: No such file or directory (os error 2); does the program \
                    run, with `--inspect` and that path?\n";
    assert_eq!(text(&output.stderr), expected);
}

#[test]
fn who_answers_something_else_is_no_inspector() {
    let scratch = Scratch::new("foreign");
    let listener = UnixListener::bind(&scratch.0).expect("a free path");
    let other = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).expect("a line");
        stream.write_all(b"HTTP/1.1 400 Bad Request\n").expect("it reads");
        line
    });
    let output = top(&["--once", scratch.as_str()]);
    assert_eq!(other.join().expect("it ends"), "json\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("top: this is no inspector, or one of another version: "));
}

#[test]
fn without_a_terminal_it_says_how_else() {
    let output = top(&["/nowhere"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "top: standard output is no terminal: use --once to print the tasks as they are\n";
    assert_eq!(text(&output.stderr), expected);
}

#[test]
fn wrong_arguments_are_exit_2() {
    for (arguments, error) in [
        (&["--every", "5", "x"][..], "--every takes milliseconds from 20 to 60000, not 5"),
        (&["--every", "soon", "x"], "cannot parse argument \"soon\""),
        (&[], "name the socket of the program that you want to see"),
        (&["a", "b"], "unexpected argument \"b\""),
    ] {
        let output = top(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).starts_with(&format!("top: {error}")), "{}", text(&output.stderr));
    }
}
