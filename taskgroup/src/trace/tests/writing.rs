//! Traces in files.

use super::programs;
use crate::trace::check_file;
use std::fs;
use std::path::PathBuf;

/// A directory of its own, removed in the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("taskgroup-trace-{name}-{}", std::process::id()));
        _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("a place for files");
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_name_of_a_file_says_what_is_written() {
    let directory = Directory::new("kinds");
    let trace = programs::failure();
    let read = |name: &str| {
        let path = directory.0.join(name);
        trace.write(&path).expect("it can be written");
        fs::read_to_string(path).expect("it was written")
    };
    assert_eq!(read("a.svg"), trace.svg().title("a").to_string());
    assert_eq!(read("a.json"), trace.chrome().title("a").to_string());
    assert_eq!(read("a.jsonl"), trace.json_lines().to_string());
    assert_eq!(read("a.TXT"), format!("{}\n", trace.timeline()));
    assert_eq!(read("a.svg"), trace.svg().title("a").to_string(), "it is replaced");
    assert_eq!(fs::read_dir(&directory.0).expect("it is there").count(), 4, "nothing else is left");
}

#[test]
fn what_is_written_is_titled_by_the_name_of_the_file() {
    let directory = Directory::new("titles");
    let read = |name: &str| {
        let path = directory.0.join(name);
        programs::success().write(&path).expect("it can be written");
        fs::read_to_string(path).expect("it was written")
    };
    assert!(read("two & two.svg").contains("<title id=\"title\">two &amp; two</title>"));
    let events = super::chrome_format::checked(&read("shop.v2.json"));
    let processes = events.iter().filter(|event| event["name"] == "process_name");
    let processes: Vec<_> = processes.filter_map(|event| event["args"]["name"].as_str()).collect();
    assert_eq!(processes, ["shop.v2", "event loop"]);
}

#[test]
fn a_file_of_an_unknown_kind_is_an_error_that_names_the_kinds() {
    for name in ["trace.png", "trace", ".svg", ""] {
        let error = programs::success().write(name).expect_err("not a kind").to_string();
        let rest =
            ": a trace file is called .svg (a picture), .json (for Perfetto), .jsonl (the events) or .txt (a timeline)";
        assert_eq!(error, format!("{name}{rest}"));
        assert_eq!(check_file(name).expect_err("not a kind").to_string(), error);
    }
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_that_says_what_to_do() {
    let directory = Directory::new("errors");
    let path = directory.0.join("absent/trace.svg");
    let error = programs::success().write(&path).expect_err("no such directory").to_string();
    assert!(error.starts_with(&format!("cannot write the trace to {}: ", path.display())), "{error}");
    assert!(error.ends_with("; make the directory first, or name another"), "{error}");
    assert_eq!(check_file(&path).expect_err("no such directory").to_string(), error);
    let path = directory.0.join("taken.svg");
    fs::create_dir(&path).expect("it can be made");
    let error = programs::success().write(&path).expect_err("a directory").to_string();
    assert!(error.ends_with("; name a file in it"), "{error}");
    let error = check_file(&path).expect_err("a directory").to_string();
    assert!(error.ends_with("; name a file in it"), "{error}");
    assert_eq!(fs::read_dir(&directory.0).expect("it is there").count(), 1, "nothing else is left");
}

#[test]
fn a_check_leaves_everything_as_it_was() {
    let directory = Directory::new("check");
    let path = directory.0.join("trace.svg");
    check_file(&path).expect("it could be written");
    assert_eq!(fs::read_dir(&directory.0).expect("it is there").count(), 0);
    fs::write(&path, "an older one").expect("it can be written");
    check_file(&path).expect("it could be replaced");
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "an older one");
    assert_eq!(fs::read_dir(&directory.0).expect("it is there").count(), 1);
}
