//! Who is restarted with whom.
//!
//! Before: nothing. After: `crew.rs`, which carries it out.

use std::ops::Range;

/// Who is restarted when a child is to be. Children are in the order in which they are started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// The child alone. For children that know nothing of each other.
    OneForOne,
    /// Every child. For children that cannot do without each other.
    OneForAll,
    /// The child and those after it. For children that need those before them.
    RestForOne,
}

/// What is restarted together: one restart of the intensity, whoever and how many they are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Round {
    /// Stopped and started again, as far as they run.
    pub(crate) whom: Range<usize>,
    /// Those of them whose ends are the cause.
    pub(crate) ended: Vec<usize>,
}

impl Strategy {
    /// The rounds that follow when the children `ended`, in ascending order, ended at one instant; `count` is of all.
    pub(crate) fn rounds(self, ended: Vec<usize>, count: usize) -> Vec<Round> {
        let Some(&first) = ended.first() else { return Vec::new() };
        match self {
            Self::OneForOne => ended.into_iter().map(|one| Round { whom: one..one + 1, ended: vec![one] }).collect(),
            Self::OneForAll => vec![Round { whom: 0..count, ended }],
            Self::RestForOne => vec![Round { whom: first..count, ended }],
        }
    }
}
