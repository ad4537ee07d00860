//! The pages: includes that are rotten, links that are dead, listings that were typed by hand.

use super::{PROGRAMS, root, using};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// All files of a folder and below, from the root.
fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let path =
            format!("{folder}/{}", entry.file_name().into_string().expect("a name in UTF-8"));
        match entry.file_type().expect("its kind").is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn pages() -> Vec<String> {
    files("docs/book").into_iter().filter(|path| path.ends_with(".md")).collect()
}

/// The pages, and all else that is documentation.
fn documents() -> Vec<String> {
    let mut found = pages();
    let docs = fs::read_dir(root().join("docs")).expect("a folder");
    let names = docs
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name in UTF-8"));
    found.extend(names.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")));
    found.push("README.md".into());
    found
}

/// A path that is meant by a file, from the root; `None` if it leads out of there.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<_> =
        Path::new(from).parent()?.iter().map(|part| part.to_str().expect("UTF-8")).collect();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// What is included by a page: file and anchor.
fn includes(page: &str) -> Vec<(String, Option<String>)> {
    let text = read(page);
    let found =
        text.split("{{#include ").skip(1).map(|rest| rest.split("}}").next().expect("it ends"));
    let parts = found.map(|found| {
        found.split_once(':').map_or((found, None), |(file, anchor)| (file, Some(anchor)))
    });
    parts
        .map(|(file, anchor)| {
            (resolve(page, file).unwrap_or_else(|| file.into()), anchor.map(str::to_owned))
        })
        .collect()
}

/// The anchors of a file, each with an end.
fn anchors(path: &str) -> BTreeSet<String> {
    let text = read(path);
    let named = |mark: &str| -> BTreeSet<String> {
        text.lines().filter_map(|line| Some(line.split_once(mark)?.1.trim().to_owned())).collect()
    };
    let (begins, ends) = (named("ANCHOR: "), named("ANCHOR_END: "));
    assert_eq!(begins, ends, "in {path}, what begins does not end, or the other way round");
    begins
}

#[test]
fn every_include_finds_its_file_and_its_anchor() {
    let mut rotten = Vec::new();
    for page in pages() {
        for (file, anchor) in includes(&page) {
            let is_there = root().join(&file).is_file();
            if !is_there || anchor.as_ref().is_some_and(|anchor| !anchors(&file).contains(anchor)) {
                rotten.push(format!("{file}, {anchor:?} in {page}"));
            }
        }
    }
    assert!(rotten.is_empty(), "there is no {rotten:#?}");
}

#[test]
fn every_anchor_and_every_output_is_shown() {
    let shown: BTreeSet<_> = pages().iter().flat_map(|page| includes(page)).collect();
    let mut unseen = Vec::new();
    for file in files("examples/book")
        .into_iter()
        .filter(|file| file.ends_with(".rs") && !file.contains("/tests/"))
    {
        let whole = shown.contains(&(file.clone(), None));
        let anchors = anchors(&file).into_iter().map(|anchor| (file.clone(), Some(anchor)));
        unseen.extend(anchors.filter(|anchor| !whole && !shown.contains(anchor)));
    }
    let outputs = PROGRAMS.iter().map(|name| (format!("tests/golden/book/{name}.txt"), None));
    unseen.extend(outputs.filter(|output| !shown.contains(output)));
    assert!(unseen.is_empty(), "no page shows {unseen:#?}");
}

/// The blocks of a page that are set as code: the word after the fence, and the lines.
fn blocks(text: &str) -> Vec<(String, Vec<&str>)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(word) = line.trim_start().strip_prefix("```") {
            blocks.push((
                word.to_owned(),
                lines.by_ref().take_while(|line| !line.trim_start().starts_with("```")).collect(),
            ));
        }
    }
    blocks
}

#[test]
fn no_listing_was_typed_by_hand() {
    for page in pages() {
        for (word, lines) in blocks(&read(&page)) {
            let is_included = lines.iter().all(|line| line.starts_with("{{#include "));
            let is_program = ["rust", "python"].iter().any(|language| word.starts_with(language));
            assert!(
                is_included || !is_program,
                "{page} has code of its own:\n{}",
                lines.join("\n")
            );
        }
    }
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = read("docs/book/SUMMARY.md");
    for page in pages().iter().filter_map(|page| page.strip_prefix("docs/book/")) {
        assert!(
            page == "SUMMARY.md" || summary.contains(&format!("({page})")),
            "{page} is not in SUMMARY.md"
        );
    }
}

/// A text without code: neither blocks nor what stands in backticks.
fn prose(text: &str) -> String {
    let mut prose = String::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            // A link's text may be code: what is left of it is `[](target)`.
            prose.extend(line.split('`').step_by(2));
            prose.push('\n');
        }
    }
    prose
}

