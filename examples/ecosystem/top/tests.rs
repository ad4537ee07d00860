//! What is shown of two answers that were made up by hand.

use crate::client::Snapshot;
use crate::keys::Key;
use crate::screen;
use crate::view::{Mood, View};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// A server whose database has failed: of the second in which that happened.
fn answers() -> [Snapshot; 2] {
    [include_str!("tests/before.json"), include_str!("tests/now.json")]
        .map(|text| serde_json::from_str(text).expect("an answer"))
}

fn view() -> View {
    let mut view = View::default();
    answers().into_iter().for_each(|answer| view.see(answer));
    view
}

fn drawn(view: &mut View, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("in memory");
    terminal.draw(|frame| screen::draw(view, frame)).expect("in memory");
    terminal.backend().to_string()
}

fn assert_golden(text: &str, golden: &str, name: &str) {
    if std::env::var_os("RENEW").is_some() {
        let path = format!("{}/top/tests/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(path, text).expect("the sources can be written");
        return;
    }
    assert_eq!(text, golden, "{text}");
}

#[test]
fn as_text_each_task_has_a_line_with_its_reason() {
    assert_golden(&screen::plain(&view()), include_str!("tests/plain.txt"), "plain.txt");
}

#[test]
fn on_a_wide_screen_there_are_places() {
    assert_golden(&drawn(&mut view(), 120, 16), include_str!("tests/wide.txt"), "wide.txt");
}

#[test]
fn on_a_narrow_screen_there_are_none_and_nothing_breaks() {
    assert_golden(&drawn(&mut view(), 60, 12), include_str!("tests/narrow.txt"), "narrow.txt");
    drawn(&mut view(), 1, 1);
}

#[test]
fn before_the_first_answer_it_says_so() {
    assert!(drawn(&mut View::default(), 40, 8).contains("no answer yet"));
    assert_eq!(screen::plain(&View::default()), "no answer\n");
}

#[test]
fn after_one_answer_there_are_no_rates() {
    let mut view = View::default();
    let [first, _] = answers();
    view.see(first);
    assert_eq!(view.head().and_then(|head| head.how), None);
    assert!(view.lines().iter().all(|line| line.polls.is_none() && line.busy.is_none()));
}

#[test]
fn a_number_that_another_task_has_taken_over_gives_no_rate() {
    let mut view = View::default();
    let [mut before, now] = answers();
    for task in &mut before.tasks {
        task.name = format!("another {}", task.name);
    }
    view.see(before);
    view.see(now);
    assert!(view.lines().iter().all(|line| line.polls.is_none()));
}

#[test]
fn figures_that_became_less_give_no_rate() {
    let mut view = View::default();
    let [mut before, now] = answers();
    before.tasks[0].polls = Some(u64::MAX);
    view.see(before);
    view.see(now);
    assert_eq!(view.lines()[0].polls, None);
}

#[test]
fn a_cancelled_task_is_coloured_whatever_it_does() {
    let moods: Vec<_> = view().lines().iter().map(|line| line.mood).collect();
    let expected = [Mood::Waits, Mood::Group, Mood::Waits, Mood::Cancelled, Mood::Cancelled, Mood::Cancelled];
    assert_eq!(&moods[..6], expected);
}

#[test]
fn keys_scroll_and_stop_at_both_ends() {
    let mut view = view();
    let mut first = |keys: &[Key]| {
        keys.iter().for_each(|key| view.press(*key));
        view.window(4).1
    };
    assert_eq!(first(&[]), 0);
    assert_eq!(first(&[Key::Down, Key::Down, Key::Up]), 1);
    assert_eq!(first(&[Key::Home]), 0);
    assert_eq!(first(&[Key::PageDown]), 4);
    assert_eq!(first(&[Key::End]), 5);
    assert_eq!(first(&[Key::Down, Key::PageDown]), 5);
    assert_eq!(first(&[Key::PageUp, Key::PageUp]), 0);
}

#[test]
fn tasks_that_hang_in_each_other_do_not_hang_it() {
    let mut view = View::default();
    let [_, mut now] = answers();
    let twin = |group| serde_json::json!({"task": 0, "group": group, "name": "x", "state": "new", "words": ""});
    now.tasks.push(serde_json::from_value(twin(1)).expect("a task")); // the number of the root, in the root's group
    now.tasks.push(serde_json::from_value(twin(99)).expect("a task")); // in a group that there is not
    view.see(now);
    assert_eq!(view.lines().len(), 10); // all that hangs somewhere, and the line of what was left out
}

#[test]
fn held_still_it_takes_no_answers() {
    let mut view = View::default();
    let [first, second] = answers();
    view.see(first);
    view.press(Key::Hold);
    view.see(second);
    assert_eq!(view.head().map(|head| head.who), Some("shop, process 4711, up 2.0 s".into()));
    assert!(view.is_held());
}
