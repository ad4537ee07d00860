//! Real runs on the virtual clock, recorded: their timelines and pictures equal those in `golden/traces`.
//!
//! The programs are in `traces/programs.rs`. After a change there, or in how a run is drawn:
//!
//! ```sh
//! RENEW=1 cargo test --test traces      # writes the files anew; then look at each picture, and at git diff
//! ```

#[path = "../taskgroup/src/trace/tests/chrome_format.rs"]
mod chrome_format;
#[path = "traces/programs.rs"]
#[allow(unreachable_pub, reason = "it is a module of a test")]
mod programs;

use programs::{PROGRAMS, Program};
use std::fs;
use std::path::PathBuf;
use taskgroup::trace::{Recorder, Trace};
use taskgroup::{Clock, Runtime};

fn recorded(program: &Program) -> Trace {
    let recorder = Recorder::new();
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.instrument(recorder.clone());
    _ = runtime.block_on((program.run)()); // how it ends is in the trace
    recorder.trace()
}

fn golden(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "golden", "traces", name].iter().collect()
}

/// Equal to the file, or the file is written.
fn compare(name: &str, text: &str) {
    let path = golden(name);
    if std::env::var_os("RENEW").is_some() {
        fs::write(&path, text).expect("the repository can be written to");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{name} differs from its golden (RENEW=1 renews it); it is now:\n{text}");
}

#[test]
fn timelines_equal_their_goldens() {
    for program in PROGRAMS {
        compare(&format!("{}.txt", program.name), &format!("{}\n", recorded(program).timeline()));
    }
}

#[test]
fn pictures_equal_their_goldens() {
    for program in PROGRAMS {
        let picture = recorded(program).svg().title(program.title).to_string();
        compare(&format!("{}.svg", program.name), &picture);
    }
}

#[test]
fn events_of_real_runs_are_what_perfetto_reads() {
    for program in PROGRAMS {
        assert!(chrome_format::checked(&recorded(program).chrome().to_string()).len() > 20, "{}", program.name);
    }
}

#[test]
fn the_documentation_shows_every_picture_and_the_timelines_are_as_drawn() {
    let text = include_str!("../docs/TRACES.md");
    for program in PROGRAMS {
        let picture = format!("(../tests/golden/traces/{}.svg)", program.name);
        assert_eq!(text.matches(&picture).count(), 1, "{picture}");
    }
    let drawn = |name: &str| {
        let program = PROGRAMS.iter().find(|program| program.name == name).expect("it is there");
        recorded(program).timeline().to_string()
    };
    let timeline = format!("```text\n{}\n```", drawn("failure"));
    assert!(text.contains(&timeline), "docs/TRACES.md should have\n{timeline}");
    let lane = drawn("timeout_and_fallback").lines().find(|line| line.contains("slow")).map(String::from);
    let lane = format!("```text\n{}\n```", lane.expect("it is there"));
    assert!(text.contains(&lane), "docs/TRACES.md should have\n{lane}");
}

#[test]
fn no_golden_is_of_a_program_that_is_gone() {
    if std::env::var_os("RENEW").is_some() {
        return; // they are being written
    }
    let files = fs::read_dir(golden("")).expect("there are some");
    let mut names: Vec<_> = files.map(|file| file.expect("a file").file_name().into_string().expect("text")).collect();
    names.sort();
    let mut expected: Vec<_> =
        PROGRAMS.iter().flat_map(|p| ["svg", "txt"].map(|e| format!("{}.{e}", p.name))).collect();
    expected.sort();
    assert_eq!(names, expected);
}
