//! A watchdog over two mistakes that no type can rule out: a poll that takes long, and a group that is left alone.
//!
//! Before: `instrument.rs`, which it is one of. After: `block_on.rs`, which sets one in debug builds.
//!
//! **Facts.** A task group is polled by its owner and by nobody else, because its tasks may borrow. An owner that holds a
//! group and awaits something else polls that, and not the group:
//!
//! ```text
//! let mut group = pin!(task_group(..));        // its tasks take a lock, one after the other
//! select(&mut group, sleep(second)).await;     // a second is over; one of them holds the lock
//! lock.lock().await;                           // who holds it is woken, and nobody polls it
//! ```
//!
//! **Danger.** Everybody waits, each part looks right, and no tool shows it: the *futurelock* of Oxide's RFD 609. **Remedy.**
//! A group with a woken task, whose owner was polled and did not poll the group, is named at once: at the end of that very
//! poll. **Cost.** A look-up for each wake and two for each poll; so it is there in debug builds, and when asked for.
#![forbid(unsafe_code)]

use crate::instrument::{Event, GroupNumber, Instrument, TaskNumber};
use crate::reporter::{Report, report};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::panic::Location;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Reports polls that take too long, and groups that are left alone while a task in them is woken.
///
/// [`block_on`](crate::block_on) has one in debug builds. A [`Runtime`](crate::Runtime) has one when it is asked for:
///
/// ```
/// use taskgroup_runtime::{Runtime, Watchdog};
///
/// let runtime = Runtime::new();
/// runtime.instrument(Watchdog::new());
/// runtime.block_on(async {});
/// ```
///
/// What it finds goes to the reporter ([`set_reporter`](crate::set_reporter)), a group once. It measures on the system's
/// clock, also where the runtime's is virtual.
pub struct Watchdog {
    limit: Duration,
    watched: RefCell<Watched>,
}

/// How long a poll may take, unless told otherwise: as long as asyncio's debug mode lets a callback take.
const LIMIT: Duration = Duration::from_millis(100);

#[derive(Default)]
struct Watched {
    tasks: BTreeMap<TaskNumber, Who>,
    groups: BTreeMap<GroupNumber, Group>,
    /// The groups that a task has opened, or polled last.
    owned: BTreeMap<TaskNumber, BTreeSet<GroupNumber>>,
    /// Polls that are under way, inner ones last.
    polls: Vec<Poll>,
}

/// A task, or the body of a group.
struct Who {
    group: GroupNumber,
    label: Label,
    /// It was asked to end: from then on, what it leaves alone is dropped, and reported as that.
    is_cancelled: bool,
}

enum Label {
    Body,
    Numbered(u32),
    Named(String),
}

struct Group {
    owner: TaskNumber,
    place: &'static Location<'static>,
    /// Who was woken in it and not polled since.
    woken: BTreeSet<TaskNumber>,
    is_reported: bool,
}

struct Poll {
    task: TaskNumber,
    began: Instant,
    /// What polls inside it have taken of its time.
    inner: Duration,
    /// Groups of this task in which somebody was woken when the poll began, and that were not polled in it. None, once
    /// the task has woken itself: it will go on where it is (as a combinator of many futures does, now and then).
    overdue: BTreeSet<GroupNumber>,
}

/// What the watchdog has found: made under the borrow, told after it.
type Found = Vec<(Kind, String)>;

enum Kind {
    Slow,
    LeftAlone,
}

impl Watchdog {
    /// One that lets a poll take 100 ms.
    #[must_use]
    pub fn new() -> Rc<Self> {
        Self::with_limit(LIMIT)
    }

    /// One that lets a poll take so long. What polls of other tasks inside it take does not count.
    #[must_use]
    pub fn with_limit(limit: Duration) -> Rc<Self> {
        Rc::new(Self { limit, watched: RefCell::default() })
    }
}

impl Instrument for Watchdog {
    fn hear(&self, _: Duration, event: &Event<'_>) {
        let found = self.watched.borrow_mut().watch(event, self.limit, Instant::now());
        for (kind, what) in found {
            match kind {
                Kind::Slow => report(&Report::SlowPoll(&what)),
                Kind::LeftAlone => report(&Report::LeftAlone(&what)),
            }
        }
    }
}

