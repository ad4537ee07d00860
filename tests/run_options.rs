//! `--trace FILE`, `--tree` and `--inspect SOCKET`: what is written, and what is refused before the run.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// Each program, and arguments with which it ends soon.
const PROGRAMS: &[(&str, &[&str])] = &[
    (env!("CARGO_BIN_EXE_tour"), &[]),
    (env!("CARGO_BIN_EXE_echo"), &["--seconds", "0.01", "--connections", "2"]),
    (env!("CARGO_BIN_EXE_portscan"), &["127.0.0.1", "1"]),
    (env!("CARGO_BIN_EXE_fetch_all"), &["http://127.0.0.1:1/"]),
    (env!("CARGO_BIN_EXE_crawler"), &["http://127.0.0.1:1/"]),
    (env!("CARGO_BIN_EXE_chat_client"), &["127.0.0.1:1", "ada"]),
    (env!("CARGO_BIN_EXE_goodbye"), &[]),
    (env!("CARGO_BIN_EXE_supervisor"), &["--seed", "3"]),
    (env!("CARGO_BIN_EXE_procs"), &[concat!(env!("CARGO_MANIFEST_DIR"), "/examples/procs/Procfile")]),
    (env!("CARGO_BIN_EXE_tail_many"), &["/dev/null"]),
];

fn run(program: &str, arguments: &[&str], file: &str) -> Output {
    Command::new(program).args(arguments).args(["--trace", file]).output().expect("it was built with this test")
}

/// A directory of its own, removed in the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("taskgroup-option-{name}-{}", std::process::id()));
        _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("a place for files");
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).into_os_string().into_string().expect("a path in UTF-8")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_program_writes_its_run_down_however_it_ends() {
    let directory = Directory::new("all");
    for (program, arguments) in PROGRAMS {
        let file = directory.file("run.txt");
        let output = run(program, arguments, &file);
        assert_ne!(output.status.code(), Some(2), "{program}: {output:?}");
        let text = fs::read_to_string(&file).expect("it was written");
        assert!(text.contains("\nroot "), "{program}: {text}");
        fs::remove_file(file).expect("it was there");
    }
}

#[test]
fn a_file_of_an_unknown_kind_is_refused_before_the_run() {
    for (program, arguments) in PROGRAMS {
        let output = run(program, arguments, "run.gif");
        assert_eq!((output.status.code(), &*output.stdout), (Some(2), &b""[..]), "{program}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("run.gif: a trace file is called .svg (a picture), .json"), "{error}");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_the_run() {
    let directory = Directory::new("bad");
    let file = directory.file("absent/run.svg");
    for (program, arguments) in PROGRAMS {
        let output = run(program, arguments, &file);
        assert_eq!((output.status.code(), &*output.stdout), (Some(2), &b""[..]), "{program}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("cannot write the trace to ") && error.contains("make the directory first"), "{error}");
    }
}

#[test]
fn help_names_them() {
    for (program, _) in PROGRAMS {
        let output = Command::new(program).arg("--help").output().expect("it was built with this test");
        let help = String::from_utf8_lossy(&output.stdout);
        assert!(help.contains("--trace FILE") && help.contains("--tree"), "{program}: {help}");
        assert_eq!(help.contains("--inspect SOCKET"), !program.ends_with("supervisor"), "{program}: {help}");
    }
}

#[test]
fn the_tree_is_printed_as_it_was_when_most_tasks_lived() {
    let output = Command::new(env!("CARGO_BIN_EXE_supervisor")).args(["--seed", "3", "--tree"]).output();
    let output = output.expect("it was built with this test");
    let golden = include_str!("golden/supervisor_tree.txt");
    assert_eq!(String::from_utf8_lossy(&output.stderr), golden);
}

#[test]
fn every_program_prints_its_tree() {
    for (program, arguments) in PROGRAMS {
        let output =
            Command::new(program).args(*arguments).arg("--tree").output().expect("it was built with this test");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains("when most of them lived:\nmain (block_on): "), "{program}: {errors}");
    }
}

#[test]
fn a_socket_that_cannot_be_is_refused_before_the_run() {
    let directory = Directory::new("socket");
    let file = directory.file("precious");
    fs::write(&file, "precious").expect("a file");
    for (program, arguments) in PROGRAMS.iter().filter(|(program, _)| !program.ends_with("supervisor")) {
        let output = Command::new(program).args(*arguments).args(["--inspect", &file]).output();
        let output = output.expect("it was built with this test");
        assert_ne!(output.status.code(), Some(0), "{program}");
        assert!(output.stdout.is_empty(), "{program}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("that is a file, and no socket; choose another path"), "{program}: {error}");
    }
}

#[test]
fn a_server_shows_its_tasks_to_who_connects_and_removes_the_socket_if_it_ends_in_order() {
    let directory = Directory::new("inspect");
    let file = directory.file("echo.socket");
    let run = Command::new(env!("CARGO_BIN_EXE_echo"))
        .args(["--connections", "2", "--seconds", "0.3", "--inspect", &file])
        .stdout(Stdio::null())
        .spawn();
    let mut run = run.expect("it was built with this test");
    let mut stream = loop {
        match UnixStream::connect(&file) {
            Ok(stream) => break stream,
            Err(_) => std::thread::yield_now(), // it has not begun yet
        }
    };
    stream.write_all(b"tree\n").expect("it listens");
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("it answers");
    assert!(line.starts_with("main (block_on): "), "{line}");
    assert!(run.wait().expect("it was started").success());
    assert!(!fs::exists(&file).expect("a path"));
}

#[test]
fn in_virtual_time_the_same_seed_gives_the_same_bytes() {
    let directories = ["one", "two"].map(|name| Directory::new(&format!("same-{name}")));
    for kind in ["svg", "json", "jsonl", "txt"] {
        let [one, two] = directories.each_ref().map(|directory| {
            let file = directory.file(&format!("run.{kind}")); // a picture is titled by it
            run(env!("CARGO_BIN_EXE_supervisor"), &["--seed", "3"], &file);
            fs::read(file).expect("it was written")
        });
        assert!(one == two && one.len() > 1_000, "{kind}");
    }
}
