//! The book: what its programs print, and whether its pages hold what they promise.
//!
//! Each program has a test of its own name, so that an exercise can say which one fails.
//!
//! ```sh
//! RENEW=1 cargo test -p taskgroup-book      # writes outputs and pictures anew; then look at git diff
//! ```

#[path = "pages.rs"]
mod pages;
#[path = "pictures.rs"]
mod pictures;
#[path = "using.rs"]
mod using;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A program that has not ended by then hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program that prints more than this will not stop.
const MUCH: usize = 10_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Equal to the file, or the file is written.
fn compare(path: &str, text: &str) {
    let file = root().join(path);
    if std::env::var_os("RENEW").is_some() {
        fs::write(&file, text).expect("the repository can be written to");
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert!(text == expected, "it should be as in {path}:\n{expected}\nand it is:\n{text}");
}

/// What a program prints. Fails if it fails, or does not end.
fn output(program: &str) -> String {
    output_of(&mut Command::new(program))
}

/// The same of a program with arguments.
fn output_of(command: &mut Command) -> String {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it was built with this test");
    let mut stdout = child.stdout.take().expect("it is piped");
    let (sender, receiver) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = stdout.read(&mut buffer) {
            if sender.send(buffer[..n].to_vec()).is_err() {
                return;
            }
        }
    });
    let mut printed = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    let hangs = loop {
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(bytes) => printed.extend(bytes),
            Err(error) => break error == mpsc::RecvTimeoutError::Timeout,
        }
        if printed.len() > MUCH {
            break true;
        }
    };
    if hangs {
        child.kill().expect("it is ours");
    }
    let status = child.wait().expect("it is ours");
    drop(receiver);
    reader.join().expect("it does not panic");
    let printed = String::from_utf8(printed).expect("it prints text");
    assert!(
        !hangs,
        "it does not end; so far it has printed:\n{}",
        &printed[..printed.len().min(200)]
    );
    assert!(status.success(), "it ended with {status}; it has printed:\n{printed}");
    printed
}

macro_rules! programs {
    ($($name:ident)*) => {
        const PROGRAMS: &[&str] = &[$(stringify!($name)),*];

        $(#[test]
        fn $name() {
            let path = concat!("tests/golden/book/", stringify!($name), ".txt");
            compare(path, &output(env!(concat!("CARGO_BIN_EXE_", stringify!($name)))));
        })*
    };
}

programs! {
    wrong01_never_polled step01_block_on
    wrong02_busy wrong02_lost_wake step02_park
    wrong03_poll_all step03_tasks
    wrong04_storm step04_wake_once
    wrong05_thread_sleep step05_sleep
    wrong06_left_behind wrong06_one_level step06_wheel
    wrong07_real_time step07_virtual_time
    wrong08_spinning step08_epoll
    wrong09_two_waiters step09_sockets
    wrong10_starved step10_turn
    tg0_spawn tg1_wait tg2_errors tg3_flag tg4_assertions
    tg5_cancel tg6_own_cancels tg7_callbacks tg8_body tg9_crate
}

#[test]
fn every_program_has_a_test_and_every_golden_a_program() {
    let manifest =
        fs::read_to_string(root().join("examples/book/Cargo.toml")).expect("it is there");
    let mut bins: Vec<_> = manifest
        .split("[[bin]]\nname = \"")
        .skip(1)
        .map(|entry| entry.split('"').next().expect("a name").to_owned())
        .filter(|name| name != "using") // it is many: using.rs
        .collect();
    bins.sort();
    let mut programs: Vec<_> = PROGRAMS.iter().map(ToString::to_string).collect();
    programs.sort();
    assert_eq!(bins, programs);
    let goldens = fs::read_dir(root().join("tests/golden/book")).expect("there are some");
    let mut goldens: Vec<_> = goldens
        .map(|file| file.expect("a file").file_name().into_string().expect("text"))
        .collect();
    goldens.sort();
    assert_eq!(goldens, programs.iter().map(|name| format!("{name}.txt")).collect::<Vec<_>>());
}

/// Up to the empty line both play the same scenes, on the last small group and on the crate.
#[test]
fn the_last_stage_and_the_crate_do_the_same() {
    let scenes = |program: &str| {
        output(program).split("\n\n").next().expect("there is a first part").to_owned()
    };
    assert_eq!(scenes(env!("CARGO_BIN_EXE_tg8_body")), scenes(env!("CARGO_BIN_EXE_tg9_crate")));
}

/// About 150 lines, without comments and blank lines.
#[test]
fn no_step_is_longer_than_a_sitting() {
    for name in PROGRAMS.iter().filter(|name| !name.starts_with("wrong")) {
        let text = fs::read_to_string(root().join(format!("examples/book/{name}.rs")))
            .expect("it is there");
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("//"))
            .count();
        assert!(lines <= 165, "{name} has {lines} lines");
    }
}
