//! `--trace FILE`, which all programs take: what is written, and what is refused before the run.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Each program, and arguments with which it ends soon.
const PROGRAMS: &[(&str, &[&str])] = &[
    (env!("CARGO_BIN_EXE_tour"), &[]),
    (env!("CARGO_BIN_EXE_echo"), &["--seconds", "0.01", "--connections", "2"]),
    (env!("CARGO_BIN_EXE_portscan"), &["127.0.0.1", "1"]),
    (env!("CARGO_BIN_EXE_fetch_all"), &["http://127.0.0.1:1/"]),
    (env!("CARGO_BIN_EXE_goodbye"), &[]),
    (env!("CARGO_BIN_EXE_supervisor"), &["--seed", "3"]),
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
fn help_names_it() {
    for (program, _) in PROGRAMS {
        let output = Command::new(program).arg("--help").output().expect("it was built with this test");
        assert!(String::from_utf8_lossy(&output.stdout).contains("--trace FILE"), "{program}");
    }
}

#[test]
fn in_virtual_time_the_same_seed_gives_the_same_bytes() {
    let directory = Directory::new("same");
    for kind in ["svg", "json", "jsonl", "txt"] {
        let [one, two] = ["one", "two"].map(|name| {
            let file = directory.file(&format!("{name}.{kind}"));
            run(env!("CARGO_BIN_EXE_supervisor"), &["--seed", "3"], &file);
            fs::read(file).expect("it was written")
        });
        assert!(one == two && one.len() > 1_000, "{kind}");
    }
}
