//! How often and how long each task is polled, while somebody wants to know.
//!
//! Before: `inspect/connection.rs`. After: `inspect/snapshot.rs`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use taskgroup_runtime::instrument::{Event, Instrument, Phase, TaskNumber};

/// Counts.
pub(super) struct Figures(RefCell<Counts>);

#[derive(Default)]
struct Counts {
    /// When it began, on the runtime's clock; known from the first event on.
    since: Option<Duration>,
    of_loop: LoopFigures,
    tasks: HashMap<TaskNumber, TaskFigures>,
    /// Polls under way, the innermost last: polls nest as groups do.
    polls: Vec<Poll>,
    /// When the loop fell asleep.
    asleep_at: Option<Instant>,
}

/// A poll under way.
struct Poll {
    task: TaskNumber,
    began: Instant,
    /// What the polls inside it took.
    inside: Duration,
}

/// What the loop has done.
#[derive(Clone, Copy, Default)]
pub(super) struct LoopFigures {
    pub(super) turns: u64,
    pub(super) polls: u64,
    pub(super) wakes: u64,
    /// How long it slept, on the real clock.
    pub(super) asleep: Duration,
}

/// What a task has done.
#[derive(Clone, Copy, Default)]
pub(super) struct TaskFigures {
    pub(super) polls: u64,
    /// In its own polls, without those of tasks inside it. On the real clock.
    pub(super) busy: Duration,
    /// When the last poll ended, on the runtime's clock.
    pub(super) polled_at: Duration,
}

impl TaskFigures {
    /// With those of another part of the same task.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            polls: self.polls + other.polls,
            busy: self.busy + other.busy,
            polled_at: self.polled_at.max(other.polled_at),
        }
    }
}

impl Figures {
    pub(super) fn new() -> Self {
        Self(RefCell::default())
    }

    /// When they began to be counted. `None`: nothing has happened yet.
    pub(super) fn since(&self) -> Option<Duration> {
        self.0.borrow().since
    }

    pub(super) fn of_loop(&self) -> LoopFigures {
        self.0.borrow().of_loop
    }

    /// Of a task, or of a group's body. `None`: it was not polled since.
    pub(super) fn of(&self, task: TaskNumber) -> Option<TaskFigures> {
        self.0.borrow().tasks.get(&task).copied()
    }
}

impl Instrument for Figures {
    fn hear(&self, at: Duration, event: &Event<'_>) {
        let counts = &mut *self.0.borrow_mut();
        counts.since.get_or_insert(at);
        match *event {
            Event::Phase(Phase::Wait(_)) => counts.asleep_at = Some(Instant::now()),
            Event::Phase(Phase::Dispatch) => {
                counts.of_loop.asleep += counts.asleep_at.take().map_or(Duration::ZERO, |began| began.elapsed());
            }
            Event::Phase(Phase::Run) => counts.of_loop.turns += 1,
            Event::Woken { .. } => counts.of_loop.wakes += 1,
            Event::PollBegins { task } => {
                counts.polls.push(Poll { task, began: Instant::now(), inside: Duration::ZERO });
            }
            Event::PollEnds { task } => counts.poll_ended(task, at),
            // The number is used again, that of a body too, whose end nobody tells: it is somebody else's from now on.
            Event::Spawned { task, .. } | Event::GroupOpened { body: task, .. } | Event::Ended { task, .. } => {
                counts.tasks.remove(&task);
            }
            _ => {}
        }
    }
}

impl Counts {
    fn poll_ended(&mut self, task: TaskNumber, at: Duration) {
        // Not there: it began before anybody counted.
        let Some(place) = self.polls.iter().rposition(|poll| poll.task == task) else { return };
        let poll = self.polls.swap_remove(place);
        self.polls.truncate(place); // what was inside has ended by a panic
        let took = poll.began.elapsed();
        if let Some(outer) = self.polls.last_mut() {
            outer.inside += took;
        }
        self.of_loop.polls += 1;
        let figures = self.tasks.entry(task).or_default();
        figures.polls += 1;
        figures.busy += took.saturating_sub(poll.inside);
        figures.polled_at = at;
    }
}
