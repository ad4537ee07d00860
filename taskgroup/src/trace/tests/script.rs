//! Tells a recorder what might have happened in a runtime.

use crate::trace::{Recorder, Trace};
use std::fmt::Display;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;
use taskgroup_runtime::instrument::{Event, HowEnded, Instrument, Part, WaitsFor, WokenBy};

pub(super) struct Script {
    recorder: Rc<Recorder>,
    now: Duration,
    /// A real clock goes on with each event.
    tick: Duration,
}

impl Script {
    pub(super) fn new() -> Self {
        Self::with(Recorder::new())
    }

    pub(super) fn with(recorder: Rc<Recorder>) -> Self {
        Self { recorder, now: Duration::ZERO, tick: Duration::ZERO }
    }

    /// From now on each event takes so long.
    pub(super) fn tick(&mut self, nanos: u64) {
        self.tick = Duration::from_nanos(nanos);
    }

    pub(super) fn trace(&self) -> Trace {
        self.recorder.trace()
    }

    pub(super) fn ms(&mut self, at: u64) {
        self.now = Duration::from_millis(at);
    }

    pub(super) fn s(&mut self, at: u64) {
        self.now = Duration::from_secs(at);
    }

    pub(super) fn tell(&mut self, event: Event<'_>) {
        self.now += self.tick;
        self.recorder.hear(self.now, &event);
    }

    /// The future of `block_on`.
    pub(super) fn root(&mut self, task: u32) {
        self.tell(Event::Spawned { task, group: 0, number: 0, place: None });
    }

    #[track_caller]
    pub(super) fn spawn(&mut self, task: u32, group: u32, number: u32, name: &str) {
        let place = Some(Location::caller());
        self.tell(Event::Spawned { task, group, number, place });
        if !name.is_empty() {
            self.tell(Event::Named { task, name });
        }
        self.tell(Event::Waits { task, wait: WaitsFor::FirstPoll });
    }

    #[track_caller]
    pub(super) fn open(&mut self, group: u32, owner: u32, body: u32) {
        let place = Location::caller();
        self.tell(Event::GroupOpened { group, owner, body, place });
    }

    /// Polls these, each inside the one before; what happens in the innermost is told there.
    pub(super) fn poll(&mut self, path: &[u32], inside: impl FnOnce(&mut Self)) {
        path.iter().for_each(|task| self.tell(Event::PollBegins { task: *task }));
        inside(self);
        path.iter().rev().for_each(|task| self.tell(Event::PollEnds { task: *task }));
    }

    pub(super) fn sleep(&mut self, task: u32, until_ms: u64) {
        let until = Duration::from_millis(until_ms);
        self.tell(Event::Waits { task, wait: WaitsFor::Timer(Some(until)) });
    }

    pub(super) fn wait(&mut self, task: u32, wait: WaitsFor) {
        self.tell(Event::Waits { task, wait });
    }

    pub(super) fn wake(&mut self, task: u32, by: WokenBy) {
        self.tell(Event::Woken { task, by });
    }

    pub(super) fn ask(&mut self, task: u32, part: Part, reason: &str, by: Option<u32>) {
        self.tell(Event::CancelAsked { task: Some(task), part, reason: &reason, by });
        self.wake(task, WokenBy::Cancel(by));
    }

    pub(super) fn see(&mut self, task: u32) {
        self.tell(Event::CancelSeen { task, part: Part::Task });
    }

    pub(super) fn enter(&mut self, task: u32, part: Part) {
        self.tell(Event::Entered { task, part });
    }

    pub(super) fn leave(&mut self, task: u32, part: Part) {
        self.tell(Event::Left { task, part });
    }

    pub(super) fn done(&mut self, task: u32) {
        self.tell(Event::Ended { task, how: HowEnded::Value });
    }

    pub(super) fn fail(&mut self, task: u32, error: &dyn Display) {
        self.tell(Event::Ended { task, how: HowEnded::Failed { error: Some(error), type_name: "&str" } });
    }

    /// With an error that cannot be told.
    pub(super) fn fail_with(&mut self, task: u32, type_name: &'static str) {
        self.tell(Event::Ended { task, how: HowEnded::Failed { error: None, type_name } });
    }

    pub(super) fn cancelled(&mut self, task: u32, reason: &dyn Display, was_started: bool, was_cut_off: bool) {
        let how = HowEnded::Cancelled { reason: Some(reason), was_started, was_cut_off };
        self.tell(Event::Ended { task, how });
    }

    pub(super) fn closing(&mut self, group: u32, reason: &str) {
        self.tell(Event::GroupClosing { group, reason: &reason });
    }

    pub(super) fn body_ended(&mut self, group: u32) {
        self.tell(Event::BodyEnded { group });
    }

    pub(super) fn close(&mut self, group: u32, errors: usize) {
        self.tell(Event::GroupEnded { group, errors });
    }
}
