//! What goes from one lane to another: wakes and cancels.
//!
//! Before: `lane.rs`. After: `legend.rs`.

use super::Picture;
use super::ink::{Ink, N, Sign};
use crate::trace::letters;
use crate::trace::model::{Cancel, Wake};
use crate::trace::record::Waker;
use crate::trace::words;
use std::collections::BTreeSet;

/// More arrows than that would hide the lanes.
const ARROWS: usize = 300;

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
            let Some((from, to)) = self.ends(wake.from, wake.to) else { continue };
            let x = self.x(wake.when);
            if drawn.insert((N(x).to_string(), from, to)) {
                let by = letters::in_one_line(&self.model.waker(wake.by, wake.from));
                let about = format!("{} is woken by {by}", letters::in_one_line(&self.model.name(wake.to)));
                self.draw_arrow("wake", x, from, to, &about, ink);
                ink.used.insert(Sign::Wake);
            }
        }
        None
    }

    /// Spawns and groups wake too; the tree says that.
    fn is_drawn(&self, wake: &Wake) -> bool {
        matches!(wake.by, Waker::Task(_)) && self.ends(wake.from, wake.to).is_some()
    }

    fn ends(&self, from: Option<usize>, to: usize) -> Option<(usize, usize)> {
        let (from, to) = (*self.lane_of.get(&from?)?, *self.lane_of.get(&to)?);
        (from != to).then_some((from, to))
    }

    fn draw_arrow(&self, class: &str, x: f64, from: usize, to: usize, about: &str, ink: &mut Ink) {
        let side = if to > from { 1.0 } else { -1.0 };
        let (y1, y2) = (self.middle(from) + side * self.half(), self.middle(to) - side * (self.half() + 1.0));
        // Bent, or what goes up and what goes down would be one line.
        let bend = side * (4.0 + 2.0 * (to.abs_diff(from) as f64).min(4.0));
        let (a, b) = (y1 + (y2 - y1) * 0.3, y1 + (y2 - y1) * 0.7);
        let (x, c) = (N(x), N(x + bend));
        ink.path(class, &format!("M{x} {}C{c} {} {c} {} {x} {}", N(y1), N(a), N(b), N(y2)), about);
    }

    /// Under a lane: when a cancel was asked, when it was seen, and what lies between.
    pub(super) fn draw_marks_of_cancels(&self, ink: &mut Ink) {
        let mut arrows = 0;
        for (task, lane) in &self.lane_of {
            let cancels = &self.model.tasks[*task].cancels;
            for cancel in cancels {
                self.draw_cancel(*lane, cancel, ink);
                if let Some((from, to)) = self.ends(cancel.by, *task)
                    && arrows < ARROWS
                {
                    arrows += 1;
                    let about = format!("cancels: {}", letters::in_one_line(&cancel.reason));
                    self.draw_arrow("asks", self.x(cancel.asked), from, to, &about, ink);
                }
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
