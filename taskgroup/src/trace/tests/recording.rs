//! What a recorder makes of what it hears.

use super::programs;
use super::script::Script;
use crate::trace::build::build;
use crate::trace::model::Work;
use crate::trace::{Recorder, Trace};
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;
use taskgroup_runtime::instrument::{Event, HowEnded, Instrument, Phase, WokenBy};

fn names(trace: &Trace) -> Vec<String> {
    let model = trace.model();
    (0..model.tasks.len()).map(|task| model.name(task)).collect()
}

#[test]
fn a_slot_that_is_used_again_is_another_task() {
    let trace = programs::supervisor();
    assert_eq!(names(&trace), ["root", "worker", "metrics", "audit", "worker", "worker", "worker"]);
    let model = trace.model();
    assert_eq!(model.ending(1), "failed: broken pipe");
    assert_eq!(model.ending(6), "cancelled: interrupted");
}

#[test]
fn a_set_that_is_used_again_is_another_group() {
    let mut script = Script::new();
    script.root(0);
    for name in ["first", "second"] {
        script.poll(&[0], |script| {
            script.open(1, 0, 1);
            script.poll(&[1], |script| script.spawn(2, 1, 1, name));
            script.done(2);
            script.close(1, 0);
        });
    }
    let model = script.trace().model();
    assert_eq!(model.groups.iter().map(|group| group.members.clone()).collect::<Vec<_>>(), [[1], [2]]);
    assert_eq!(model.tasks[0].groups, [0, 1]);
}

#[test]
fn the_body_of_a_group_is_a_part_of_its_owner() {
    let model = programs::timeout().model();
    assert_eq!(model.tasks.len(), 4);
    let root = &model.tasks[0];
    let bodies = root.polls.iter().filter(|poll| poll.spot.body_of.is_some()).count();
    assert_eq!(bodies, 2);
    assert_eq!(model.waits(&root.waits[0].waits), "a timer at 50ms");
    assert_eq!(model.waits(&root.waits[1].waits), "its tasks");
}

#[test]
fn a_group_that_is_opened_in_a_body_is_inside_its_group() {
    let model = programs::names().model();
    assert_eq!(model.groups.iter().map(|group| group.inside).collect::<Vec<_>>(), [None, None, Some(1)]);
    assert!(model.groups.iter().all(|group| group.owner == Some(0)));
}

#[test]
fn an_owner_that_only_polls_its_tasks_does_not_run() {
    let model = programs::success().model();
    let works: Vec<_> = model.tasks[0].polls.iter().map(|poll| poll.work).collect();
    assert_eq!(works, [Work::Own, Work::Own, Work::Inner, Work::Inner, Work::Inner]);
    assert_eq!(model.tasks[0].waits.len(), 1, "it waits all the time");
}

#[test]
fn what_was_left_out_is_marked_and_the_tree_stays_right() {
    let trace = programs::server(200, 400);
    let whole = programs::server(200, 1_000_000);
    assert_eq!(whole.left_out(), 0);
    assert_eq!(trace.left_out() + trace.events() as u64, whole.events() as u64);
    let model = trace.model();
    let left_out = model.left_out.expect("it was a long run");
    assert_eq!(left_out.events, trace.left_out());
    assert_eq!(left_out.tasks + model.tasks.len() as u64, whole.model().tasks.len() as u64);
    // The old one was there before, the last ones came after; all are in the group, with their numbers and places.
    assert!(names(&trace).contains(&"old".into()) && names(&trace).contains(&"#201".into()));
    for task in &model.tasks[1..] {
        assert_eq!(task.group, Some(0));
        assert!(task.place.is_some() && task.number > 0);
    }
    // Who ended in the gap has ended.
    let open = model.tasks.iter().filter(|task| task.end.is_none()).count();
    assert_eq!(open, whole.model().tasks.iter().filter(|task| task.end.is_none()).count());
    let words = model.left_out_in_words().expect("something was left out");
    assert!(trace.timeline().to_string().contains(&words));
    assert!(trace.svg().to_string().contains(&words));
    assert!(trace.chrome().to_string().contains(&words));
    assert_eq!(trace.json_lines().to_string().matches("\"event\":\"left_out\"").count(), 1);
}

