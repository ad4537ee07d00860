//! What is shown, line by line: the tree of tasks, and what changed since the answer before.
//!
//! Knows no terminal: `screen.rs` draws it.

use crate::client::{Snapshot, State, Task};
use crate::keys::Key;
use std::collections::HashMap;
use std::time::Duration;

/// What is known, and which part of it is looked at.
#[derive(Default)]
pub(crate) struct View {
    now: Option<Snapshot>,
    before: Option<Snapshot>,
    /// The first line that is shown.
    top: usize,
    /// How many lines there was room for when it was drawn last.
    room: usize,
    is_held: bool,
}

/// A line of the tree.
#[derive(Debug, PartialEq)]
pub(crate) struct Line {
    /// The branches that lead to it.
    pub(crate) branches: String,
    pub(crate) name: String,
    pub(crate) mood: Mood,
    /// A second.
    pub(crate) polls: Option<f64>,
    /// The part of the time that it was being polled, from 0 to 1.
    pub(crate) busy: Option<f64>,
    /// Since its last poll.
    pub(crate) idle: Option<Duration>,
    pub(crate) words: String,
    pub(crate) place: String,
}

/// How a line is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Group,
    Waits,
    Runs,
    NotStarted,
    Cancelled,
}

/// What is said above the tree.
#[derive(Debug, PartialEq)]
pub(crate) struct Head {
    pub(crate) who: String,
    pub(crate) what: String,
    pub(crate) how: Option<String>,
}

impl View {
    pub(crate) fn see(&mut self, snapshot: Snapshot) {
        if !self.is_held {
            self.before = self.now.replace(snapshot);
        }
    }

    pub(crate) fn press(&mut self, key: Key) {
        let (page, last) = (self.room.max(1), self.count().saturating_sub(self.room));
        self.top = match key {
            Key::Up => self.top.saturating_sub(1),
            Key::Down => self.top + 1,
            Key::PageUp => self.top.saturating_sub(page),
            Key::PageDown => self.top + page,
            Key::Home => 0,
            Key::End => last,
            Key::Hold => {
                self.is_held = !self.is_held;
                self.top
            }
            Key::Resized | Key::Quit => self.top,
        }
        .min(last);
    }

    pub(crate) fn is_held(&self) -> bool {
        self.is_held
    }

    fn count(&self) -> usize {
        self.now.as_ref().map_or(0, |now| now.tasks.len() + now.groups.len() + usize::from(now.left_out > 0))
    }

    /// The lines that are looked at, where there is room for so many. And which of how many the first one is.
    pub(crate) fn window(&mut self, room: usize) -> (Vec<Line>, usize, usize) {
        let lines = self.lines();
        self.room = room;
        self.top = self.top.min(lines.len().saturating_sub(room));
        let count = lines.len();
        (lines.into_iter().skip(self.top).take(room).collect(), self.top, count)
    }

    pub(crate) fn head(&self) -> Option<Head> {
        let now = self.now.as_ref()?;
        let count = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
        let who = format!("{}, process {}, up {}", clean(&now.program), now.pid, short(Duration::from_nanos(now.at)));
        let what = format!(
            "{} in {}, {}, {}",
            count(now.tasks.len().saturating_add(now.left_out), "task"),
            count(now.groups.len(), "group"),
            count(now.timers, "timer"),
            count(now.sockets, "socket"),
        );
        let how = self.since_before().map(|(before, seconds)| {
            let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
            let (own, other) = (&now.of_loop, &before.of_loop);
            let busy = 1.0 - rate(own.asleep, other.asleep) / 1e9;
            format!(
                "the loop: {} busy, {} turns, {} polls, {} wakes a second",
                percent(busy),
                number(rate(own.turns, other.turns)),
                number(rate(own.polls, other.polls)),
                number(rate(own.wakes, other.wakes)),
            )
        });
        Some(Head { who, what, how })
    }

    /// The answer before, and how many seconds ago that was.
    fn since_before(&self) -> Option<(&Snapshot, f64)> {
        let (now, before) = (self.now.as_ref()?, self.before.as_ref()?);
        let seconds = now.at.checked_sub(before.at)? as f64 / 1e9;
        (seconds > 0.0).then_some((before, seconds))
    }

    /// All of them, in the order in which the program draws its tree.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let Some(now) = &self.now else { return Vec::new() };
        let before = self.since_before();
        let earlier: HashMap<_, _> =
            before.iter().flat_map(|(before, _)| &before.tasks).map(|task| (task.task, task)).collect();
        let seconds = before.map_or(1.0, |(_, seconds)| seconds);
        let mut lines = Vec::new();
        for (branches, item) in items(now) {
            lines.push(match item {
                Item::Group(group) => group_line(now, group, branches),
                Item::Task(task) => {
                    let before = earlier.get(&task.task).filter(|before| before.name == task.name);
                    task_line(now, task, before.copied(), seconds, branches)
                }
            });
        }
        if now.left_out > 0 {
            let name = format!("... and {} tasks more", now.left_out);
            lines.push(Line { name, ..Line::empty(Mood::Group) });
        }
        lines
    }
}

