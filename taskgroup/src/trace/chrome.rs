//! [`Chrome`]: a run for Perfetto and other viewers of Chrome's traces.
//!
//! Before: `json_lines.rs`. After: `file.rs`.
//!
//! Source: "Trace Event Format", the public description of the format by its authors. Polls and waits are slices of
//! their task's track (`B`, `E`), groups and regions are asynchronous slices (`b`, `e`), wakes are flows (`s`, `f`, both
//! inside polls), cancels and failures are instants (`i`). Times are microseconds, to the nanosecond.

use super::json::{Object, Quoted};
use super::lanes::{self, Node, Row};
use super::model::{Model, RegionKind, Span, Task, When, Work};
use super::record::{How, What};
use super::words;
use std::fmt::{self, Display, Formatter};
use taskgroup_runtime::instrument::Phase;

/// A run as a JSON object with a list `traceEvents`, by `Display`: made by [`Trace::chrome`](super::Trace::chrome).
#[must_use = "it is to be printed"]
#[derive(Clone, Debug)]
pub struct Chrome<'a> {
    trace: &'a super::Trace,
    title: String,
}

impl<'a> Chrome<'a> {
    pub(super) fn new(trace: &'a super::Trace) -> Self {
        Self { trace, title: "tasks".into() }
    }

    /// What the process is called whose tracks are the tasks: `tasks` unless told otherwise.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }
}

/// The tasks are one process, the loop is another.
const TASKS: u32 = 1;
const LOOP: u32 = 2;

/// What stands at one record stands in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    WaitEnds,
    PollEnds,
    PollBegins,
    FlowEnds,
    Mark,
    WaitBegins,
    /// Of what has no length.
    EndsAtOnce,
}

impl Display for Chrome<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let model = &self.trace.model();
        let mut events = Events { list: Vec::new() };
        for task in &model.tasks {
            events.add_task(model, task);
        }
        events.add_groups(model);
        events.add_wakes(model);
        self.add_phases(&mut events);
        if let (Some(left_out), Some(words)) = (model.left_out, model.left_out_in_words()) {
            let event = Object::new().text("name", &words).text("ph", "i").text("s", "g");
            events.add(left_out.span.from, Rank::Mark, TASKS, 0, event);
        }
        events.list.sort_by_key(|(record, rank, _)| (*record, *rank)); // stable
        f.write_str("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")?;
        let names = names(model, &self.title);
        let lines = names.iter().chain(events.list.iter().map(|(.., line)| line));
        for (n, line) in lines.enumerate() {
            write!(f, "{}\n{line}", if n > 0 { "," } else { "" })?;
        }
        f.write_str("\n]}\n")
    }
}

impl Chrome<'_> {
    fn add_phases(&self, events: &mut Events) {
        let mut is_open = false;
        let mut last = None;
        for (number, record) in self.trace.records().iter().enumerate() {
            let when = When { at: record.at, record: number as u32 };
            last = Some(when);
            let mut event = Object::new();
            let name = match record.what {
                What::Phase(Phase::Wait(most)) => {
                    let most = most.map(|most| words::time(u64::try_from(most.as_nanos()).unwrap_or(u64::MAX)));
                    let most = most.as_deref().unwrap_or("until something happens");
                    event = event.raw("args", Object::new().text("at most", most).end());
                    "waits"
                }
                What::Phase(Phase::Dispatch) => "dispatches",
                What::Phase(Phase::Expire) => "expires timers",
                What::Phase(Phase::Run) => "runs",
                What::LeftOut { .. } if is_open => "left out",
                _ => continue,
            };
            if is_open {
                events.add(when, Rank::PollEnds, LOOP, 1, Object::new().text("ph", "E"));
            }
            events.add(when, Rank::PollBegins, LOOP, 1, event.text("name", name).text("ph", "B"));
            is_open = true;
        }
        if let (true, Some(when)) = (is_open, last) {
            events.add(when, Rank::EndsAtOnce, LOOP, 1, Object::new().text("ph", "E"));
        }
    }
}

struct Events {
    list: Vec<(u32, Rank, String)>,
}

impl Events {
    fn add(&mut self, when: When, rank: Rank, process: u32, track: u64, event: Object) {
        let (micros, nanos) = (when.at / 1_000, when.at % 1_000);
        let event = event.raw("ts", format_args!("{micros}.{nanos:03}")).raw("pid", process).raw("tid", track);
        self.list.push((when.record, rank, event.end()));
    }

    fn add_slice(&mut self, span: Span, ranks: (Rank, Rank), track: u64, name: &str) {
        let ends = if span.from.record == span.to.record { Rank::EndsAtOnce } else { ranks.1 };
        self.add(span.from, ranks.0, TASKS, track, Object::new().text("name", name).text("ph", "B"));
        self.add(span.to, ends, TASKS, track, Object::new().text("ph", "E"));
    }

    fn add_async(&mut self, span: Span, track: u64, category: &str, id: &str, name: &str, arguments: Object) {
        let event = |phase| Object::new().text("name", name).text("cat", category).text("ph", phase).text("id", id);
        let ends = if span.from.record == span.to.record { Rank::EndsAtOnce } else { Rank::Mark };
        self.add(span.from, Rank::Mark, TASKS, track, event("b").raw("args", arguments.end()));
        self.add(span.to, ends, TASKS, track, event("e"));
    }

