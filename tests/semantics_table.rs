//! `docs/SEMANTICS.md` and the tests agree: every row is there once, and every test that it names exists and says so.
//!
//! Before: `docs/SEMANTICS.md`. After: the tests that it names.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// How many rows each part has; `tg` are van Rossum's steps, part K.
const PARTS: [(&str, u32); 13] = [
    ("A", 9),
    ("B", 12),
    ("C", 16),
    ("D", 19),
    ("E", 24),
    ("F", 13),
    ("G", 8),
    ("H", 6),
    ("I", 6),
    ("J", 18),
    ("tg", 8),
    ("L", 7),
    ("M", 14),
];

const CLAIMS: u32 = 12;

/// CPython's tests by file: 40 of 3.13 and 9 of 3.14, 34, 50.
const CPYTHON: [(&str, usize); 3] = [("test_taskgroups", 49), ("test_timeouts", 34), ("test_exception_group", 50)];

/// What the answer of a row begins with, and whether a row may have it without naming a test.
const ANSWERS: [(&str, bool); 6] = [
    ("**same**", false),
    ("**differs**", false),
    ("**as 3.13**", false),
    ("**no likeness**", false),
    ("**cannot arise**", true),
    ("**not built**", true),
];

/// A line of a table: its cells, and the headings it stands under.
struct Line {
    chapter: String,
    section: String,
    cells: Vec<String>,
}

impl Line {
    fn key(&self) -> String {
        let first = &self.cells[0];
        first.split_whitespace().next().unwrap_or(first).trim_matches('`').to_owned()
    }

    /// The tests and recorded programs in a cell.
    fn shown_by(&self, cell: usize) -> Vec<&str> {
        let names = self.cells[cell].split("<br>").filter_map(|name| name.strip_prefix('`')?.strip_suffix('`'));
        names.filter(|name| name.contains("::") || name.starts_with("O:")).collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn table(chapter: &str) -> Vec<Line> {
    let text = fs::read_to_string(root().join("docs/SEMANTICS.md")).expect("the page is there");
    let (mut lines, mut headings) = (Vec::new(), (String::new(), String::new()));
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            headings = (heading.to_owned(), String::new());
        } else if let Some(heading) = line.strip_prefix("### ") {
            headings.1 = heading.to_owned();
        } else if let Some(row) = line.strip_prefix("| ") {
            let cells: Vec<_> = row.trim_end_matches(" |").split(" | ").map(str::to_owned).collect();
            lines.push(Line { chapter: headings.0.clone(), section: headings.1.clone(), cells });
        }
    }
    lines.retain(|line| line.chapter == chapter && !["row", "claim", "test", "---"].contains(&&*line.cells[0]));
    lines
}

/// The comment lines with which a test or a rejected program begins. `None`: there is no such test.
fn comment_of(name: &str) -> Option<String> {
    let (file, test) = name.split_once("::")?;
    let path = match (file, file.split_once('/')) {
        ("rejections", _) => "taskgroup/src/rejections.rs".to_owned(),
        (_, Some((package, file))) => format!("{package}/tests/{file}.rs"),
        (_, None) => format!("tests/{file}.rs"),
    };
    let text = fs::read_to_string(root().join(path)).ok()?;
    let (before, after) = text.split_once(&format!("\nfn {test}()"))?;
    let attribute = before.lines().next_back()?;
    if file == "rejections" {
        return attribute.starts_with("///").then(String::new);
    }
    let is_test = before.lines().rev().take_while(|line| line.starts_with("#[")).any(|line| line == "#[test]");
    let comment = after.lines().skip(1).map_while(|line| line.trim_start().strip_prefix("// "));
    is_test.then(|| comment.collect::<Vec<_>>().join(" "))
}

fn names(comment: &str, word: &str) -> bool {
    comment.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}

/// What is wrong with the tests that a line names; each must have `word` in its first lines.
fn faults(line: &Line, cell: usize, word: Option<&str>) -> Vec<String> {
    let fault = |name: &str| {
        if let Some(case) = name.strip_prefix("O:") {
            let path = format!("tests/oracle/cases/hand/{case}.json");
            return (!root().join(path).exists()).then(|| "no such recorded program".to_owned());
        }
        let Some(comment) = comment_of(name) else { return Some("no such test".to_owned()) };
        let is_ours = !name.starts_with("rejections::") && !name.starts_with("runtime/");
        let word = word.filter(|word| is_ours && !names(&comment, word))?;
        Some(format!("its first line does not name {word}"))
    };
    let shown_by = line.shown_by(cell).into_iter();
    shown_by.filter_map(|name| Some(format!("{}: {name}: {}", line.key(), fault(name)?))).collect()
}

