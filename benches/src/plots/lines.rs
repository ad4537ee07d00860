//! Lines over a logarithmic axis each way, named at their ends.
//!
//! Before: `canvas.rs`. After: `depth.rs`, `scaling.rs`.

use super::canvas::{Canvas, LogScale, decade, label};
use crate::peers::OURS;
use crate::plan::grouped;
use plotters::style::text_anchor::HPos;
use std::error::Error;

/// Of one peer: values over n.
pub struct Line {
    pub peer: &'static str,
    pub points: Vec<(u64, f64)>,
}

/// Where on the canvas: left, top, right, bottom of the field itself.
pub type Field = (i32, i32, i32, i32);

/// Draws lines with axes; the names of the peers at the right, moved apart where they would meet.
pub fn draw(
    canvas: &Canvas<'_>,
    field: Field,
    ticks: &[u64],
    lines: &[Line],
    named: bool,
) -> Result<(), Box<dyn Error>> {
    let (left, top, right, bottom) = field;
    let values = lines.iter().flat_map(|line| line.points.iter().map(|point| point.1));
    let (low, high) = values.fold((f64::INFINITY, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return Ok(());
    }
    // Whole decades, so that there are always two lines to measure by.
    let (low, high) = (10f64.powf(low.log10().floor()), 10f64.powf(high.log10().ceil()));
    let y = LogScale::over(low, high.max(low * 10.0), bottom, top);
    let (first, last) = (ticks[0] as f64, ticks[ticks.len() - 1] as f64);
    let x = LogScale::over(first, last, left, right);
    let theme = canvas.theme;
    for power in y.decades() {
        canvas.line(&[(left, y.at(power)), (right, y.at(power))], theme.grid, 1)?;
        canvas.text((left - 8, y.at(power)), 12, HPos::Right, theme.faint, &decade(power))?;
    }
    for n in ticks {
        let at = x.at(*n as f64);
        canvas.line(&[(at, top), (at, bottom)], theme.grid, 1)?;
        canvas.text((at, bottom + 14), 12, HPos::Center, theme.faint, &grouped(*n))?;
    }
    let mut ends: Vec<(i32, &str)> = Vec::new();
    let drawn = lines.iter().filter(|line| line.peer != OURS).chain(lines.iter().filter(|line| line.peer == OURS));
    for line in drawn {
        let points: Vec<_> = line.points.iter().map(|(n, value)| (x.at(*n as f64), y.at(*value))).collect();
        canvas.line(&points, theme.colour(line.peer), if line.peer == OURS { 4 } else { 2 })?;
        for point in &points {
            canvas.mark(*point, line.peer)?;
        }
        if let Some(end) = points.last() {
            ends.push((end.1, line.peer));
        }
    }
    if named {
        for (at, (end, peer)) in apart(ends, 17, (top, bottom)) {
            canvas.line(&[(right + 10, end), (right + 24, at)], theme.colour(peer), 1)?;
            match peer {
                OURS => canvas.strong((right + 28, at), 13, HPos::Left, theme.colour(peer), label(peer))?,
                _ => canvas.text((right + 28, at), 13, HPos::Left, theme.colour(peer), label(peer))?,
            }
        }
    }
    Ok(())
}

/// Places near where they want to be, at least so far apart, inside the limits as far as they fit.
fn apart(mut ends: Vec<(i32, &str)>, step: i32, (top, bottom): (i32, i32)) -> Vec<(i32, (i32, &str))> {
    ends.sort();
    let mut places: Vec<(i32, (i32, &str))> = Vec::new();
    for end in ends {
        let after = places.last().map_or(top, |last| last.0 + step);
        places.push((end.0.max(after), end));
    }
    let mut before = bottom;
    for place in places.iter_mut().rev() {
        place.0 = place.0.min(before);
        before = place.0 - step;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_meet_move_apart() {
        let places = apart(vec![(50, "b"), (50, "a"), (10, "c"), (99, "d")], 17, (0, 100));
        let places: Vec<_> = places.into_iter().map(|(at, (_, name))| (name, at)).collect();
        assert_eq!(places, [("c", 10), ("a", 50), ("b", 67), ("d", 99)]);
    }
}
