//! The signs of a lane in text.
//!
//! Before: `timeline.rs`. After: `picture.rs`.

/// What a column of a lane shows, in the order of importance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sign {
    Empty,
    Unstarted,
    Waits,
    Joins,
    Shielded,
    Cleans,
    Runs,
    LeftOut,
    Seen,
    Asked,
    Cancelled,
    Done,
    Failed,
    Share(u8),
    /// Of a reason that stands in the lane.
    Letter(char),
}

impl Sign {
    pub(super) fn char(self) -> char {
        match self {
            Self::Empty => ' ',
            Self::Unstarted => '.',
            Self::Waits => '-',
            Self::Joins => '=',
            Self::Shielded => '+',
            Self::Cleans => '~',
            Self::Runs => '#',
            Self::LeftOut => '?',
            Self::Seen => '*',
            Self::Asked => '!',
            Self::Cancelled => 'x',
            Self::Done => '>',
            Self::Failed => 'X',
            Self::Share(ninths) => (b'0' + ninths) as char,
            Self::Letter(char) => char,
        }
    }

    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Empty | Self::Letter(_) => "",
            Self::Unstarted => ". not started",
            Self::Waits => "- waits",
            Self::Joins => "= waits for its tasks",
            Self::Shielded => "+ shielded",
            Self::Cleans => "~ cleans up",
            Self::Runs => "# runs",
            Self::LeftOut => "? not recorded",
            Self::Seen => "* takes notice",
            Self::Asked => "! cancel asked",
            Self::Cancelled => "x ends cancelled",
            Self::Done => "> ends",
            Self::Failed => "X fails",
            Self::Share(_) => "1-9 how many there are: 9 is all",
        }
    }

    pub(super) fn ansi(self) -> &'static str {
        match self {
            Self::Runs | Self::Share(_) => "34",
            Self::Done => "32",
            Self::Failed => "1;31",
            Self::Cancelled | Self::Asked | Self::Seen | Self::Cleans | Self::Shielded | Self::Letter(_) => "33",
            _ => "2",
        }
    }
}
