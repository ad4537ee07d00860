//! What an operation costs when there are n: whether it stays flat.
//!
//! Before: `lines.rs`. After: the other plots.

use super::canvas::{Canvas, Theme};
use super::lines::{self, Line};
use crate::peers::OURS;
use crate::plan::{SCALED, SIZES};
use crate::results::Results;
use plotters::style::text_anchor::HPos;
use std::error::Error;
use std::path::Path;

const PANEL: (i32, i32) = (320, 230);

pub fn draw(results: &Results, file: &Path, theme: &'static Theme) -> Result<(), Box<dyn Error>> {
    let canvas = Canvas::new(file, (3 * PANEL.0, 56 + 2 * PANEL.1), theme);
    canvas.strong((16, 20), 16, HPos::Left, theme.text, "Time of one operation among n")?;
    canvas.text((260, 20), 13, HPos::Left, theme.faint, "flat: it does not matter how many there are")?;
    for (place, (workload, what)) in SCALED.iter().enumerate() {
        let (left, top) = (PANEL.0 * (place as i32 % 3), 56 + PANEL.1 * (place as i32 / 3));
        canvas.text((left + 64, top), 13, HPos::Left, theme.text, what)?;
        let value = |peer, n: u64| Some((n, results.median(&format!("{workload}/{n}"), peer, "ns")?));
        let of_peer = |peer| Line { peer, points: SIZES.into_iter().filter_map(|n| value(peer, n)).collect() };
        let lines: Vec<_> = ["tokio", OURS].into_iter().map(of_peer).filter(|line| !line.points.is_empty()).collect();
        let field = (left + 64, top + 18, left + PANEL.0 - 34, top + PANEL.1 - 36);
        lines::draw(&canvas, field, &SIZES, &lines, false)?;
    }
    canvas.legend((2 * PANEL.0 + 64, 56 + PANEL.1 + 40), PANEL.0 - 64, &[OURS, "tokio"])?;
    canvas.end()
}
