//! JSON, as much as is needed: objects whose fields are in the order in which they are added.
//!
//! Before: `svg.rs`. After: `json_lines.rs`, `chrome.rs`.

use std::fmt::{self, Display, Formatter};

/// An object under way.
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Self {
        Self("{".into())
    }

    /// A field whose value is JSON already: a number, an object.
    pub(crate) fn raw(mut self, key: &str, value: impl Display) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&format!("\"{key}\":{value}"));
        self
    }

    pub(crate) fn text(self, key: &str, value: &str) -> Self {
        self.raw(key, Quoted(value))
    }

    pub(crate) fn maybe(self, key: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.raw(key, value),
            None => self,
        }
    }

    pub(crate) fn maybe_text(self, key: &str, value: Option<&str>) -> Self {
        self.maybe(key, value.map(Quoted))
    }

    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// A text as a JSON string.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        let mut rest = self.0;
        // Line separators are allowed, but not in a script; the others must be escaped.
        let is_special = |char: char| matches!(char, '"' | '\\' | '\0'..='\x1f' | '\x7f' | '\u{2028}' | '\u{2029}');
        while let Some((at, char)) = rest.char_indices().find(|(_, char)| is_special(*char)) {
            f.write_str(&rest[..at])?;
            match char {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                '\r' => f.write_str("\\r")?,
                _ => write!(f, "\\u{:04x}", char as u32)?,
            }
            rest = &rest[at + char.len_utf8()..];
        }
        f.write_str(rest)?;
        f.write_str("\"")
    }
}
