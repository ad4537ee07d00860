//! What is heard, in words and numbers that stay: a [`Record`] for an [`Event`].
//!
//! Before: `record.rs`. After: `recorder.rs`, which keeps the records; `inspect/live.rs`, which sends them.

use super::numbers::Numbers;
use super::record::{Asked, How, Life, Record, Text, Told, Wait, Waker, What};
use std::fmt::{self, Display, Write};
use std::time::Duration;
use taskgroup_runtime::instrument::{Event, HowEnded, WaitsFor, WokenBy};

/// How many bytes of a name, an error, a reason are kept.
const TEXT: usize = 4096;

/// Turns events into records.
pub(crate) struct Translator {
    numbers: Numbers,
    /// The last text: a hundred siblings are cancelled for the same reason.
    last_text: Text,
}

impl Default for Translator {
    fn default() -> Self {
        Self { numbers: Numbers::default(), last_text: "".into() }
    }
}

impl Translator {
    /// `text` is what the event [says](text_of). `None`: an event of a kind that came into the world after this.
    pub(crate) fn record(&mut self, at: Duration, event: &Event<'_>, text: Option<String>) -> Option<Record> {
        let text = text.map(|text| self.share(text));
        let what = self.what(event, text)?;
        Some(Record { at: u64::try_from(at.as_nanos()).unwrap_or(u64::MAX), what })
    }

    fn share(&mut self, text: String) -> Text {
        if *self.last_text != *text {
            self.last_text = text.into();
        }
        self.last_text.clone()
    }

    /// The event with numbers of ours.
    fn what(&mut self, event: &Event<'_>, text: Option<Text>) -> Option<What> {
        let numbers = &mut self.numbers;
        Some(match *event {
            Event::Phase(phase) => What::Phase(phase),
            Event::Spawned { task, group, number, place } => {
                What::Spawned { group: numbers.group(group), task: numbers.new_task(task), number, place }
            }
            Event::Named { task, .. } => What::Named { task: numbers.spot(task).task, name: text? },
            Event::Woken { task, by } => What::Woken { spot: numbers.spot(task), by: waker(numbers, by) },
            Event::PollBegins { task } => What::PollBegins(numbers.spot(task)),
            Event::PollEnds { task } => What::PollEnds(numbers.spot(task)),
            Event::Waits { task, wait } => What::Waits { spot: numbers.spot(task), wait: waits_for(numbers, wait) },
            Event::CancelAsked { task, part, by, .. } => What::CancelAsked(Box::new(Asked {
                spot: task.map(|task| numbers.spot(task)),
                part,
                reason: text?,
                by: by.map(|by| numbers.spot(by)),
            })),
            Event::CancelSeen { task, part } => What::CancelSeen { spot: numbers.spot(task), part },
            Event::Entered { task, part } => What::Entered { spot: numbers.spot(task), part },
            Event::Left { task, part } => What::Left { spot: numbers.spot(task), part },
            Event::Ended { task, how } => What::Ended { task: numbers.spot(task).task, how: how_ended(&how, text) },
            Event::GroupOpened { group, owner, body, place } => {
                let (group, owner) = numbers.new_group(group, owner, body);
                What::GroupOpened { group, owner, place }
            }
            Event::GroupClosing { group, .. } => What::GroupClosing { group: numbers.group(group)?, reason: text? },
            Event::BodyEnded { group } => What::BodyEnded(numbers.group(group)?),
            Event::GroupEnded { group, errors } => What::GroupEnded { group: numbers.group(group)?, errors },
            _ => return None,
        })
    }
}

/// What an event says in words of others. They print themselves by code of others, which may do anything: ask before
/// you borrow.
pub(crate) fn text_of(event: &Event<'_>) -> Option<String> {
    let said: &dyn Display = match event {
        Event::Named { name, .. } => name,
        Event::CancelAsked { reason, .. } | Event::GroupClosing { reason, .. } => reason,
        Event::Ended { how: HowEnded::Failed { error: Some(error), .. } | HowEnded::Panicked(Some(error)), .. } => {
            error
        }
        Event::Ended { how: HowEnded::Cancelled { reason: Some(reason), .. }, .. } => reason,
        _ => return None,
    };
    let mut text = Bounded(String::new());
    // An error stands for "that is enough", or for a `Display` that gave up: what is there is kept.
    _ = write!(text, "{said}");
    Some(text.0)
}

/// A text that is cut where it grows too long.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            if self.0.len() + char.len_utf8() > TEXT {
                self.0.push('\u{2026}');
                return Err(fmt::Error);
            }
            self.0.push(char);
        }
        Ok(())
    }
}

fn waker(numbers: &mut Numbers, by: WokenBy) -> Waker {
    match by {
        WokenBy::Task(task) => Waker::Task(numbers.spot(task)),
        WokenBy::Spawn(task) => Waker::Spawn(task.map(|task| numbers.spot(task))),
        WokenBy::Cancel(task) => Waker::Cancel(task.map(|task| numbers.spot(task))),
        other => Waker::Else(other),
    }
}

fn waits_for(numbers: &mut Numbers, wait: WaitsFor) -> Wait {
    match wait {
        WaitsFor::Task(task) => Wait::Task(numbers.spot(task)),
        WaitsFor::Group(group) => Wait::Group(numbers.group(group)),
        WaitsFor::Admission(group) => Wait::Admission(numbers.group(group)),
        other => Wait::Else(other),
    }
}

fn how_ended(how: &HowEnded<'_>, text: Option<Text>) -> How {
    match how {
        HowEnded::Value => How::Value,
        HowEnded::Panicked(_) => How::Panicked(text),
        HowEnded::Cancelled { was_started: false, .. } => How::Cancelled { reason: text, life: Life::NeverStarted },
        HowEnded::Cancelled { was_cut_off: true, .. } => How::Cancelled { reason: text, life: Life::CutOff },
        HowEnded::Cancelled { .. } => How::Cancelled { reason: text, life: Life::Ended },
        HowEnded::Failed { type_name, .. } => How::Failed(text.map_or(Told::Type(type_name), Told::Text)),
        _ => How::Failed(Told::Text("it ended in a way unknown here".into())),
    }
}
