//! Error trees: a leaf is a name, a group is what a group of tasks failed with.
//!
//! Before: `program.rs`. After: `trace.rs`.
//!
//! Trees are shared. A program of some lines can name one of 2^n leaves (each of two tasks joins the same failed one,
//! and so on), so a tree knows its size, and one that is too large for anybody to read is not made.

use crate::program::{Name, OnError};
use serde::{Serialize, Serializer};
use std::rc::Rc;

/// Trees are written into JSON, whose readers give up at 128 levels.
const MAX_DEPTH: usize = 100;
const MAX_LEAVES: usize = 10_000;

/// What a step failed with.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Leaf(Name),
    Group(Rc<Members>),
}

#[derive(Debug)]
pub(crate) struct Members {
    members: Vec<Tree>,
    depth: usize,
    leaves: usize,
}

/// A tree would be too deep or too wide.
#[derive(Debug)]
pub(crate) struct TooLarge;

impl Tree {
    pub(crate) fn leaf(name: &str) -> Self {
        Self::Leaf(name.into())
    }

    /// A group of what a group of tasks failed with.
    pub(crate) fn group(members: Vec<Self>) -> Result<Self, TooLarge> {
        let depth = 1 + members.iter().map(Self::depth).max().unwrap_or(0);
        let leaves = members.iter().map(Self::leaves).sum();
        if depth > MAX_DEPTH || leaves > MAX_LEAVES {
            return Err(TooLarge);
        }
        Ok(Self::Group(Rc::new(Members { members, depth, leaves })))
    }

    fn depth(&self) -> usize {
        match self {
            Self::Leaf(_) => 0,
            Self::Group(group) => group.depth,
        }
    }

    pub(crate) fn leaves(&self) -> usize {
        match self {
            Self::Leaf(_) => 1,
            Self::Group(group) => group.leaves,
        }
    }

    /// What `on_error` takes, and what goes on.
    pub(crate) fn handled(self, on_error: &OnError) -> (Option<Self>, Option<Self>) {
        match on_error {
            OnError::Propagate => (None, Some(self)),
            OnError::Swallow => (Some(self), None),
            OnError::Catch(names) => self.split(&|name| names.contains(name)),
        }
    }

    /// The part whose leaves match, and the rest. Order and nesting are kept; a part without leaves is absent.
    fn split(self, matches: &impl Fn(&Name) -> bool) -> (Option<Self>, Option<Self>) {
        match self {
            Self::Leaf(ref name) if matches(name) => (Some(self), None),
            Self::Leaf(_) => (None, Some(self)),
            Self::Group(group) => {
                let (mut matching, mut rest) = (Vec::new(), Vec::new());
                for member in &group.members {
                    let (part, other) = member.clone().split(matches);
                    matching.extend(part);
                    rest.extend(other);
                }
                (Self::part(matching), Self::part(rest))
            }
        }
    }

    /// A part of a group is no larger than the group was.
    fn part(members: Vec<Self>) -> Option<Self> {
        if members.is_empty() { None } else { Self::group(members).ok() }
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Leaf(name) => name.serialize(serializer),
            Self::Group(group) => group.members.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(members: impl IntoIterator<Item = Tree>) -> Tree {
        Tree::group(members.into_iter().collect()).expect("small")
    }

    fn json(tree: Option<Tree>) -> String {
        serde_json::to_string(&tree).expect("trees have no maps")
    }

    #[test]
    fn a_split_keeps_order_and_nesting_and_leaves_out_what_is_empty() {
        let [a, b, c] = ["A", "B", "C"].map(Tree::leaf);
        let tree = group([a.clone(), group([b.clone(), a]), group([c, b])]);
        let (caught, rest) = tree.handled(&OnError::Catch(vec!["A".into(), "C".into()]));
        assert_eq!((json(caught), json(rest)), (r#"["A",["A"],["C"]]"#.into(), r#"[["B"],["B"]]"#.into()));
    }

    #[test]
    fn a_bare_leaf_is_taken_or_not_and_stays_bare() {
        let catch = OnError::Catch(vec!["A".into()]);
        let (caught, rest) = Tree::leaf("A").handled(&catch);
        assert_eq!((json(caught), json(rest)), (r#""A""#.into(), "null".into()));
        let (caught, rest) = Tree::leaf("B").handled(&catch);
        assert_eq!((json(caught), json(rest)), ("null".into(), r#""B""#.into()));
    }

    #[test]
    fn a_tree_that_doubles_is_refused_before_it_is_large() {
        let mut tree = Tree::leaf("A");
        let doublings = (0..).take_while(|_| {
            let twice = Tree::group(vec![tree.clone(), tree.clone()]);
            twice.map(|twice| tree = twice).is_ok()
        });
        assert_eq!(doublings.count(), 13, "2^13 leaves is the last power under 10,000");
    }

    #[test]
    fn a_tree_that_deepens_is_refused() {
        let mut tree = Tree::leaf("A");
        let levels = (0..).take_while(|_| Tree::group(vec![tree.clone()]).map(|deeper| tree = deeper).is_ok());
        assert_eq!(levels.count(), MAX_DEPTH);
    }
}
