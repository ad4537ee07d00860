//! Where a reader is sent, there is something: the heads of files, `docs/ARCHITECTURE.md`, and the pages that name tests.
//!
//! Before: `docs/ARCHITECTURE.md`. After: nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Pages for users, which have no place in an order of reading.
const PAGES: [&str; 7] = ["lib.rs", "boxed.rs", "inspect.rs", "net.rs", "patterns.rs", "rejections.rs", "trace.rs"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every `.rs` file below a folder, as a path from the root.
fn sources(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(&folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let path = folder.as_ref().join(entry.file_name());
        if entry.file_type().expect("its kind").is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// `a/b/../c` is `a/c`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

/// What stands in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_file(name: &str) -> bool {
    !name.contains(['*', ' ']) && [".rs", ".md", ".txt", "/"].iter().any(|end| name.ends_with(end))
}

/// The paragraph of a file's head that says what to read before it and after it.
fn order_of(path: &Path) -> Option<String> {
    let text = read(path);
    let head: Vec<_> = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let head = head.join("\n");
    let order = head.split("\n\n").find_map(|part| Some(&part[part.find("Before: ")?..]));
    order.map(|order| order.replace('\n', " "))
}

/// The file that is meant by a name in the head of another: beside it, in its folder, above it, or from the root.
fn meant_in(path: &Path, name: &str) -> Option<PathBuf> {
    let above = path.parent().expect("it is in a folder");
    let places = [path.with_extension("").join(name), above.join(name), above.join("..").join(name), name.into()];
    places.into_iter().map(|place| plain(&place)).find(|place| root().join(place).exists())
}

/// All heads: the file, the names before it, and those after it.
fn heads() -> Vec<(PathBuf, Vec<String>, Vec<String>)> {
    let files = ["timer", "runtime", "taskgroup", "examples", "tests", "benches/src"].into_iter().flat_map(sources);
    let names = |part: &str| quoted(part).filter(|name| is_file(name)).map(str::to_owned).collect();
    files
        .filter_map(|file| {
            let order = order_of(&file)?;
            let (before, after) = order.split_once("After: ").unwrap_or((&order, ""));
            Some((file, names(before), names(after)))
        })
        .collect()
}

#[test]
fn every_file_of_the_libraries_says_what_to_read_before_it() {
    let silent: Vec<_> = ["runtime/src", "taskgroup/src"]
        .into_iter()
        .flat_map(sources)
        .filter(|path| !PAGES.iter().any(|page| path.ends_with(page)))
        .filter(|path| !path.with_extension("").iter().any(|part| part == "tests"))
        .filter(|path| order_of(path).is_none())
        .collect();
    assert!(silent.is_empty(), "no `Before:` in the heads of {silent:?}");
}

#[test]
fn every_file_that_a_head_names_exists() {
    let mut wrong = Vec::new();
    for (file, before, after) in heads() {
        let names = before.iter().chain(&after);
        wrong.extend(names.filter(|name| meant_in(&file, name).is_none()).map(|name| format!("{name} in {file:?}")));
    }
    assert!(wrong.is_empty(), "there is no {wrong:#?}");
}

/// Whoever follows the heads comes to an end.
#[test]
fn what_the_heads_say_to_read_first_has_no_circle() {
    let mut steps = BTreeSet::new();
    for (file, before, after) in heads() {
        let meant = |name: &String| meant_in(&file, name).filter(|path| path.extension().is_some_and(|e| e == "rs"));
        steps.extend(before.iter().filter_map(meant).map(|earlier| (earlier, file.clone())));
        steps.extend(after.iter().filter_map(meant).map(|later| (file.clone(), later)));
    }
    // A step that nothing leads to, or that leads to nothing, is in no circle.
    loop {
        let (from, to): (BTreeSet<_>, BTreeSet<_>) = steps.iter().cloned().unzip();
        let count = steps.len();
        steps.retain(|(earlier, later)| to.contains(earlier) && from.contains(later));
        if steps.len() == count {
            break;
        }
    }
    assert!(steps.is_empty(), "round and round: {steps:#?}");
}

/// A file without its comments: those may name what is gone.
fn code(path: &Path) -> String {
    read(path).lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Whether a text has a word, or all the words of a path.
fn has(text: &str, path: &str) -> bool {
    let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    path.split("::").all(|word| {
        let mut places = text.match_indices(word).map(|(start, _)| (&text[..start], &text[start + word.len()..]));
        places.any(|(before, behind)| is_edge(before.chars().next_back()) && is_edge(behind.chars().next()))
    })
}

/// The files that a row of a table names: from the root, or from the folder of the last that is named so. A folder means
/// all in it.
fn files_of_row(cell: &str) -> Vec<PathBuf> {
    let mut folder = PathBuf::from("taskgroup/src");
    let mut found = Vec::new();
    for name in quoted(cell) {
        let mut path = PathBuf::from(name);
        if root().join(&path).is_file() {
            folder = path.parent().expect("it is in a folder").into();
        } else if !root().join(&path).is_dir() {
            path = folder.join(name);
        }
        if root().join(&path).is_dir() {
            found.extend(sources(&path));
            continue;
        }
        assert!(root().join(&path).is_file(), "there is no {name}, named in: {cell}");
        let inside = path.with_extension("");
        if cell.contains("its folder") && root().join(&inside).is_dir() {
            found.extend(sources(inside));
        }
        found.push(path);
    }
    found
}

#[test]
fn what_a_row_of_the_map_tells_to_search_for_is_in_its_files() {
    let map = read("docs/ARCHITECTURE.md".as_ref());
    let rows = map.lines().filter(|line| line.starts_with("| ") && !line.contains("--"));
    let mut wrong = Vec::new();
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split('|').collect();
        let files = files_of_row(cells[1]);
        let texts: Vec<_> = files.iter().map(|path| code(path)).collect();
        for name in cells[2..].iter().flat_map(|cell| quoted(cell)).filter(|name| !is_file(name)) {
            if !texts.iter().any(|text| has(text, name)) {
                wrong.push(format!("{name} in: {row}"));
            }
        }
    }
    assert!(wrong.is_empty(), "there is no {wrong:#?}");
}

#[test]
fn every_name_on_the_map_exists() {
    let map = read("docs/ARCHITECTURE.md".as_ref());
    let files: Vec<_> = ["timer", "runtime", "taskgroup", "tests"].into_iter().flat_map(sources).collect();
    let texts: Vec<_> = files.iter().map(|path| code(path)).collect();
    let prose = map.split("```").step_by(2); // without listings
    let names = prose.flat_map(quoted).filter(|name| !name.contains([' ', '\n', '(', '-', '=', '\'']));
    let mut wrong = Vec::new();
    for name in names {
        let exists = match is_file(name) {
            true => root().join(name).exists() || files.iter().any(|file| file.ends_with(name)),
            false if name.contains(['/', '.']) => root().join(name).exists(),
            false => texts.iter().any(|text| has(text, name)),
        };
        if !exists {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "there is no {wrong:#?}");
}

/// Names of tests in a page: so they look, with three underscores and more.
fn tests_named_in(page: &str) -> Vec<String> {
    let text = read(Path::new(page));
    let is_test = |name: &&str| {
        name.matches('_').count() >= 3 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    quoted(&text).filter(is_test).map(str::to_owned).collect()
}

#[test]
fn every_test_that_a_page_relies_on_exists() {
    let files = ["timer", "runtime", "taskgroup", "examples", "tests"].into_iter().flat_map(sources);
    let code: String = files.map(|file| read(&file)).collect();
    let known: BTreeSet<_> = code.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next()).collect();
    let pages = ["docs/RELIABILITY.md", "docs/SECURITY.md"];
    let named: Vec<_> = pages.into_iter().flat_map(tests_named_in).collect();
    assert!(named.len() > 50, "the pages name {} tests only", named.len());
    // Trio's are named there, too.
    let missing = named.iter().filter(|name| !known.contains(name.as_str()) && !name.starts_with("test_"));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&String>::new(), "named in a page, and not there");
}

#[test]
fn every_seeded_fault_stands_in_the_row_of_its_class() {
    let page = read(Path::new("docs/RELIABILITY.md"));
    let row_of = |class: &str| page.lines().find(|line| line.starts_with(&format!("| {class} |")));
    let entries = fs::read_dir(root().join("tests/faults")).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
    names.sort();
    let patches: Vec<_> = names.iter().filter_map(|name| name.strip_suffix(".patch")).collect();
    let stands = |name: &&&str| {
        let class = name.split('-').next().unwrap_or_default();
        row_of(class).is_some_and(|row| row.contains(&format!("`{name}`")))
    };
    let lost: Vec<_> = patches.iter().filter(|name| !stands(name)).collect();
    assert!(lost.is_empty(), "in no row of its class: {lost:?}");
    let named = quoted(&page).filter(|name| name.contains('-') && name.starts_with(|c: char| ('A'..='H').contains(&c)));
    let gone: Vec<_> = named.filter(|name| name.as_bytes()[1].is_ascii_digit() && !patches.contains(name)).collect();
    assert!(gone.is_empty(), "named in a row, and not there: {gone:?}");
}
