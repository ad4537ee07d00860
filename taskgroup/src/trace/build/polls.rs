//! Which polls are under way, who runs in them, and what is waited for between them.
//!
//! Before: `build.rs`. After: `turns.rs`.

use super::Builder;
use crate::trace::model::{Poll, Span, Waiting, When, Work};
use crate::trace::record::{GroupId, Spot, Wait};

/// A poll that is under way.
pub(super) struct Frame {
    pub(super) task: usize,
    /// Which of the task's polls.
    poll: usize,
    /// Who is known to have run in it: at first nobody.
    work: Option<Work>,
}

impl Builder {
    pub(super) fn begin_poll(&mut self, when: When, spot: Spot) {
        let task = self.task(spot.task, when);
        match self.stack.last_mut() {
            Some(around) => _ = around.work.get_or_insert(Work::Inner),
            None => self.model.turns.runs.push(Span { from: when, to: when }),
        }
        self.said.remove(&(task, spot.body_of));
        self.under_way[task] += 1;
        let polls = &mut self.model.tasks[task].polls;
        self.stack.push(Frame { task, poll: polls.len(), work: None });
        polls.push(Poll { spot, span: Span { from: when, to: when }, work: Work::Own });
    }

    pub(super) fn end_poll(&mut self, when: When, spot: Spot) {
        let task = self.task(spot.task, when);
        let polls = &self.model.tasks[task].polls;
        let Some(place) = self.stack.iter().rposition(|frame| frame.task == task && polls[frame.poll].spot == spot)
        else {
            return; // it began where something was left out
        };
        let outermost = self.stack[place].poll;
        self.end_frames(when, place);
        if !self.is_polled(task) {
            let polls = &self.model.tasks[task].polls[outermost..];
            if polls.iter().any(|poll| poll.work == Work::Own) {
                let began = polls[0].span.from;
                self.end_wait(task, began);
            }
            self.begin_wait(task, when);
        }
    }

    pub(super) fn end_frames(&mut self, when: When, place: usize) {
        let is_outermost = place == 0 && !self.stack.is_empty();
        for frame in self.stack.drain(place..) {
            self.under_way[frame.task] -= 1;
            let poll = &mut self.model.tasks[frame.task].polls[frame.poll];
            poll.span.to = when;
            poll.work = frame.work.unwrap_or(Work::Own);
        }
        if let (true, Some(run)) = (is_outermost, self.model.turns.runs.last_mut()) {
            run.to = when;
        }
    }

    /// Whoever does that in a poll runs itself, also if it polls others too.
    pub(super) fn works(&mut self, task: Option<usize>) {
        if let Some(frame) = self.stack.last_mut()
            && Some(frame.task) == task
        {
            frame.work = Some(Work::Own);
        }
    }

    pub(super) fn is_polled(&self, task: usize) -> bool {
        self.under_way[task] > 0
    }

    /// In the body of which group that task is being polled.
    pub(super) fn body_of(&self, task: usize) -> Option<GroupId> {
        let frame = self.stack.iter().rfind(|frame| frame.task == task)?;
        self.model.tasks[task].polls[frame.poll].spot.body_of
    }

    /// From here on a task waits for all that it has said; if it is the same as before, it goes on.
    pub(super) fn begin_wait(&mut self, task: usize, when: When) {
        let waits: Vec<Wait> =
            self.said.range((task, None)..(task + 1, None)).flat_map(|said| said.1).copied().collect();
        let list = &mut self.model.tasks[task].waits;
        if let Some(place) = self.waiting.get(&task) {
            if list[*place].waits == waits {
                return;
            }
            list[*place].span.to = when;
            self.waiting.remove(&task);
        }
        if !waits.is_empty() {
            self.waiting.insert(task, list.len());
            list.push(Waiting { span: Span { from: when, to: when }, waits });
        }
    }

    pub(super) fn end_wait(&mut self, task: usize, when: When) {
        if let Some(place) = self.waiting.remove(&task) {
            self.model.tasks[task].waits[place].span.to = when;
        }
    }
}
