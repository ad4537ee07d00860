//! The rows of a picture: tasks under their groups, and what is alike put together where there is too much of it.
//!
//! Before: `scale.rs`. After: `timeline.rs`, `svg.rs`.

use super::model::{End, Model, Task, When};
use super::record::How;
use super::words;
use std::collections::BTreeMap;

/// Rows further in are drawn no further in.
pub(crate) const DEPTH: usize = 12;

/// So many of a kind are drawn where the others are put together.
const SHOWN: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    Task(usize),
    /// Only of a task that opens several: the tasks of a single one stand right under their owner.
    Group(usize),
}

#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) row: Row,
    /// For each level above, and its own: whether this is the last there. At most [`DEPTH`].
    pub(crate) is_last: Vec<bool>,
}

#[derive(Debug)]
pub(crate) enum Row {
    Node(Node),
    /// So many that are like the one that was shown last of their kind, and how many tasks there are inside these.
    More {
        like: Node,
        nodes: Vec<Node>,
        inside: usize,
    },
    /// So many tasks that nothing is shown of.
    Rest(usize),
}

/// How much alike is alike enough, if there are too many rows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Alike {
    Nobody,
    /// Spawned at the same place, ended in the same way for the same reason, and with the like inside.
    InAll,
    /// The same, whatever the reason says.
    InKind,
    InPlace,
    Siblings,
}

/// What makes two alike.
type Features<'a> = (bool, Option<(&'a str, u32)>, Option<(u8, Option<&'a How>)>, Vec<usize>);

/// At most so many rows, and one more for the rest.
pub(crate) fn lanes(model: &Model, most: usize) -> Vec<Lane> {
    let tree = Tree::new(model);
    let mut lanes = Vec::new();
    for alike in [Alike::Nobody, Alike::InAll, Alike::InKind, Alike::InPlace, Alike::Siblings] {
        lanes = tree.lanes(alike);
        if lanes.len() <= most {
            return lanes;
        }
    }
    let rest = lanes.drain(most..).map(|lane| match lane.row {
        Row::Node(Node::Task(_)) => 1,
        Row::Node(Node::Group(_)) => 0,
        Row::More { nodes, inside, .. } => nodes.len() + inside,
        Row::Rest(tasks) => tasks,
    });
    let rest = rest.sum();
    lanes.push(Lane { row: Row::Rest(rest), is_last: vec![true] });
    lanes
}

/// All nodes, each before what is inside it.
struct Tree<'a> {
    model: &'a Model,
    nodes: Vec<Node>,
    places: BTreeMap<Node, usize>,
}

impl<'a> Tree<'a> {
    fn new(model: &'a Model) -> Self {
        let mut open = roots(model);
        open.reverse();
        let mut nodes = Vec::new();
        while let Some(node) = open.pop() {
            nodes.push(node);
            open.extend(children(model, node).into_iter().rev());
        }
        let places = nodes.iter().enumerate().map(|(place, node)| (*node, place)).collect();
        Self { model, nodes, places }
    }

    fn lanes(&self, alike: Alike) -> Vec<Lane> {
        let kinds = self.kinds(alike);
        let sizes = self.sizes();
        let mut lanes = Vec::new();
        let mut open = vec![(self.shown(roots(self.model), alike, &kinds, &sizes).into_iter(), Vec::new())];
        while let Some((rows, above)) = open.last_mut() {
            let Some(row) = rows.next() else {
                open.pop();
                continue;
            };
            let mut is_last: Vec<bool> = above.clone();
            if is_last.len() < DEPTH {
                is_last.push(rows.len() == 0);
            }
            if let Row::Node(node) = row {
                let inside = self.shown(children(self.model, node), alike, &kinds, &sizes);
                open.push((inside.into_iter(), is_last.clone()));
            }
            lanes.push(Lane { row, is_last });
        }
        lanes
    }

    /// Which of these are shown, and what stands for the others.
    fn shown(&self, nodes: Vec<Node>, alike: Alike, kinds: &[usize], sizes: &[usize]) -> Vec<Row> {
        let kind = |node: &Node| kinds[self.places[node]];
        let mut of_kind: BTreeMap<usize, Vec<Node>> = BTreeMap::new();
        if alike != Alike::Nobody {
            for node in &nodes {
                of_kind.entry(kind(node)).or_default().push(*node);
            }
        }
        let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
        let mut rows = Vec::new();
        for node in nodes {
            let Some(same) = of_kind.get(&kind(&node)).filter(|same| same.len() > SHOWN + 1) else {
                rows.push(Row::Node(node));
                continue;
            };
            let nth = seen.entry(kind(&node)).or_insert(0);
            if *nth < SHOWN {
                rows.push(Row::Node(node));
            } else if *nth == SHOWN {
                let nodes = same[SHOWN..].to_vec();
                let tasks = |node: &Node| sizes[self.places[node]] - usize::from(matches!(node, Node::Task(_)));
                let inside = nodes.iter().map(tasks).sum();
                rows.push(Row::More { like: same[SHOWN - 1], nodes, inside });
            }
            *nth += 1;
        }
        rows
    }

