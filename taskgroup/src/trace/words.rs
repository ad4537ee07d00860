//! The words of the outputs: times, waits, ends.
//!
//! Before: `build/turns.rs`. After: `letters.rs`.

use super::model::{Model, Sleep, Span, Task};
use super::record::{How, Life, Place, Told, Wait, Waker};
use crate::exception_group::ExceptionGroup;
use std::any::type_name;
use std::time::Duration;
use taskgroup_runtime::Readable;
use taskgroup_runtime::instrument::{Part, WaitsFor, WokenBy};

/// A time as errors and trees write it, but to four digits, since neighbours on an axis should differ: `99.96ms`,
/// `1.25s`, `3m 5s`.
pub(crate) fn time(nanos: u64) -> String {
    let last = 10u64.pow(nanos.checked_ilog10().unwrap_or(0).saturating_sub(3));
    let four_digits = Duration::from_nanos(nanos / last * last); // downwards: 999.96ms are not 1000ms
    match four_digits.as_secs() {
        0 if nanos == 0 => "0s".into(),
        0..120 => format!("{four_digits:?}"),
        _ => Readable(Duration::from_nanos(nanos)).to_string(),
    }
}

/// `src/main.rs:17`.
pub(crate) fn place(place: Place) -> String {
    format!("{}:{}", place.file(), place.line())
}

/// The same without directories.
pub(crate) fn short_place(of: Place) -> String {
    let place = place(of);
    place.rsplit(['/', '\\']).next().unwrap_or(&place).to_string()
}

/// The name of a type without the paths in it: of `shop::FetchError<alloc::vec::Vec<u8>>`, `FetchError<Vec<u8>>`.
pub(crate) fn short_type(name: &str) -> String {
    let mut short = String::new();
    for (n, part) in name.split("::").enumerate() {
        if n > 0 {
            let path = begin_of_path(&short);
            short.truncate(path);
        }
        short.push_str(part);
    }
    short
}

/// Of an `ExceptionGroup<E>`, the name of `E`.
fn type_in_group(name: &str) -> Option<&str> {
    let of_unit = type_name::<ExceptionGroup<()>>();
    name.strip_prefix(of_unit.strip_suffix("()>")?)?.strip_suffix('>')
}

/// Where the path begins whose next part follows; `<impl Read for Pipe>` may be a part of it, for a type in a method.
fn begin_of_path(text: &str) -> usize {
    let mut depth = 0;
    let around = text.char_indices().rev().find(|(_, char)| match char {
        '>' => {
            depth += 1;
            false
        }
        '<' if depth > 0 => {
            depth -= 1;
            false
        }
        _ => depth == 0 && !char.is_alphanumeric() && !"_#{}".contains(*char),
    });
    around.map_or(0, |(at, char)| at + char.len_utf8())
}

/// 1 task, 2 tasks.
pub(crate) fn count(n: u64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {many}", thousands(n)) }
}

fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl Model {
    /// What it waits for, to stand behind "waits for".
    pub(crate) fn wait(&self, wait: &Wait) -> String {
        match wait {
            Wait::Task(spot) => match self.task_of.get(&spot.task) {
                Some(task) => format!("task {}", self.name(*task)),
                None => "a task".into(),
            },
            Wait::Group(_) => "its tasks".into(),
            Wait::Admission(_) => "a place in a group".into(),
            Wait::Else(wait) => match wait {
                WaitsFor::FirstPoll => "its first poll".into(),
                WaitsFor::Place => "a place in its group".into(),
                WaitsFor::Timer(Some(at)) => {
                    format!("a timer at {}", time(u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)))
                }
                WaitsFor::Timer(None) => "a timer that never comes".into(),
                WaitsFor::Job => "a blocking job".into(),
                WaitsFor::Readable(fd) => format!("descriptor {fd} to read"),
                WaitsFor::Writable(fd) => format!("descriptor {fd} to write"),
                WaitsFor::Signal => "a signal".into(),
                WaitsFor::Process(number) => format!("process {number} to end"),
                _ => "somebody to wake it".into(),
            },
        }
    }

    pub(crate) fn waits(&self, waits: &[Wait]) -> String {
        waits.iter().map(|wait| self.wait(wait)).collect::<Vec<_>>().join(" or ")
    }

    /// How a task ended and why: of one that did not, what it waits for.
    pub(crate) fn ending(&self, task: usize) -> String {
        let task = &self.tasks[task];
        match task.end.as_ref().map(|end| &end.how) {
            Some(How::Value) => "done".into(),
            Some(How::Failed(Told::Text(error))) => format!("failed: {error}"),
            Some(How::Failed(Told::Type(name))) => self.failed_with(task, name),
            Some(How::Panicked(Some(words))) => format!("panicked: {words}"),
            Some(How::Panicked(None)) => "panicked".into(),
            Some(How::Cancelled { reason, life }) => {
                let how = match life {
                    Life::NeverStarted => "never started",
                    Life::Ended => "cancelled",
                    Life::CutOff => "cut off",
                };
                match reason {
                    Some(reason) => format!("{how}: {reason}"),
                    None => how.into(),
                }
            }
            None => match task.waits.last().filter(|wait| wait.span.to == self.end()) {
                Some(wait) => format!("waits for {}", self.waits(&wait.waits)),
                None => "still there".into(),
            },
        }
    }

    /// An error is named by its type; a group of errors as it would say it itself.
    fn failed_with(&self, task: &Task, name: &str) -> String {
        let mut errors = task.groups.iter().map(|group| self.groups[*group].errors).filter(|errors| *errors > 0);
        match (type_in_group(name), errors.next(), errors.next()) {
            (Some(name), Some(errors), None) => {
                let errors = count(errors as u64, "error", "errors");
                format!("failed: {errors} in task group ({})", short_type(name))
            }
            _ => format!("failed with {}", short_type(name)),
        }
    }

    pub(crate) fn waker(&self, waker: Waker, from: Option<usize>) -> String {
        let name = || from.map(|task| self.name(task));
        match (waker, name()) {
            (Waker::Spawn(_), Some(name)) => format!("{name}, which spawned it"),
            (Waker::Spawn(_), None) => "who spawned it".into(),
            (Waker::Cancel(_), Some(name)) => format!("a cancel that {name} asked"),
            (Waker::Cancel(_), None) => "a cancel".into(),
            (_, Some(name)) => name,
            (Waker::Else(WokenBy::Timer), _) => "a timer".into(),
            (Waker::Else(WokenBy::Descriptor), _) => "a descriptor".into(),
            (Waker::Else(WokenBy::Thread), _) => "another thread".into(),
            (Waker::Else(WokenBy::Group), _) => "its group".into(),
            (Waker::Else(WokenBy::Host), _) => "the host of the loop".into(),
            _ => "somebody".into(),
        }
    }

    /// In a sentence or two: how much there was and what went wrong.
    pub(crate) fn summary(&self) -> String {
        let ended = |is: fn(&How) -> bool| {
            self.tasks.iter().filter(|task| task.end.as_ref().is_some_and(|end| is(&end.how))).count() as u64
        };
        let failed = ended(|how| matches!(how, How::Failed(_)));
        let panicked = ended(|how| matches!(how, How::Panicked(_)));
        let never = ended(|how| matches!(how, How::Cancelled { life: Life::NeverStarted, .. }));
        let cancelled = ended(|how| matches!(how, How::Cancelled { .. })) - never;
        let open = self.tasks.iter().filter(|task| task.end.is_none()).count() as u64;
        let mut parts = vec![
            count(self.tasks.len() as u64, "task", "tasks"),
            format!("{} in {}", count(self.groups.len() as u64, "group", "groups"), self.length()),
        ];
        let more = [
            (failed, "failed"),
            (panicked, "panicked"),
            (cancelled, "cancelled"),
            (never, "never started"),
            (open, "still there"),
        ];
        parts.extend(more.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
        parts.join(", ")
    }

    /// What the loop sleeps for, to stand behind "waits for".
    pub(crate) fn sleep(&self, sleep: &Sleep) -> String {
        match sleep.at_most {
            Some(at) => format!("an event or a timer at {}", time(at)),
            None => "an event".into(),
        }
    }

    /// How much the loop had to do.
    pub(crate) fn load(&self) -> String {
        let busy: u64 = self.turns.runs.iter().map(Span::nanos).sum();
        let gap = self.gap().map_or(0, |gap| gap.nanos());
        let of = self.end().at.saturating_sub(self.begin().at).saturating_sub(gap);
        let share = match busy.saturating_mul(100).checked_div(of) {
            Some(0) => "less than 1 %".into(),
            Some(percent) => format!("{} %", percent.min(100)),
            None => "100 %".into(),
        };
        format!("{}, {share} busy", count(self.turns.count, "turn", "turns"))
    }

    fn length(&self) -> String {
        match self.end().at.saturating_sub(self.begin().at) {
            0 => "no time".into(),
            nanos => time(nanos),
        }
    }

    /// What was left out, if anything was.
    pub(crate) fn left_out_in_words(&self) -> Option<String> {
        let left = self.left_out?;
        let events = count(left.events, "event", "events");
        Some(match left.tasks {
            0 => format!("{events} not recorded"),
            tasks => format!("{events} not recorded, {} with them", count(tasks, "whole task", "whole tasks")),
        })
    }
}

pub(crate) fn part(part: Part) -> &'static str {
    match part {
        Part::Task => "task",
        Part::Body => "body",
        Part::Scope => "scope",
        Part::Guarded => "guarded",
        Part::Cleanup => "cleanup",
        Part::Shield => "shield",
        _ => "part",
    }
}