#[track_caller]
fn assert_none(faults: Vec<String>) {
    assert!(faults.is_empty(), "docs/SEMANTICS.md:\n{}", faults.join("\n"));
}

#[test]
fn every_row_is_there_once_and_in_order() {
    let rows: Vec<_> = table("Row by row").iter().map(Line::key).collect();
    let wanted = PARTS.iter().flat_map(|(part, n)| (1..=*n).map(move |row| format!("{part}{row}")));
    assert_eq!(rows, wanted.collect::<Vec<_>>());
    let claims: Vec<_> = table("Claims about asyncio, answered").iter().map(Line::key).collect();
    assert_eq!(claims, (1..=CLAIMS).map(|claim| claim.to_string()).collect::<Vec<_>>());
}

#[test]
fn every_row_has_an_answer_and_tests_that_name_it() {
    let mut wrong = Vec::new();
    for row in table("Row by row") {
        assert_eq!(row.cells.len(), 4, "{}: row, behaviour, shown by, here", row.key());
        match ANSWERS.iter().find(|(answer, _)| row.cells[3].starts_with(answer)) {
            None => wrong.push(format!("{}: no answer in {:?}", row.key(), row.cells[3])),
            Some((answer, false)) if !row.shown_by(2).iter().any(|name| name.contains("::")) => {
                wrong.push(format!("{}: {answer}, and no test", row.key()));
            }
            Some((answer, _)) if *answer != "**same**" && row.cells[3].len() < answer.len() + 8 => {
                wrong.push(format!("{}: {answer}, and no reason", row.key()));
            }
            Some(_) => {}
        }
        wrong.extend(faults(&row, 2, Some(&row.key())));
    }
    assert_none(wrong);
}

#[test]
fn every_claim_is_answered_by_a_test_and_a_recorded_program_where_there_is_one() {
    let mut wrong = Vec::new();
    for claim in table("Claims about asyncio, answered") {
        assert_eq!(claim.cells.len(), 4, "{}: claim, what is said, shown by, the truth", claim.key());
        if !claim.shown_by(2).iter().any(|name| name.contains("::")) {
            wrong.push(format!("claim {}: no test", claim.key()));
        }
        wrong.extend(faults(&claim, 2, None));
    }
    assert_none(wrong);
}

#[test]
fn every_test_of_cpython_has_a_test_that_names_it_or_a_reason() {
    let (mut wrong, mut counts) = (Vec::new(), BTreeMap::new());
    let rows: Vec<_> = table("Row by row").iter().map(Line::key).collect();
    let lines = table("CPython's tests");
    for line in &lines {
        assert_eq!(line.cells.len(), 3, "{}: test, row, shown by", line.key());
        *counts.entry(&*line.section).or_insert(0) += 1;
        let again = lines.iter().filter(|other| other.section == line.section && other.key() == line.key()).count();
        if again != 1 {
            wrong.push(format!("{}: {again} times", line.key()));
        }
        if let Some(row) = line.cells[1].split(", ").find(|row| !rows.contains(&(*row).to_owned())) {
            wrong.push(format!("{}: no row {row:?}", line.key()));
        }
        if line.shown_by(2).is_empty() && !line.cells[2].starts_with("no analogue: ") {
            wrong.push(format!("{}: no test and no reason", line.key()));
        }
        wrong.extend(faults(line, 2, Some(&line.key())));
    }
    assert_none(wrong);
    assert_eq!(counts, BTreeMap::from(CPYTHON));
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    let line = |name: &str| {
        let cells = ["A1", "", &format!("`{name}`"), "**same**"].map(str::to_owned).to_vec();
        Line { chapter: String::new(), section: String::new(), cells }
    };
    for (name, fault) in [
        ("semantics_table::no_such_thing", "no such test"),
        ("semantics_table::root", "no such test"), // a function, and no test
        ("no_such_file::a_test", "no such test"),
        ("O:no_such_program", "no such recorded program"),
        ("rejections::no_such_program", "no such test"),
        ("semantics_table::a_test_that_is_not_there_is_noticed", "its first line does not name A1"),
    ] {
        assert_eq!(faults(&line(name), 2, Some("A1")), [format!("A1: {name}: {fault}")]);
    }
    assert!(faults(&line("group::wakes_are_first_in_first_out"), 2, Some("A1")).is_empty());
    assert!(names("B1, tg1; CPython: x.test_y", "B1") && !names("B11", "B1"));
}
