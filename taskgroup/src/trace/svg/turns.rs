//! The loop's own lane, above those of the tasks: when anything runs, when all sleeps. Not in virtual time, where nothing
//! sleeps.
//!
//! Before: `lane.rs`. After: `arrows.rs`.

use super::ink::{Ink, N, Sign};
use super::{MARGIN, Picture, TOP, WIDTH};
use crate::trace::letters;
use crate::trace::model::Sleep;
use crate::trace::words;

/// Half as high as what stands for a run: the lane is thin.
const HALF: f64 = 3.5;

/// What is narrower cannot be pointed at.
const LEAST: f64 = 3.0;

/// Sleeps that are drawn as one.
struct Piece<'a> {
    from: f64,
    to: f64,
    longest: &'a Sleep,
    count: u64,
    nanos: u64,
}

impl Picture<'_> {
    pub(super) fn draw_loop(&self, ink: &mut Ink) {
        if self.height_of_loop == 0.0 {
            return;
        }
        let y = TOP + self.height_of_loop * 0.6; // small print stands above it
        let base = y + self.font * 0.36;
        ink.open_group("name", "the event loop: polls what is ready, then sleeps until something happens");
        self.small(ink, "faint", MARGIN, base, "event loop");
        ink.close_group();
        let load = letters::for_pixels(&self.model.load(), self.font, WIDTH - MARGIN - self.right - 22.0);
        self.small(ink, "faint", self.right + 22.0, base, &load);

        let pieces = self.sleeps();
        let path: String = pieces.iter().map(|piece| format!("M{} {}H{}", N(piece.from), N(y), N(piece.to))).collect();
        ink.path("wait", &path, "");
        ink.used.insert(Sign::Wait);
        for piece in pieces.iter().filter(|piece| piece.to - piece.from >= LEAST) {
            self.draw_sleep(piece, y, ink);
        }
        self.draw_solid(self.model.turns.runs.iter().copied(), (y, HALF), ink);
    }

    /// Neighbours that would touch are one.
    fn sleeps(&self) -> Vec<Piece<'_>> {
        let mut pieces: Vec<Piece<'_>> = Vec::new();
        for sleep in &self.model.turns.sleeps {
            let (from, to, nanos) = (self.x(sleep.span.from), self.x(sleep.span.to), sleep.span.nanos());
            match pieces.last_mut() {
                Some(last) if from <= last.to + 0.7 && (last.to - last.from < LEAST || to - from < LEAST) => {
                    last.to = last.to.max(to);
                    if nanos > last.longest.span.nanos() {
                        last.longest = sleep;
                    }
                    last.count += 1;
                    last.nanos += nanos;
                }
                _ => pieces.push(Piece { from, to, longest: sleep, count: 1, nanos }),
            }
        }
        pieces
    }

    fn draw_sleep(&self, piece: &Piece<'_>, y: f64, ink: &mut Ink) {
        let (from, to) = (piece.from, piece.to);
        let why = self.model.sleep(piece.longest);
        let nanos = words::time(piece.nanos);
        let about = match piece.count {
            1 => format!("sleeps until {why}\n{nanos}, until {}", words::time(piece.longest.span.to.at)),
            count => format!("sleeps {count} times, {nanos} in all\nthe longest until {why}"),
        };
        ink.rect("point", [(from, y - HALF - 4.0), (to, y + HALF)], 0.0, &about);
        if !self.has_small_print() || piece.longest.span.nanos() <= piece.nanos / 2 {
            return;
        }
        let in_short = piece.longest.at_most.map(|at| format!("at most until {}", words::time(at)));
        let fits = |why: &String| letters::pixels(why, 10.0) + 16.0 < to - from;
        if let Some(why) = [Some(why), in_short].into_iter().flatten().find(fits) {
            ink.text_around("why", (from + to) / 2.0, y - 4.5, &why);
            ink.used.insert(Sign::Why);
        }
    }
}
