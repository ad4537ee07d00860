//! What the plots are drawn with: colours, texts, marks, a logarithmic scale.
//!
//! Before: nothing. After: the plots.

use crate::peers::{OURS, RAW};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::path::Path;

/// Colours that stand out from a page, which shows through.
pub struct Theme {
    pub name: &'static str,
    pub text: RGBColor,
    pub faint: RGBColor,
    pub grid: RGBColor,
    ours: RGBColor,
    peers: [(&'static str, RGBColor); 11],
}

pub const LIGHT: Theme = Theme {
    name: "light",
    text: RGBColor(31, 35, 40),
    faint: RGBColor(89, 99, 110),
    grid: RGBColor(216, 222, 228),
    ours: RGBColor(207, 34, 46),
    peers: [
        ("tokio", RGBColor(9, 105, 218)),
        ("tokio-joinset", RGBColor(84, 174, 255)),
        ("smol", RGBColor(26, 127, 55)),
        ("monoio", RGBColor(188, 76, 0)),
        ("monoio-uring", RGBColor(251, 143, 68)),
        ("unordered", RGBColor(130, 80, 223)),
        ("buffered", RGBColor(191, 57, 137)),
        ("moro", RGBColor(154, 103, 0)),
        ("raw", RGBColor(31, 35, 40)),
        ("asyncio", RGBColor(110, 119, 129)),
        ("trio", RGBColor(175, 184, 193)),
    ],
};

pub const DARK: Theme = Theme {
    name: "dark",
    text: RGBColor(230, 237, 243),
    faint: RGBColor(145, 152, 161),
    grid: RGBColor(51, 57, 66),
    ours: RGBColor(255, 123, 114),
    peers: [
        ("tokio", RGBColor(56, 139, 253)),
        ("tokio-joinset", RGBColor(165, 214, 255)),
        ("smol", RGBColor(63, 185, 80)),
        ("monoio", RGBColor(219, 109, 40)),
        ("monoio-uring", RGBColor(255, 166, 87)),
        ("unordered", RGBColor(163, 113, 247)),
        ("buffered", RGBColor(247, 120, 186)),
        ("moro", RGBColor(210, 153, 34)),
        ("raw", RGBColor(230, 237, 243)),
        ("asyncio", RGBColor(145, 152, 161)),
        ("trio", RGBColor(100, 108, 118)),
    ],
};

impl Theme {
    pub fn colour(&self, peer: &str) -> RGBColor {
        let theirs = self.peers.iter().find(|(name, _)| *name == peer);
        if peer == OURS { self.ours } else { theirs.map_or(self.faint, |(_, colour)| *colour) }
    }
}

pub struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    pub theme: &'static Theme,
}

type Drawn = Result<(), Box<dyn Error>>;

impl<'a> Canvas<'a> {
    pub fn new(file: &'a Path, size: (i32, i32), theme: &'static Theme) -> Self {
        let area = SVGBackend::new(file, (size.0 as u32, size.1 as u32)).into_drawing_area();
        Self { area, theme }
    }

    pub fn end(self) -> Drawn {
        self.area.present()?;
        Ok(())
    }

    /// Text whose anchor is at that point: its left, middle or right, half-way up.
    pub fn text(&self, at: (i32, i32), size: i32, anchor: HPos, colour: RGBColor, text: &str) -> Drawn {
        let font = ("sans-serif", size).into_font();
        let style = TextStyle::from(font).color(&colour).pos(Pos::new(anchor, VPos::Center));
        self.area.draw(&Text::new(text, at, style))?;
        Ok(())
    }

    /// The same, and thick.
    pub fn strong(&self, at: (i32, i32), size: i32, anchor: HPos, colour: RGBColor, text: &str) -> Drawn {
        let font = ("sans-serif", size).into_font().style(FontStyle::Bold);
        let style = TextStyle::from(font).color(&colour).pos(Pos::new(anchor, VPos::Center));
        self.area.draw(&Text::new(text, at, style))?;
        Ok(())
    }

