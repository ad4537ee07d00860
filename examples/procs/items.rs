//! The items on standard input.
//!
//! Before: `../support/stdin.rs`. After: `each.rs`, which takes them.

use crate::stdin::Stdin;
use std::io;

/// No argument of a command can be longer on Linux.
const MAX_ITEM: usize = 128 * 1024 - 1;

/// What ends an item.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Separator {
    /// The end of the line. Empty lines are no items.
    Line,
    /// A NUL. An empty item is one.
    Nul,
}

/// Cuts what comes into items.
pub(crate) struct Items {
    separator: Separator,
    pub(crate) bytes: Vec<u8>,
    /// Where the next item begins in `bytes`.
    start: usize,
    /// How much of `bytes` has no separator behind `start`.
    searched: usize,
    pub(crate) at_end: bool,
}

impl Items {
    pub(crate) fn new(separator: Separator) -> Self {
        Self { separator, bytes: Vec::new(), start: 0, searched: 0, at_end: false }
    }

    /// Waits for the next item; `None` if there are no more. Reads no further than it must.
    ///
    /// # Errors
    ///
    /// Those of reading; and an item that no command could take.
    pub(crate) async fn next(&mut self, stdin: &Stdin) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(item) = self.take() {
                if !(item.is_empty() && self.separator == Separator::Line) {
                    return Ok(Some(item));
                }
            } else if self.at_end {
                return Ok(None);
            } else if self.bytes.len() > MAX_ITEM {
                let message = format!("an item is longer than {MAX_ITEM} bytes, which no command can take");
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            } else {
                self.at_end = stdin.read(&mut self.bytes).await? == 0;
            }
        }
    }

    /// The next item, if it is complete.
    pub(crate) fn take(&mut self) -> Option<Vec<u8>> {
        let byte = if self.separator == Separator::Line { b'\n' } else { 0 };
        let found = self.bytes[self.searched..].iter().position(|other| *other == byte);
        let end = match found {
            Some(place) => self.searched + place,
            // The last one needs no end.
            None if self.at_end && self.start < self.bytes.len() => self.bytes.len(),
            None => {
                self.bytes.drain(..self.start);
                (self.start, self.searched) = (0, self.bytes.len());
                return None;
            }
        };
        let item = self.bytes[self.start..end].to_vec();
        self.start = (end + 1).min(self.bytes.len());
        self.searched = self.start;
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(separator: Separator, pieces: &[&[u8]]) -> Vec<String> {
        let (mut items, mut found) = (Items::new(separator), Vec::new());
        for piece in pieces.iter().copied().map(Some).chain([None]) {
            items.at_end = piece.is_none();
            items.bytes.extend_from_slice(piece.unwrap_or_default());
            found.extend(std::iter::from_fn(|| items.take()).map(|item| String::from_utf8_lossy(&item).into_owned()));
        }
        found
    }

    #[test]
    fn items_are_the_same_however_they_come() {
        for pieces in [&[b"a b\n\nc".as_slice()][..], &[b"a", b" b", b"\n", b"\nc"]] {
            assert_eq!(cut(Separator::Line, pieces), ["a b", "", "c"]);
        }
        assert_eq!(cut(Separator::Nul, &[b"a\nb\0\0", b"c\0"]), ["a\nb", "", "c"]);
        assert!(cut(Separator::Nul, &[]).is_empty());
    }
}
