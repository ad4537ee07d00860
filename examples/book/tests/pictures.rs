//! The pictures of runs: a program of the book on the real runtime, on its virtual clock, drawn by its recorder.

#[allow(clippy::print_stdout, reason = "a program prints")]
#[path = "../programs/breakfast.rs"]
mod breakfast;
#[path = "nursery.rs"]
mod nursery;
#[path = "virtual_time.rs"]
mod virtual_time;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;
use taskgroup::trace::Recorder;
use taskgroup::{Clock, Runtime};
use taskgroup_runtime::{Sleep, spawn as spawn_root};

thread_local! {
    static RECORDER: RefCell<Option<Rc<Recorder>>> = const { RefCell::new(None) };
}

// What the programs call, as the steps have it.

fn now() -> Instant {
    taskgroup_runtime::now()
}

fn sleep_until(deadline: Instant) -> Sleep {
    taskgroup_runtime::sleep_until(deadline)
}

#[track_caller]
fn spawn(future: impl Future<Output = ()> + 'static) {
    drop(spawn_root(future));
}

fn block_on<T>(main: impl Future<Output = T>) -> T {
    record(|runtime| {
        let output = runtime.block_on(main);
        while runtime.turn(None).expect("no descriptor is waited for").live > 0 {}
        output
    })
}

/// Runs something on a runtime in virtual time. The first run of a program is written down.
fn record<T>(run: impl FnOnce(&Runtime<'_>) -> T) -> T {
    let recorder = Recorder::new();
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.instrument(recorder.clone());
    let output = run(&runtime);
    RECORDER.with_borrow_mut(|first| {
        first.get_or_insert(recorder);
    });
    output
}

fn compare(name: &str, title: &str, program: fn()) {
    program();
    let recorder = RECORDER.take().expect("the program has run");
    super::compare(
        &format!("docs/book/pictures/{name}.svg"),
        &recorder.trace().svg().title(title).to_string(),
    );
}

#[test]
fn scenes_of_the_nursery_are_as_drawn() {
    use nursery::scenes;
    compare(
        "one_is_slow",
        "One fails, and the others are slow",
        || block_on(scenes::one_is_slow()),
    );
    compare("body_waits", "One fails while the body waits", || block_on(scenes::body_waits()));
}

#[test]
fn breakfast_is_as_drawn() {
    compare("breakfast", "Three tasks, asleep at the same time", breakfast::breakfast);
}

#[test]
fn three_days_are_as_drawn() {
    compare("three_days", "Three days, in no time", virtual_time::three_days::three_days);
}
