//! Durations in words, for errors, reasons and trees.
//!
//! Before: nothing. After: `task_tree/words.rs`, and the layer above.
#![forbid(unsafe_code)]

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// A duration with no more digits than somebody wants to read: whole milliseconds as they are, other times to a tenth of
/// the unit, and from two minutes on in two units: `200ms`, `1.5s`, `12m 30s`, `2d 7h`.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Readable(pub Duration);

/// In seconds: each unit and its letter, largest first.
const UNITS: [(u64, char); 4] = [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')];

/// From so many seconds on there are two units.
const LONG: u64 = 120;

impl Display for Readable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(duration) = self;
        let seconds = duration.as_secs();
        if seconds < LONG {
            return match duration.subsec_nanos() % 1_000_000 {
                0 => write!(f, "{duration:?}"),
                _ => f.write_str(&format!("{duration:.1?}").replacen(".0", "", 1)),
            };
        }
        let mut units = UNITS.iter().skip_while(|(unit, _)| seconds < *unit);
        let (large, letter) = units.next().expect("it is longer than a second");
        write!(f, "{}{letter}", seconds / large)?;
        match units.next() {
            Some((small, letter)) if seconds % large >= *small => write!(f, " {}{letter}", seconds % large / small),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_no_more_digits_than_somebody_wants_to_read() {
        let words = |nanos| Readable(Duration::from_nanos(nanos)).to_string();
        assert_eq!([0, 340, 15_625].map(words), ["0ns", "340ns", "15.6\u{b5}s"]);
        assert_eq!([200_000_000, 200_234_567, 200_012_345].map(words), ["200ms", "200.2ms", "200ms"]);
        assert_eq!([1_500_000_000, 1_234_567_890, 119_000_000_000].map(words), ["1.5s", "1.2s", "119s"]);
        let words = |seconds| Readable(Duration::from_secs(seconds)).to_string();
        assert_eq!([120, 185, 3_600, 3_659, 5_430].map(words), ["2m", "3m 5s", "1h", "1h", "1h 30m"]);
        assert_eq!([86_400, 198_000, 90_059].map(words), ["1d", "2d 7h", "1d 1h"]);
    }
}
