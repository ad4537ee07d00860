//! The slot table, as the task tree sees it.
//!
//! Before: `slots.rs`. After: `task_tree/build.rs`.
#![forbid(unsafe_code)]

use super::{FOREIGN, IN_PERSON, Slots};
use crate::current::NONE;
use crate::ready::Wait;

/// A member of a set.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) slot: u32,
    pub(crate) key: u32,
    pub(crate) set: u32,
    /// Who polls the set: a member of another one, or [`NONE`].
    pub(crate) owner: u32,
    pub(crate) wait: Wait,
    /// It is woken, and not merely to poll a set that it owns.
    pub(crate) is_woken: bool,
}

impl Slots {
    /// Every member, in the order of slots.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let tables = self.0.borrow();
        let members = (0..).zip(&tables.slots).filter(|(_, slot)| slot.set != NONE);
        let seen = members.map(|(id, slot)| {
            let set = &tables.sets[slot.set as usize];
            let owner = match set.owner.get() {
                FOREIGN => set.within.get(),
                owner => owner,
            };
            let in_person = slot.owns.get() >= IN_PERSON || slot.owns.get() == 0;
            let (wait, is_woken) = (Wait::of(slot.wait.get()), slot.is_queued() && in_person);
            Seen { slot: id, key: slot.key, set: slot.set, owner, wait, is_woken }
        });
        seen.collect()
    }
}