    pub fn line(&self, points: &[(i32, i32)], colour: RGBColor, width: u32) -> Drawn {
        self.area.draw(&PathElement::new(points.to_vec(), colour.stroke_width(width)))?;
        Ok(())
    }

    pub fn bar(&self, corners: [(i32, i32); 2], colour: RGBColor) -> Drawn {
        self.area.draw(&Rectangle::new(corners, colour.filled()))?;
        Ok(())
    }

    /// The mark of a peer: ours a large diamond, what is written by hand an upright stroke, the others dots.
    pub fn mark(&self, (x, y): (i32, i32), peer: &str) -> Drawn {
        let colour = self.theme.colour(peer);
        match peer {
            OURS => {
                let corners = vec![(x - 8, y), (x, y - 8), (x + 8, y), (x, y + 8)];
                self.area.draw(&Polygon::new(corners, colour.filled()))?;
            }
            RAW => self.line(&[(x, y - 8), (x, y + 8)], colour, 3)?,
            "asyncio" | "trio" => self.area.draw(&Circle::new((x, y), 4, colour.stroke_width(2)))?,
            _ => self.area.draw(&Circle::new((x, y), 4, colour.filled()))?,
        }
        Ok(())
    }

    /// Marks and names in rows, from that point on; where they end.
    pub fn legend(&self, (left, top): (i32, i32), width: i32, peers: &[&str]) -> Result<i32, Box<dyn Error>> {
        let (mut x, mut y) = (left, top);
        for peer in peers {
            let wide = 44 + 7 * label(peer).len() as i32;
            if x + wide > left + width {
                (x, y) = (left, y + 22);
            }
            self.mark((x + 8, y), peer)?;
            match *peer {
                OURS => self.strong((x + 20, y), 13, HPos::Left, self.theme.text, label(peer))?,
                _ => self.text((x + 20, y), 13, HPos::Left, self.theme.text, label(peer))?,
            }
            x += wide;
        }
        Ok(y + 22)
    }
}

/// What a peer is called in a plot.
pub fn label(peer: &str) -> &str {
    match peer {
        "unordered" => "FuturesUnordered",
        "buffered" => "futures-buffered",
        "moro" => "moro-local",
        "monoio" => "monoio (epoll)",
        "monoio-uring" => "monoio (io_uring)",
        "tokio-joinset" => "tokio JoinSet",
        "raw" => "by hand",
        _ => peer,
    }
}

/// A logarithmic scale from one pixel to another.
pub struct LogScale {
    low: f64,
    high: f64,
    from: i32,
    to: i32,
}

impl LogScale {
    /// Around all the values, with some room.
    pub fn around(values: impl Iterator<Item = f64>, from: i32, to: i32) -> Option<Self> {
        let (low, high) = values.fold((f64::INFINITY, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
        (low <= high).then(|| Self { low: low / 1.3, high: high * 1.3, from, to })
    }

    /// Over exactly that range.
    pub fn over(low: f64, high: f64, from: i32, to: i32) -> Self {
        Self { low, high, from, to }
    }

    pub fn at(&self, value: f64) -> i32 {
        let part = (value / self.low).ln() / (self.high / self.low).ln();
        self.from + ((self.to - self.from) as f64 * part).round() as i32
    }

    /// The powers of ten on it.
    pub fn decades(&self) -> impl Iterator<Item = f64> {
        let (first, last) = (self.low.log10().ceil() as i32, self.high.log10().floor() as i32);
        (first..=last).map(|power| 10f64.powi(power))
    }
}

/// A power of ten of nanoseconds.
pub fn decade(nanos: f64) -> String {
    match nanos {
        ..1e3 => format!("{nanos} ns"),
        ..1e6 => format!("{} µs", nanos / 1e3),
        ..1e9 => format!("{} ms", nanos / 1e6),
        _ => format!("{} s", nanos / 1e9),
    }
}
