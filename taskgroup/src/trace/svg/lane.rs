//! What is in a lane: runs, waits, cleanups, the end.
//!
//! Before: `frame.rs`. After: `turns.rs`.

use super::Picture;
use super::ink::{Ink, N, Sign};
use crate::trace::build::is_told;
use crate::trace::lanes::{Node, Row};
use crate::trace::letters;
use crate::trace::model::{Region, RegionKind, Span, Task};
use crate::trace::record::{How, Life, Wait};
use crate::trace::words;
use taskgroup_runtime::instrument::WaitsFor;

/// So many waits have a tooltip; the longest.
const WAITS: usize = 2_000;

impl Picture<'_> {
    pub(super) fn draw_lanes(&self, ink: &mut Ink) {
        let least = self.least_wait();
        for (n, lane) in self.lanes.iter().enumerate() {
            match &lane.row {
                Row::Node(Node::Task(task)) => self.draw_task(n, &self.model.tasks[*task], least, ink),
                Row::Node(Node::Group(group)) => self.draw_group(n, *group, ink),
                Row::More { nodes, .. } => self.draw_share(n, nodes, ink),
                Row::Rest(_) => {}
            }
        }
    }

    /// How long a wait must be drawn to have a tooltip, so that not too many have.
    fn least_wait(&self) -> f64 {
        let mut least = 3.0;
        loop {
            let waits = self.lane_of.keys().flat_map(|task| &self.model.tasks[*task].waits);
            if waits.filter(|wait| self.length(&wait.span) >= least).take(WAITS + 1).count() <= WAITS {
                return least;
            }
            least *= 2.0;
        }
    }

    fn length(&self, span: &Span) -> f64 {
        self.x(span.to) - self.x(span.from)
    }

    fn draw_task(&self, lane: usize, task: &Task, least: f64, ink: &mut Ink) {
        let (y, half) = (self.middle(lane), self.half());
        let end = self.model.end_of(task);
        let started = task.started;
        let unstarted = Span { from: task.begin, to: started.unwrap_or(end) };
        if started.is_none() || self.length(&unstarted) > 6.0 {
            let wait = task.waits.iter().find(|wait| wait.span.from.record <= unstarted.to.record);
            let why = wait.map(|wait| self.model.waits(&wait.waits));
            let about = why.as_ref().map_or("not started".into(), |why| format!("not started: waits for {why}"));
            let (from, to) = (self.x(unstarted.from), self.x(unstarted.to).max(self.x(unstarted.from) + 8.0));
            ink.rect("unstarted", [(from, y - half), (to, y + half)], 2.0, &about);
            if let Some(why) = why.filter(|_| wait.is_some_and(|wait| wait.waits.iter().any(is_told))) {
                let wide = letters::pixels(&why, 10.0);
                if self.has_small_print() && wide + 8.0 < to - from {
                    ink.text_around("why", (from + to) / 2.0, y + 3.5, &why);
                }
            }
            ink.used.insert(Sign::Unstarted);
        }
        if let Some(from) = started
            && self.length(&Span { from, to: end }) > 0.5
        {
            ink.line("wait", (self.x(from), y), (self.x(end), y));
            ink.used.insert(Sign::Wait);
        }
        for group in &task.groups {
            self.draw_join(lane, *group, ink);
        }
        for region in &task.regions {
            self.draw_region(lane, region, ink);
        }
        for wait in task.waits.iter().filter(|wait| started.is_none_or(|at| wait.span.to.record > at.record)) {
            if self.length(&wait.span) < least || !wait.waits.iter().any(is_told) {
                continue;
            }
            let (from, to) = (self.x(wait.span.from), self.x(wait.span.to));
            let why = self.model.waits(&wait.waits);
            let (nanos, until) = (words::time(wait.span.nanos()), words::time(wait.span.to.at));
            // A wide stroke that is not seen, to point at.
            let about = format!("waits for {}\n{nanos}, until {until}", letters::in_one_line(&why));
            ink.rect("point", [(from, y - half - 4.0), (to, y + half)], 0.0, &about);
            let wide = letters::pixels(&why, 10.0);
            // The bar of a group says by itself what is waited for; of what is unknown there is nothing to say.
            let is_new = !matches!(*wait.waits, [Wait::Group(_) | Wait::Else(WaitsFor::Other)]);
            if is_new && self.has_small_print() && wide + 16.0 < to - from {
                let x = (from + to) / 2.0;
                match task.regions.iter().find(|region| self.covers(region, from, to)).map(|region| region.kind) {
                    Some(RegionKind::Cleanup) => ink.text_over("why", x, y + 3.5, &why),
                    Some(_) => ink.text_over("why", x, y - half + 0.5, &why), // on the edge of the shield
                    None => ink.text_around("why", x, y - 4.5, &why),
                }
                ink.used.insert(Sign::Why);
            }
        }
        self.draw_runs(lane, task, ink);
        self.draw_end(lane, task, ink);
    }

    fn covers(&self, region: &Region, from: f64, to: f64) -> bool {
        matches!(region.kind, RegionKind::Cleanup | RegionKind::Shield)
            && self.x(region.span.from) < to
            && self.x(region.span.to) > from
    }

    /// From the end of a group's body to its own.
    fn draw_join(&self, lane: usize, group: usize, ink: &mut Ink) {
        let group = &self.model.groups[group];
        let Some(from) = group.body_ended else { return };
        let span = Span { from, to: group.end.unwrap_or(self.model.end()) };
        if self.length(&span) < 1.0 {
            return;
        }
        let y = self.middle(lane);
        let about = format!("waits for its tasks: {}", words::time(span.nanos()));
        ink.path("join", &format!("M{} {}H{}", N(self.x(span.from)), N(y), N(self.x(span.to))), &about);
        ink.used.insert(Sign::Join);
    }

    fn draw_group(&self, lane: usize, group: usize, ink: &mut Ink) {
        let y = self.middle(lane);
        let (from, to) = self.model.life(Node::Group(group));
        ink.line("wait", (self.x(from), y), (self.x(to), y));
        self.draw_join(lane, group, ink);
    }

    fn draw_region(&self, lane: usize, region: &Region, ink: &mut Ink) {
        let (y, half) = (self.middle(lane), self.half());
        let (from, to) = (self.x(region.span.from), self.x(region.span.to));
        let time = words::time(region.span.nanos());
        match region.kind {
            RegionKind::Cleanup => {
                let corners = [(from, y - half), (to.max(from + 6.0), y + half)];
                ink.rect("cleanup", corners, 1.5, &format!("cleans up: {time}"));
                ink.used.insert(Sign::Cleanup);
            }
            RegionKind::Shield => {
                let corners = [(from - 3.0, y - half - 2.5), (to.max(from + 3.0) + 3.0, y + half + 2.5)];
                ink.rect("shield", corners, 4.0, &format!("shielded: {time}"));
                ink.used.insert(Sign::Shield);
            }
            RegionKind::Scope if to - from > 8.0 => {
                let low = y + half + 4.5;
                let path = format!("M{} {}v3H{}v-3", N(from), N(low - 3.0), N(to));
                ink.path("scope", &path, &format!("a scope: {time}"));
                ink.used.insert(Sign::Scope);
            }
            RegionKind::Scope | RegionKind::Guarded => {}
        }
    }

    fn draw_runs(&self, lane: usize, task: &Task, ink: &mut Ink) {
        let runs = task.runs().map(|run| run.span);
        self.draw_solid(runs, (self.middle(lane), self.half()), ink);
    }

    /// Where something runs. Neighbours that would touch are drawn as one.
    pub(super) fn draw_solid(&self, runs: impl Iterator<Item = Span>, (y, half): (f64, f64), ink: &mut Ink) {
        let (around, least) = if self.scale.shows_moments() { (2.0, 4.0) } else { (0.0, 1.5) };
        let close = if self.lanes.len() > 60 { 1.5 } else { 0.7 };
        let mut pieces: Vec<(f64, f64)> = Vec::new();
        let (mut count, mut nanos) = (0, 0);
        for run in runs {
            let from = self.x(run.from) - around;
            let to = (self.x(run.to) + around).max(from + least);
            match pieces.last_mut() {
                Some(last) if from <= last.1 + close => last.1 = last.1.max(to),
                _ => pieces.push((from, to)),
            }
            count += 1;
            nanos += run.nanos();
        }
        if pieces.is_empty() {
            return;
        }
        let path: String = pieces
            .iter()
            .map(|(from, to)| format!("M{} {}H{}v{}H{0}z", N(*from), N(y - half), N(*to), N(2.0 * half)))
            .collect();
        let about = format!("runs: {}, {} in all", words::count(count, "poll", "polls"), words::time(nanos));
        ink.path("run", &path, &about);
        ink.used.insert(Sign::Run);
    }

    fn draw_end(&self, lane: usize, task: &Task, ink: &mut Ink) {
        let Some(end) = &task.end else { return };
        let size = if self.has_small_print() { 1.0 } else { 0.75 };
        let at = (self.x(end.when), self.middle(lane));
        let at = match &end.how {
            How::Cancelled { life: Life::NeverStarted, .. } => (at.0.max(self.x(task.begin) + 8.0), at.1),
            _ => at,
        };
        let sign = match end.how {
            How::Value => Sign::Done,
            How::Failed(_) | How::Panicked(_) => Sign::Failed,
            How::Cancelled { .. } => Sign::Cancelled,
        };
        draw_end_mark(sign, at, size, ink);
        ink.used.insert(sign);
    }

    /// How many of those that are put together are there.
    fn draw_share(&self, lane: usize, nodes: &[Node], ink: &mut Ink) {
        const BIN: f64 = 3.0;
        let bins = ((self.right - self.left) / BIN) as usize + 2;
        let mut changes = vec![0i64; bins + 1];
        for node in nodes {
            let (from, to) = self.model.life(*node);
            changes[(self.scale.x(from) / BIN) as usize] += 1;
            changes[(self.scale.x(to) / BIN) as usize + 1] -= 1;
        }
        let (y, half) = (self.middle(lane), self.height * 0.38);
        let (mut there, mut path, mut is_open) = (0, String::new(), false);
        for (bin, change) in changes.iter().enumerate() {
            there += change;
            if *change == 0 {
                continue;
            }
            let x = self.left + bin as f64 * BIN;
            let top = y + half - 2.0 * half * there as f64 / nodes.len() as f64;
            let top = if there > 0 { top.min(y + half - 1.0) } else { top };
            match is_open {
                false => path += &format!("M{} {}V{}", N(x), N(y + half), N(top)),
                true => path += &format!("H{}V{}", N(x), N(top)),
            }
            is_open = there > 0;
        }
        ink.path("share", &format!("{path}z"), &format!("how many of these {} are there", nodes.len()));
        ink.used.insert(Sign::Share);
    }
}

pub(super) fn draw_end_mark(sign: Sign, (x, y): (f64, f64), size: f64, ink: &mut Ink) {
    let arm = 2.4 * size;
    match sign {
        Sign::Done => ink.circle("done", (x, y), 6.0 * size),
        Sign::Failed => {
            ink.circle("failed", (x, y), 6.5 * size);
            let (left, right, top, bottom) = (N(x - arm), N(x + arm), N(y - arm), N(y + arm));
            ink.path("cross", &format!("M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}"), "");
        }
        _ => {
            ink.circle("cancelled", (x, y), 6.0 * size);
            ink.path("bar", &format!("M{} {}h{}", N(x - arm), N(y), N(2.0 * arm)), "");
        }
    }
}
