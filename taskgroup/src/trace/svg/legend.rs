//! The legend: what occurs in the picture, and what is to be said about it.
//!
//! Before: `arrows.rs`. After: nothing.

use super::arrows::triangle;
use super::ink::{Ink, N, Sign};
use super::lane::draw_end_mark;
use super::{MARGIN, Picture, WIDTH};
use crate::trace::letters;

/// Of a sample.
fn wide(sign: Sign) -> f64 {
    match sign {
        Sign::Asked | Sign::Seen | Sign::Done | Sign::Failed | Sign::Cancelled => 14.0,
        _ => 30.0,
    }
}

impl Picture<'_> {
    /// Draws it under the lanes; where the picture ends.
    pub(super) fn draw_legend(&self, ink: &mut Ink, notes: &[String]) -> f64 {
        let far = self.bottom() - super::TOP > 700.0;
        let mut y = self.bottom() + if far { 46.0 } else { 32.0 };
        let mut x = MARGIN;
        for sign in ink.used.clone() {
            let text = match sign {
                Sign::Wait if ink.used.contains(&Sign::Why) => "waits, for what stands above it",
                Sign::Why => continue, // beside the line
                Sign::Seen if !ink.used.contains(&Sign::Asked) => "is asked to end and takes notice",
                _ => meaning(sign),
            };
            let wide_sample = wide(sign);
            let wide = wide_sample + 6.0 + letters::pixels(text, 11.0) + 8.0;
            if x + wide > WIDTH - MARGIN {
                (x, y) = (MARGIN, y + 22.0);
            }
            draw_sample(sign, x, y, ink);
            ink.text("tick", x + wide_sample + 6.0, y + 4.0, text);
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
        Sign::Why => "",
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
    let wide = wide(sign);
    let middle = x + wide / 2.0;
    let box_of = |high: f64| [(x, y - high), (x + wide, y + high)];
    match sign {
        Sign::Run => ink.path("run", &format!("M{} {}h{wide}v10h-{wide}z", N(x), N(y - 5.0)), ""),
        Sign::Why => {}
        Sign::Wait => ink.line("wait", (x, y), (x + wide, y)),
        Sign::Unstarted => ink.rect("unstarted", box_of(5.0), 2.0, ""),
        Sign::Box => ink.rect("box", box_of(8.0), 5.0, ""),
        Sign::Join => ink.line("join", (x, y), (x + wide, y)),
        Sign::Scope => ink.path("scope", &format!("M{} {}v3h{wide}v-3", N(x), N(y - 1.0)), ""),
        Sign::Cleanup => ink.rect("cleanup", box_of(5.0), 1.5, ""),
        Sign::Shield => ink.rect("shield", box_of(7.0), 4.0, ""),
        Sign::Wake => ink.line("wake", (x, y), (x + wide, y)),
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