impl Line {
    fn empty(mood: Mood) -> Self {
        let text = String::new;
        let (polls, busy, idle) = (None, None, None);
        Self { branches: text(), name: text(), mood, polls, busy, idle, words: text(), place: text() }
    }
}

#[derive(Clone, Copy)]
enum Item<'a> {
    Task(&'a Task),
    /// The place of one in the list.
    Group(usize),
}

/// Tasks and groups with the branches that lead to them, from above. Nothing here recurses: programs nest deep. What hangs
/// somewhere is taken out: an answer in which things hang in each other is odd, and no reason to hang too.
fn items(now: &Snapshot) -> Vec<(String, Item<'_>)> {
    let mut tasks_of: HashMap<u32, Vec<&Task>> = HashMap::new();
    for task in &now.tasks {
        tasks_of.entry(task.group).or_default().push(task);
    }
    let (mut groups_of, mut groups_in) = (HashMap::<_, Vec<usize>>::new(), HashMap::<_, Vec<usize>>::new());
    for (place, group) in now.groups.iter().enumerate() {
        match group.around {
            Some(around) => groups_in.entry(around).or_default().push(place),
            None => groups_of.entry(group.owner).or_default().push(place),
        }
    }
    let roots = tasks_of.remove(&0).into_iter().flatten().map(Item::Task);
    let adrift = groups_of.remove(&None).into_iter().flatten().map(Item::Group);
    let mut waiting: Vec<_> = roots.chain(adrift).map(|item| (String::new(), String::new(), item)).collect();
    waiting.reverse();
    let mut found = Vec::new();
    while let Some((own, below, item)) = waiting.pop() {
        let inside: Vec<_> = match item {
            Item::Task(task) => groups_of.remove(&Some(task.task)).into_iter().flatten().map(Item::Group).collect(),
            Item::Group(place) => {
                let number = now.groups[place].group;
                let inner = groups_in.remove(&number).into_iter().flatten().map(Item::Group);
                inner.chain(tasks_of.remove(&number).into_iter().flatten().map(Item::Task)).collect()
            }
        };
        for (i, inner) in inside.iter().enumerate().rev() {
            let is_last = i + 1 == inside.len();
            let (branch, space) =
                if is_last { ("\u{2514}\u{2500} ", "   ") } else { ("\u{251c}\u{2500} ", "\u{2502}  ") };
            waiting.push((format!("{below}{branch}"), format!("{below}{space}"), *inner));
        }
        found.push((own, item));
    }
    found
}

fn group_line(now: &Snapshot, place: usize, branches: String) -> Line {
    let group = &now.groups[place];
    let tasks = now.tasks.iter().filter(|task| task.group == group.group).count();
    let words = match &group.closing {
        Some(why) => format!("closing ({})", clean(why)),
        None => format!("{tasks} task{}", if tasks == 1 { "" } else { "s" }),
    };
    let mood = if group.closing.is_some() { Mood::Cancelled } else { Mood::Group };
    let place = clean(group.place.as_deref().unwrap_or_default());
    Line { branches, name: "group".into(), words, place, ..Line::empty(mood) }
}

fn task_line(now: &Snapshot, task: &Task, before: Option<&Task>, seconds: f64, branches: String) -> Line {
    let mood = match task.state {
        _ if task.reason.is_some() => Mood::Cancelled,
        State::NotStarted => Mood::NotStarted,
        State::Queued | State::Polled => Mood::Runs,
        State::Waiting | State::Other => Mood::Waits,
    };
    // Of a task that was not polled before there were no figures. Fewer than before: another one has its number.
    let since = |now: Option<u64>, before: Option<u64>| Some(now?.checked_sub(before.unwrap_or(0))? as f64 / seconds);
    let rate = |figure: fn(&Task) -> Option<u64>| before.and_then(|before| since(figure(task), figure(before)));
    Line {
        branches,
        name: clean(&task.name),
        mood,
        polls: rate(|task| task.polls),
        busy: rate(|task| task.busy).map(|busy| busy / 1e9),
        idle: task.polled_at.map(|at| Duration::from_nanos(now.at.saturating_sub(at))),
        words: clean(&task.words),
        place: clean(task.place.as_deref().unwrap_or_default()),
    }
}

/// What another program says, without what a terminal would act on.
fn clean(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { '\u{b7}' } else { char }).collect()
}

/// A time in four characters or so.
pub(crate) fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if time.as_millis() == 0 => format!("{} \u{b5}s", time.as_micros()),
        0 => format!("{} ms", time.as_millis()),
        1..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

pub(crate) fn percent(part: f64) -> String {
    match part.clamp(0.0, 1.0) * 100.0 {
        n if n >= 9.95 => format!("{n:.0} %"),
        n if n >= 0.05 => format!("{n:.1} %"),
        _ => "0 %".into(),
    }
}

pub(crate) fn number(n: f64) -> String {
    match n {
        n if n >= 9_999_500.0 => format!("{:.0} M", n / 1e6),
        n if n >= 9999.5 => format!("{:.0} k", n / 1e3),
        n if n >= 9.95 || n == 0.0 => format!("{n:.0}"),
        n => format!("{n:.1}"),
    }
}
