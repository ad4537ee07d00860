//! "Using it": what its programs print and draw, in Rust and in Python, and the recorded cases that its pages name.

use super::{compare, output_of, root};
use std::fs;
use std::path::Path;
use std::process::Command;

const USING: &str = env!("CARGO_BIN_EXE_using");

macro_rules! programs {
    ($($name:ident)*) => {
        pub(super) const PROGRAMS: &[&str] = &[$(stringify!($name)),*];

        $(#[test]
        fn $name() {
            compare(concat!("tests/golden/using/", stringify!($name), ".txt"), &output_of(Command::new(USING).arg(stringify!($name))));
        })*
    };
}

programs! {
    results fail_fast partial timeouts gathered settled cleanup dynamic in_turn by_kind awaiting parent lanes
    deadlines shielded
    borrowing forgotten
    racing futurelock
    embedded
    seeds stalled
    journey_wake journey_error journey_cancel
}

/// Programs of which a page has a picture, and what stands above it.
const PICTURES: &[(&str, &str)] = &[
    ("fail_fast", "Two groups: one that ends well, and one that does not"),
    ("timeouts", "Three tasks, of which one is late"),
    ("cleanup", "Two resources, closed one after the other"),
    ("in_turn", "In turn, and at once"),
    ("awaiting", "The body waits for a task when another one fails"),
    ("lanes", "Success, and failure"),
    ("shielded", "A failure, two shields, two cleanups, and a grace of five seconds"),
    ("journey_wake", "A wake"),
    ("journey_error", "An error"),
    ("journey_cancel", "A cancel"),
];

#[test]
fn programs_in_use_are_as_drawn() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (name, title) in PICTURES {
        let file = folder.join(format!("{title}.svg")); // the name of the file is the title
        output_of(Command::new(USING).arg(name).arg("--trace").arg(&file));
        let drawn = fs::read_to_string(&file).expect("it was written");
        compare(&format!("docs/book/pictures/{name}.svg"), &drawn);
    }
}

/// The names of the files in a folder with this ending, without it.
fn stems(folder: &str, ending: &str) -> Vec<String> {
    let files = fs::read_dir(root().join(folder)).expect("a folder");
    let names = files.map(|file| file.expect("a file").file_name().into_string().expect("text"));
    let mut stems: Vec<_> =
        names.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect();
    stems.sort();
    stems
}

/// A Python that has task groups, if there is one here: 3.11 or newer.
fn python() -> Option<Command> {
    let is_new = "import sys; sys.exit(sys.version_info < (3, 11))";
    let status = Command::new("python3").args(["-c", is_new]).status();
    status.is_ok_and(|status| status.success()).then(|| Command::new("python3"))
}

/// A program that prints what its twin in Rust prints has no output of its own.
#[test]
#[allow(clippy::print_stderr, reason = "what is skipped is said aloud")]
fn programs_in_python_print_what_the_pages_show() {
    let names: Vec<_> =
        stems("docs/book/using", ".py").into_iter().filter(|name| name != "virtual").collect();
    assert!(names.len() > 12, "{names:?}");
    let Some(mut python) = python() else {
        return eprintln!(
            "programs_in_python_print_what_the_pages_show: SKIPPED, there is no python3 of 3.11 or newer"
        );
    };
    // one interpreter for all: to start one takes longer than to run a program
    let run_all = "import runpy, sys\nfor name in sys.argv[1:]:\n    runpy.run_path(name + '.py')\n    print('\\f')";
    python
        .current_dir(root().join("docs/book/using"))
        .env("PYTHONPATH", ".")
        .args(["-B", "-c", run_all])
        .args(&names);
    let printed = output_of(&mut python);
    let outputs: Vec<_> = printed.split_terminator("\u{c}\n").collect();
    assert_eq!(outputs.len(), names.len());
    for (name, output) in names.iter().zip(outputs) {
        let own = format!("tests/golden/using/{name}.py.txt");
        let shared = format!("tests/golden/using/{name}.txt");
        let is_shared = fs::read_to_string(root().join(&shared)).is_ok_and(|text| text == output);
        match is_shared {
            true => assert!(!root().join(&own).exists(), "{own} is the same as {shared}"),
            false => compare(&own, output),
        }
    }
}

#[test]
fn every_output_in_use_is_of_a_program_and_shown() {
    let pages: String = stems("docs/book/using", ".md")
        .iter()
        .map(|page| {
            fs::read_to_string(root().join(format!("docs/book/using/{page}.md")))
                .expect("it is there")
        })
        .collect();
    let programs = stems("docs/book/using", ".py");
    for name in stems("tests/golden/using", ".txt") {
        let is_known = match name.strip_suffix(".py") {
            Some(name) => programs.iter().any(|program| program == name),
            None => PROGRAMS.contains(&name.as_str()),
        };
        assert!(is_known, "of which program is {name}.txt?");
        assert!(
            pages.contains(&format!("tests/golden/using/{name}.txt}}}}")),
            "no page shows {name}.txt"
        );
    }
    for program in programs {
        assert!(
            pages.contains(&format!("{{{{#include {program}.py}}}}")),
            "no page shows {program}.py"
        );
    }
    for name in PROGRAMS {
        assert!(
            pages.contains(&format!("examples/book/using/{name}.rs")),
            "no page shows {name}.rs"
        );
    }
}

/// `O:name` on a page is a recorded case.
#[test]
fn every_recorded_case_that_a_page_names_is_there() {
    let cases = stems("tests/oracle/cases/hand", ".json");
    for page in stems("docs/book/using", ".md") {
        let text = fs::read_to_string(root().join(format!("docs/book/using/{page}.md")))
            .expect("it is there");
        for named in text.split("`O:").skip(1) {
            let name = named.split('`').next().expect("it ends");
            assert!(cases.iter().any(|case| case == name), "there is no case {name}, in {page}.md");
        }
    }
}
