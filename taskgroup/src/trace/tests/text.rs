//! The timeline in text.

use super::programs;
use super::script::Script;
use crate::trace::{Colour, words};
use taskgroup_runtime::instrument::{Event, HowEnded, Part};

#[track_caller]
fn assert_drawn(text: impl ToString, drawn: &[&str]) {
    let text = text.to_string();
    assert_eq!(text.lines().collect::<Vec<_>>(), drawn, "\n{text}\n");
}

#[test]
fn a_run_that_ends_well() {
    let drawn = [
        "4 tasks, 1 group in 200ms",
        "            0s                         100ms        150ms        200ms",
        "            |--------------------------|------------|------------|",
        "root        #====================================================>  done",
        "|- home     #-------------------------->                            done",
        "|- news     #---------------------------------------------------->  done",
        "`- weather  #--------------------------------------->               done",
        "- waits   = waits for its tasks   # runs   > ends",
    ];
    assert_drawn(programs::success().timeline().width(72), &drawn);
}

#[test]
fn a_failure_cancels_and_the_steps_of_its_instant_are_seen() {
    let drawn = [
        "6 tasks, 1 group in 250ms, 2 failed, 2 cancelled, 1 never started",
        "             0s           100ms              250ms",
        "             |------------|------------------|---",
        "root         #===============================#==X  failed: 1 error in task...",
        "|- home      #------------>                        done",
        "|- database  #-------------------------------X     failed: connection refused",
        "|- news      #-------------------------------!--x  cancelled: database failed",
        "|- weather   #-------------------------------!--x  cancelled: database failed",
        "`- late                                      !..x  never started: database...",
        ". not started   - waits   = waits for its tasks   # runs   ! cancel asked",
        "x ends cancelled   > ends   X fails   columns of one time: its steps",
    ];
    assert_drawn(programs::failure().timeline().width(78), &drawn);
}

#[test]
fn a_cleanup_runs_from_the_cancel_to_its_end_or_is_cut_off() {
    let text = programs::cleanup().timeline().to_string();
    let lane = |name: &str| text.lines().find(|line| line.contains(name)).map(String::from).expect("a lane");
    assert!(lane("|- connection").contains("!--*~~~~x  "), "{text}");
    assert!(lane("|- transaction").ends_with("x  cut off: reader failed"), "{text}");
}

#[test]
fn three_days_and_five_milliseconds_are_both_seen() {
    let text = programs::race().timeline().to_string();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[1].contains("0s") && lines[1].contains(" 5ms ") && lines[1].contains(" 3d"), "{text}");
    assert_eq!(lines[2].matches("//").count(), 1, "{text}");
    assert!(text.contains("// a long time, shortened"));
}

#[test]
fn a_task_that_waits_for_its_place_is_not_started() {
    let text = programs::supervisor().timeline().to_string();
    let audit = text.lines().find(|line| line.contains("audit")).expect("a lane");
    assert!(audit.starts_with("|- audit    ....") && audit.contains(".#-->"), "{text}");
}

#[test]
fn who_has_not_ended_says_what_it_waits_for() {
    let text = programs::server(3, 1_000).timeline().to_string();
    assert!(text.contains("waits for descriptor 3 to read"), "{text}");
    assert!(text.contains("waits for a timer at 35ms"), "{text}");
}

#[test]
fn there_are_colours_only_if_asked_for() {
    let trace = programs::failure();
    assert!(!trace.timeline().to_string().contains('\u{1b}'));
    assert!(!trace.timeline().colour(Colour::None).to_string().contains('\u{1b}'));
    let coloured = trace.timeline().colour(Colour::Ansi).to_string();
    let mut plain = String::new();
    for part in coloured.split("\u{1b}[") {
        plain += if plain.is_empty() { part } else { part.split_once('m').expect("a colour").1 };
    }
    assert_eq!(plain, trace.timeline().to_string());
}

#[test]
fn a_panic_is_told() {
    let mut script = Script::new();
    script.poll(&[0], |_| {});
    script.tell(taskgroup_runtime::instrument::Event::Ended { task: 0, how: HowEnded::Panicked(None) });
    let text = script.trace().timeline().width(40).to_string();
    assert_eq!(text.lines().next(), Some("1 task, 0 groups in no time, 1 panicked"));
    assert!(text.lines().any(|line| line.starts_with("root  X") && line.ends_with("panicked")), "{text}");
}

