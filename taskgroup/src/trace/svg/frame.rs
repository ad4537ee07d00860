//! What is around the lanes: the boxes of groups, the axis, the names, what was left out.
//!
//! Before: `ink.rs`. After: `lane.rs`.

use super::ink::{Ink, N, Sign};
use super::{INDENT, MARGIN, Picture, TOP, indent, short_place};
use crate::trace::lanes::{Node, Row};
use crate::trace::letters;
use crate::trace::record::How;
use crate::trace::words;
use std::collections::BTreeMap;
use std::iter::successors;

/// Boxes in so many boxes would be of one solid colour.
const DEEPEST: usize = 5;

impl Picture<'_> {
    /// A box around the lanes of a group, from its opening to its end.
    pub(super) fn draw_boxes(&self, ink: &mut Ink) {
        let mut rows: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for (lane, row) in self.lanes.iter().enumerate() {
            let mut around = match &row.row {
                Row::Node(node) | Row::More { like: node, .. } => self.group_around(*node),
                Row::Rest(_) => None,
            };
            while let Some(group) = around {
                let rows = rows.entry(group).or_insert((lane, lane));
                rows.1 = lane;
                around = self.group_around(Node::Group(group));
            }
        }
        for (group, (first, last)) in rows {
            let around =
                successors(self.group_around(Node::Group(group)), |outer| self.group_around(Node::Group(*outer)));
            let depth = around.take(DEEPEST).count();
            if depth == DEEPEST {
                continue;
            }
            let inset = 1.5 * depth as f64; // or the edges would be one line
            let group = &self.model.groups[group];
            let end = group.end.unwrap_or(self.model.end());
            let corners = [
                (self.x(group.begin) - 10.0 + inset, self.top(first) + 1.0 + inset / 2.0),
                (self.x(end) + 10.0 - inset, self.top(last + 1) - 1.0 - inset),
            ];
            let mut about = match group.place {
                Some(place) => format!("group at {}", words::place(place)),
                None => "group".into(),
            };
            about += &format!("\n{}", words::count(group.members.len() as u64, "task", "tasks"));
            about += &format!(
                ", from {} to {}",
                words::time(group.begin.at),
                group.end.map_or("the end of the record".into(), |end| words::time(end.at))
            );
            if let Some((when, reason)) = &group.closing {
                about += &format!("\nclosed at {}: {}", words::time(when.at), letters::in_one_line(reason));
            }
            if group.errors > 0 {
                about += &format!("\n{}", words::count(group.errors as u64, "error", "errors"));
            }
            ink.rect("box", corners, 5.0, &about);
            ink.used.insert(Sign::Box);
        }
    }

    fn group_around(&self, node: Node) -> Option<usize> {
        match node {
            Node::Task(task) => self.model.tasks[task].group,
            Node::Group(group) => {
                let group = &self.model.groups[group];
                group.inside.or_else(|| self.model.tasks[group.owner?].group)
            }
        }
    }

    pub(super) fn draw_axis(&self, ink: &mut Ink) {
        let bottom = self.bottom();
        let ticks = self.scale.ticks(|label| letters::pixels(label, 11.0));
        let mut grid = String::new();
        for tick in &ticks {
            grid += &format!("M{} {}V{}", N(self.left + tick.from), N(TOP - 8.0), N(bottom + 2.0));
        }
        ink.path("grid", &grid, "");
        // Once more below, if the upper one is far away.
        let far = bottom - TOP > 700.0;
        for (line, text) in
            [(TOP - 8.0, TOP - 18.0), (bottom + 2.0, bottom + 16.0)].into_iter().take(1 + usize::from(far))
        {
            ink.line("axis", (self.left, line), (self.right, line));
            for tick in &ticks {
                let (from, to) = (self.left + tick.from, self.left + tick.to);
                ink.line("axis", (from, line - 3.0), (from, line));
                if to > from {
                    ink.path("axis", &format!("M{} {}H{}v3", N(from), N(line - 3.0), N(to)), "");
                }
                ink.text("tick", from - 1.0, text, &tick.label);
            }
            for (from, to) in &self.scale.cuts {
                let x = self.left + (from + to) / 2.0;
                let d = |x: f64| format!("M{} {}L{} {}", N(x - 3.0), N(line + 5.0), N(x + 3.0), N(line - 5.0));
                ink.path("cut", &format!("{}{}", d(x - 2.5), d(x + 2.5)), "a long time, shortened");
            }
        }
    }

    pub(super) fn draw_left_out(&self, ink: &mut Ink) {
        let (Some(left_out), Some(words)) = (self.model.left_out, self.model.left_out_in_words()) else { return };
        let (from, to) = (self.x(left_out.span.from), self.x(left_out.span.to));
        let middle = (from + to) / 2.0;
        let half = ((to - from) / 2.0).max(5.0);
        ink.rect("gap", [(middle - half, TOP - 8.0), (middle + half, self.bottom() + 2.0)], 0.0, &words);
        ink.used.insert(Sign::LeftOut);
    }

    /// The tree at the left, and the ends at the right.
    pub(super) fn draw_labels(&self, ink: &mut Ink) {
        let mut guides = String::new();
        let right = self.left - 22.0;
        for (n, lane) in self.lanes.iter().enumerate() {
            let (top, middle, bottom) = (self.top(n), self.middle(n), self.top(n + 1));
            for (level, is_last) in lane.is_last.iter().enumerate().skip(1) {
                let x = MARGIN + INDENT * (level as f64 - 1.0) + 4.0;
                let is_own = level + 1 == lane.is_last.len();
                match (is_own, is_last) {
                    (true, true) => guides += &format!("M{} {}V{}h7", N(x), N(top), N(middle)),
                    (true, false) => guides += &format!("M{} {}V{}M{0} {}h7", N(x), N(top), N(bottom), N(middle)),
                    (false, true) => {}
                    (false, false) => guides += &format!("M{} {}V{}", N(x), N(top), N(bottom)),
                }
            }
            let base = middle + self.font * 0.36;
            let label = self.model.label(&lane.row);
            let place = short_place(self.model, &lane.row).filter(|_| self.has_small_print());
            let mut room = right - MARGIN - indent(lane);
            if let Some(place) = &place {
                let wide = letters::pixels(place, 10.0);
                let name = letters::pixels(&label, self.font).min(60.0);
                if wide + name + 10.0 <= room {
                    room -= wide + 10.0;
                    let (x, y) = (N(right), N(base));
                    ink.raw(format_args!("<text class=\"place\" text-anchor=\"end\" x=\"{x}\" y=\"{y}\">"));
                    ink.raw(super::ink::escaped(place));
                    ink.raw("</text>\n");
                }
            }
            let class = if matches!(lane.row, Row::Node(Node::Task(_))) { "" } else { "faint" };
            ink.open_group("name", &self.about(&lane.row));
            self.small(ink, class, MARGIN + indent(lane), base, &letters::for_pixels(&label, self.font, room));
            ink.close_group();

            let remark = self.model.remark(&lane.row);
            if !remark.is_empty() {
                let text = letters::for_pixels(&remark, self.font, super::WIDTH - MARGIN - self.right - 22.0);
                ink.open_group("end", &remark);
                self.small(ink, self.class_of_end(&lane.row), self.right + 22.0, base, &text);
                ink.close_group();
            }
        }
        ink.path("guide", &guides, "");
    }

    /// Text in the size of the lanes.
    pub(super) fn small(&self, ink: &mut Ink, class: &str, x: f64, y: f64, text: &str) {
        let text = super::ink::escaped(text);
        let size = N(self.font);
        ink.raw(format_args!(
            "<text class=\"{class}\" style=\"font-size:{size}px\" x=\"{}\" y=\"{}\">{text}</text>\n",
            N(x),
            N(y)
        ));
    }

    fn class_of_end(&self, row: &Row) -> &'static str {
        let (Row::Node(Node::Task(task)) | Row::More { like: Node::Task(task), .. }) = row else { return "faint" };
        match self.model.tasks[*task].end.as_ref().map(|end| &end.how) {
            Some(How::Failed(_) | How::Panicked(_)) => "bad",
            Some(How::Cancelled { .. }) => "cancel",
            _ => "faint",
        }
    }

    fn about(&self, row: &Row) -> String {
        let label = letters::in_one_line(&self.model.label(row));
        let Row::Node(Node::Task(task)) = row else { return label };
        let task_number = *task;
        let task = &self.model.tasks[task_number];
        let mut about = label;
        if let Some(place) = task.place {
            about += &format!("\nspawned at {}", words::place(place));
        }
        about += &format!("\nfrom {} to {}", words::time(task.begin.at), words::time(self.model.end_of(task).at));
        about += &format!("\n{}", words::count(task.polls.len() as u64, "poll", "polls"));
        about + &format!("\n{}", letters::in_one_line(&self.model.ending(task_number)))
    }
}
