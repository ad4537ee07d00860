//! The list of cases whose turn order differs, each with its reason: `differences.txt`.
//!
//! Before: `cases.rs`. After: `check.rs`.

use std::collections::BTreeMap;

/// Cases that are known to differ, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences(BTreeMap<String, String>);

/// A line of the list that gives no reason.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {id} is listed without a reason, or twice")]
pub struct NoReason {
    /// The line, from 1.
    pub line: usize,
    /// The case.
    pub id: String,
}

impl Differences {
    /// This project's list.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn known() -> Result<Self, NoReason> {
        Self::parse(include_str!("../differences.txt"))
    }

    /// Reads a list: a line has a case's id and the reason; empty lines and those that begin with `#` say nothing.
    ///
    /// # Errors
    ///
    /// [`NoReason`] for a line without one, and for a case that stands there twice.
    pub fn parse(text: &str) -> Result<Self, NoReason> {
        let mut list = BTreeMap::new();
        for (line, text) in (1..).zip(text.lines().map(str::trim)) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (id, reason) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
            if reason.is_empty() || list.insert(id.to_owned(), reason.trim().to_owned()).is_some() {
                return Err(NoReason { line, id: id.to_owned() });
            }
        }
        Ok(Self(list))
    }

    /// Why a case differs, if it is listed.
    #[must_use]
    pub fn reason(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(String::as_str)
    }

    /// The cases that are listed.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_an_id_and_a_reason() {
        let list = Differences::parse("# why\n\nv1  its turn comes later\n").expect("a list");
        assert_eq!(list.reason("v1"), Some("its turn comes later"));
        assert_eq!(list.ids().collect::<Vec<_>>(), ["v1"]);
        assert_eq!(list.reason("v2"), None);
    }

    #[test]
    fn a_line_without_a_reason_and_a_second_line_are_refused() {
        assert_eq!(Differences::parse("\nv1 \n"), Err(NoReason { line: 2, id: "v1".into() }));
        assert_eq!(Differences::parse("v1 so\nv1 so\n"), Err(NoReason { line: 2, id: "v1".into() }));
    }
}
