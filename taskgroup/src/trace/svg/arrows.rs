//! What goes from one lane to another: wakes and cancels.
//!
//! Before: `turns.rs`. After: `legend.rs`.

use super::Picture;
use super::ink::{Ink, N, Sign};
use crate::trace::letters;
use crate::trace::model::{Cancel, Region, RegionKind, Task, Wake};
use crate::trace::record::Waker;
use crate::trace::words;
use std::collections::{BTreeMap, BTreeSet};

/// More arrows than that would hide the lanes.
const ARROWS: usize = 300;

/// An arrow leads to a poll that is no further from the wake.
const NEAR: f64 = 120.0;

impl Picture<'_> {
    /// Draws wakes of one task by another, if there are not too many, and says so if there are.
    pub(super) fn draw_arrows(&self, ink: &mut Ink) -> Option<String> {
        let wakes: Vec<_> = self.model.wakes.iter().filter(|wake| self.is_drawn(wake)).collect();
        let count = words::count(wakes.len() as u64, "wake of a task by another is", "wakes of tasks by others are");
        if wakes.len() > ARROWS {
            return Some(format!("{count} not drawn: too many."));
        }
        let mut drawn = BTreeSet::new();
        for wake in wakes {
            let Some((from, to)) = self.ends(wake.cause(), wake.to) else { continue };
            let (x1, x2) = (self.x(wake.when), self.x_of_effect(wake));
            if drawn.insert((N(x1).to_string(), from, to)) {
                let by = letters::in_one_line(&self.model.waker(wake.by, wake.cause()));
                let about = format!("{} is woken by {by}", letters::in_one_line(&self.model.name(wake.to)));
                self.draw_arrow((x1, from), (x2, to), &about, ink);
                ink.used.insert(Sign::Wake);
            }
        }
        None
    }

    /// Where the poll is that a wake leads to, if it is near.
    fn x_of_effect(&self, wake: &Wake) -> f64 {
        let polls = &self.model.tasks[wake.to].polls;
        let next = polls.get(polls.partition_point(|poll| poll.span.from.record < wake.when.record));
        let x = self.x(wake.when);
        next.map(|poll| self.x(poll.span.from)).filter(|next| *next < x + NEAR).unwrap_or(x)
    }

    /// Spawns and groups wake too; the tree says that.
    fn is_drawn(&self, wake: &Wake) -> bool {
        matches!(wake.by, Waker::Task(_)) && self.ends(wake.cause(), wake.to).is_some()
    }

    fn ends(&self, from: Option<usize>, to: usize) -> Option<(usize, usize)> {
        let (from, to) = (*self.lane_of.get(&from?)?, *self.lane_of.get(&to)?);
        (from != to).then_some((from, to))
    }

    fn draw_arrow(&self, (x1, from): (f64, usize), (x2, to): (f64, usize), about: &str, ink: &mut Ink) {
        let side = if to > from { 1.0 } else { -1.0 };
        let (y1, y2) = (self.middle(from) + side * self.half(), self.middle(to) - side * (self.half() + 1.0));
        // It leaves and arrives upright; past other lanes it is bent, or what goes up and down would be one line.
        let bend = if x2 - x1 < 2.0 { side * (to.abs_diff(from) as f64 - 1.0).min(6.0) * 2.0 } else { 0.0 };
        let half_way = side * ((y2 - y1).abs() / 2.0).max(14.0); // between neighbours it would be flat
        let path = format!(
            "M{} {}C{} {} {} {} {} {}",
            N(x1),
            N(y1),
            N(x1 + bend),
            N(y1 + half_way),
            N(x2 + bend),
            N(y2 - half_way),
            N(x2),
            N(y2)
        );
        ink.path("wake", &path, about);
    }

    /// A line from whoever asks for cancels, past all whom it asks at once.
    pub(super) fn draw_lines_of_cancels(&self, ink: &mut Ink) {
        let mut lines: BTreeMap<(usize, String), (f64, usize, usize, u64)> = BTreeMap::new();
        for task in self.lane_of.keys() {
            for cancel in &self.model.tasks[*task].cancels {
                if let Some((from, to)) = self.ends(cancel.by, *task) {
                    let x = self.x(cancel.asked);
                    let line = lines.entry((from, N(x).to_string())).or_insert((x, from, from, 0));
                    *line = (x, line.1.min(to), line.2.max(to), line.3 + 1);
                }
            }
        }
        for ((from, _), (x, first, last, count)) in lines {
            let tip =
                |lane: usize| if lane == from { self.middle(lane) } else { self.middle(lane) + self.half() + 1.0 };
            let who = letters::in_one_line(&self.model.label(&self.lanes[from].row));
            let about = format!("{who} cancels {}", words::count(count, "task", "tasks"));
            ink.path("asks", &format!("M{} {}V{}", N(x), N(tip(first)), N(tip(last))), &about);
        }
    }

    /// Under a lane: when a cancel was asked, when it was seen, and what lies between.
    pub(super) fn draw_marks_of_cancels(&self, ink: &mut Ink) {
        for (task, lane) in &self.lane_of {
            for cancel in &self.model.tasks[*task].cancels {
                self.draw_cancel(*lane, cancel, ink);
            }
            if self.has_small_print() {
                self.draw_reasons(*lane, &self.model.tasks[*task], ink);
            }
        }
    }

    /// Beside the marks: the reasons, where the end of the task does not tell them.
    fn draw_reasons(&self, lane: usize, task: &Task, ink: &mut Ink) {
        let mut free = self.left;
        let mut last = None;
        for cancel in &task.cancels {
            if task.ended_for(cancel) || last == Some(&*cancel.reason) {
                continue;
            }
            let (before, after) = (self.x(cancel.asked) - 6.0, self.x(cancel.seen.unwrap_or(cancel.asked)) + 6.0);
            let text = letters::for_pixels(&cancel.reason, 10.0, 260.0);
            let wide = letters::pixels(&text, 10.0);
            let x = if before - wide >= free { before - wide } else { after.max(free) };
            if x + wide <= self.right {
                let (middle, base) = (x + wide / 2.0, self.middle(lane) + self.half() + 7.0);
                let is_under = |region: &Region| self.x(region.span.from) < x + wide && self.x(region.span.to) > x;
                if task.regions.iter().any(|region| region.kind == RegionKind::Scope && is_under(region)) {
                    ink.text_over("reason", middle, base, &text);
                } else {
                    ink.text_around("reason", middle, base, &text);
                }
                free = (x + wide).max(after) + 10.0;
                last = Some(&*cancel.reason);
            }
        }
    }

    fn draw_cancel(&self, lane: usize, cancel: &Cancel, ink: &mut Ink) {
        let y = self.middle(lane) + self.half() + 1.0;
        let high = if self.has_small_print() { 6.0 } else { 3.0 };
        let asked = self.x(cancel.asked);
        let mut about = format!(
            "{} is asked to end at {}: {}",
            words::part(cancel.part),
            words::time(cancel.asked.at),
            letters::in_one_line(&cancel.reason)
        );
        if let Some(seen) = cancel.seen {
            let latency = seen.at - cancel.asked.at;
            about += &format!("\nit takes notice {} later", words::time(latency));
            let seen = self.x(seen);
            if seen > asked {
                let base = y + high - 0.7;
                ink.line("latency", (asked, base), (seen, base));
            }
            ink.path("seen", &triangle((seen, y), high), &about);
            ink.used.insert(Sign::Seen);
            if seen - asked < high {
                return; // one on top of the other
            }
        }
        ink.path("asked", &triangle((asked, y), high), &about);
        ink.used.insert(Sign::Asked);
    }
}

/// Its tip is there, it points upwards.
pub(super) fn triangle((x, y): (f64, f64), high: f64) -> String {
    let half = high * 0.62;
    format!("M{} {}L{} {}H{}z", N(x), N(y), N(x + half), N(y + high), N(x - half))
}
