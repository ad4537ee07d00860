//! What the loop does: when it sleeps, and for how long at most.
//!
//! Before: `polls.rs`. After: `words.rs`.

use super::Builder;
use crate::trace::model::{Sleep, Span, When};
use std::mem;
use std::time::Duration;
use taskgroup_runtime::instrument::Phase;

/// How far the loop is with its last sleep.
#[derive(Clone, Copy, Default)]
pub(super) enum LastSleep {
    /// Something has come of it.
    #[default]
    Over,
    UnderWay,
    /// It ended then. On an axis of moments that has no place: what comes of it next has.
    EndedAt(u64),
}

impl Builder {
    pub(super) fn begin_phase(&mut self, when: When, phase: Phase) {
        match phase {
            Phase::Wait(Some(Duration::ZERO)) => {} // only looks
            Phase::Wait(most) => {
                self.end_sleep(when);
                let nanos = most.map(|most| u64::try_from(most.as_nanos()).unwrap_or(u64::MAX));
                let at_most = nanos.map(|nanos| when.at.saturating_add(nanos));
                self.model.turns.sleeps.push(Sleep { span: Span { from: when, to: when }, at_most });
                self.last_sleep = LastSleep::UnderWay;
            }
            Phase::Dispatch => {
                if let LastSleep::UnderWay = self.last_sleep {
                    self.last_sleep = LastSleep::EndedAt(when.at);
                }
            }
            Phase::Run => self.model.turns.count += 1,
            _ => {}
        }
    }

    /// Something happens that has a place in a picture: the last sleep ends there.
    pub(super) fn end_sleep(&mut self, when: When) {
        let to = match mem::take(&mut self.last_sleep) {
            LastSleep::Over => return,
            LastSleep::UnderWay => when,
            LastSleep::EndedAt(at) => When { at, ..when },
        };
        if let Some(sleep) = self.model.turns.sleeps.last_mut() {
            sleep.span.to = to;
        }
    }
}
