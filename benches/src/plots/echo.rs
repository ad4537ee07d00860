//! The echo servers: what a request costs the server, and how long the client waits.
//!
//! Before: `canvas.rs`. After: nothing.

use super::canvas::{Canvas, LogScale, Theme, decade, label};
use crate::numbers::with_unit;
use crate::peers::{OURS, RUST};
use crate::plan::{CONNECTIONS, Unit, grouped};
use crate::results::Results;
use plotters::style::text_anchor::HPos;
use std::error::Error;
use std::path::Path;

const STEP: i32 = 22;
const BARS: (i32, i32) = (150, 420);
const DOTS: (i32, i32) = (560, 920);

pub fn draw(results: &Results, file: &Path, theme: &'static Theme) -> Result<(), Box<dyn Error>> {
    let value = |n: u64, peer: &str, metric| results.median(&format!("echo/{n}"), peer, metric);
    let serves = |peer: &&str| CONNECTIONS.iter().any(|n| value(*n, peer, "cpu").is_some());
    let peers: Vec<_> = RUST.into_iter().filter(serves).collect();
    let all =
        |metric| CONNECTIONS.iter().flat_map(move |n| RUST.into_iter().filter_map(move |peer| value(*n, peer, metric)));
    let Some(wait) = LogScale::around(all("p50").chain(all("p99")), DOTS.0, DOTS.1) else { return Ok(()) };
    let group = STEP * peers.len() as i32 + 34;
    let bottom = 78 + group * CONNECTIONS.len() as i32;
    let canvas = Canvas::new(file, (960, bottom + 30), theme);
    canvas.strong((16, 20), 16, HPos::Left, theme.text, "TCP echo, 64 bytes")?;
    canvas.text(
        (BARS.0, 46),
        13,
        HPos::Left,
        theme.faint,
        "server's CPU for each request, each group to its own scale",
    )?;
    canvas.text(
        (DOTS.0, 46),
        13,
        HPos::Left,
        theme.faint,
        "the client waits: median (mark) to 99th percentile (end of line)",
    )?;
    for power in wait.decades() {
        canvas.line(&[(wait.at(power), 66), (wait.at(power), bottom)], theme.grid, 1)?;
        canvas.text((wait.at(power), bottom + 14), 12, HPos::Center, theme.faint, &decade(power))?;
    }
    for (place, n) in CONNECTIONS.into_iter().enumerate() {
        let top = 78 + group * place as i32;
        let most = peers.iter().filter_map(|peer| value(n, peer, "cpu")).fold(0.0, f64::max);
        let title = format!("{} connection{}", grouped(n), if n == 1 { "" } else { "s" });
        canvas.strong((16, top), 13, HPos::Left, theme.text, &title)?;
        for (turn, peer) in peers.iter().enumerate() {
            let y = top + 22 + STEP * turn as i32;
            let colour = theme.colour(peer);
            match *peer {
                OURS => canvas.strong((BARS.0 - 10, y), 13, HPos::Right, colour, label(peer))?,
                _ => canvas.text((BARS.0 - 10, y), 13, HPos::Right, theme.text, label(peer))?,
            }
            if let Some(cpu) = value(n, peer, "cpu") {
                let end = BARS.0 + (f64::from(BARS.1 - BARS.0) * cpu / most) as i32;
                canvas.bar([(BARS.0, y - 6), (end, y + 6)], colour)?;
                canvas.text((end + 6, y), 12, HPos::Left, theme.faint, &with_unit(cpu, Unit::Nanos))?;
            }
            if let (Some(p50), Some(p99)) = (value(n, peer, "p50"), value(n, peer, "p99")) {
                canvas.line(&[(wait.at(p50), y), (wait.at(p99), y)], colour, 3)?;
                canvas.mark((wait.at(p50), y), peer)?;
            }
        }
    }
    canvas.end()
}
