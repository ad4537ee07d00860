//! What happens in a runtime, told as it happens.
//!
//! Before: nothing. After: every place that tells something: `event_loop.rs`, `slots.rs`, `ready.rs`, the waits, and the
//! layer above, which tells of groups and cancels.
//!
//! **Free when nobody listens.** A runtime without an instrument asks one question where it might tell something, and
//! that is a load from memory which it has in hand anyway. With one, each event costs a look at the clock and a call.
//!
//! Names are numbers: a task is its slot, a group its set. Both are used again: a number means what it meant in the last
//! [`Event::Spawned`] or [`Event::GroupOpened`] that named it.
#![forbid(unsafe_code)]

use std::fmt::Display;
use std::panic::Location;
use std::time::Duration;

/// Hears what happens in a runtime. Set with [`Runtime::instrument`](crate::Runtime::instrument).
///
/// It is called in the middle of things, and must neither spawn nor wake nor poll: it should write down and return. A
/// panic of it goes wherever it may.
///
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
/// use std::time::Duration;
/// use taskgroup_runtime::instrument::{Event, Instrument};
/// use taskgroup_runtime::{Runtime, yield_now};
///
/// #[derive(Default)]
/// struct Polls(Cell<u32>);
///
/// impl Instrument for Polls {
///     fn hear(&self, _at: Duration, event: &Event<'_>) {
///         if let Event::PollBegins { .. } = event {
///             self.0.set(self.0.get() + 1);
///         }
///     }
/// }
///
/// let polls = Rc::new(Polls::default());
/// let runtime = Runtime::new();
/// runtime.instrument(polls.clone());
/// runtime.block_on(yield_now());
/// assert_eq!(polls.0.get(), 2);
/// ```
pub trait Instrument {
    /// Something happens, so long after the runtime was made, on its clock.
    fn hear(&self, at: Duration, event: &Event<'_>);
}

/// The number of a task: of a root task, of a task in a group, of a group's body. (Its slot.)
pub type TaskNumber = u32;

/// The number of a group. (Its set; that of the root tasks is 0.)
pub type GroupNumber = u32;

/// Something that happens.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The loop begins a part of its turn.
    Phase(Phase),
    /// A task is there; it was not polled yet. A root task has no place in its group.
    Spawned {
        /// Which.
        task: TaskNumber,
        /// In which group; 0 is that of the root tasks.
        group: GroupNumber,
        /// Which child of the group it is, from 1 on; 0 for a root task.
        number: u32,
        /// Where it was spawned. `None`: it is the future of `block_on`, or a root task that a host handed in.
        place: Option<&'static Location<'static>>,
    },
    /// A task is given a name.
    Named {
        /// Which.
        task: TaskNumber,
        /// Anything, also quotes and line breaks.
        name: &'a str,
    },
    /// A task is woken that was not woken yet.
    Woken {
        /// Which.
        task: TaskNumber,
        /// By whom.
        by: WokenBy,
    },
    /// A poll of a task begins. Those around it are being polled too: polls nest as groups do.
    PollBegins {
        /// Which.
        task: TaskNumber,
    },
    /// The poll of a task ends; the task has ended only if [`Event::Ended`] follows.
    PollEnds {
        /// Which.
        task: TaskNumber,
    },
    /// A task waits for something. It may wait for several things at once; all that it said in its last poll holds, and is
    /// said again in the next. (What comes before the first poll, the wait for a place, is said outside of polls.)
    Waits {
        /// Which.
        task: TaskNumber,
        /// For what.
        wait: WaitsFor,
    },
    /// Somebody asks a task, a scope in a task, or a group's body to end. Acted on in the target's own turn.
    CancelAsked {
        /// The task that is asked, or in which the scope is. `None`: the scope was not polled yet.
        task: Option<TaskNumber>,
        /// What of it.
        part: Part,
        /// Why.
        reason: &'a dyn Display,
        /// Who was being polled, if anybody was.
        by: Option<TaskNumber>,
    },
    /// A task takes notice of a cancel: what was asked to end is dropped now, or its cleanups begin.
    CancelSeen {
        /// Which.
        task: TaskNumber,
        /// What of it: the part that was asked, or one inside it.
        part: Part,
    },
    /// A task enters a region, or a scope.
    Entered {
        /// Which.
        task: TaskNumber,
        /// What.
        part: Part,
    },
    /// A task leaves the innermost of its open regions and scopes of that kind, also by dropping it.
    Left {
        /// Which.
        task: TaskNumber,
        /// What.
        part: Part,
    },
    /// A task has ended, and its future is gone. Its last poll has ended before.
    Ended {
        /// Which.
        task: TaskNumber,
        /// How.
        how: HowEnded<'a>,
    },
    /// A task opens a group.
    GroupOpened {
        /// Which.
        group: GroupNumber,
        /// The task that opens it, and waits for it.
        owner: TaskNumber,
        /// The number under which the group's body is woken and polled: a part of the owner, not a task of its own.
        body: TaskNumber,
        /// Where.
        place: &'static Location<'static>,
    },
    /// A group takes no more tasks, and has asked those that live to end.
    GroupClosing {
        /// Which.
        group: GroupNumber,
        /// Why.
        reason: &'a dyn Display,
    },
    /// A group's body has ended; the group waits for its tasks, if there are any left.
    BodyEnded {
        /// Which.
        group: GroupNumber,
    },
    /// A group is over: nobody is left.
    GroupEnded {
        /// Which.
        group: GroupNumber,
        /// How many errors it gives its owner.
        errors: usize,
    },
}

