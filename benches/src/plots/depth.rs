//! What a wake costs under how many groups.
//!
//! Before: `lines.rs`. After: the other plots.

use super::canvas::{Canvas, Theme};
use super::lines::{self, Line};
use crate::peers::RUST;
use crate::plan::DEPTHS;
use crate::results::Results;
use plotters::style::text_anchor::HPos;
use std::error::Error;
use std::path::Path;

pub fn draw(results: &Results, file: &Path, theme: &'static Theme) -> Result<(), Box<dyn Error>> {
    let value = |peer, depth: u64| Some((depth, results.median(&format!("nested/{depth}"), peer, "ns")?));
    let of_peer = |peer| Line { peer, points: DEPTHS.into_iter().filter_map(|depth| value(peer, depth)).collect() };
    let lines: Vec<_> = RUST.into_iter().map(of_peer).filter(|line| !line.points.is_empty()).collect();
    let canvas = Canvas::new(file, (760, 460), theme);
    canvas.strong((16, 20), 16, HPos::Left, theme.text, "A leaf is woken from outside, under so many groups")?;
    let what = "time of a round trip; the flat lines belong to tasks that are not inside one another";
    canvas.text((16, 42), 13, HPos::Left, theme.faint, what)?;
    lines::draw(&canvas, (80, 66, 570, 410), &DEPTHS, &lines, true)?;
    canvas.text((325, 446), 12, HPos::Center, theme.faint, "groups, each inside the one before")?;
    canvas.end()
}