impl Watched {
    fn watch(&mut self, event: &Event<'_>, limit: Duration, now: Instant) -> Found {
        match *event {
            Event::Spawned { task, group, number, .. } => self.add(task, group, Label::Numbered(number)),
            Event::Named { task, name } => {
                if let Some(who) = self.tasks.get_mut(&task) {
                    who.label = Label::Named(name.to_owned());
                }
            }
            Event::GroupOpened { group, owner, body, place } => {
                self.add(body, group, Label::Body);
                let opened = Group { owner, place, woken: BTreeSet::new(), is_reported: false };
                self.groups.insert(group, opened);
                self.owned.entry(owner).or_default().insert(group);
            }
            Event::GroupEnded { group, .. } => self.remove_group(group),
            Event::Ended { task, .. } => {
                self.tasks.remove(&task);
            }
            Event::CancelAsked { task: Some(task), .. } => {
                if let Some(who) = self.tasks.get_mut(&task) {
                    who.is_cancelled = true;
                }
            }
            Event::Woken { task, .. } => self.note_wake(task),
            Event::PollBegins { task } => self.begin(task, now),
            Event::PollEnds { task } => return self.end(task, limit, now),
            _ => {}
        }
        Found::new()
    }

    fn add(&mut self, task: TaskNumber, group: GroupNumber, label: Label) {
        self.tasks.insert(task, Who { group, label, is_cancelled: false });
    }

    fn remove_group(&mut self, group: GroupNumber) {
        if let Some(gone) = self.groups.remove(&group)
            && let Some(owned) = self.owned.get_mut(&gone.owner)
        {
            owned.remove(&group);
            if owned.is_empty() {
                self.owned.remove(&gone.owner);
            }
        }
        for poll in &mut self.polls {
            poll.overdue.remove(&group);
        }
    }

    fn note_wake(&mut self, task: TaskNumber) {
        if let Some(who) = self.tasks.get(&task)
            && let Some(group) = self.groups.get_mut(&who.group)
        {
            group.woken.insert(task);
        }
        for poll in self.polls.iter_mut().filter(|poll| poll.task == task) {
            poll.overdue.clear();
        }
    }

    fn begin(&mut self, task: TaskNumber, now: Instant) {
        self.note_poll_of_group(task);
        let groups = self.owned.get(&task).into_iter().flatten();
        let overdue = groups.copied().filter(|group| !self.groups[group].woken.is_empty()).collect();
        self.polls.push(Poll { task, began: now, inner: Duration::ZERO, overdue });
    }

    /// A member is polled, and so is its group, by whoever is being polled around it.
    fn note_poll_of_group(&mut self, task: TaskNumber) {
        let (Some(who), Some(around)) = (self.tasks.get(&task), self.polls.last_mut()) else { return };
        let number = who.group;
        let Some(group) = self.groups.get_mut(&number) else { return };
        group.woken.remove(&task);
        around.overdue.remove(&number);
        let before = std::mem::replace(&mut group.owner, around.task);
        if before != around.task {
            // it has moved to another task
            self.owned.entry(before).or_default().remove(&number);
            self.owned.entry(around.task).or_default().insert(number);
        }
    }

    fn end(&mut self, task: TaskNumber, limit: Duration, now: Instant) -> Found {
        let mut found = Found::new();
        let Some(place) = self.polls.iter().rposition(|poll| poll.task == task) else { return found };
        self.polls.truncate(place + 1); // one that has panicked may have ended without a word
        let Some(Poll { began, inner, overdue, .. }) = self.polls.pop() else { return found };
        let took = now.saturating_duration_since(began);
        if let Some(around) = self.polls.last_mut() {
            around.inner += took;
        }
        if took.saturating_sub(inner) > limit {
            let text = format!("a poll of {} took {:.1?}", self.path(task), took.saturating_sub(inner));
            found.push((Kind::Slow, text));
        }
        let is_cancelled = self.tasks.get(&task).is_none_or(|who| who.is_cancelled);
        for number in overdue.into_iter().filter(|_| !is_cancelled) {
            found.extend(self.left_alone(task, number).map(|text| (Kind::LeftAlone, text)));
        }
        found
    }

