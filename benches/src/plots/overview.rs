//! Every workload in a row, every peer a mark: who is where, on a logarithmic axis.
//!
//! Before: `canvas.rs`. After: the other plots.

use super::canvas::{Canvas, LogScale, Theme, decade};
use crate::numbers::with_unit;
use crate::peers::{OURS, PYTHON, RUST};
use crate::plan::{Row, Unit, rows};
use crate::results::Results;
use plotters::style::text_anchor::HPos;
use std::error::Error;
use std::path::Path;

const WIDTH: i32 = 960;
const LEFT: i32 = 290;
const RIGHT: i32 = 60;
const STEP: i32 = 26;

pub fn draw(results: &Results, file: &Path, theme: &'static Theme) -> Result<(), Box<dyn Error>> {
    let rows: Vec<_> = rows().into_iter().filter(|row| is_shown(results, row)).collect();
    let metric = |row: &Row| if row.metrics.contains(&"ns") { "ns" } else { row.metrics[0] };
    let peers: Vec<_> = RUST.into_iter().chain(PYTHON).collect();
    let value = |row: &Row, peer: &str| results.median(&row.name(), peer, metric(row));
    let values = rows.iter().flat_map(|row| peers.iter().filter_map(|peer| value(row, peer)));
    let Some(x) = LogScale::around(values, LEFT, WIDTH - RIGHT) else { return Ok(()) };
    let top = 110;
    let bottom = top + STEP * rows.len() as i32;
    let canvas = Canvas::new(file, (WIDTH, bottom + 50), theme);
    canvas.strong((16, 20), 16, HPos::Left, theme.text, "Time of one operation")?;
    canvas.text(
        (190, 20),
        13,
        HPos::Left,
        theme.faint,
        "median; further left is faster; each grid line is ten times the one before",
    )?;
    let shown: Vec<_> =
        peers.iter().copied().filter(|peer| rows.iter().any(|row| value(row, peer).is_some())).collect();
    canvas.legend((16, 48), WIDTH - 30, &shown)?;
    for power in x.decades() {
        canvas.line(&[(x.at(power), top - 8), (x.at(power), bottom)], theme.grid, 1)?;
        canvas.text((x.at(power), bottom + 16), 12, HPos::Center, theme.faint, &decade(power))?;
    }
    for (place, row) in rows.iter().enumerate() {
        let y = top + STEP * place as i32 + STEP / 2;
        let what = match metric(row) {
            "ns" => row.title.clone(),
            metric => format!("{}, {}", row.title, metric.replace("cpu", "CPU")),
        };
        canvas.text((LEFT - 14, y), 13, HPos::Right, theme.text, &what)?;
        canvas.line(&[(LEFT, y), (WIDTH - RIGHT, y)], theme.grid, 1)?;
        let others = peers.iter().filter(|peer| **peer != OURS).chain([&OURS]); // ours on top
        for peer in others {
            if let Some(value) = value(row, peer) {
                canvas.mark((x.at(value), y), peer)?;
            }
        }
        if let Some(value) = value(row, OURS) {
            let text = with_unit(value, Unit::Nanos);
            canvas.text((WIDTH - 8, y), 12, HPos::Right, theme.colour(OURS), &text)?;
        }
    }
    canvas.end()
}

/// Rows in time, with more than two peers: neither memory nor the sizes between.
fn is_shown(results: &Results, row: &Row) -> bool {
    row.unit == Unit::Nanos
        && row.peers.len() > 2
        && row.metrics.iter().any(|metric| results.median(&row.name(), OURS, metric).is_some())
}
