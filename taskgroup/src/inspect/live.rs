//! What happens, as lines for somebody who reads them as fast as they can.
//!
//! Before: `trace/translate.rs`, `trace/json_lines.rs`; `inspect/connection.rs`, which sends them. After: nothing.

use crate::trace::{Object, Translator, line, text_of};
use std::borrow::Cow;
use std::cell::RefCell;
use std::future::poll_fn;
use std::mem;
use std::task::{Poll, Waker};
use std::time::Duration;
use taskgroup_runtime::instrument::{Event, Instrument};
use taskgroup_runtime::{GroupNode, TaskNode, TaskTree};

/// How many bytes may wait for a slow reader.
const ROOM: usize = 1 << 20;

/// Lines that wait to be sent.
pub(super) struct Live(RefCell<Queue>);

#[derive(Default)]
struct Queue {
    translator: Translator,
    lines: String,
    left_out: Option<LeftOut>,
    /// Who sends.
    sender: Option<Waker>,
}

/// Events that found no room.
struct LeftOut {
    events: u64,
    first: Duration,
    last: Duration,
}

impl Live {
    /// Begins with what lives.
    pub(super) fn new(tree: &TaskTree) -> Self {
        let live = Self(RefCell::default());
        for task in tree.tasks() {
            live.introduce(task, tree.at());
        }
        live
    }

    /// Says of a task what an instrument would have heard, had it been there.
    fn introduce(&self, node: TaskNode<'_>, at: Duration) {
        let (task, number) = (node.number(), node.ordinal());
        let group = node.group().map_or(0, GroupNode::number);
        self.say(at, &Event::Spawned { task, group, number, place: node.place() });
        if let Cow::Borrowed(name) = node.name()
            && !node.is_main()
        {
            self.say(at, &Event::Named { task, name });
        }
        let mut open: Vec<_> = node.groups().map(|group| (task, group)).collect();
        while let Some((owner, node)) = open.pop() {
            let (Some(place), Some(body)) = (node.place(), node.body()) else { continue };
            let group = node.number();
            self.say(at, &Event::GroupOpened { group, owner, body, place });
            open.extend(node.groups().map(|group| (body, group)));
        }
    }

    /// Waits for something to send, and takes it.
    pub(super) async fn next(&self) -> String {
        poll_fn(|cx| {
            let queue = &mut *self.0.borrow_mut();
            if queue.lines.is_empty() && queue.left_out.is_none() {
                let before = queue.sender.replace(cx.waker().clone());
                debug_assert!(before.is_none_or(|before| before.will_wake(cx.waker())), "one task sends");
                return Poll::Pending;
            }
            queue.sender = None;
            let mut lines = mem::take(&mut queue.lines);
            if let Some(LeftOut { events, first, last }) = queue.left_out.take() {
                let (at, until) = (first.as_nanos(), last.as_nanos());
                let mark = Object::new().raw("at", at).text("event", "left_out").raw("events", events);
                lines.push_str(&mark.raw("until", until).end());
                lines.push('\n');
            }
            Poll::Ready(lines)
        })
        .await
    }

    /// Gives who is to be woken.
    fn say(&self, at: Duration, event: &Event<'_>) -> Option<Waker> {
        let text = text_of(event);
        let queue = &mut *self.0.borrow_mut();
        // Also of what finds no room: who is who must stay right.
        let record = queue.translator.record(at, event, text)?;
        if queue.lines.len() > ROOM || queue.left_out.is_some() {
            let left_out = queue.left_out.get_or_insert(LeftOut { events: 0, first: at, last: at });
            left_out.events += 1;
            left_out.last = at;
        } else {
            queue.lines.push_str(&line(&record));
            queue.lines.push('\n');
        }
        queue.sender.take()
    }
}

impl Instrument for Live {
    fn hear(&self, at: Duration, event: &Event<'_>) {
        // To send is a turn of the loop, and its phases would be sent in the next, for ever.
        if !matches!(event, Event::Phase(_))
            && let Some(sender) = self.say(at, event)
        {
            sender.wake(); // of a task in the background, whose wakes are not told
        }
    }
}