/// A part of a turn; see `event_loop.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Sleeps, for so long at most (`None`: until something happens). Not told where there is nothing to wait for.
    Wait(Option<Duration>),
    /// Hands on events of descriptors and wakes from other threads.
    Dispatch,
    /// Wakes those whose time has come.
    Expire,
    /// Runs what is ready.
    Run,
}

/// Who woke a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WokenBy {
    /// A task that was being polled (or dropped) when it did.
    Task(TaskNumber),
    /// A timer.
    Timer,
    /// A descriptor.
    Descriptor,
    /// Another thread.
    Thread,
    /// Who spawned it, for its first poll: the task, if it was one.
    Spawn(Option<TaskNumber>),
    /// A cancel, asked by a task, or from outside.
    Cancel(Option<TaskNumber>),
    /// Its own group: a task in it is woken, and it is to poll it.
    Group,
    /// The host of the loop, between turns.
    Host,
}

/// What a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitsFor {
    /// To be polled for the first time.
    FirstPoll,
    /// A place under the limit of its group.
    Place,
    /// A time, since the runtime was made. `None`: never.
    Timer(Option<Duration>),
    /// A descriptor that can be read.
    Readable(i32),
    /// A descriptor that can be written.
    Writable(i32),
    /// A signal of the system.
    Signal,
    /// The end of a child process, of this number.
    Process(u32),
    /// Another task to end.
    Task(TaskNumber),
    /// The tasks of a group that it has opened, whose body is over.
    Group(GroupNumber),
    /// A place under the limit of a group, to spawn into it.
    Admission(GroupNumber),
    /// A blocking job, on another thread.
    Job,
    /// A wait of somebody else's: a channel, a lock.
    Other,
}

/// A part of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// All of it.
    Task,
    /// The body of a group that it has opened.
    Body,
    /// What has a deadline, or a handle by which it is cancelled.
    Scope,
    /// What has a cleanup.
    Guarded,
    /// A running cleanup: entered when what it is for has been left.
    Cleanup,
    /// A shielded part.
    Shield,
}

/// How a task ended.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum HowEnded<'a> {
    /// With a value.
    Value,
    /// With an error.
    Failed {
        /// What it says, if it can be told: no trait is asked of an error, so only those of some types can.
        error: Option<&'a dyn Display>,
        /// The name of its type, as [`std::any::type_name`] has it.
        type_name: &'static str,
    },
    /// With a panic; what it said, if that is text.
    Panicked(Option<&'a dyn Display>),
    /// It was cancelled.
    Cancelled {
        /// Why.
        reason: Option<&'a dyn Display>,
        /// It was polled at least once.
        was_started: bool,
        /// Its grace was over before its cleanups were.
        was_cut_off: bool,
    },
}
