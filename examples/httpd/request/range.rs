//! The header `Range`: one range of bytes. Source: RFC 9110, section 14.
//!
//! Before: `mod.rs`. After: `../answer.rs`.

/// As it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    /// From this byte to that one, inclusive; or to the end.
    From(u64, Option<u64>),
    /// So many at the end.
    Last(u64),
}

/// Bytes that there are: at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteRange {
    pub(crate) first: u64,
    pub(crate) length: u64,
}

impl Range {
    /// `None` for what is to be ignored: another unit, several ranges, and what is malformed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (unit, range) = text.split_once('=')?;
        let (first, last) = range.trim().split_once('-')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(Self::From(first, Some(last))),
            (Some(first), None) if last.is_empty() => Some(Self::From(first, None)),
            (None, Some(count)) if first.is_empty() => Some(Self::Last(count)),
            _ => None,
        }
    }

    /// What there is of it in so many bytes. `None`: nothing.
    pub(crate) fn within(self, length: u64) -> Option<ByteRange> {
        let (first, last) = match self {
            Self::From(first, last) => (first, last.unwrap_or(u64::MAX).min(length.checked_sub(1)?)),
            Self::Last(0) => return None,
            Self::Last(count) => (length.saturating_sub(count), length.checked_sub(1)?),
        };
        Some(ByteRange { first, length: last.checked_sub(first)?.checked_add(1)? })
    }
}

/// Digits only. A number that is too large for us is larger than any file: it counts as the largest.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First byte and length, out of ten.
    fn of_ten(text: &str) -> Option<(u64, u64)> {
        let range = Range::parse(text).expect("a range").within(10)?;
        Some((range.first, range.length))
    }

    #[test]
    fn ranges_are_cut_to_what_there_is() {
        assert_eq!(of_ten("bytes=0-0"), Some((0, 1)));
        assert_eq!(of_ten("bytes=2-5"), Some((2, 4)));
        assert_eq!(of_ten("Bytes= 2-99999999999999999999999"), Some((2, 8)));
        assert_eq!(of_ten("bytes=9-"), Some((9, 1)));
        assert_eq!(of_ten("bytes=-3"), Some((7, 3)));
        assert_eq!(of_ten("bytes=-30"), Some((0, 10)));
    }

    #[test]
    fn a_range_of_nothing_cannot_be_satisfied() {
        assert_eq!(of_ten("bytes=10-"), None);
        assert_eq!(of_ten("bytes=18446744073709551615-18446744073709551615"), None);
        assert_eq!(of_ten("bytes=-0"), None);
        for range in [Range::From(0, None), Range::Last(1)] {
            assert_eq!(range.within(0), None);
        }
        assert_eq!(Range::From(0, None).within(u64::MAX), Some(ByteRange { first: 0, length: u64::MAX }));
    }

    #[test]
    fn what_is_no_single_range_of_bytes_is_ignored() {
        for text in
            ["", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=1-2,4-5", "bytes=+1-2", "lines=1-2", "bytes=a-b"]
        {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }
}
