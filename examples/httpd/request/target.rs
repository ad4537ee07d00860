//! The target of a request, `/a%20b?c`: which file it means, below some root.
//!
//! Before: `mod.rs`. After: `../answer.rs`, which looks it up.
//!
//! **Danger.** `..` leads out of the root, also written as `%2e%2e`, or with `%2f` before it. **Remedy.** It is looked for
//! after decoding, once, and refused wherever it stands: clients take it out before they ask (RFC 3986, section 5.2.4).

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A path below the root: no part of it is empty, `.` or `..`, or has a zero byte.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Without a slash at either end. Empty: the root itself.
    path: Vec<u8>,
    /// It ended in a slash.
    pub(crate) is_folder: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadTarget {
    #[error("the target does not begin with a slash")]
    NoPath,
    #[error("a percent sign without two hexadecimal digits, or a zero byte, in the target")]
    Encoding,
    #[error("\"..\" in the target")]
    Parent,
}

impl Target {
    pub(crate) fn parse(text: &str) -> Result<Self, BadTarget> {
        let text = text.split(['?', '#']).next().unwrap_or_default();
        let decoded = decode(path_of(text).ok_or(BadTarget::NoPath)?).ok_or(BadTarget::Encoding)?;
        let mut path = Vec::with_capacity(decoded.len());
        let mut last: &[u8] = b"";
        for part in decoded.split(|byte| *byte == b'/') {
            last = part;
            match part {
                b"" | b"." => continue,
                b".." => return Err(BadTarget::Parent),
                _ if !path.is_empty() => path.push(b'/'),
                _ => {}
            }
            path.extend_from_slice(part);
        }
        Ok(Self { path, is_folder: matches!(last, b"" | b".") })
    }

    pub(crate) fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }

    /// The target as a folder, for `Location`. It begins with one slash: with two, it would name another host.
    pub(crate) fn folder_url(&self) -> String {
        let mut url = "/".to_owned();
        for byte in &self.path {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => url.push(*byte as char),
                other => _ = write!(url, "%{other:02X}"),
            }
        }
        if !self.path.is_empty() {
            url.push('/');
        }
        url
    }
}

/// What stands behind the host in `http://host/path`; else all of it, if it begins with a slash.
fn path_of(text: &str) -> Option<&str> {
    if text.starts_with('/') {
        return Some(text);
    }
    let (scheme, rest) = text.split_once("://")?;
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    Some(rest.find('/').map_or("/", |slash| &rest[slash..]))
}

/// `None`: malformed, or with a zero byte, which no file's name has.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        let byte = match first {
            b'%' => {
                let (digits, behind) = rest.split_at_checked(2)?;
                rest = behind;
                let digit = |byte: u8| (byte as char).to_digit(16);
                (digit(digits[0])? * 16 + digit(digits[1])?) as u8
            }
            other => other,
        };
        if byte == 0 {
            return None;
        }
        decoded.push(byte);
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Result<(String, bool), BadTarget> {
        let target = Target::parse(text)?;
        Ok((target.path().to_string_lossy().into_owned(), target.is_folder))
    }

    #[test]
    fn a_path_is_decoded_and_its_query_cut_off() {
        for (text, expected, is_folder) in [
            ("/", "", true),
            ("/a/b.txt?x=../y#z", "a/b.txt", false),
            ("//a/./b//", "a/b", true),
            ("/a/.", "a", true),
            ("/a%20b%2Fc%25", "a b/c%", false),
            ("/...", "...", false),
            ("/\u{e4}%C3%a4", "\u{e4}\u{e4}", false),
            ("http://host:80/a", "a", false),
            ("HTTP://host", "", true),
        ] {
            assert_eq!(path(text), Ok((expected.to_owned(), is_folder)), "{text}");
        }
    }

    #[test]
    fn the_parent_is_refused_however_it_is_written() {
        for text in ["/..", "/../a", "/a/../b", "/%2e%2E/a", "/a%2f..%2fb", "/.%2e", "http://host/../a"] {
            assert_eq!(path(text), Err(BadTarget::Parent), "{text}");
        }
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for text in ["/%", "/%4", "/%zz", "/%+1", "/a%00b", "/%\u{e4}\u{e4}"] {
            assert_eq!(path(text), Err(BadTarget::Encoding), "{text}");
        }
        for text in ["", "*", "a/b", "ftp://host/a", "host:80"] {
            assert_eq!(path(text), Err(BadTarget::NoPath), "{text}");
        }
    }

    #[test]
    fn a_location_names_no_other_host_and_no_other_header() -> Result<(), BadTarget> {
        assert_eq!(Target::parse("//evil.example/a%0d%0ab")?.folder_url(), "/evil.example/a%0D%0Ab/");
        assert_eq!(Target::parse("/")?.folder_url(), "/");
        Ok(())
    }
}
