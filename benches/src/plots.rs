//! The plots, each on a light and on a dark page.
//!
//! Before: `results.rs`. After: `report.rs`.

use crate::results::Results;
use canvas::{DARK, LIGHT, Theme};
use std::error::Error;
use std::fs;
use std::path::Path;

mod canvas;
mod depth;
mod echo;
mod lines;
mod overview;
mod scaling;

type Draw = fn(&Results, &Path, &'static Theme) -> Result<(), Box<dyn Error>>;

const PLOTS: [(&str, Draw); 4] =
    [("overview", overview::draw), ("depth", depth::draw), ("scaling", scaling::draw), ("echo", echo::draw)];

/// Draws all into a folder: `NAME-light.svg` and `NAME-dark.svg`.
pub fn draw_all(results: &Results, folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    for (name, draw) in PLOTS {
        for theme in [&LIGHT, &DARK] {
            draw(results, &folder.join(format!("{name}-{}.svg", theme.name)), theme)?;
        }
    }
    Ok(())
}
