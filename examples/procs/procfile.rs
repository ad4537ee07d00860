//! A Procfile: what to run, a process a line.
//!
//! Before: nothing. After: `foreman.rs`, which runs it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// A line of it.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// For `/bin/sh -c`.
    pub(crate) command: OsString,
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum BadLine {
    #[error("no colon: a line is `name: command`")]
    NoColon,
    #[error("there is no name before the colon")]
    NoName,
    #[error("{0:?} is no name: take letters, digits, `-` and `_`")]
    Name(String),
    #[error("{0} has no command")]
    NoCommand(String),
    #[error("{name} is there already, in line {first}")]
    Twice { name: String, first: usize },
    #[error("a NUL, which no command can have")]
    Nul,
}

/// A file that is not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadProcfile {
    #[error("cannot read {}: {error}", file.display())]
    Unreadable { file: PathBuf, error: io::Error },
    #[error("{}: nothing to run: a line is `name: command`", .0.display())]
    Empty(PathBuf),
    /// All of them, with their numbers.
    #[error("{}", Lines(file, lines))]
    Lines { file: PathBuf, lines: Vec<(usize, BadLine)> },
}

struct Lines<'a>(&'a Path, &'a [(usize, BadLine)]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (number, what)) in self.1.iter().enumerate() {
            let end = if place == 0 { "" } else { "\n" };
            write!(f, "{end}{}:{number}: {what}", self.0.display())?;
        }
        Ok(())
    }
}

/// Reads a file. Blocks.
///
/// # Errors
///
/// Everything that is wrong with it.
pub(crate) fn read(file: &Path) -> Result<Vec<Entry>, BadProcfile> {
    let text = fs::read(file).map_err(|error| BadProcfile::Unreadable { file: file.into(), error })?;
    match parse(&text) {
        Ok(entries) if entries.is_empty() => Err(BadProcfile::Empty(file.into())),
        Ok(entries) => Ok(entries),
        Err(lines) => Err(BadProcfile::Lines { file: file.into(), lines }),
    }
}

/// Empty lines and those that begin with `#` are comments. Commands are bytes, as the shell takes them.
pub(crate) fn parse(text: &[u8]) -> Result<Vec<Entry>, Vec<(usize, BadLine)>> {
    let (mut entries, mut wrong, mut seen) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        match entry(line) {
            Err(what) => wrong.push((number, what)),
            Ok(entry) => match seen.get(&entry.name) {
                Some(&first) => wrong.push((number, BadLine::Twice { name: entry.name, first })),
                None => {
                    seen.insert(entry.name.clone(), number);
                    entries.push(entry);
                }
            },
        }
    }
    if wrong.is_empty() { Ok(entries) } else { Err(wrong) }
}

fn entry(line: &[u8]) -> Result<Entry, BadLine> {
    let colon = line.iter().position(|byte| *byte == b':').ok_or(BadLine::NoColon)?;
    let (name, command) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
    if name.is_empty() {
        return Err(BadLine::NoName);
    }
    let is_plain = name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte));
    let name = String::from_utf8_lossy(name).into_owned();
    if !is_plain {
        return Err(BadLine::Name(name));
    }
    if command.is_empty() {
        return Err(BadLine::NoCommand(name));
    }
    if command.contains(&0) {
        return Err(BadLine::Nul);
    }
    Ok(Entry { name, command: OsString::from_vec(command.to_vec()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_are_left_out_and_commands_may_have_colons() {
        let entries = parse(b"# services\n\n web:  serve a:b  \r\n\t# more\nlog_2:tail").expect("well-formed");
        let entry = |name: &str, command: &str| Entry { name: name.into(), command: command.into() };
        assert_eq!(entries, [entry("web", "serve a:b"), entry("log_2", "tail")]);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let wrong = parse(b"web: x\nno colon\n: y\na b: z\nempty:\nweb: again\n").expect_err("five errors");
        let expected = [
            (2, BadLine::NoColon),
            (3, BadLine::NoName),
            (4, BadLine::Name("a b".into())),
            (5, BadLine::NoCommand("empty".into())),
            (6, BadLine::Twice { name: "web".into(), first: 1 }),
        ];
        assert_eq!(wrong, expected);
    }
}