    /// How many tasks each is, with those inside.
    fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.nodes.len()];
        for (place, node) in self.nodes.iter().enumerate().rev() {
            let inside: usize = children(self.model, *node).iter().map(|child| sizes[self.places[child]]).sum();
            sizes[place] = inside + usize::from(matches!(node, Node::Task(_)));
        }
        sizes
    }

    /// A number for each node; those that are alike have the same.
    fn kinds(&self, alike: Alike) -> Vec<usize> {
        let mut kinds = vec![0; self.nodes.len()];
        let mut known: BTreeMap<Features<'_>, usize> = BTreeMap::new();
        for (place, node) in self.nodes.iter().enumerate().rev() {
            let mut inside = Vec::new();
            if alike <= Alike::InKind {
                inside.extend(children(self.model, *node).iter().map(|child| kinds[self.places[child]]));
                inside.sort();
                inside.dedup();
            }
            let count = known.len();
            kinds[place] = *known.entry(self.features(*node, alike, inside)).or_insert(count);
        }
        kinds
    }

    fn features(&self, node: Node, alike: Alike, inside: Vec<usize>) -> Features<'a> {
        let (place, how) = match node {
            Node::Task(task) => {
                let task = &self.model.tasks[task];
                (task.place, task.end.as_ref().map(|end| &end.how))
            }
            Node::Group(group) => (self.model.groups[group].place, None),
        };
        let place = place.filter(|_| alike <= Alike::InPlace).map(|place| (place.file(), place.line()));
        let how = how.filter(|_| alike <= Alike::InKind);
        let how = how.map(|how| (rank(how), Some(how).filter(|_| alike <= Alike::InAll)));
        (matches!(node, Node::Task(_)), place, how, inside)
    }
}

fn rank(how: &How) -> u8 {
    match how {
        How::Value => 0,
        How::Failed(_) => 1,
        How::Panicked(_) => 2,
        How::Cancelled { life, .. } => 3 + *life as u8,
    }
}

fn roots(model: &Model) -> Vec<Node> {
    let tasks = (0..model.tasks.len()).filter(|task| model.tasks[*task].group.is_none()).map(Node::Task);
    let groups = (0..model.groups.len()).filter(|group| model.groups[*group].owner.is_none()).map(Node::Group);
    tasks.chain(groups).collect()
}

fn children(model: &Model, node: Node) -> Vec<Node> {
    match node {
        Node::Task(task) => {
            let task = &model.tasks[task];
            match *task.groups {
                [only] => members(model, only),
                _ => task
                    .groups
                    .iter()
                    .filter(|group| around(model, **group).is_none())
                    .map(|g| Node::Group(*g))
                    .collect(),
            }
        }
        Node::Group(group) => {
            let owner = model.groups[group].owner.map(|owner| &model.tasks[owner]);
            let inside = owner.into_iter().flat_map(|owner: &Task| owner.groups.iter().copied());
            let inside = inside.filter(|other| around(model, *other) == Some(group)).map(Node::Group);
            members(model, group).into_iter().chain(inside).collect()
        }
    }
}

/// The group around another, of the same task.
fn around(model: &Model, group: usize) -> Option<usize> {
    let group = &model.groups[group];
    group.inside.filter(|inside| model.groups[*inside].owner == group.owner)
}

fn members(model: &Model, group: usize) -> Vec<Node> {
    model.groups[group].members.iter().map(|task| Node::Task(*task)).collect()
}

impl Model {
    /// What a row is called.
    pub(crate) fn label(&self, row: &Row) -> String {
        match row {
            Row::Node(Node::Task(task)) => self.name(*task),
            Row::Node(Node::Group(group)) => match self.groups[*group].place {
                Some(place) => format!("group at {}", words::short_place(place)),
                None => "group".into(),
            },
            Row::More { like: Node::Task(task), nodes, .. } => {
                format!("... and {} more like {}", nodes.len(), self.name(*task))
            }
            Row::More { like: Node::Group(_), nodes, .. } => format!("... and {} more groups", nodes.len()),
            Row::Rest(tasks) => format!("... and {}", words::count(*tasks as u64, "more task", "more tasks")),
        }
    }

    /// What is said of a row at its end.
    pub(crate) fn remark(&self, row: &Row) -> String {
        match row {
            Row::Node(Node::Task(task)) => {
                let ending = self.ending(*task);
                match self.errors_it_got(*task) {
                    0 => ending,
                    errors => format!("{ending}, {} in its group", words::count(errors as u64, "error", "errors")),
                }
            }
            Row::Node(Node::Group(group)) => match self.groups[*group].errors {
                0 => String::new(),
                errors => words::count(errors as u64, "error", "errors"),
            },
            Row::More { like: Node::Task(task), inside: 0, .. } => self.ending(*task),
            Row::More { inside: 0, .. } | Row::Rest(_) => String::new(),
            Row::More { inside, .. } => format!("with {} inside", words::count(*inside as u64, "task", "tasks")),
        }
    }

    /// Of a task that ended with a value nevertheless, and whose group has no row of its own.
    fn errors_it_got(&self, task: usize) -> usize {
        let task = &self.tasks[task];
        match (&task.end, &*task.groups) {
            (Some(End { how: How::Value, .. }), [only]) => self.groups[*only].errors,
            _ => 0,
        }
    }

    /// From when to when it was there.
    pub(crate) fn life(&self, node: Node) -> (When, When) {
        match node {
            Node::Task(task) => (self.tasks[task].begin, self.end_of(&self.tasks[task])),
            Node::Group(group) => (self.groups[group].begin, self.groups[group].end.unwrap_or(self.end())),
        }
    }
}
