//! The legend: what occurs in the picture, and what is to be said about it.
//!
//! Before: `arrows.rs`. After: nothing.

use super::arrows::triangle;
use super::ink::{Ink, N, Sign};
use super::lane::draw_end_mark;
use super::{MARGIN, Picture, WIDTH};
use crate::trace::letters;

/// Of a sample.
const WIDE: f64 = 30.0;

impl Picture<'_> {
    /// Draws it under the lanes; where the picture ends.
    pub(super) fn draw_legend(&self, ink: &mut Ink, notes: &[String]) -> f64 {
        let far = self.bottom() - super::TOP > 700.0;
        let mut y = self.bottom() + if far { 46.0 } else { 32.0 };
        let mut x = MARGIN;
        for sign in ink.used.clone() {
            let text = match sign {
                Sign::Seen if !ink.used.contains(&Sign::Asked) => "is asked to end and takes notice",
                _ => meaning(sign),
            };
            let wide = WIDE + 8.0 + letters::pixels(text, 11.0) + 10.0;
            if x + wide > WIDTH - MARGIN {
                (x, y) = (MARGIN, y + 22.0);
            }
            draw_sample(sign, x, y, ink);
            ink.text("tick", x + WIDE + 8.0, y + 4.0, text);
            x += wide;
        }
        for note in notes {
            y += 22.0;
            ink.text("tick", MARGIN, y + 4.0, note);
        }
        y + 22.0
    }
}

fn meaning(sign: Sign) -> &'static str {
    match sign {
        Sign::Run => "runs",
        Sign::Wait => "waits",
        Sign::Unstarted => "not started",
        Sign::Box => "an open group",
        Sign::Join => "waits for its tasks",
        Sign::Scope => "in a scope",
        Sign::Cleanup => "cleans up",
        Sign::Shield => "shielded",
        Sign::Wake => "wakes",
        Sign::Asked => "is asked to end",
        Sign::Seen => "takes notice",
        Sign::Done => "done",
        Sign::Failed => "fails",
        Sign::Cancelled => "ends cancelled",
        Sign::Share => "how many of these are there",
        Sign::LeftOut => "not recorded",
    }
}

fn draw_sample(sign: Sign, x: f64, y: f64, ink: &mut Ink) {
    let middle = x + WIDE / 2.0;
    let box_of = |high: f64| [(x, y - high), (x + WIDE, y + high)];
    match sign {
        Sign::Run => ink.path("run", &format!("M{} {}h{WIDE}v10h-{WIDE}z", N(x), N(y - 5.0)), ""),
        Sign::Wait => ink.line("wait", (x, y), (x + WIDE, y)),
        Sign::Unstarted => ink.rect("unstarted", box_of(5.0), 2.0, ""),
        Sign::Box => ink.rect("box", box_of(8.0), 5.0, ""),
        Sign::Join => ink.line("join", (x, y), (x + WIDE, y)),
        Sign::Scope => ink.path("scope", &format!("M{} {}v3h{WIDE}v-3", N(x), N(y - 1.0)), ""),
        Sign::Cleanup => ink.rect("cleanup", box_of(5.0), 1.5, ""),
        Sign::Shield => ink.rect("shield", box_of(7.0), 4.0, ""),
        Sign::Wake => ink.line("wake", (x, y), (x + WIDE, y)),
        Sign::Asked => ink.path("asked", &triangle((middle, y - 3.0), 6.0), ""),
        Sign::Seen => ink.path("seen", &triangle((middle, y - 3.0), 6.0), ""),
        Sign::Done | Sign::Failed | Sign::Cancelled => draw_end_mark(sign, (middle, y), 1.0, ink),
        Sign::LeftOut => ink.rect("gap", box_of(7.0), 0.0, ""),
        Sign::Share => {
            let path = format!("M{} {}v-4h10v-6h10v7h10v3z", N(x), N(y + 5.0));
            ink.path("share", &path, "");
        }
    }
}
