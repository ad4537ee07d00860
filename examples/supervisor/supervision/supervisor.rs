//! The supervisor: its plan, and one run of it from the first start to the last cleanup.
//!
//! Before: `child.rs`, `strategy.rs`, `intensity.rs`, `backoff.rs`. After: `crew.rs`.

use super::crew::{Crew, GaveUp};
use super::{Backoff, BadPlan, Child, Event, Intensity, News, Span, Strategy};
use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskgroup::{ExceptionGroup, Member, now, task_group, with_resource};

/// How a supervisor goes about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) strategy: Strategy,
    pub(crate) intensity: Intensity,
    pub(crate) backoff: Backoff,
    /// How long the cleanups of a child may take when it is stopped. After that, it is dropped with nothing but
    /// destructors, shields included. For a child that is a supervisor, it has to be enough for all of its children.
    pub(crate) grace: Duration,
    /// For the jitter: the same seed, the same delays.
    pub(crate) seed: u64,
}

/// Runs children, and starts them again when they fail.
pub(crate) struct Supervisor<'a, E: 'static> {
    name: Arc<str>,
    pub(super) children: Vec<Child<'a, E>>,
    pub(super) plan: Plan,
    /// Each run takes its own from it: other delays in each, the same in each run of the program.
    random: RefCell<fastrand::Rng>,
}

impl<'a, E: 'static> Supervisor<'a, E> {
    /// # Errors
    ///
    /// No children, or two of one name.
    pub(crate) fn new(name: &str, children: Vec<Child<'a, E>>, plan: Plan) -> Result<Self, BadPlan> {
        if children.is_empty() {
            return Err(BadPlan::NoChildren);
        }
        let mut names = HashSet::new();
        if let Some(child) = children.iter().find(|child| !names.insert(&*child.name)) {
            return Err(BadPlan::SameName(child.name.to_string()));
        }
        let random = RefCell::new(fastrand::Rng::with_seed(plan.seed));
        Ok(Self { name: name.into(), children, plan, random })
    }

    /// Runs the children, from the first to the last, until all have ended for good, or fail too often. `observe` is
    /// told of everything, errors above all: nobody else sees those that a restart has made good.
    ///
    /// Children are started in order, without waiting until one is ready. They are stopped in the reverse order, *one
    /// after another*, so that each can use in its cleanup what was started before it; each may take as long as the
    /// grace. So it is in a round of restarts, at the end, and when the supervisor is cancelled. What ends meanwhile
    /// outside of a round is looked at after it; what ends in it is a part of it.
    ///
    /// Each run begins with no restarts and no delays behind it.
    ///
    /// # Errors
    ///
    /// More restarts than the intensity allows: every error of the last window, in the order of time, and those of the
    /// cleanups that followed. All children have ended then.
    ///
    /// # Panics
    ///
    /// Where a child panics: a panic is no failure to recover from. All others are cancelled, at once, and awaited.
    ///
    /// # Cancel
    ///
    /// A cancellation point. Nobody is started any more, and the children are stopped. *Dropping* it drops all of them.
    pub(crate) async fn run(&self, observe: &dyn Fn(Event<'_, E>)) -> Result<(), ExceptionGroup<E>> {
        let errors = Errors { within: self.plan.intensity.within, errors: RefCell::default() };
        let ended = task_group(async |g| {
            g.grace(self.plan.grace);
            g.supervise(|error| errors.add(error, observe));
            let random = self.random.borrow_mut().fork();
            let crew = Crew::new(self, g, observe, random);
            Ok(with_resource(crew, async |crew| crew.watch().await, async |crew, why| crew.stop_all(&why).await).await)
        });
        match ended.await? {
            Ok(()) => Ok(()),
            Err(GaveUp) => match errors.into_tree() {
                Some(tree) => Err(tree.with_message(self.farewell())),
                None => Ok(()), // cannot be: only failures count as restarts
            },
        }
    }

    fn farewell(&self) -> String {
        let Intensity { at_most, within } = self.plan.intensity;
        let restarts = if at_most == 1 { "restart" } else { "restarts" };
        format!("supervisor {}, after more than {at_most} {restarts} within {}", self.name, Span(within))
    }
}

/// The errors of the last window.
struct Errors<E> {
    within: Duration,
    errors: RefCell<VecDeque<(Instant, Member<E>)>>,
}

impl<E: 'static> Errors<E> {
    fn add(&self, error: Member<E>, observe: &dyn Fn(Event<'_, E>)) {
        let name = error.task().map(|task| task.name().into_owned()).unwrap_or_default();
        observe(Event { child: &name, news: News::Failed(&error) });
        let now = now();
        let mut errors = self.errors.borrow_mut();
        let old = errors.iter().take_while(|(at, _)| now - *at >= self.within).count();
        let gone: Vec<_> = errors.drain(..old).collect();
        errors.push_back((now, error));
        drop(errors);
        drop(gone); // they are the user's: not while the cell is borrowed
    }

    fn into_tree(self) -> Option<ExceptionGroup<E>> {
        ExceptionGroup::from_members(self.errors.into_inner().into_iter().map(|(_, error)| error))
    }
}
