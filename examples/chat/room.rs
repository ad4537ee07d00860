//! Who is here, and what they are told.
//!
//! Before: nothing. After: `talk.rs`.
//!
//! **Danger.** Who does not read would fill the memory, if what is said were kept for as long as it takes; or hold up all
//! others, if they waited. **Remedy.** An outbox has room for [`OUTBOX`] lines. Who has no room for one more is dropped on
//! the spot, and all are told.

use async_channel::{Receiver, Sender, bounded};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use taskgroup::CancelScope;

/// So many lines may wait for one who does not read, besides what the system has taken.
pub(crate) const OUTBOX: usize = 64;

/// The longest name, in characters.
pub(crate) const LONGEST_NAME: usize = 20;

const SLOW: &str = "does not read what is said";

pub(crate) type Outbox = Sender<Rc<str>>;

/// An outbox and its other end.
pub(crate) fn outbox() -> (Outbox, Receiver<Rc<str>>) {
    bounded(OUTBOX)
}

pub(crate) struct Room {
    people: BTreeMap<u64, Person>,
    came: u64,
    /// Hears who comes and goes, and why.
    log: fn(&str),
}

struct Person {
    name: String,
    outbox: Outbox,
    /// Around the connection.
    scope: CancelScope,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadName {
    #[error("a name has 1 to {LONGEST_NAME} letters, digits, - and _")]
    Form,
    #[error("the name {0} is taken")]
    Taken(String),
}

impl Room {
    pub(crate) fn new(log: fn(&str)) -> Self {
        Self { people: BTreeMap::new(), came: 0, log }
    }

    fn check(&self, name: &str) -> Result<(), BadName> {
        let count = name.chars().count();
        if !(1..=LONGEST_NAME).contains(&count) || !name.chars().all(|c| c.is_alphanumeric() || "-_".contains(c)) {
            return Err(BadName::Form);
        }
        let is_same = |person: &Person| person.name.to_lowercase() == name.to_lowercase();
        if self.people.values().any(is_same) { Err(BadName::Taken(name.to_owned())) } else { Ok(()) }
    }

    pub(crate) fn names(&self) -> String {
        let names: Vec<_> = self.people.values().map(|person| &*person.name).collect();
        names.join(", ")
    }

    /// Tells all but one, and the log.
    fn notice(&mut self, text: &str, except: Option<u64>) {
        (self.log)(text);
        self.say(&format!("* {text}"), except);
    }

    /// Tells all but one. Who has no room for it is dropped, and then all others are told that.
    fn say(&mut self, text: &str, except: Option<u64>) {
        let mut texts: VecDeque<(Rc<str>, Option<u64>)> = [(text.into(), except)].into();
        while let Some((text, except)) = texts.pop_front() {
            let is_slow = |(id, person): (&u64, &Person)| {
                let is_told = Some(*id) == except || person.outbox.try_send(text.clone()).is_ok();
                (!is_told).then_some(*id)
            };
            let slow: Vec<_> = self.people.iter().filter_map(is_slow).collect();
            for id in slow {
                if let Some(Person { name, scope, .. }) = self.people.remove(&id) {
                    scope.cancel(SLOW);
                    let notice = format!("{name} was dropped: {SLOW}");
                    (self.log)(&notice);
                    texts.push_back((format!("* {notice}").into(), None));
                }
            }
        }
    }
}

/// A place in a room, until it is dropped.
pub(crate) struct Seat<'a> {
    room: &'a RefCell<Room>,
    id: u64,
}

impl<'a> Seat<'a> {
    /// Takes one, and tells all others.
    ///
    /// # Errors
    ///
    /// If this is no name, or that of somebody else.
    pub(crate) fn take(
        room: &'a RefCell<Room>,
        name: &str,
        outbox: &Outbox,
        scope: &CancelScope,
    ) -> Result<Self, BadName> {
        let mut here = room.borrow_mut();
        here.check(name)?;
        let id = here.came;
        here.came += 1;
        here.notice(&format!("{name} is here"), None);
        here.people.insert(id, Person { name: name.to_owned(), outbox: outbox.clone(), scope: scope.clone() });
        Ok(Self { room, id })
    }

