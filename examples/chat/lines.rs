//! Lines, from bytes as they come. Part of `chat_server` and `chat_client`.
//!
//! Before: nothing. After: `talk.rs`.

/// What has come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Without its end. What is no UTF-8 is replaced, and so is what a terminal might obey.
    Text(String),
    /// Told as soon as it is; the rest of it is passed over.
    TooLong,
}

/// Cuts bytes into lines. Keeps no more of them than a line may have, and what was fed last.
pub(crate) struct Lines {
    longest: usize,
    bytes: Vec<u8>,
    /// Whether these bytes belong to a line that is too long.
    is_skipping: bool,
}

impl Lines {
    pub(crate) fn new(longest: usize) -> Self {
        Self { longest, bytes: Vec::new(), is_skipping: false }
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next line that is complete.
    pub(crate) fn next(&mut self) -> Option<Line> {
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let rest = self.bytes.split_off(end + 1);
            let line = std::mem::replace(&mut self.bytes, rest);
            if !std::mem::take(&mut self.is_skipping) {
                return Some(self.line(&line[..end]));
            }
        }
        if self.is_skipping {
            self.bytes.clear();
        } else if self.bytes.len() > self.longest {
            self.bytes.clear();
            self.is_skipping = true;
            return Some(Line::TooLong);
        }
        None
    }

    /// A last line that has no end.
    pub(crate) fn finish(&mut self) -> Option<Line> {
        let line = std::mem::take(&mut self.bytes);
        if self.is_skipping || line.is_empty() { None } else { Some(self.line(&line)) }
    }

    fn line(&self, line: &[u8]) -> Line {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > self.longest {
            return Line::TooLong;
        }
        let harmless = |c: char| match c {
            '\t' => ' ',
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        };
        Line::Text(String::from_utf8_lossy(line).chars().map(harmless).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of these pieces, of which a line may have five bytes.
    fn lines<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Option<String>> {
        let (mut lines, mut found) = (Lines::new(5), Vec::new());
        let mut note = |line| {
            found.push(match line {
                Line::Text(text) => Some(text),
                Line::TooLong => None,
            });
        };
        for piece in pieces {
            lines.feed(piece);
            while let Some(line) = lines.next() {
                note(line);
            }
            assert!(lines.bytes.len() <= 5);
        }
        lines.finish().into_iter().for_each(note);
        found
    }

    #[test]
    fn lines_are_the_same_however_they_come() {
        let text = b"one\r\n\ntwo\n123456\n12345\n123456789012\nend";
        let expected = [Some("one"), Some(""), Some("two"), None, Some("12345"), None, Some("end")];
        let expected = expected.map(|line| line.map(str::to_owned));
        assert_eq!(lines([&text[..]]), expected);
        assert_eq!(lines(text.chunks(1)), expected);
    }

    #[test]
    fn a_line_that_is_too_long_is_told_once_and_passed_over() {
        assert_eq!(lines([&b"123456"[..], b"789", b"012", b"\nok\n"]), [None, Some("ok".to_owned())]);
        assert_eq!(lines([&b"123456"[..], b"789"]), [None]);
    }

    #[test]
    fn what_is_no_text_or_moves_a_cursor_is_replaced() {
        assert_eq!(
            lines([&b"a\xffb\n\x1b[2J\na\tb\n"[..]]),
            ["a\u{fffd}b", "\u{fffd}[2J", "a b"].map(|s| Some(s.to_owned()))
        );
    }
}
