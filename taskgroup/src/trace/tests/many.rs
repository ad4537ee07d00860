//! Runs of many tasks and many events.

use super::programs;
use super::script::Script;
use crate::trace::lanes::{Node, Row, lanes};

#[test]
fn siblings_that_behave_alike_are_put_together_and_odd_ones_are_shown() {
    let model = programs::crowd(1_000).model();
    let lanes = lanes(&model, 100);
    let labels: Vec<_> = lanes.iter().map(|lane| model.label(&lane.row)).collect();
    assert_eq!(labels, ["root", "#1", "#2", "#3", "... and 995 more like #3", "#399", "#699"]);
    let Row::More { like, nodes, inside } = &lanes[4].row else { panic!("{lanes:?}") };
    assert_eq!((*like, nodes.len(), *inside), (Node::Task(3), 995, 0));
}

#[test]
fn there_are_never_more_lanes_than_asked_for() {
    for (name, trace) in programs::all() {
        let model = trace.model();
        for most in [1, 5, 20, 100] {
            let lanes = lanes(&model, most);
            assert!(lanes.len() <= most + 1, "{name}: {} of {most}", lanes.len());
            let tasks: usize = lanes
                .iter()
                .map(|lane| match &lane.row {
                    Row::Node(Node::Task(_)) => 1,
                    Row::Node(Node::Group(_)) => 0,
                    Row::More { like: Node::Task(_), nodes, inside } => nodes.len() + inside,
                    Row::More { inside, .. } => *inside,
                    Row::Rest(tasks) => *tasks,
                })
                .sum();
            assert_eq!(tasks, model.tasks.len(), "{name}: nobody is forgotten or counted twice");
        }
    }
}

#[test]
fn what_is_inside_those_put_together_is_counted() {
    let text = programs::busy().timeline().to_string();
    assert!(text.contains("`- ... and 57 more like cli..."), "{text}");
    assert!(text.contains("with 114 tasks inside"), "{text}");
}

#[test]
fn a_deep_tree_is_no_recursion() {
    // A stack that a recursion of that depth would not fit into.
    let draw = std::thread::Builder::new().stack_size(256 * 1024).spawn(|| {
        let trace = programs::deep(1_500);
        assert!(trace.timeline().to_string().contains("... and 1,441 more tasks"));
        assert!(trace.svg().to_string().len() < 200_000);
    });
    draw.expect("a thread").join().expect("no overflow");
}

#[test]
fn pictures_of_many_events_stay_small() {
    let mut script = Script::new();
    script.tick(700);
    script.root(0);
    script.poll(&[0], |script| {
        script.open(1, 0, 1);
        for n in 0..150 {
            script.spawn(n + 2, 1, n + 1, &format!("number {n} of very many"));
        }
    });
    for round in 0..4_000_u64 {
        let task = 2 + (round * round + 7 * round) as u32 % 150;
        script.poll(&[0, task], |script| script.sleep(task, round));
    }
    let trace = script.trace();
    assert!(trace.events() > 19_000);
    let svg = trace.svg().max_lanes(200).to_string();
    assert!(svg.len() < 320_000, "{} bytes", svg.len());
    assert_eq!(trace.timeline().to_string().lines().next(), Some("151 tasks, 1 group in 14.31ms, 151 still there"));
}