    /// `None`: dropped.
    pub(crate) fn name(&self) -> Option<String> {
        self.room.borrow().people.get(&self.id).map(|person| person.name.clone())
    }

    /// Changes the name, and tells all.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    pub(crate) fn rename(&self, name: &str) -> Result<(), BadName> {
        let mut room = self.room.borrow_mut();
        room.check(name)?;
        if let Some(person) = room.people.get_mut(&self.id) {
            let before = std::mem::replace(&mut person.name, name.to_owned());
            room.notice(&format!("{before} is now {name}"), None);
        }
        Ok(())
    }

    /// Says something to all others.
    pub(crate) fn say(&self, text: &str) {
        if let Some(name) = self.name() {
            self.room.borrow_mut().say(&format!("<{name}> {text}"), Some(self.id));
        }
    }

    /// Gives the place up, and tells all others why.
    pub(crate) fn leave(self, why: Option<&str>) {
        let Some(name) = self.name() else { return }; // dropped, which was told
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        self.room.borrow_mut().notice(&format!("{name} has left{why}"), Some(self.id));
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let person = self.room.borrow_mut().people.remove(&self.id);
        drop(person); // after the borrow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Guest<'a> {
        seat: Seat<'a>,
        heard: Receiver<Rc<str>>,
        scope: CancelScope,
    }

    impl<'a> Guest<'a> {
        fn new(room: &'a RefCell<Room>, name: &str) -> Self {
            let ((outbox, heard), scope) = (outbox(), CancelScope::new());
            Self { seat: Seat::take(room, name, &outbox, &scope).expect("a good name"), heard, scope }
        }

        fn heard(&self) -> Vec<String> {
            std::iter::from_fn(|| self.heard.try_recv().ok()).map(|line| line.to_string()).collect()
        }
    }

    #[test]
    fn all_others_hear_what_is_said_and_who_comes_and_goes() {
        let room = RefCell::new(Room::new(|_| {}));
        let (ada, bob) = (Guest::new(&room, "ada"), Guest::new(&room, "bob"));
        bob.seat.say("hello");
        assert_eq!(bob.seat.rename("rob"), Ok(()));
        assert_eq!(room.borrow().names(), "ada, rob");
        bob.seat.leave(Some("tired"));
        assert_eq!(ada.heard(), ["* bob is here", "<bob> hello", "* bob is now rob", "* rob has left: tired"]);
        assert_eq!(bob.heard.try_recv().ok().as_deref(), Some("* bob is now rob"));
        assert_eq!(room.borrow().names(), "ada");
    }

    #[test]
    fn names_are_of_one_form_and_belong_to_one() {
        let room = RefCell::new(Room::new(|_| {}));
        let ada = Guest::new(&room, "ada");
        let try_name = |name: &str| Seat::take(&room, name, &outbox().0, &CancelScope::new()).err();
        assert_eq!(try_name("ADA"), Some(BadName::Taken("ADA".into())));
        for name in ["", "a b", "<a>", &"x".repeat(21)] {
            assert_eq!(try_name(name), Some(BadName::Form), "{name:?}");
        }
        assert_eq!(try_name(&"\u{e4}".repeat(20)), None);
        drop(ada);
        assert_eq!(try_name("ada"), None);
    }

    #[test]
    fn who_has_no_room_for_a_line_is_dropped_and_the_others_hear_of_it() {
        let room = RefCell::new(Room::new(|_| {}));
        let (ada, bob, eve) = (Guest::new(&room, "ada"), Guest::new(&room, "bob"), Guest::new(&room, "eve"));
        let mut bob_heard = Vec::new();
        for _ in 0..=OUTBOX {
            ada.seat.say("hello");
            bob_heard.extend(bob.heard());
        }
        assert_eq!(eve.scope.reason().map(|reason| reason.to_string()).as_deref(), Some(SLOW));
        assert_eq!(eve.seat.name(), None);
        assert_eq!(eve.heard.len(), OUTBOX);
        let dropped = format!("* eve was dropped: {SLOW}");
        assert_eq!(ada.heard().last(), Some(&dropped));
        assert_eq!(bob_heard.last(), Some(&dropped));
        ada.seat.say("still here");
        assert_eq!(bob.heard(), ["<ada> still here"]);
        assert_eq!(bob.scope.reason(), None);
    }
}
