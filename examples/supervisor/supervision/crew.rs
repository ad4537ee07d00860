//! The children of one run, and what is done about their ends.
//!
//! Before: `supervisor.rs`. After: nothing.
//!
//! **Facts.** A child that waits for its restart is a task already: the delay is its first sleep. So a cancel ends the
//! wait as it ends the work, a child of a round that others end again starts its wait anew, and no list of timers is
//! kept. **Danger.** Asking several children to end and then waiting for all of them would take from a cleanup what it
//! needs of those that were started before. **Remedy.** One is stopped after another, last started first; also when the
//! whole supervisor is cancelled, since [`Crew::stop_all`] is the cleanup of the group's body, and a body ends before
//! the group asks its children. **Cost.** To stop is as slow as the cleanups of all together.

use super::child::{Start, Work};
use super::intensity::Window;
use super::strategy::Round;
use super::{Child, Event, News, Supervisor};
use std::time::{Duration, Instant};
use taskgroup::{JoinError, JoinErrorKind, Reason, Task, TaskGroup, Why, as_completed, now, sleep};

/// There were too many restarts.
pub(super) struct GaveUp;

pub(super) struct Crew<'scope, 'env, E: 'static> {
    supervisor: &'env Supervisor<'env, E>,
    group: &'scope TaskGroup<'scope, 'env, E>,
    observe: &'env dyn Fn(Event<'_, E>),
    /// One for each child, in the order of starting.
    posts: Vec<Post>,
    window: Window,
    random: fastrand::Rng,
}

/// What is known of a child.
#[derive(Default)]
struct Post {
    /// `None`: it has ended, and the end was looked at.
    task: Option<Task<()>>,
    /// It was asked to end. (A cancelled round leaves it so.)
    was_asked: bool,
    /// When its work began or will begin. `None`: beyond what a clock can say.
    begins: Option<Instant>,
    /// Ends in a row, without a healthy spell before them.
    ends: u32,
}

