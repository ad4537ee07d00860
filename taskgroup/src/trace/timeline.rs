//! [`Timeline`]: a run in text, a lane for each task.
//!
//! Before: `lanes.rs`. After: `timeline/sign.rs`, `timeline/picture.rs`.

mod picture;
mod sign;

use super::lanes::{self, Lane, Node, Row};
use super::letters::{columns, for_columns};
use super::model::Model;
use super::record::How;
use super::scale::{Room, Scale};
use picture::Picture;
use sign::Sign;
use std::fmt::{self, Display, Formatter};

/// Whether a [`Timeline`] is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    #[default]
    None,
    /// With the sixteen colours of a terminal, by escape sequences.
    Ansi,
}

/// A run as text, by `Display`: made by [`Trace::timeline`](super::Trace::timeline).
#[must_use = "it is to be printed"]
#[derive(Clone, Copy, Debug)]
pub struct Timeline<'a> {
    pub(super) trace: &'a super::Trace,
    width: usize,
    rows: usize,
    colour: Colour,
}

impl<'a> Timeline<'a> {
    pub(super) fn new(trace: &'a super::Trace) -> Self {
        Self { trace, width: 100, rows: 60, colour: Colour::None }
    }

    /// How wide a line may be, in columns of a terminal: 100 unless told otherwise, 40 at least.
    pub fn width(mut self, columns: usize) -> Self {
        self.width = columns.max(40);
        self
    }

    /// How many lanes there may be, 60 unless told otherwise. Where there would be more, those that behave alike are put
    /// together.
    pub fn max_lanes(mut self, lanes: usize) -> Self {
        self.rows = lanes.max(1);
        self
    }

    /// Whether it has colours; none unless told. Whoever prints it knows whether it goes to a terminal
    /// ([`IsTerminal`](std::io::IsTerminal)).
    pub fn colour(mut self, colour: Colour) -> Self {
        self.colour = colour;
        self
    }
}

/// What the loop's own lane is called.
const LOOP: &str = "event loop";

impl Display for Timeline<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let model = &self.trace.model();
        if model.tasks.is_empty() {
            return f.write_str("nothing was recorded");
        }
        let lanes = lanes::lanes(model, self.rows);
        let labels: Vec<_> = lanes.iter().map(|lane| (guides(lane), model.label(&lane.row))).collect();
        let remarks: Vec<_> = lanes.iter().map(|lane| model.remark(&lane.row)).collect();
        let widest = |texts: &[String]| texts.iter().map(|text| columns(text)).max().unwrap_or(0);
        let load = model.turns.has_slept().then(|| model.load());
        let left = labels.iter().map(|(guides, name)| guides.len() + columns(name)).max().unwrap_or(0);
        let left = left.max(load.as_ref().map_or(0, |_| LOOP.len())).min((self.width * 3 / 10).max(12));
        let right = widest(&remarks).max(load.as_deref().map_or(0, columns)).min(self.width * 35 / 100);
        let chart = self.width - left - right - 4;
        let room = Room { width: (chart - 1) as f64, step: 1.0, wide_step: 3.0, cut: 4.0 };
        let scale = Scale::new(model, room);
        let picture = Picture { model, scale: &scale, width: chart };

        self.write_words(model.summary().split(' '), " ", f)?;
        picture.write_axis(left, f)?;
        let mut used = Vec::new();
        if let Some(load) = &load {
            let signs = picture.signs_of_loop();
            used.extend(signs.iter().copied());
            write!(f, "\n{LOOP:left$}  ")?;
            self.write_signs(&signs, false, f)?;
            write!(f, "  {}", for_columns(load, right))?;
        }
        for ((lane, (guides, name)), remark) in lanes.iter().zip(&labels).zip(&remarks) {
            // Far inside, the name matters more than the way to it.
            let guides = &guides[guides.len().saturating_sub(left * 2 / 3 / 3 * 3)..];
            let label = format!("{guides}{}", for_columns(name, left.saturating_sub(guides.len())));
            write!(f, "\n{label}{:pad$}", "", pad = left - columns(&label) + 2)?;
            let signs = picture.signs(&lane.row);
            used.extend(signs.iter().copied());
            self.write_signs(&signs, remark.is_empty(), f)?;
            if !remark.is_empty() {
                f.write_str("  ")?;
                self.write_remark(&for_columns(remark, right), model, &lane.row, f)?;
            }
        }
        self.write_legend(used, &scale, f)?;
        match model.left_out_in_words() {
            Some(words) => {
                f.write_str("\n")?;
                self.write_words(format!("? {words}").split(' '), " ", f)
            }
            None => Ok(()),
        }
    }
}

fn guides(lane: &Lane) -> String {
    let Some((own, above)) = lane.is_last.split_last() else { return String::new() };
    let Some(above) = above.get(1..) else { return String::new() }; // roots have none
    let mut text: String = above.iter().map(|is_last| if *is_last { "   " } else { "|  " }).collect();
    text.push_str(if *own { "`- " } else { "|- " });
    text
}

impl Timeline<'_> {
    fn write_signs(&self, signs: &[Sign], is_last: bool, f: &mut Formatter<'_>) -> fmt::Result {
        let length = if is_last {
            signs.iter().rposition(|sign| *sign != Sign::Empty).map_or(0, |n| n + 1)
        } else {
            signs.len()
        };
        for same in signs[..length].chunk_by(|a, b| self.colour == Colour::None || a.ansi() == b.ansi()) {
            let text: String = same.iter().map(|sign| sign.char()).collect();
            match self.colour {
                Colour::None => f.write_str(&text)?,
                Colour::Ansi => write!(f, "\x1b[{}m{text}\x1b[0m", same[0].ansi())?,
            }
        }
        Ok(())
    }

    fn write_remark(&self, remark: &str, model: &Model, row: &Row, f: &mut Formatter<'_>) -> fmt::Result {
        let how = match row {
            Row::Node(Node::Task(task)) => model.tasks[*task].end.as_ref().map(|end| &end.how),
            _ => None,
        };
        match (self.colour, how) {
            (Colour::Ansi, Some(How::Failed(_) | How::Panicked(_))) => write!(f, "\x1b[31m{remark}\x1b[0m"),
            (Colour::Ansi, Some(How::Cancelled { .. })) => write!(f, "\x1b[33m{remark}\x1b[0m"),
            _ => f.write_str(remark),
        }
    }

    fn write_legend(&self, mut used: Vec<Sign>, scale: &Scale, f: &mut Formatter<'_>) -> fmt::Result {
        used.sort();
        let mut meanings: Vec<_> = used.iter().map(|sign| sign.meaning()).filter(|text| !text.is_empty()).collect();
        meanings.dedup();
        if scale.has_steps() {
            meanings.push("columns of one time: its steps");
        }
        if !scale.cuts.is_empty() {
            meanings.push("// a long time, shortened");
        }
        f.write_str("\n")?;
        self.write_words(meanings.into_iter(), "   ", f)
    }

    /// As many in a line as there is room for.
    fn write_words<'w>(
        &self,
        words: impl Iterator<Item = &'w str>,
        between: &str,
        f: &mut Formatter<'_>,
    ) -> fmt::Result {
        let mut used = 0;
        for word in words {
            let wide = columns(word);
            if used > 0 && used + between.len() + wide > self.width {
                f.write_str("\n")?;
                used = 0;
            } else if used > 0 {
                f.write_str(between)?;
                used += between.len();
            }
            f.write_str(word)?;
            used += wide;
        }
        Ok(())
    }
}
