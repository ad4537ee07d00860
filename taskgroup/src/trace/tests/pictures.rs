//! The pictures.

use super::programs;
use crate::trace::letters;
use roxmltree::{Document, Node};
use std::collections::BTreeMap;

fn all(check: impl Fn(&str, &Document<'_>)) {
    for (name, trace) in programs::all() {
        let svg = trace.svg().title(name).to_string();
        check(name, &Document::parse(&svg).expect("XML"));
    }
}

fn number(node: Node<'_, '_>, attribute: &str) -> f64 {
    node.attribute(attribute).and_then(|text| text.parse().ok()).expect("a number")
}

#[test]
fn a_picture_has_a_title_and_a_description_and_needs_nothing_else() {
    all(|name, document| {
        let root = document.root_element();
        assert_eq!(root.attribute("role"), Some("img"));
        let ids: Vec<_> = root.attribute("aria-labelledby").expect("labels").split(' ').collect();
        let texts: Vec<_> =
            root.children().filter(|node| node.attribute("id").is_some_and(|id| ids.contains(&id))).collect();
        assert_eq!(texts[0].text(), Some(name));
        assert!(texts[1].text().is_some_and(|text| text.contains(" tasks, ")));
        for node in document.descendants().filter(Node::is_element) {
            assert!(!matches!(node.tag_name().name(), "script" | "image" | "use" | "foreignObject"));
            assert!(node.attributes().all(|attribute| !attribute.name().ends_with("href")));
        }
        let style = document.descendants().find(|node| node.has_tag_name("style")).and_then(|node| node.text());
        let style = style.expect("a style");
        assert!(style.contains("prefers-color-scheme:dark") && !style.contains("url(http"));
    });
}

#[test]
fn no_text_lies_over_another() {
    all(|name, document| {
        let mut lines: BTreeMap<i64, Vec<(f64, f64, &str)>> = BTreeMap::new();
        for node in document.descendants().filter(|node| node.has_tag_name("text")) {
            let text = node.text().unwrap_or_default();
            let size = match (node.attribute("style"), node.attribute("class")) {
                (Some(style), _) => {
                    style.trim_start_matches("font-size:").trim_end_matches("px").parse().expect("a size")
                }
                (_, Some("why" | "reason" | "place")) => 10.0,
                (_, Some("tick")) => 11.0,
                (_, Some("title")) => 17.0,
                _ => 12.5,
            };
            let (x, y, wide) = (number(node, "x"), number(node, "y"), letters::pixels(text, size));
            let from = match node.attribute("text-anchor") {
                Some("end") => x - wide,
                Some("middle") => x - wide / 2.0,
                _ => x,
            };
            assert!(from >= 10.0 && from + wide <= 1_200.0, "{name}: {text:?} sticks out");
            lines.entry((y / 4.0) as i64).or_default().push((from, from + wide, text));
        }
        for line in lines.values_mut() {
            line.sort_by(|a, b| a.0.total_cmp(&b.0));
            for two in line.windows(2) {
                assert!(two[0].1 <= two[1].0, "{name}: {:?} and {:?}", two[0], two[1]);
            }
        }
    });
}

#[test]
fn no_name_reaches_into_the_lanes() {
    all(|name, document| {
        let class = |node: &Node<'_, '_>, class: &str| node.attribute("class") == Some(class);
        // All but the sample in the legend, which comes last.
        let mut boxes: Vec<_> = document.descendants().filter(|node| class(node, "box")).collect();
        boxes.pop();
        let lanes = boxes.iter().map(|node| number(*node, "x")).fold(f64::INFINITY, f64::min);
        for node in document.descendants().filter(|node| class(node, "place")) {
            assert!(number(node, "x") < lanes, "{name}: {:?}", node.text());
        }
    });
}

#[test]
fn everything_is_inside_the_picture() {
    all(|name, document| {
        let bounds: Vec<f64> = document
            .root_element()
            .attribute("viewBox")
            .map(|text| text.split(' ').filter_map(|n| n.parse().ok()).collect())
            .expect("a size");
        for node in document.descendants().filter(|node| node.has_tag_name("rect") && node.attribute("x").is_some()) {
            let (x, y) = (number(node, "x"), number(node, "y"));
            assert!(x >= 0.0 && x + number(node, "width") <= bounds[2], "{name}: {node:?}");
            assert!(y >= 0.0 && y + number(node, "height") <= bounds[3], "{name}: {node:?}");
        }
    });
}

#[test]
fn a_cancel_is_asked_and_seen_at_places_of_their_own() {
    let svg = programs::failure().svg().to_string();
    let document = Document::parse(&svg).expect("XML");
    let paths = |class: &str| -> Vec<String> {
        let nodes = document.descendants().filter(|node| node.attribute("class") == Some(class));
        nodes.filter_map(|node| node.attribute("d")).map(String::from).collect()
    };
    // With their samples in the legend. `late` never takes notice: it never runs.
    assert_eq!((paths("asked").len(), paths("seen").len(), paths("latency").len()), (4, 3, 2));
    assert!(svg.contains("it takes notice 0s later"));
}

#[test]
fn a_loop_that_sleeps_has_a_thin_lane_above_the_others() {
    let svg = programs::asleep().svg().to_string();
    let document = Document::parse(&svg).expect("XML");
    let text_at = |wanted: &str| {
        let node = document.descendants().find(|node| node.has_tag_name("text") && node.text() == Some(wanted));
        node.map(|node| number(node, "y")).expect("a text")
    };
    let lane = text_at("event loop");
    assert!(lane < text_at("root") && text_at("3 turns, less than 1 % busy") == lane);
    let tooltips = document.descendants().filter(|node| node.has_tag_name("title")).filter_map(|node| node.text());
    let tooltips: Vec<_> = tooltips.filter(|text| text.starts_with("sleeps ")).collect();
    let timer = "sleeps until an event or a timer at 99.44ms\n99.58ms, until 100ms";
    assert_eq!(tooltips, [timer, "sleeps 2 times, 799.7ms in all\nthe longest until an event"]);
    assert!(!programs::failure().svg().to_string().contains("event loop"), "in virtual time nobody sleeps");
}

#[test]
fn the_legend_shows_what_occurs_and_nothing_else() {
    let meanings = |trace: &crate::trace::Trace| -> Vec<String> {
        let svg = trace.svg().to_string();
        let document = Document::parse(&svg).expect("XML");
        let texts = document.descendants().filter(|node| node.attribute("class") == Some("tick"));
        texts
            .filter_map(|node| node.text())
            .filter(|text| !text.starts_with(|char: char| char.is_ascii_digit()))
            .map(String::from)
            .collect()
    };
    let success = meanings(&programs::success());
    assert!(success.contains(&"done".into()) && !success.contains(&"fails".into()), "{success:?}");
    let cleanup = meanings(&programs::cleanup());
    assert!(cleanup.contains(&"fails".into()), "{cleanup:?}");
    let svg = programs::success().svg().to_string();
    assert!(!svg.contains(">cleans up<") && programs::cleanup().svg().to_string().contains(">cleans up<"));
}

#[test]
fn too_many_wakes_are_counted_and_not_drawn() {
    let mut script = super::script::Script::new();
    for n in 0..600 {
        script.ms(n);
        script.poll(&[n as u32 % 2], |script| {
            script.wake(1 - n as u32 % 2, taskgroup_runtime::instrument::WokenBy::Task(n as u32 % 2))
        });
    }
    let svg = script.trace().svg().to_string();
    assert!(svg.contains("600 wakes of tasks by others are not drawn: too many."));
    assert!(!svg.contains("class=\"wake\""));
}

/// To look at them: `PICTURES=directory cargo test -p taskgroup --lib every_run`.
#[test]
fn every_run_is_drawn_and_written_in_each_way() {
    let directory = std::env::var_os("PICTURES");
    for (name, trace) in programs::all() {
        let svg = trace.svg().title(name).to_string();
        Document::parse(&svg).expect("XML");
        let outputs = [
            ("svg", svg),
            ("json", trace.chrome().to_string()),
            ("jsonl", trace.json_lines().to_string()),
            ("txt", trace.timeline().to_string()),
        ];
        for (extension, text) in outputs {
            assert!(!text.is_empty(), "{name}.{extension}");
            if let Some(directory) = &directory {
                let file = std::path::Path::new(directory).join(name).with_extension(extension);
                std::fs::write(file, text).expect("PICTURES names a directory");
            }
        }
    }
}