impl<'scope, 'env, E: 'static> Crew<'scope, 'env, E> {
    pub(super) fn new(
        supervisor: &'env Supervisor<'env, E>,
        group: &'scope TaskGroup<'scope, 'env, E>,
        observe: &'env dyn Fn(Event<'_, E>),
        random: fastrand::Rng,
    ) -> Self {
        let posts = supervisor.children.iter().map(|_| Post::default()).collect();
        let window = Window::new(supervisor.plan.intensity);
        Self { supervisor, group, observe, posts, window, random }
    }

    /// Starts the children and looks after them, until none is left.
    pub(super) async fn watch(&mut self) -> Result<(), GaveUp> {
        for number in 0..self.posts.len() {
            self.start(number, Duration::ZERO);
        }
        loop {
            let ends = self.next_ends().await;
            if ends.is_empty() {
                return Ok(());
            }
            let wanting = ends.iter().filter(|(number, end)| self.child(*number).restart.wants(end));
            let ended = wanting.map(|(number, _)| *number).collect();
            let rounds = self.supervisor.plan.strategy.rounds(ended, self.posts.len());
            let failed = |number: &usize| ends.iter().any(|(one, end)| one == number && end.is_err());
            let counting = rounds.iter().filter(|round| round.ended.iter().any(failed)).count();
            let now = now();
            if !(0..counting).all(|_| self.window.admit(now)) {
                return Err(GaveUp);
            }
            for round in rounds {
                self.restart(round, failed).await;
            }
        }
    }

    /// Waits until a child ends, and takes the ends of all that have ended by then, in the order of starting. Empty:
    /// nobody is left.
    async fn next_ends(&mut self) -> Vec<(usize, Result<(), JoinError>)> {
        let live = self.posts.iter_mut().enumerate().filter_map(|(number, post)| Some((number, post.task.as_mut()?)));
        let (numbers, tasks): (Vec<_>, Vec<_>) = live.unzip();
        let Some((place, end)) = as_completed(tasks).next().await else { return Vec::new() };
        let first = numbers[place];
        self.posts[first].task = None;
        let mut ends = vec![(first, end)];
        for (number, post) in self.posts.iter_mut().enumerate() {
            if let Some(end) = post.task.as_ref().and_then(Task::result) {
                post.task = None;
                ends.push((number, end));
            }
        }
        ends.sort_by_key(|(number, _)| *number);
        ends
    }

    /// A round: those of it that run are stopped, last first, and then all are started, first first.
    async fn restart(&mut self, Round { whom, ended }: Round, failed: impl Fn(&usize) -> bool) {
        let delay = ended.iter().map(|number| self.delay(*number)).max().unwrap_or_default();
        let causes: Vec<_> = ended.iter().map(|number| &*self.child(*number).name).collect();
        let how = if ended.iter().any(failed) { "failed" } else { "ended" };
        let reason = Reason::from(format!("{} {how}", causes.join(" and ")));
        let mut again = Vec::new();
        for number in whom.rev() {
            let end = self.stop(number, &reason).await;
            let wants_it = end.is_some_and(|end| self.child(number).restart.wants(&end));
            if wants_it || ended.contains(&number) {
                again.push(number);
            }
        }
        for number in again.into_iter().rev() {
            self.start(number, delay);
        }
    }

    /// How long a child waits that has just ended.
    fn delay(&mut self, number: usize) -> Duration {
        let (post, backoff) = (&mut self.posts[number], &self.supervisor.plan.backoff);
        let ran = post.begins.map_or(Duration::ZERO, |begins| now().saturating_duration_since(begins));
        if backoff.was_healthy(ran) {
            post.ends = 0;
        }
        let delay = backoff.delay(post.ends, &mut self.random);
        post.ends = post.ends.saturating_add(1);
        delay
    }

    fn start(&mut self, number: usize, delay: Duration) {
        let (child, observe) = (self.child(number), self.observe);
        if !delay.is_zero() {
            observe(Event { child: &child.name, news: News::Waits(delay) });
        }
        let task = match &child.work {
            Work::Task(work) => self.group.spawn(run(&child.name, &**work, delay, observe)),
            Work::Group(work) => self.group.spawn_group(run(&child.name, &**work, delay, observe)),
        };
        let post = &mut self.posts[number];
        post.task = Some(task.named(child.name.clone()).placed(child.place));
        post.was_asked = false;
        post.begins = now().checked_add(delay);
    }

    /// Stops a child, and waits until it has ended. `None`: it had, and that was seen.
    async fn stop(&mut self, number: usize, reason: &Reason) -> Option<Result<(), JoinError>> {
        let name = &self.supervisor.children[number].name;
        let post = &mut self.posts[number];
        let task = post.task.as_mut()?;
        if !post.was_asked && task.cancel(reason.clone()) {
            post.was_asked = true;
            (self.observe)(Event { child: name, news: News::Asked(reason) });
        }
        let end = task.await; // it stays at its post until then, since this wait may be cancelled
        post.task = None;
        if let Err(error) = &end
            && error.is_cancelled()
        {
            (self.observe)(Event { child: name, news: News::Stopped(error) });
        }
        Some(end)
    }

    /// The cleanup of the body: nobody is left after it, however the watch ended.
    pub(super) async fn stop_all(mut self, why: &Why) {
        let panicked = |end: Result<(), JoinError>| end.is_err_and(|end| *end.kind() == JoinErrorKind::Panicked);
        if self.posts.iter().filter_map(|post| post.task.as_ref()?.result()).any(panicked) {
            return; // the group has asked all of them at once, and waits for them
        }
        let reason = why.reason().cloned().unwrap_or_else(|| "the supervisor gave up".into());
        for number in (0..self.posts.len()).rev() {
            self.stop(number, &reason).await;
        }
    }

    fn child(&self, number: usize) -> &'env Child<'env, E> {
        &self.supervisor.children[number]
    }
}

/// A child's task: its delay, and its work.
async fn run<E, F>(child: &str, work: &dyn Start<F>, delay: Duration, observe: &dyn Fn(Event<'_, E>)) -> Result<(), F> {
    if !delay.is_zero() {
        sleep(delay).await;
    }
    observe(Event { child, news: News::Started });
    work.start().await?;
    observe(Event { child, news: News::Ended });
    Ok(())
}