    fn left_alone(&mut self, owner: TaskNumber, number: GroupNumber) -> Option<String> {
        let group = self.groups.get_mut(&number)?;
        if std::mem::replace(&mut group.is_reported, true) {
            return None;
        }
        let (place, woken) = (group.place, group.woken.iter().next().copied()?);
        let mut text = String::new();
        write!(text, "{} is woken, and so is to be polled by its group ", self.path(woken)).ok()?;
        write!(text, "({}:{}); but {} holds that group and ", place.file(), place.line(), self.path(owner)).ok()?;
        text.push_str("awaits something else: await the group, or give it a task of its own");
        Some(text)
    }

    /// A task by its names, from the outermost down; a body by those of its owner.
    fn path(&self, task: TaskNumber) -> String {
        let (mut names, mut next) = (Vec::new(), Some(task));
        while let Some(who) = next.and_then(|task| self.tasks.get(&task)) {
            match &who.label {
                Label::Body => {}
                Label::Numbered(0) => {}
                Label::Numbered(number) => names.push(format!("#{number}")),
                Label::Named(name) => names.push(name.escape_debug().to_string()),
            }
            next = self.groups.get(&who.group).map(|group| group.owner);
        }
        names.reverse();
        match names.is_empty() {
            true => "the root task".to_owned(),
            false => format!("task {}", names.join("/")),
        }
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog").field("limit", &self.limit).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found of polls, with the time at which each begins and ends, in milliseconds.
    fn slow(limit: u64, script: &[(u64, Event<'_>)]) -> Vec<String> {
        let (mut watched, start) = (Watched::default(), Instant::now());
        let limit = Duration::from_millis(limit);
        let found = script.iter().flat_map(|(at, event)| {
            let now = start + Duration::from_millis(*at);
            watched.watch(event, limit, now)
        });
        found.map(|(_, text)| text).collect()
    }

    const ROOT: Event<'static> = Event::Spawned { task: 0, group: 0, number: 0, place: None };
    const CHILD: Event<'static> = Event::Spawned { task: 2, group: 1, number: 7, place: None };

    #[track_caller]
    fn opened() -> Event<'static> {
        Event::GroupOpened { group: 1, owner: 0, body: 1, place: Location::caller() }
    }

    #[test]
    fn a_poll_over_the_limit_is_slow_and_one_at_the_limit_is_not() {
        let (begins, ends) = (Event::PollBegins { task: 0 }, Event::PollEnds { task: 0 });
        assert_eq!(slow(100, &[(0, ROOT), (0, begins), (100, ends)]), [""; 0]);
        assert_eq!(slow(100, &[(0, ROOT), (0, begins), (101, ends)]), ["a poll of the root task took 101.0ms"]);
    }

    #[test]
    fn what_a_task_takes_is_not_counted_to_those_around_it() {
        let script = [
            (0, ROOT),
            (0, opened()),
            (0, CHILD),
            (0, Event::PollBegins { task: 0 }),
            (60, Event::PollBegins { task: 2 }),
            (260, Event::PollEnds { task: 2 }),
            (300, Event::PollEnds { task: 0 }),
        ];
        assert_eq!(slow(100, &script), ["a poll of task #7 took 200.0ms"]);
    }

    #[test]
    fn many_short_polls_in_one_are_not_slow() {
        let mut script = vec![(0, ROOT), (0, opened()), (0, CHILD), (0, Event::PollBegins { task: 0 })];
        for n in 0..9 {
            script.push((n * 90, Event::PollBegins { task: 2 }));
            script.push((n * 90 + 90, Event::PollEnds { task: 2 }));
        }
        script.push((810, Event::PollEnds { task: 0 }));
        assert_eq!(slow(100, &script), [""; 0]);
    }

    #[test]
    fn a_poll_that_never_ends_does_not_confuse_the_next_ones() {
        let script = [
            (0, ROOT),
            (0, opened()),
            (0, CHILD),
            (0, Event::PollBegins { task: 0 }),
            (0, Event::PollBegins { task: 2 }), // unwound
            (150, Event::PollEnds { task: 0 }),
            (200, Event::PollBegins { task: 0 }),
            (250, Event::PollEnds { task: 0 }),
        ];
        assert_eq!(slow(100, &script), ["a poll of the root task took 150.0ms"]);
    }
}
