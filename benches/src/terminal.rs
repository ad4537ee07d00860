//! What the driver prints at the end.
//!
//! Before: `tables.rs`. After: `report.rs`.

use crate::numbers::{digits, with_unit};
use crate::peers::OURS;
use crate::plan::{Row, grouped};
use crate::results::Results;
use crate::tables::targets;
use std::fmt::Write as _;

/// Of one row, everybody: the best first.
pub fn of_row(results: &Results, row: &Row) -> String {
    let mut text = String::new();
    let name = row.name();
    for metric in row.metrics {
        let of_peer = |peer: &&'static str| Some((*peer, results.figure(&name, peer, metric)?));
        let mut figures: Vec<_> = row.peers.iter().filter_map(of_peer).collect();
        figures.sort_by(|one, other| one.1.median.total_cmp(&other.1.median));
        let Some(best) = figures.first().map(|(_, figure)| figure.median) else { continue };
        let ours = results.median(&name, OURS, metric);
        let what = if row.metrics.len() > 1 { format!(", {metric}") } else { String::new() };
        let _ = writeln!(text, "\n{} ({name}{what})", row.title);
        let _ = writeln!(text, "  {:14} {:>10} {:>10} {:>8} {:>10}", "", "median", "min", "x best", "ours/it");
        for (peer, figure) in figures {
            let size = results.size(&name, peer).filter(|size| *size != row.n);
            let _ = writeln!(
                text,
                "{} {peer:14} {:>10} {:>10} {:>8} {:>10}{}",
                if peer == OURS { '>' } else { ' ' },
                with_unit(figure.median, row.unit),
                with_unit(figure.minimum, row.unit),
                digits(figure.median / best),
                ours.map_or(String::new(), |ours| digits(ours / figure.median)),
                size.map_or(String::new(), |size| format!("  (n = {})", grouped(size))),
            );
        }
    }
    text
}

/// The list of targets for a terminal.
pub fn target_list(results: &Results) -> String {
    let table = targets(results);
    let met = table.lines().iter().filter(|line| line[4] == "met").count();
    let mut text = format!("\n{met} of {} targets met (ratio of medians, bound)\n", table.lines().len());
    for line in table.lines() {
        let mark = if line[4] == "met" { "  met   " } else { "  MISSED" };
        let _ = writeln!(text, "{mark} {:>7} <= {:<5} {}, against {}", line[2], line[3], line[0], line[1]);
    }
    text
}