/// Where the links and pictures of a text lead: `[..](target)` and `[..]: target`.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let inline =
        prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let defined = prose
        .lines()
        .filter(|line| line.starts_with('['))
        .filter_map(|line| Some(line.split_once("]: ")?.1));
    let attributes = prose
        .split("src=\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(target, _)| target);
    inline.chain(defined).chain(attributes).map(|target| target.trim().to_owned()).collect()
}

/// What a heading is called in links: as mdBook and GitHub have it.
fn headings(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut is_code = false;
    for line in text.lines() {
        is_code ^= line.trim_start().starts_with("```");
        let title = line.trim_start_matches('#');
        if is_code || title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let kept =
            title.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let slug: String =
            kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect();
        let again = (1..).map(|n| format!("{slug}-{n}"));
        let free = [slug.clone()].into_iter().chain(again).find(|name| !found.contains(name));
        found.extend(free);
    }
    found
}

#[test]
fn no_link_is_dead() {
    let mut dead = Vec::new();
    for page in documents() {
        let text = read(&page);
        for link in links(&text).into_iter().filter(|link| !link.contains("://")) {
            let (path, heading) =
                link.split_once('#').map_or((link.as_str(), None), |(path, id)| (path, Some(id)));
            let file = if path.is_empty() { Some(page.clone()) } else { resolve(&page, path) };
            let file = file.filter(|file| root().join(file).exists());
            // The built book has nothing but its own folder.
            let is_inside =
                |file: &String| !page.starts_with("docs/book/") || file.starts_with("docs/book/");
            let is_alive = file.filter(is_inside).is_some_and(|file| {
                heading.is_none_or(|heading| {
                    file.ends_with(".md") && headings(&read(&file)).contains(heading)
                })
            });
            if !is_alive {
                dead.push(format!("{link} in {page}"));
            }
        }
    }
    assert!(dead.is_empty(), "these lead nowhere: {dead:#?}");
}

/// What stands in backticks.
fn quoted(text: &str) -> Vec<String> {
    let mut is_code = false;
    let prose: Vec<_> = text
        .lines()
        .filter(|line| {
            let is_fence = line.trim_start().starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence
        })
        .collect();
    prose.join("\n").split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_file_and_every_test_that_a_page_names_exists() {
    let sources: Vec<_> = ["examples/book", "runtime", "timer", "taskgroup", "tests"]
        .into_iter()
        .flat_map(files)
        .collect();
    let tests: Vec<_> =
        sources.iter().filter(|path| path.ends_with(".rs")).map(|path| read(path)).collect();
    let mut wrong = Vec::new();
    for page in pages() {
        for name in quoted(&read(&page)) {
            let is_file = !name.contains([' ', '*'])
                && [".rs", ".md", ".toml", ".sh"].iter().any(|end| name.ends_with(end));
            if is_file
                && !root().join(&name).is_file()
                && !root().join("examples/book").join(&name).is_file()
            {
                wrong.push(format!("{name} in {page}"));
            }
            // A test of the workspace, `FILE::NAME`; with `..` for its name, all of a file.
            if let Some((file, test)) = name
                .split_once("::")
                .filter(|(file, _)| root().join(format!("tests/{file}.rs")).exists())
                && test != ".."
                && !read(&format!("tests/{file}.rs")).contains(&format!("fn {test}()"))
            {
                wrong.push(format!("the test {name} in {page}"));
            }
            // A checker: `cargo test .. NAME`, with the name of a test.
            if let Some(arguments) = name.strip_prefix("cargo test ") {
                let path = arguments.split(' ').next_back().expect("there is a last word");
                let test = path.rsplit("::").next().expect("there is a last part");
                let is_test = |text: &String| text.contains(&format!("fn {test}()"));
                let is_program =
                    [PROGRAMS, using::PROGRAMS].iter().any(|programs| programs.contains(&test));
                if path != "taskgroup-book" && !is_program && !tests.iter().any(is_test) {
                    wrong.push(format!("the test {test} in {page}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "there is no {wrong:#?}");
}

#[test]
fn every_picture_is_shown() {
    let shown: BTreeSet<_> = pages()
        .iter()
        .flat_map(|page| {
            links(&read(page))
                .into_iter()
                .filter_map(|link| resolve(page, &link))
                .collect::<Vec<_>>()
        })
        .map(PathBuf::from)
        .collect();
    for picture in files("docs/book/pictures") {
        assert!(shown.contains(Path::new(&picture)), "no page shows {picture}");
    }
}
