//! What a run noted down, and how it is drawn: a lane for each child, a column for each hour.
//!
//! Before: `supervision/child.rs`, whose events these are. After: `main.rs`.

use crate::supervision::{Event, News, Span};
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};
use taskgroup::{BoxError, Member, What, now};

const COLUMN: Duration = Duration::from_secs(3600);
const LEGEND: &str = "= runs   . waits to be started again   ~ cleans up   X failed   x stopped   > done";

pub(crate) struct Timeline {
    began: Instant,
    lanes: Vec<Lane>,
    failures: RefCell<Vec<Failure>>,
}

struct Lane {
    name: &'static str,
    /// What it did, and since when.
    steps: RefCell<Vec<(Instant, char)>>,
    /// Marks stand above what was done in the same column.
    marks: RefCell<Vec<(Instant, char)>>,
}

struct Failure {
    at: Instant,
    name: String,
    text: String,
    /// Until it was started again.
    delay: Cell<Option<Duration>>,
}

impl Timeline {
    pub(crate) fn new(names: &[&'static str]) -> Self {
        let lanes = names.iter().map(|name| Lane { name, steps: RefCell::default(), marks: RefCell::default() });
        Self { began: now(), lanes: lanes.collect(), failures: RefCell::default() }
    }

    /// To be told as it happens. The lane is that of `before` and the child's name.
    pub(crate) fn note(&self, before: &str, event: &Event<'_, BoxError>) {
        let name = format!("{before}{}", event.child);
        let Some(lane) = self.lanes.iter().find(|lane| lane.name == name) else { return };
        match &event.news {
            News::Waits(delay) => {
                lane.step('.');
                let failures = self.failures.borrow();
                if let Some(failure) = failures.iter().rfind(|failure| failure.name == name) {
                    failure.delay.set(failure.delay.get().or(Some(*delay)));
                }
            }
            News::Started => lane.step('='),
            News::Ended => lane.mark('>'),
            News::Asked(_) => lane.step('~'),
            News::Stopped(_) => lane.mark('x'),
            News::Failed(error) => {
                lane.mark('X');
                let text = in_words(error);
                self.failures.borrow_mut().push(Failure { at: now(), name, text, delay: Cell::new(None) });
            }
        }
    }

    /// From the beginning until now, in whole columns.
    pub(crate) fn print_lanes(&self) {
        let width = self.lanes.iter().map(|lane| lane.name.len()).max().unwrap_or(0);
        let columns = (now() - self.began).div_duration_f64(COLUMN).ceil() as usize;
        let days: String = (1..=columns.div_ceil(24)).map(|day| format!("{:<24}", format!("| day {day}"))).collect();
        let hours = "0     6     12    18    ".repeat(columns.div_ceil(24));
        println!("  {:width$}  {}", "", days.trim_end());
        println!("  {:width$}  {}", "", hours[..columns].trim_end());
        for lane in &self.lanes {
            let drawn: String = (0..columns).map(|column| lane.at(self.began, column as u32)).collect();
            println!("  {:width$}  {}", lane.name, drawn.trim_end());
        }
        println!("\n  {LEGEND}");
    }

    pub(crate) fn print_failures(&self) {
        let width = self.lanes.iter().map(|lane| lane.name.len()).max().unwrap_or(0);
        for Failure { at, name, text, delay } in &*self.failures.borrow() {
            let again = delay.get().map(|delay| format!("; again after {}", Span(delay))).unwrap_or_default();
            println!("  {}  {name:width$}  {text}{again}", self.clock_at(*at));
        }
    }

    /// What time it is.
    pub(crate) fn clock(&self) -> String {
        format!("on {}", self.clock_at(now()))
    }

    fn clock_at(&self, at: Instant) -> String {
        let minutes = (at - self.began).as_secs() / 60;
        format!("day {} {:02}:{:02}", minutes / 1440 + 1, minutes / 60 % 24, minutes % 60)
    }
}

impl Lane {
    fn step(&self, what: char) {
        self.steps.borrow_mut().push((now(), what));
    }

    /// Marks an end.
    fn mark(&self, what: char) {
        self.marks.borrow_mut().push((now(), what));
        self.step(' ');
    }

    /// What a column shows: a mark in it, the gravest first, or else what was being done at its end.
    fn at(&self, began: Instant, column: u32) -> char {
        let (from, to) = (began + column * COLUMN, began + (column + 1) * COLUMN);
        let marks = self.marks.borrow();
        let marked = |what: char| marks.iter().any(|(at, mark)| *mark == what && (from..to).contains(at));
        if let Some(mark) = ['X', 'x', '>'].into_iter().find(|mark| marked(*mark)) {
            return mark;
        }
        let steps = self.steps.borrow();
        steps.iter().rfind(|(at, _)| *at < to).map_or(' ', |(_, what)| *what)
    }
}

fn in_words(error: &Member<BoxError>) -> String {
    let text = match error.what() {
        What::Error(error) => error.to_string(),
        What::Group(group) => format!("gave up, with {} errors", group.count()),
    };
    match error.cancelled() {
        Some(reason) => format!("{text} (while it was stopped: {reason})"),
        None => text,
    }
}
