//! Where on the axis a moment is: columns of a terminal, or pixels.
//!
//! Before: `letters.rs`. After: `lanes.rs`.
//!
//! **Facts.** Most runs that one looks at have few moments, in virtual time some three or ten; between them lie
//! milliseconds or days, and several steps may share one instant. **Danger.** To scale, all but one of them fall
//! together. **Remedy.** Where there is room for each moment, each has a place of its own, and what is between is drawn
//! to scale if that works, else shortened and marked. Where there is not, the axis is to scale, but for long times in
//! which nothing happens. **Cost.** Lengths can be compared only where nothing is marked.

use super::model::{Model, Moment, When};
use super::words;

pub(crate) struct Scale {
    kind: Kind,
    /// Where time is left out of the picture, from where to where.
    pub(crate) cuts: Vec<(f64, f64)>,
    width: f64,
}

enum Kind {
    /// Moments, and where they are.
    Moments(Vec<(Moment, f64)>),
    /// Times, and where they are; to scale between two.
    Times(Vec<(u64, f64)>),
}

/// A mark on the axis.
#[derive(Clone, Debug)]
pub(crate) struct Tick {
    pub(crate) from: f64,
    /// The last step of the same instant; mostly the same.
    pub(crate) to: f64,
    pub(crate) label: String,
}

/// How large things must be.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    pub(crate) width: f64,
    /// Between two moments, at least.
    pub(crate) step: f64,
    /// Between two steps of one instant, at most.
    pub(crate) wide_step: f64,
    /// For what is cut.
    pub(crate) cut: f64,
}

impl Scale {
    pub(crate) fn new(model: &Model, room: Room) -> Self {
        let most = (room.width / room.step) as usize + 1;
        let steps = [u32::MAX, 16, 8, 4, 2, 1];
        let few = steps.iter().find_map(|steps| {
            let moments = || model.moments.iter().filter(|moment| moment.step < *steps);
            (moments().take(most + 1).count() <= most).then(|| moments().copied().collect::<Vec<_>>())
        });
        match few {
            Some(moments) => Self::of_moments(moments, room),
            None => Self::of_times(model, room),
        }
    }

    fn of_moments(moments: Vec<Moment>, room: Room) -> Self {
        let gaps: Vec<u64> = moments.windows(2).map(|two| two[1].begin.at - two[0].begin.at).collect();
        let steps = gaps.iter().filter(|gap| **gap == 0).count();
        let long: Vec<u64> = gaps.iter().copied().filter(|gap| *gap > 0).collect();
        // Steps stay close together, but not closer than they must.
        let (for_steps, widest) = if long.is_empty() { (1.0, 3.0 * room.wide_step) } else { (0.4, room.wide_step) };
        let step = (for_steps * room.width / steps.max(1) as f64).clamp(room.step, widest);
        let step = step.min((room.width - room.step * long.len() as f64) / steps.max(1) as f64);
        let left = room.width - step * steps as f64;
        let (widths, is_cut) = widths(&long, left, room.step);
        let (mut place, mut x, mut cuts) = (0, 0.0, Vec::new());
        let mut placed = Vec::with_capacity(moments.len());
        for (moment, gap) in moments.iter().zip(gaps.iter().chain([&0])) {
            placed.push((*moment, x));
            if *gap == 0 {
                x += step;
            } else {
                if is_cut[place] {
                    cuts.push((x, x + widths[place]));
                }
                x += widths[place];
                place += 1;
            }
        }
        Self { kind: Kind::Moments(placed), cuts, width: room.width }
    }

    fn of_times(model: &Model, room: Room) -> Self {
        let (begin, end) = (model.begin().at, model.end().at.max(model.begin().at + 1));
        let begin = if begin < (end - begin) / 20 { 0 } else { begin }; // the first mark is a round one
        let mut gaps: Vec<(u64, u64)> =
            model.moments.windows(2).map(|two| (two[0].begin.at, two[1].begin.at)).collect();
        gaps.sort_by_key(|(from, to)| (from.abs_diff(*to), *from));
        let (mut rest, mut cut) = (end - begin, Vec::new());
        while let Some((from, to)) = gaps.pop()
            && cut.len() < 8
            && to - from > (rest - (to - from)) / 2
        {
            rest -= to - from;
            cut.push((from, to));
        }
        cut.sort();
        let scale = (room.width - room.cut * cut.len() as f64) / rest.max(1) as f64;
        let (mut at, mut x) = (begin, 0.0);
        let (mut knots, mut cuts) = (vec![(begin, 0.0)], Vec::new());
        for (from, to) in cut {
            x += (from - at) as f64 * scale;
            knots.extend([(from, x), (to, x + room.cut)]);
            cuts.push((x, x + room.cut));
            (at, x) = (to, x + room.cut);
        }
        knots.push((end, room.width));
        Self { kind: Kind::Times(knots), cuts, width: room.width }
    }

    /// Where that is.
    pub(crate) fn x(&self, when: When) -> f64 {
        match &self.kind {
            Kind::Moments(moments) => {
                let after = moments.partition_point(|(moment, _)| moment.begin.record <= when.record);
                moments.get(after.saturating_sub(1)).map_or(0.0, |(_, x)| *x)
            }
            Kind::Times(_) => self.x_of_time(when.at),
        }
    }

