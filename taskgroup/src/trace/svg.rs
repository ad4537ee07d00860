//! [`Svg`]: a run as a picture, a lane for each task.
//!
//! Before: `timeline.rs`. After: `svg/ink.rs`, `svg/frame.rs`, `svg/lane.rs`, `svg/turns.rs`,
//! `svg/arrows.rs`; `json.rs`.

mod arrows;
mod frame;
mod ink;
mod lane;
mod legend;
mod turns;

use super::lanes::{self, Lane, Row};
use super::letters;
use super::model::Model;
use super::scale::{Room, Scale};
use super::words;
use ink::Ink;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

/// A run as SVG, by `Display`: made by [`Trace::svg`](super::Trace::svg).
///
/// It needs nothing else, follows the reader's choice of light or dark, and has a title and a description for those
/// who cannot see it. What has no room in it is in the tooltips.
#[must_use = "it is to be printed"]
#[derive(Clone, Debug)]
pub struct Svg<'a> {
    trace: &'a super::Trace,
    title: String,
    lanes: usize,
}

impl<'a> Svg<'a> {
    pub(super) fn new(trace: &'a super::Trace) -> Self {
        Self { trace, title: "A run".into(), lanes: 120 }
    }

    /// What stands over it.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// How many lanes there may be, 120 unless told otherwise. Where there would be more, those that behave alike are
    /// put together.
    pub fn max_lanes(mut self, lanes: usize) -> Self {
        self.lanes = lanes.max(1);
        self
    }
}

const WIDTH: f64 = 1200.0;
const MARGIN: f64 = 20.0;
const TOP: f64 = 96.0;
/// How far a level is moved in.
const INDENT: f64 = 14.0;

/// Where everything is.
struct Picture<'a> {
    model: &'a Model,
    lanes: &'a [Lane],
    scale: &'a Scale,
    /// Which lane a task has.
    lane_of: BTreeMap<usize, usize>,
    /// Of the loop's lane, above the others; 0 if there is none.
    height_of_loop: f64,
    /// Of a lane.
    height: f64,
    /// Of a lane's text.
    font: f64,
    /// Where the axis begins and ends.
    left: f64,
    right: f64,
}

impl Picture<'_> {
    fn top(&self, lane: usize) -> f64 {
        TOP + self.height_of_loop + self.height * lane as f64
    }

    fn middle(&self, lane: usize) -> f64 {
        self.top(lane) + self.height / 2.0
    }

    fn bottom(&self) -> f64 {
        self.top(self.lanes.len())
    }

    /// Half as high as what stands for a poll.
    fn half(&self) -> f64 {
        (self.height * 0.23).max(3.5)
    }

    fn has_small_print(&self) -> bool {
        self.height >= 20.0
    }

    fn x(&self, when: super::model::When) -> f64 {
        self.left + self.scale.x(when)
    }
}

impl Display for Svg<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let model = &self.trace.model();
        let lanes = lanes::lanes(model, self.lanes);
        let (height, font) = match lanes.len() {
            0..=40 => (28.0, 12.5),
            41..=80 => (21.0, 11.5),
            _ => (15.0, 10.5),
        };
        let label = |lane: &Lane| {
            let place = if height < 20.0 {
                0.0
            } else {
                short_place(model, &lane.row).map_or(0.0, |p| letters::pixels(&p, 10.0))
            };
            indent(lane) + letters::pixels(&model.label(&lane.row), font) + 14.0 + place
        };
        let widest = |wide: &dyn Fn(&Lane) -> f64| lanes.iter().map(wide).fold(0.0, f64::max);
        let left = MARGIN + widest(&label).clamp(60.0, 330.0) + 22.0;
        let height_of_loop = if model.turns.has_slept() { 24.0f64.min(height) } else { 0.0 };
        let load = if height_of_loop > 0.0 { letters::pixels(&model.load(), font) } else { 0.0 };
        let remark = widest(&|lane: &Lane| letters::pixels(&model.remark(&lane.row), font));
        let right = WIDTH - MARGIN - remark.max(load).clamp(40.0, 330.0) - 22.0;
        let scale = Scale::new(model, Room { width: right - left, step: 13.0, wide_step: 34.0, cut: 44.0 });
        let lane_of = lanes.iter().enumerate().filter_map(|(n, lane)| match lane.row {
            Row::Node(lanes::Node::Task(task)) => Some((task, n)),
            _ => None,
        });
        let lane_of = lane_of.collect();
        let picture =
            Picture { model, lanes: &lanes, scale: &scale, lane_of, height_of_loop, height, font, left, right };
        f.write_str(&picture.draw(&self.title))
    }
}

impl Picture<'_> {
    fn draw(&self, title: &str) -> String {
        let mut ink = Ink::default();
        let mut notes = Vec::new();
        self.draw_boxes(&mut ink);
        self.draw_axis(&mut ink);
        self.draw_left_out(&mut ink);
        self.draw_labels(&mut ink);
        self.draw_loop(&mut ink);
        let arrows = self.draw_arrows(&mut ink);
        self.draw_lines_of_cancels(&mut ink);
        self.draw_lanes(&mut ink);
        self.draw_marks_of_cancels(&mut ink);
        notes.extend(arrows);
        if self.scale.has_steps() {
            notes.push("Places under one time are its steps, in order.".into());
        }
        if !self.scale.cuts.is_empty() {
            notes.push("// stands for a long time, shortened.".into());
        }
        if let Some(words) = self.model.left_out_in_words() {
            notes.push(format!("{words}."));
        }
        let height = self.draw_legend(&mut ink, &notes);

        let summary = self.model.summary();
        let mut head = Ink::default();
        head.open_picture(WIDTH, height, title, &self.description(&summary));
        head.text("title", MARGIN, 32.0, &letters::for_pixels(title, 17.0, WIDTH - 2.0 * MARGIN));
        head.text("faint", MARGIN, 53.0, &summary);
        format!("{}{}</svg>\n", head.into_text(), ink.into_text())
    }

    /// For those who cannot see it: the tasks and how they ended, as far as it can be listened to.
    fn description(&self, summary: &str) -> String {
        let ends = self.lanes.iter().filter(|lane| !matches!(lane.row, Row::Rest(_))).take(12);
        let ends = ends.map(|lane| format!("{}: {}.", self.model.label(&lane.row), self.model.remark(&lane.row)));
        format!("{summary}. {}", ends.collect::<Vec<_>>().join(" "))
    }
}

fn indent(lane: &Lane) -> f64 {
    INDENT * lane.is_last.len().saturating_sub(1) as f64
}

/// Where a task was spawned, without directories.
fn short_place(model: &Model, row: &Row) -> Option<String> {
    let Row::Node(lanes::Node::Task(task)) = row else { return None };
    model.tasks[*task].place.map(words::short_place)
}
