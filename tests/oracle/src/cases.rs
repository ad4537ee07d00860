//! Cases on disk: a program and what it should leave.
//!
//! Before: `recorded.rs`. After: `check.rs`.

use crate::recorded::Recorded;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A program and what it should leave.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// Where it stands: the name of the directory of a `.json` file, the stem of a `.jsonl` file.
    pub set: String,
    /// What the recorded trace depends on.
    pub tier: Tier,
    /// The program, unread.
    pub program: Box<RawValue>,
    /// What it should leave: by this project's rules where they differ, else by asyncio's.
    pub want: Recorded,
}

/// What a recorded trace depends on (`LANGUAGE.md`, section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// On the rules alone: it must agree.
    Robust,
    /// On one queue for all tasks, besides.
    Fifo,
    /// On the news of an end taking a turn of that queue, besides.
    Tick,
}

/// Cases that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {what}", path.display(), line.map_or(String::new(), |line| format!(", line {line}")))]
pub struct CasesError {
    path: PathBuf,
    line: Option<usize>,
    what: io::Error,
}

/// All recorded cases of this project.
///
/// # Errors
///
/// If they cannot be read: they are looked for where the crate was built.
pub fn recorded_cases() -> Result<Vec<Case>, CasesError> {
    load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cases")))
}

/// The cases of a file: one (`.json`), or one a line (`.jsonl`); of a directory, those of its files and directories, in
/// the order of their names.
///
/// # Errors
///
/// The first file or line that cannot be read.
pub fn load(path: &Path) -> Result<Vec<Case>, CasesError> {
    let mut cases = Vec::new();
    load_into(&mut cases, path)?;
    Ok(cases)
}

fn load_into(cases: &mut Vec<Case>, path: &Path) -> Result<(), CasesError> {
    let wrong = |line| move |what| CasesError { path: path.to_owned(), line, what };
    if path.is_dir() {
        let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(wrong(None))?;
        let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
        paths.sort();
        return paths.iter().try_for_each(|path| load_into(cases, path));
    }
    let text = fs::read_to_string(path).map_err(wrong(None))?;
    if path.extension().is_some_and(|extension| extension == "json") {
        let set = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        cases.push(case(&set, &text).map_err(wrong(None))?);
        return Ok(());
    }
    let set = path.file_stem().unwrap_or_default().to_string_lossy();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        cases.push(case(&set, line).map_err(wrong(Some(number)))?);
    }
    Ok(())
}

fn case(set: &str, json: &str) -> io::Result<Case> {
    #[derive(Deserialize)]
    struct Fields {
        id: String,
        tier: Tier,
        program: Box<RawValue>,
        expect: Recorded,
        ours: Option<Recorded>,
    }
    let Fields { id, tier, program, expect, ours } = serde_json::from_str(json)?;
    Ok(Case { id, set: set.to_owned(), tier, program, want: ours.unwrap_or(expect) })
}