#[test]
fn a_recorder_keeps_no_more_than_its_limit() {
    for limit in [0, 1, 2, 3, 100] {
        let recorder = Recorder::with_limit(limit);
        for n in 0..1_000 {
            let place = Some(std::panic::Location::caller());
            recorder.hear(Duration::ZERO, &Event::Spawned { task: n % 7, group: 1, number: n, place });
            recorder.hear(Duration::ZERO, &Event::Named { task: n % 7, name: "short" });
            recorder.hear(Duration::ZERO, &Event::Ended { task: n % 7, how: HowEnded::Value });
        }
        let trace = recorder.trace();
        // Besides the limit: the facts of whom the first half speaks of, and of one that is just going.
        assert!(trace.events() <= limit.max(2) + 4, "{} of {limit}", trace.events());
        assert_eq!(trace.events() as u64 + trace.left_out(), 3_000);
    }
}

#[test]
fn a_task_from_before_the_recorder_is_a_root() {
    let mut script = Script::new();
    script.poll(&[4, 9], |_| {});
    script.done(9);
    assert_eq!(names(&script.trace()), ["root", "root 2"]);
}

/// An error that makes something happen while it is printed.
struct Loud(Rc<Recorder>, Cell<u32>);

impl fmt::Display for Loud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.set(self.1.get() + 1);
        self.0.hear(Duration::ZERO, &Event::Named { task: 0, name: "renamed" });
        f.write_str("loud")
    }
}

#[test]
fn an_error_may_do_what_it_likes_while_it_is_printed() {
    let recorder = Recorder::new();
    let error = Loud(recorder.clone(), Cell::new(0));
    recorder.hear(
        Duration::ZERO,
        &Event::Ended { task: 0, how: HowEnded::Failed { error: Some(&error), type_name: "&str" } },
    );
    assert_eq!(error.1.get(), 1, "printed once, while it was there");
    assert_eq!(names(&recorder.trace()), ["renamed"]);
    assert_eq!(recorder.trace().model().ending(0), "failed: loud");
}

#[test]
fn a_message_without_end_is_cut() {
    struct Endless;
    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("\u{20ac}")?;
            }
        }
    }
    let mut script = Script::new();
    script.fail(0, &Endless);
    let ending = script.trace().model().ending(0);
    assert!(ending.ends_with("\u{20ac}\u{2026}") && ending.len() < 5_000);
}

#[test]
fn a_wait_goes_on_until_its_task_runs() {
    let model = programs::failure().model();
    let news = &model.tasks[3];
    let sleeps = &news.waits[1];
    assert_eq!((sleeps.span.from.at, sleeps.span.to.at), (0, 250_000_000));
    assert_eq!(news.cancels[0].seen.map(|seen| seen.at), Some(250_000_000));
    assert!(news.cancels[0].seen.is_some_and(|seen| seen.record > news.cancels[0].asked.record));
}

#[test]
fn a_sleep_of_the_loop_ends_when_it_wakes_and_a_look_is_none() {
    let mut script = Script::new();
    script.poll(&[0], |script| script.sleep(0, 100));
    script.tell(Event::Phase(Phase::Wait(Some(Duration::from_millis(60)))));
    script.ms(50);
    script.tell(Event::Phase(Phase::Dispatch));
    script.ms(80);
    script.tell(Event::Phase(Phase::Wait(Some(Duration::ZERO))));
    script.ms(100);
    script.tell(Event::Phase(Phase::Dispatch));
    script.wake(0, WokenBy::Timer);
    script.poll(&[0], |_| {});
    let model = script.trace().model();
    let [sleep] = model.turns.sleeps[..] else { panic!("{:?}", model.turns) };
    let (begins, ends) = (sleep.span.from.at, sleep.span.to.at);
    assert_eq!((begins, ends, sleep.at_most), (0, 50_000_000, Some(60_000_000)));
    assert_eq!(sleep.span.to.record, model.moments[1].begin.record, "in a picture, where something comes of it");
    assert_eq!(model.turns.runs.len(), 2);
}

#[test]
fn nothing_recorded_is_an_empty_trace() {
    let trace = Recorder::new().trace();
    assert_eq!((trace.events(), trace.left_out()), (0, 0));
    assert_eq!(trace.timeline().to_string(), "nothing was recorded");
    assert!(build(&[]).moments.is_empty());
    assert_eq!(trace.json_lines().to_string(), "");
    roxmltree::Document::parse(&trace.svg().to_string()).expect("a picture of nothing");
}
