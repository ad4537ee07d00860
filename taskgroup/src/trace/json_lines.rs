//! [`JsonLines`]: the events as they were heard, one a line.
//!
//! Before: `json.rs`. After: `chrome.rs`.

use super::json::Object;
use super::record::{GroupId, How, Life, Record, Spot, Told, Wait, Waker, What};
use super::words;
use std::fmt::{self, Display, Formatter};
use taskgroup_runtime::instrument::{Phase, WaitsFor, WokenBy};

/// The events as JSON lines, by `Display`: made by [`Trace::json_lines`](super::Trace::json_lines).
#[must_use = "it is to be printed"]
#[derive(Clone, Copy, Debug)]
pub struct JsonLines<'a> {
    pub(super) trace: &'a super::Trace,
}

impl Display for JsonLines<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.trace.records().iter().try_for_each(|record| writeln!(f, "{}", line(record)))
    }
}

/// One of the lines.
pub(crate) fn line(record: &Record) -> String {
    let event = |name| Object::new().raw("at", record.at).text("event", name);
    match &record.what {
        What::Phase(Phase::Wait(most)) => event("wait").maybe("most", most.map(|most| most.as_nanos())),
        What::Phase(Phase::Dispatch) => event("dispatch"),
        What::Phase(Phase::Expire) => event("expire"),
        What::Phase(Phase::Run) => event("run"),
        What::Phase(_) => event("phase"),
        What::Spawned { task, group, number, place } => event("spawned")
            .raw("task", task.0)
            .raw("group", id(*group))
            .raw("number", number)
            .maybe_text("place", place.map(words::place).as_deref()),
        What::Named { task, name } => event("named").raw("task", task.0).text("name", name),
        What::Woken { spot, by } => woken_by(at(event("woken"), *spot), *by),
        What::PollBegins(spot) => at(event("poll_begins"), *spot),
        What::PollEnds(spot) => at(event("poll_ends"), *spot),
        What::Waits { spot, wait } => waits_for(at(event("waits"), *spot), *wait),
        What::CancelAsked(asked) => {
            let object = event("cancel_asked").text("part", words::part(asked.part)).text("reason", &asked.reason);
            let object = asked.spot.into_iter().fold(object, at);
            object.maybe("by", asked.by.map(|spot| spot.task.0))
        }
        What::CancelSeen { spot, part } => at(event("cancel_seen"), *spot).text("part", words::part(*part)),
        What::Entered { spot, part } => at(event("entered"), *spot).text("part", words::part(*part)),
        What::Left { spot, part } => at(event("left"), *spot).text("part", words::part(*part)),
        What::Ended { task, how } => how_ended(event("ended").raw("task", task.0), how),
        What::GroupOpened { group, owner, place } => {
            at(event("group_opened").raw("group", group.0), *owner).text("place", &words::place(place))
        }
        What::GroupClosing { group, reason } => event("group_closing").raw("group", group.0).text("reason", reason),
        What::BodyEnded(group) => event("body_ended").raw("group", group.0),
        What::GroupEnded { group, errors } => event("group_ended").raw("group", group.0).raw("errors", errors),
        What::LeftOut { events, tasks, until } => {
            event("left_out").raw("events", events).raw("tasks", tasks).raw("until", until)
        }
    }
    .end()
}

/// Root tasks are in group 0.
fn id(group: Option<GroupId>) -> u64 {
    group.map_or(0, |group| group.0.get())
}

fn at(object: Object, spot: Spot) -> Object {
    object.raw("task", spot.task.0).maybe("body_of", spot.body_of.map(|group| group.0))
}

fn woken_by(object: Object, by: Waker) -> Object {
    let (kind, task) = match by {
        Waker::Task(spot) => ("task", Some(spot)),
        Waker::Spawn(spot) => ("spawn", spot),
        Waker::Cancel(spot) => ("cancel", spot),
        Waker::Else(WokenBy::Timer) => ("timer", None),
        Waker::Else(WokenBy::Descriptor) => ("descriptor", None),
        Waker::Else(WokenBy::Thread) => ("thread", None),
        Waker::Else(WokenBy::Group) => ("group", None),
        Waker::Else(WokenBy::Host) => ("host", None),
        Waker::Else(_) => ("other", None),
    };
    object.text("by", kind).maybe("by_task", task.map(|spot| spot.task.0))
}

fn waits_for(object: Object, wait: Wait) -> Object {
    match wait {
        Wait::Task(spot) => object.text("for", "task").raw("other", spot.task.0),
        Wait::Group(group) => object.text("for", "group").raw("group", id(group)),
        Wait::Admission(group) => object.text("for", "admission").raw("group", id(group)),
        Wait::Else(wait) => raw_wait(object, wait),
    }
}

/// The same with the numbers of the runtime, where it has any.
pub(crate) fn raw_wait(object: Object, wait: WaitsFor) -> Object {
    let kind = |kind| object.text("for", kind);
    match wait {
        WaitsFor::FirstPoll => kind("first_poll"),
        WaitsFor::Place => kind("place"),
        WaitsFor::Timer(until) => kind("timer").maybe("until", until.map(|until| until.as_nanos())),
        WaitsFor::Readable(fd) => kind("readable").raw("descriptor", fd),
        WaitsFor::Writable(fd) => kind("writable").raw("descriptor", fd),
        WaitsFor::Task(task) => kind("task").raw("other", task),
        WaitsFor::Group(group) => kind("group").raw("group", group),
        WaitsFor::Admission(group) => kind("admission").raw("group", group),
        WaitsFor::Job => kind("job"),
        WaitsFor::Signal => kind("signal"),
        WaitsFor::Process(number) => kind("process").raw("process", number),
        _ => kind("other"),
    }
}

fn how_ended(object: Object, how: &How) -> Object {
    match how {
        How::Value => object.text("how", "value"),
        How::Failed(Told::Text(error)) => object.text("how", "failed").text("error", error),
        How::Failed(Told::Type(name)) => object.text("how", "failed").text("type", name),
        How::Panicked(error) => object.text("how", "panicked").maybe_text("error", error.as_deref()),
        How::Cancelled { reason, life } => {
            let how = match life {
                Life::NeverStarted => "never_started",
                Life::Ended => "cancelled",
                Life::CutOff => "cut_off",
            };
            object.text("how", how).maybe_text("reason", reason.as_deref())
        }
    }
}