    fn x_of_time(&self, at: u64) -> f64 {
        let Kind::Times(knots) = &self.kind else { return 0.0 };
        let after = knots.partition_point(|(knot, _)| *knot <= at).clamp(1, knots.len() - 1);
        let ((from, left), (to, right)) = (knots[after - 1], knots[after]);
        let part = at.saturating_sub(from) as f64 / (to - from).max(1) as f64;
        left + (right - left) * part.min(1.0)
    }

    /// Whether each moment has a place of its own, so that what takes no time is seen.
    pub(crate) fn shows_moments(&self) -> bool {
        matches!(self.kind, Kind::Moments(_))
    }

    /// Whether several steps share an instant.
    pub(crate) fn has_steps(&self) -> bool {
        matches!(&self.kind, Kind::Moments(moments) if moments.iter().any(|(moment, _)| moment.step > 0))
    }

    /// Marks, as many as have room for their labels, whose width the caller knows.
    pub(crate) fn ticks(&self, wide: impl Fn(&str) -> f64) -> Vec<Tick> {
        let all = match &self.kind {
            Kind::Moments(moments) => {
                let mut ticks: Vec<(u64, Tick)> = Vec::new();
                for (moment, x) in moments {
                    match ticks.last_mut() {
                        Some((at, tick)) if *at == moment.begin.at => tick.to = *x,
                        _ => {
                            let label = words::time(moment.begin.at);
                            ticks.push((moment.begin.at, Tick { from: *x, to: *x, label }));
                        }
                    }
                }
                ticks.into_iter().map(|(_, tick)| tick).collect()
            }
            Kind::Times(knots) => self.round_times(knots, &wide),
        };
        let mut ticks: Vec<Tick> = Vec::new();
        let mut free = f64::NEG_INFINITY;
        for tick in all {
            let end = tick.from + wide(&tick.label);
            // A label starts at its mark; the last may stick out a little.
            if tick.from >= free && end <= self.width + wide("000ms") {
                free = end + wide("  ");
                ticks.push(tick);
            }
        }
        ticks
    }

    fn round_times(&self, knots: &[(u64, f64)], wide: &impl Fn(&str) -> f64) -> Vec<Tick> {
        let mut ticks = Vec::new();
        for two in knots.windows(2) {
            let ((from, left), (to, right)) = (two[0], two[1]);
            if self.cuts.contains(&(left, right)) || to <= from {
                continue;
            }
            let most = ((right - left) / wide("000ms  ")).max(1.0);
            let step = round_step((to - from) as f64 / most);
            let mut at = from.div_ceil(step).saturating_mul(step);
            while at <= to {
                let x = self.x_of_time(at);
                ticks.push(Tick { from: x, to: x, label: words::time(at) });
                at = at.saturating_add(step);
            }
        }
        ticks
    }
}

/// A step of 1, 2 or 5 of something, not less than that.
fn round_step(nanos: f64) -> u64 {
    const SECOND: u64 = 1_000_000_000;
    let decimal = (0..11).flat_map(|power| [1, 2, 5].map(|n| n * 10u64.pow(power)));
    let clock = [60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400].map(|n| n * SECOND);
    let days = (0..5).flat_map(|power| [1, 2, 5].map(|n| n * 10u64.pow(power) * 86_400 * SECOND));
    let mut steps = decimal.take_while(|step| *step <= 30 * SECOND).chain(clock).chain(days);
    steps.find(|step| *step as f64 >= nanos).unwrap_or(100_000 * 86_400 * SECOND)
}

/// How wide each time between two moments is drawn, and whether that is shortened.
fn widths(gaps: &[u64], room: f64, least: f64) -> (Vec<f64>, Vec<bool>) {
    let (Some(min), Some(max)) = (gaps.iter().min(), gaps.iter().max()) else { return Default::default() };
    let to_scale = max / min <= 40;
    let weight = |gap: u64| {
        if to_scale { gap as f64 } else { 1.0 + (gap as f64 / *min as f64).ln().min(4.0) }
    };
    let weights: Vec<f64> = gaps.iter().map(|gap| weight(*gap)).collect();
    let widths = at_least(&weights, room, least);
    if to_scale {
        return (widths, vec![false; gaps.len()]);
    }
    let mut speeds: Vec<f64> = gaps.iter().zip(&widths).map(|(gap, width)| *gap as f64 / width).collect();
    let of_each = speeds.clone();
    speeds.sort_by(f64::total_cmp);
    let usual = speeds[(speeds.len() - 1) / 2];
    (widths, of_each.into_iter().map(|speed| speed > 10.0 * usual).collect())
}

/// Shares out room by weight, but for a least that each has.
fn at_least(weights: &[f64], room: f64, least: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|a, b| weights[*a].total_cmp(&weights[*b]));
    let (mut room, mut sum) = (room, weights.iter().sum::<f64>());
    let mut widths = vec![0.0; weights.len()];
    for place in order {
        let width = (room * weights[place] / sum).max(least);
        widths[place] = width;
        room -= width;
        sum -= weights[place];
    }
    widths
}