#[test]
fn the_reason_of_a_cancel_that_a_task_outlives_stands_in_its_lane() {
    let lane = |width: usize| {
        let text = programs::timeout().timeline().width(width).to_string();
        text.lines().find(|line| line.contains("slow")).map(String::from).expect("a lane")
    };
    assert!(lane(100).contains("--- a deadline of 200ms passed !------"), "{}", lane(100));
    assert!(lane(60).contains("#- a deadline of 200ms pa... !----"), "{}", lane(60));
    assert!(!lane(40).contains("dead"), "{}", lane(40));
    let mut script = Script::new();
    script.poll(&[0], |script| script.sleep(0, 900));
    script.ask(0, Part::Scope, "", None); // which says nothing
    script.s(1);
    script.poll(&[0], |_| {});
    script.done(0);
    assert!(script.trace().timeline().to_string().contains("root  !--"));
    // Those that end for it say so at the end.
    let text = programs::shield().timeline().to_string();
    assert_eq!(text.matches("the user left").count(), 2, "{text}");
}

#[test]
fn a_reason_that_takes_more_columns_than_letters_is_not_in_a_lane() {
    let mut script = Script::new();
    script.poll(&[0], |script| script.sleep(0, 900));
    script.ms(400);
    script.ask(0, Part::Scope, &"\u{6642}\u{9593}\u{5207}\u{308c}".repeat(4), None);
    script.ms(900);
    script.poll(&[0], |_| {});
    script.done(0);
    let text = script.trace().timeline().to_string();
    assert!(text.lines().all(|line| crate::trace::letters::columns(line) <= 100), "{text}");
    assert!(!text.contains('\u{6642}'), "{text}");
}

#[test]
fn a_loop_that_sleeps_has_a_lane() {
    let text = programs::asleep().timeline().to_string();
    let lane = text.lines().find(|line| line.starts_with("event loop")).expect("a lane");
    assert_eq!(lane.matches("#-").count(), 2, "{text}");
    assert!(lane.ends_with("  3 turns, less than 1 % busy"), "{text}");
    assert!(!programs::failure().timeline().to_string().contains("event loop"), "in virtual time nobody sleeps");
}

#[test]
fn an_error_that_cannot_be_told_is_named_by_its_type() {
    let mut script = Script::new();
    script.root(0);
    script.tell(Event::PollBegins { task: 0 });
    script.open(1, 0, 1);
    for task in [2, 3] {
        script.spawn(task, 1, task - 1, "");
        script.poll(&[task], |_| {});
        script.fail_with(task, "shop::basket::FetchError");
    }
    script.close(1, 2);
    script.tell(Event::PollEnds { task: 0 });
    let group = std::any::type_name::<crate::ExceptionGroup<()>>().replace("()", "shop::basket::FetchError");
    script.fail_with(0, group.leak());
    let trace = script.trace();
    let text = trace.timeline().width(140).to_string();
    assert!(text.contains("  failed with FetchError\n"), "{text}");
    assert!(text.contains("  failed: 2 errors in task group (FetchError)\n"), "{text}");
    let line = r#"{"at":0,"event":"ended","task":2,"how":"failed","type":"shop::basket::FetchError"}"#;
    assert!(trace.json_lines().to_string().lines().any(|other| other == line));
}

#[test]
fn the_name_of_a_type_stands_without_paths_and_can_still_be_read() {
    let names = [
        ("i32", "i32"),
        ("&str", "&str"),
        ("shop::FetchError", "FetchError"),
        ("shop::FetchError<alloc::vec::Vec<shop::Item>, 2>", "FetchError<Vec<Item>, 2>"),
        ("alloc::boxed::Box<dyn core::any::Any + core::marker::Send>", "Box<dyn Any + Send>"),
        ("(shop::r#type, [core::net::Error; 2])", "(r#type, [Error; 2])"),
        ("fn(shop::Item) -> shop::Price", "fn(Item) -> Price"),
        ("shop::main::{{closure}}::Late", "Late"),
        ("shop::<impl std::io::Read for shop::Pipe<u8>>::read::Late", "Late"),
        ("shop::Wrong<shop::<impl shop::A for shop::B>::f::Late>", "Wrong<Late>"),
        ("", ""),
    ];
    for (name, short) in names {
        assert_eq!(words::short_type(name), short, "of {name}");
    }
}

#[test]
fn times_have_four_digits_and_a_unit_that_suits_them() {
    let seconds = 1_000_000_000;
    let times = [
        (0, "0s"),
        (999, "999ns"),
        (1_500, "1.5\u{b5}s"),
        (999_999, "999.9\u{b5}s"),
        (12_345_678, "12.34ms"),
        (seconds, "1s"),
        (90 * seconds, "90s"),
        (1_234_567_890, "1.234s"),
        (123_456_789, "123.4ms"),
        (125 * seconds, "2m 5s"),
        (7_200 * seconds, "2h"),
        (200_000 * seconds, "2d 7h"),
    ];
    for (nanos, text) in times {
        assert_eq!(words::time(nanos), text);
    }
    assert_eq!(words::time(u64::MAX), "213503d 23h");
}
