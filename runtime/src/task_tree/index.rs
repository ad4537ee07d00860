//! Numbers, and where in a list they are.
//!
//! Before: `task_tree.rs`. After: `task_tree/build.rs`.
//!
//! **Danger.** A task tree is in every program, for one that stalls prints it; and each sort and each map of another type is
//! five to twenty kilobytes of that program. **Remedy.** One type of pairs, for all that is looked up or put in order.
//! **Cost.** None to speak of: the lists are made once, and are sorted as a rule.
#![forbid(unsafe_code)]

/// Pairs of a number and a place, sorted. Numbers may repeat.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Index(Vec<(u64, u32)>);

impl Index {
    /// Of the numbers of a list, in the order of that list.
    pub(super) fn new<N: Into<u64>>(numbers: impl IntoIterator<Item = N>) -> Self {
        Self::of_pairs(numbers.into_iter().map(Into::into).zip(0..).collect())
    }

    /// Sorted here.
    pub(super) fn of_pairs(mut pairs: Vec<(u64, u32)>) -> Self {
        pairs.sort_unstable();
        Self(pairs)
    }

    /// The first place of a number.
    pub(super) fn get(&self, number: impl Into<u64>) -> Option<usize> {
        let number = number.into();
        let at = self.0.partition_point(|(other, _)| *other < number);
        self.0.get(at).filter(|(other, _)| *other == number).map(|(_, place)| *place as usize)
    }

    /// All pairs, by number and then by place.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u32)> {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_at_its_first_place_and_another_is_not() {
        let index = Index::new([7_u32, 3, 7, 5]);
        assert_eq!([3_u32, 5, 7].map(|number| index.get(number)), [Some(1), Some(3), Some(0)]);
        assert_eq!([0_u32, 4, 9].map(|number| index.get(number)), [None; 3]);
        assert_eq!(index.iter().map(|(number, _)| number).collect::<Vec<_>>(), [3, 5, 7, 7]);
    }
}
