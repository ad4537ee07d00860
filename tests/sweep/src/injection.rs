//! What goes wrong, and when.
//!
//! Before: nothing. After: `stage.rs`, which carries it out.

use std::fmt;
use std::str::FromStr;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The program's task is cancelled just before the poll, from inside.
    Cancel,
    /// The same between two turns of the loop, from outside.
    CancelOutside,
    /// The poll panics.
    Panic,
    /// A guard panics when it is dropped, unless its frame unwinds already.
    PanicInDrop,
    /// The future is polled with a waker of somebody else's that panics when it is woken, after it has handed the wake on;
    /// unless its frame unwinds already.
    PanicInWake,
    /// The world stops at the poll, and the program is dropped there, inside its task.
    Drop,
    /// The runtime is dropped between two turns.
    DropRuntime,
    /// The world stops at the poll, and the program is forgotten.
    Forget,
    /// The world stops at the poll, and the program is put away; it is dropped when its runtime is gone.
    Outlive,
    /// The future is polled twice, and its task is woken for nothing besides.
    Spurious,
    /// The future is polled with a waker of somebody else's, and the next time with yet another one.
    Waker,
    /// An hour passes: every timer rings at once.
    Leap,
    /// Two days pass, and with them the deadline over the whole program.
    Deadline,
    /// From this poll on the future is not polled any more, and lives as long as who owns it.
    Abandon,
    /// The future inside is dropped there, and whoever waits for it waits for ever.
    DropPart,
    /// The future inside is forgotten, and whoever waits for it waits for ever.
    ForgetPart,
}

/// What `k` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Polls of the program and of the futures that it probes.
    Polls,
    /// Polls of probed futures inside the program.
    InnerPolls,
    /// Turns of the loop.
    Turns,
    /// Guards dropped.
    Drops,
}

impl Kind {
    /// Every kind, in the order of the report.
    pub const ALL: [Self; 16] = [
        Self::Cancel,
        Self::CancelOutside,
        Self::Panic,
        Self::PanicInDrop,
        Self::PanicInWake,
        Self::Drop,
        Self::DropRuntime,
        Self::Forget,
        Self::Outlive,
        Self::Spurious,
        Self::Waker,
        Self::Leap,
        Self::Deadline,
        Self::Abandon,
        Self::DropPart,
        Self::ForgetPart,
    ];

    /// What `k` counts.
    #[must_use]
    pub fn counted(self) -> Counted {
        match self {
            Self::CancelOutside | Self::DropRuntime => Counted::Turns,
            Self::PanicInDrop => Counted::Drops,
            Self::Abandon | Self::DropPart | Self::ForgetPart => Counted::InnerPolls,
            _ => Counted::Polls,
        }
    }

    /// Somebody may wait for ever after it; then the program has to be cancelled to end.
    pub(crate) fn may_hang(self) -> bool {
        matches!(self, Self::Abandon | Self::DropPart | Self::ForgetPart)
    }

    /// Something panics.
    pub(crate) fn panics(self) -> bool {
        matches!(self, Self::Panic | Self::PanicInDrop | Self::PanicInWake)
    }

    /// Nobody may notice.
    pub(crate) fn is_harmless(self) -> bool {
        matches!(self, Self::Spurious | Self::Waker)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::CancelOutside => "cancel-outside",
            Self::Panic => "panic",
            Self::PanicInDrop => "panic-in-drop",
            Self::PanicInWake => "panic-in-wake",
            Self::Drop => "drop",
            Self::DropRuntime => "drop-runtime",
            Self::Forget => "forget",
            Self::Outlive => "outlive",
            Self::Spurious => "spurious",
            Self::Waker => "waker",
            Self::Leap => "leap",
            Self::Deadline => "deadline",
            Self::Abandon => "abandon",
            Self::DropPart => "drop-part",
            Self::ForgetPart => "forget-part",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Something that goes wrong at the `k`-th poll (turn, drop), from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injection {
    /// What.
    pub kind: Kind,
    /// When.
    pub k: u32,
}

impl fmt::Display for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.kind, self.k)
    }
}

/// What goes wrong in one run: nothing, one thing, or two.
///
/// Written `cancel@3` or `cancel@3+panic@7`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan(pub Vec<Injection>);

impl Plan {
    pub(crate) fn one(kind: Kind, k: u32) -> Self {
        Self(vec![Injection { kind, k }])
    }

    pub(crate) fn has(&self, is: impl Fn(Kind) -> bool) -> bool {
        self.0.iter().any(|injection| is(injection.kind))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        for (i, injection) in self.0.iter().enumerate() {
            write!(f, "{}{injection}", if i > 0 { "+" } else { "" })?;
        }
        Ok(())
    }
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "nothing" {
            return Ok(Self::default());
        }
        let injections = text.split('+').map(|part| {
            let (name, k) = part.split_once('@').ok_or_else(|| format!("`{part}` is not of the form KIND@K"))?;
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
            let kind = kind.ok_or_else(|| format!("there is no kind `{name}`"))?;
            let k = k.parse().map_err(|error| format!("`{k}` is no number: {error}"))?;
            Ok(Injection { kind, k })
        });
        injections.collect::<Result<_, _>>().map(Self)
    }
}
