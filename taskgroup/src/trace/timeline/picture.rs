//! The lanes of a timeline, and their axis.
//!
//! Before: `sign.rs`. After: `svg.rs`.

use super::sign::Sign;
use crate::trace::lanes::{Node, Row};
use crate::trace::letters::{columns, for_columns, in_one_line};
use crate::trace::model::{Model, RegionKind, Span, Task};
use crate::trace::record::How;
use crate::trace::scale::Scale;
use std::fmt::{self, Formatter};

/// What is left of a reason that is cut says something still.
const SHORTEST: usize = 12;

/// The part in the middle.
pub(super) struct Picture<'a> {
    pub(super) model: &'a Model,
    pub(super) scale: &'a Scale,
    pub(super) width: usize,
}

impl Picture<'_> {
    pub(super) fn write_axis(&self, left: usize, f: &mut Formatter<'_>) -> fmt::Result {
        let mut labels = String::new();
        let mut line = vec!['-'; self.width];
        for (from, to) in &self.scale.cuts {
            let middle = ((from + to) / 2.0).round() as usize;
            for x in [middle.saturating_sub(1), middle] {
                line[x.min(self.width - 1)] = '/';
            }
        }
        for tick in self.scale.ticks(|label| columns(label) as f64) {
            let x = tick.from.round() as usize;
            // The last may have to begin before its mark.
            let start = x.min((self.width + 8).saturating_sub(columns(&tick.label)));
            if labels.chars().count() > start {
                continue;
            }
            let pad = start - labels.chars().count();
            labels.extend(std::iter::repeat_n(' ', pad).chain(tick.label.chars()));
            line[x.min(self.width - 1)] = '|';
        }
        let line: String = line.into_iter().collect();
        write!(f, "\n{:left$}  {labels}\n{:left$}  {line}", "", "")
    }

    pub(super) fn signs(&self, row: &Row) -> Vec<Sign> {
        let mut signs = vec![Sign::Empty; self.width];
        match row {
            Row::Node(Node::Task(task)) => self.draw(&self.model.tasks[*task], &mut signs),
            Row::Node(Node::Group(group)) => {
                let group = &self.model.groups[*group];
                let to = group.end.unwrap_or(self.model.end());
                self.fill(Span { from: group.begin, to }, Sign::Waits, &mut signs);
                if let Some(from) = group.body_ended {
                    self.fill(Span { from, to }, Sign::Joins, &mut signs);
                }
            }
            Row::More { nodes, .. } => self.shares(nodes, &mut signs),
            Row::Rest(_) => {}
        }
        signs
    }

    /// What the loop does, where it sleeps at all.
    pub(super) fn signs_of_loop(&self) -> Vec<Sign> {
        let mut signs = vec![Sign::Empty; self.width];
        let turns = &self.model.turns;
        turns.sleeps.iter().for_each(|sleep| self.fill(sleep.span, Sign::Waits, &mut signs));
        turns.runs.iter().for_each(|run| self.fill(*run, Sign::Runs, &mut signs));
        signs
    }

    fn column(&self, x: f64) -> usize {
        (x.round() as usize).min(self.width - 1)
    }

    /// Puts a sign where there is none that is more important.
    fn fill(&self, span: Span, sign: Sign, signs: &mut [Sign]) {
        let (from, to) = (self.column(self.scale.x(span.from)), self.column(self.scale.x(span.to)));
        for place in &mut signs[from..=to] {
            *place = (*place).max(sign);
        }
    }

    fn draw(&self, task: &Task, signs: &mut [Sign]) {
        let end = self.model.end_of(task);
        let started = task.started;
        self.fill(Span { from: task.begin, to: started.unwrap_or(end) }, Sign::Unstarted, signs);
        if let Some(from) = started {
            self.fill(Span { from, to: end }, Sign::Waits, signs);
        }
        for group in &task.groups {
            let group = &self.model.groups[*group];
            if let Some(from) = group.body_ended {
                self.fill(Span { from, to: group.end.unwrap_or(end) }, Sign::Joins, signs);
            }
        }
        for region in &task.regions {
            match region.kind {
                RegionKind::Shield => self.fill(region.span, Sign::Shielded, signs),
                RegionKind::Cleanup => self.fill(region.span, Sign::Cleans, signs),
                RegionKind::Scope | RegionKind::Guarded => {}
            }
        }
        for poll in task.runs() {
            self.fill(poll.span, Sign::Runs, signs);
        }
        for cancel in &task.cancels {
            let mut mark = |when, sign| self.fill(Span { from: when, to: when }, sign, signs);
            mark(cancel.asked, Sign::Asked);
            if let Some(seen) = cancel.seen {
                mark(seen, Sign::Seen);
            }
        }
        if let Some(gap) = self.model.gap()
            && task.begin.record < gap.to.record
            && end.record > gap.from.record
        {
            let from = if task.begin.record > gap.from.record { task.begin } else { gap.from };
            let to = if end.record < gap.to.record { end } else { gap.to };
            self.fill(Span { from, to }, Sign::LeftOut, signs);
        }
        if let Some(end) = &task.end {
            let sign = match end.how {
                How::Value => Sign::Done,
                How::Failed(_) | How::Panicked(_) => Sign::Failed,
                How::Cancelled { .. } => Sign::Cancelled,
            };
            signs[self.column(self.scale.x(end.when))] = sign;
        }
        self.write_reasons(task, signs);
    }

    /// Beside the marks of cancels: the reasons, where the end of the task does not tell them. They stand in a wait, or
    /// nowhere.
    fn write_reasons(&self, task: &Task, signs: &mut [Sign]) {
        let mut last = None;
        for cancel in &task.cancels {
            if task.ended_for(cancel) || last == Some(&cancel.reason) {
                continue;
            }
            let asked = self.column(self.scale.x(cancel.asked));
            let seen = self.column(self.scale.x(cancel.seen.unwrap_or(cancel.asked)));
            let waits = |sign: &&Sign| matches!(sign, Sign::Waits | Sign::Joins);
            let after = signs[seen + 1..].iter().take_while(waits).count();
            let before = signs[..asked].iter().rev().take_while(waits).count();
            // A blank on both sides, and something of the wait.
            let wide = columns(&in_one_line(&cancel.reason)) + 3;
            let (room, is_after) = if wide <= after || before < after { (after, true) } else { (before, false) };
            let reason = for_columns(&cancel.reason, room.saturating_sub(3));
            let letters = reason.chars().count();
            // A letter that takes two columns, or none, has no place among signs that take one.
            if letters < SHORTEST.min(wide - 3).max(1) || columns(&reason) != letters {
                continue;
            }
            let from = if is_after { seen + 1 } else { asked - letters - 2 };
            let text = [' '].into_iter().chain(reason.chars()).chain([' ']);
            for (sign, letter) in signs[from..].iter_mut().zip(text) {
                *sign = Sign::Letter(letter);
            }
            last = Some(&cancel.reason);
        }
    }

    fn shares(&self, nodes: &[Node], signs: &mut [Sign]) {
        let mut there = vec![0; self.width];
        for node in nodes {
            let (from, to) = self.model.life(*node);
            let (from, to) = (self.column(self.scale.x(from)), self.column(self.scale.x(to)));
            there[from..=to].iter_mut().for_each(|n| *n += 1);
        }
        for (sign, n) in signs.iter_mut().zip(there) {
            if n > 0 {
                *sign = Sign::Share((n * 9 / nodes.len()).max(1) as u8);
            }
        }
    }
}