    fn add_mark(&mut self, when: When, track: u64, name: &str, arguments: Object) {
        let event = Object::new().text("name", name).text("ph", "i").text("s", "t").raw("args", arguments.end());
        self.add(when, Rank::Mark, TASKS, track, event);
    }

    fn add_task(&mut self, model: &Model, task: &Task) {
        let track = task.id.0.get();
        for poll in &task.polls {
            let name = match (poll.work, poll.spot.body_of) {
                (Work::Own, None) => "runs",
                (Work::Own, Some(_)) => "its body runs",
                (Work::Inner, _) => "polls its group",
            };
            self.add_slice(poll.span, (Rank::PollBegins, Rank::PollEnds), track, name);
        }
        for wait in &task.waits {
            let name = format!("waits for {}", model.waits(&wait.waits));
            self.add_slice(wait.span, (Rank::WaitBegins, Rank::WaitEnds), track, &name);
        }
        for cancel in &task.cancels {
            let arguments = Object::new().text("reason", &cancel.reason).text("part", words::part(cancel.part));
            let by = cancel.by.map(|by| Quoted(&model.name(by)).to_string());
            self.add_mark(cancel.asked, track, "cancel asked", arguments.maybe("by", by));
            if let Some(seen) = cancel.seen {
                self.add_mark(seen, track, "cancel seen", Object::new().text("reason", &cancel.reason));
            }
        }
        for (n, region) in task.regions.iter().enumerate() {
            let name = match region.kind {
                RegionKind::Scope => "scope",
                RegionKind::Guarded => "has a cleanup",
                RegionKind::Shield => "shield",
                RegionKind::Cleanup => "cleanup",
            };
            let id = format!("task {track}, region {n}");
            self.add_async(region.span, track, "region", &id, name, Object::new());
        }
        if let Some(end) = &task.end {
            match &end.how {
                How::Value => {}
                How::Failed(_) | How::Panicked(_) | How::Cancelled { .. } => {
                    let name = model.ending(model.task_of[&task.id]);
                    self.add_mark(end.when, track, &name, Object::new());
                }
            }
        }
    }

    fn add_groups(&mut self, model: &Model) {
        for group in &model.groups {
            let owner = group.owner.map_or(0, |owner| model.tasks[owner].id.0.get());
            let to = group.end.unwrap_or(model.end());
            let name = match group.place {
                Some(place) => format!("group at {}", words::place(place)),
                None => "group".into(),
            };
            let id = format!("group {}", group.id.0);
            let arguments = Object::new().raw("tasks", group.members.len()).raw("errors", group.errors);
            self.add_async(Span { from: group.begin, to }, owner, "group", &id, &name, arguments);
            if let Some(from) = group.body_ended {
                let arguments = Object::new();
                self.add_async(Span { from, to }, owner, "join", &id, "waits for its tasks", arguments);
            }
            if let Some((when, reason)) = &group.closing {
                self.add_mark(*when, owner, "group closes", Object::new().text("reason", reason));
            }
        }
    }

    /// Those that go from one poll to another.
    fn add_wakes(&mut self, model: &Model) {
        for (n, wake) in model.wakes.iter().enumerate() {
            let Some(from) = wake.from else { continue };
            let (from, to) = (&model.tasks[from], &model.tasks[wake.to]);
            let record = wake.when.record;
            let begun = from.polls.partition_point(|poll| poll.span.from.record < record);
            // Mostly the last that has begun; or one around it.
            let is_in_poll = from.polls[..begun].iter().rev().take(64).any(|poll| poll.span.to.record > record);
            let next = to.polls.get(to.polls.partition_point(|poll| poll.span.from.record < record));
            if let (true, Some(next)) = (is_in_poll, next) {
                let event =
                    |phase| Object::new().text("name", "wake").text("cat", "wake").text("ph", phase).raw("id", n + 1);
                self.add(wake.when, Rank::Mark, TASKS, from.id.0.get(), event("s"));
                self.add(next.span.from, Rank::FlowEnds, TASKS, to.id.0.get(), event("f").text("bp", "e"));
            }
        }
    }
}

/// What the tracks are called, and their order: that of the tree.
fn names(model: &Model, title: &str) -> Vec<String> {
    let about = |name: &str, process: u32, track: u64, arguments: Object| {
        Object::new()
            .text("name", name)
            .text("ph", "M")
            .raw("pid", process)
            .raw("tid", track)
            .raw("args", arguments.end())
            .end()
    };
    let mut names = vec![
        about("process_name", TASKS, 0, Object::new().text("name", title)),
        about("process_name", LOOP, 0, Object::new().text("name", "event loop")),
        about("thread_name", LOOP, 1, Object::new().text("name", "turns")),
    ];
    let lanes = lanes::lanes(model, usize::MAX);
    let tasks = lanes.iter().filter_map(|lane| match lane.row {
        Row::Node(Node::Task(task)) => Some(task),
        _ => None,
    });
    for (order, task) in tasks.enumerate() {
        let track = model.tasks[task].id.0.get();
        let place = model.tasks[task].place.map(|place| format!(" ({})", words::place(place))).unwrap_or_default();
        let name = format!("{}{place}", model.name(task));
        names.push(about("thread_name", TASKS, track, Object::new().text("name", &name)));
        names.push(about("thread_sort_index", TASKS, track, Object::new().raw("sort_index", order + 1)));
    }
    names
}
