//! What one of several writes, among the others: its lines, with its name before each. Part of `procs` and `tail_many`.
//!
//! What comes is taken for text of any origin: bytes that are no UTF-8, lines without an end, lines without bounds.

use std::borrow::Cow;

/// A line that is longer is shown in pieces, with `+` before all but the first.
const MAX_LINE: usize = 8 * 1024;

/// Of the terminal: cyan, yellow, green, magenta, blue.
const COLOURS: [u8; 5] = [36, 33, 32, 35, 34];

/// Puts a name before each line of what comes in pieces of any size.
pub(crate) struct Lane {
    name: String,
    colour: Option<u8>,
    /// The beginning of a line; shorter than `MAX_LINE`.
    line: Vec<u8>,
    /// Whether pieces of this line have been shown.
    is_begun: bool,
}

impl Lane {
    /// With a name that is filled up to `width`, in one of the colours if `number` is given.
    pub(crate) fn new(name: &str, width: usize, number: Option<usize>) -> Self {
        let colour = number.map(|number| COLOURS[number % COLOURS.len()]);
        Self { name: format!("{name:width$}"), colour, line: Vec::new(), is_begun: false }
    }

    /// Takes what came, and gives the lines that are complete by that.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut shown = Vec::new();
        while !bytes.is_empty() {
            let room = MAX_LINE - self.line.len();
            let end = bytes.iter().take(room).position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(room.min(bytes.len()));
            self.line.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken + usize::from(end.is_some())..];
            if end.is_some() {
                self.end_line(&mut shown);
            } else if self.line.len() == MAX_LINE {
                self.cut(&mut shown);
            }
        }
        shown
    }

    /// What is left: a last line without an end.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let mut shown = Vec::new();
        if !self.line.is_empty() {
            self.end_line(&mut shown);
        }
        shown
    }

    fn end_line(&mut self, shown: &mut Vec<u8>) {
        let line = std::mem::take(&mut self.line);
        // A line of exactly so many bytes was shown already.
        if !(self.is_begun && line.is_empty()) {
            self.show(line.strip_suffix(b"\r").unwrap_or(&line), shown);
        }
        self.is_begun = false;
    }

    /// Shows what there is of a line that is too long, but not a character that may be incomplete.
    fn cut(&mut self, shown: &mut Vec<u8>) {
        let last = self.line.utf8_chunks().last();
        let torn = last.map_or(0, |chunk| chunk.invalid().len());
        let is_torn = torn > 0 && str::from_utf8(&self.line).is_err_and(|e| e.error_len().is_none());
        let rest = self.line.split_off(self.line.len() - if is_torn { torn } else { 0 });
        let piece = std::mem::replace(&mut self.line, rest);
        self.show(&piece, shown);
        self.is_begun = true;
    }

    /// What is no UTF-8 is replaced: a terminal may take it for anything.
    fn show(&self, line: &[u8], shown: &mut Vec<u8>) {
        let mark = if self.is_begun { '+' } else { '|' };
        let text = String::from_utf8_lossy(line);
        let whole = match self.colour {
            // A colour that the process leaves on ends with its line.
            Some(colour) => {
                let reset = if text.contains('\x1b') { "\x1b[0m" } else { "" };
                format!("\x1b[{colour}m{} {mark}\x1b[0m {text}{reset}\n", self.name)
            }
            None => format!("{} {mark} {text}\n", self.name),
        };
        shown.extend_from_slice(whole.as_bytes());
    }
}

/// How an item is called: in one line, printable, not too long.
pub(crate) fn label(item: &[u8]) -> String {
    const MOST: usize = 40;
    let text: Cow<'_, str> = String::from_utf8_lossy(item);
    let printable = text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    let label: String = printable.clone().take(MOST).collect();
    if printable.count() > MOST { format!("{label}..") } else { label }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &[&[u8]]) -> String {
        let mut lane = Lane::new("a", 3, None);
        let mut shown: Vec<u8> = pieces.iter().flat_map(|piece| lane.push(piece)).collect();
        shown.extend(lane.finish());
        String::from_utf8(shown).expect("always UTF-8")
    }

    #[test]
    fn lines_are_the_same_however_they_come() {
        let expected = "a   | one\na   | \na   | two\n";
        assert_eq!(shown(&[b"one\r\n\ntwo"]), expected);
        assert_eq!(shown(&[b"o", b"ne", b"\r", b"\n", b"\n", b"tw", b"o"]), expected);
        assert_eq!(shown(&[]), "");
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        assert_eq!(shown(&[b"a\xff\xfeb\n"]), "a   | a\u{fffd}\u{fffd}b\n");
    }

    #[test]
    fn a_long_line_is_shown_in_pieces() {
        let (long, full) = ("x".repeat(MAX_LINE), format!("a   | {}\n", "x".repeat(MAX_LINE)));
        assert_eq!(shown(&[long.as_bytes(), b"\nnext\n"]), format!("{full}a   | next\n"));
        assert_eq!(shown(&[long.as_bytes(), b"yz\nnext\n"]), format!("{full}a   + yz\na   | next\n"));
    }

    #[test]
    fn a_character_is_not_torn_where_a_line_is_cut() {
        let long = format!("{}\u{20ac}end\n", "x".repeat(MAX_LINE - 1));
        assert_eq!(shown(&[long.as_bytes()]), format!("a   | {}\na   + \u{20ac}end\n", "x".repeat(MAX_LINE - 1)));
    }

    #[test]
    fn a_coloured_name_ends_its_colour_and_that_of_its_line() {
        let mut lane = Lane::new("a", 1, Some(0));
        assert_eq!(lane.push(b"x\n"), b"\x1b[36ma |\x1b[0m x\n");
        assert_eq!(lane.push(b"\x1b[1mx\n"), b"\x1b[36ma |\x1b[0m \x1b[1mx\x1b[0m\n");
    }

    #[test]
    fn a_label_is_short_and_printable() {
        assert_eq!(label(b"a\x1b[2Jb\xff"), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(label("\u{e4}".repeat(50).as_bytes()), format!("{}..", "\u{e4}".repeat(40)));
    }
}
