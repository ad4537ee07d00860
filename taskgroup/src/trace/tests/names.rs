//! Names and messages of every kind.

use super::chrome::checked;
use super::programs;
use super::script::Script;
use crate::trace::Trace;
use serde_json::Value;

/// A task of that name that fails with it.
fn named(name: &str) -> Trace {
    let mut script = Script::new();
    script.root(0);
    script.poll(&[0], |script| {
        script.open(1, 0, 1);
        script.spawn(2, 1, 1, name);
        script.poll(&[2], |_| {});
        script.fail(2, &name);
        script.close(1, 1);
    });
    script.done(0);
    script.trace()
}

/// Every character that means something to somebody.
fn wild() -> String {
    let plain: String = ('\0'..='\u{a0}').collect();
    format!("{plain}</title>]]>&amp;\u{2028}\u{202e}\u{2066}\u{fffe}\u{ffff}\u{10ffff}\u{5d0}\u{301}\u{1f980}")
}

#[test]
fn a_name_with_quotes_and_line_breaks_gives_valid_json() {
    for name in ["\"quoted\"\n\tand \\ broken", &wild()] {
        let trace = named(name);
        let lines = trace.json_lines().to_string();
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert!(lines.iter().any(|event| event["name"] == name));
        assert!(lines.iter().any(|event| event["error"] == name));
        let events = checked(&trace);
        assert!(events.iter().any(|event| event["args"]["name"].as_str().is_some_and(|text| text.starts_with(name))));
    }
}

#[test]
fn a_name_with_angle_brackets_and_control_characters_gives_well_formed_svg() {
    for name in ["<b>\"&'</b>]]>", &wild()] {
        let svg = named(name).svg().title(name).to_string();
        let document = roxmltree::Document::parse(&svg).expect("XML");
        assert_eq!(document.descendants().filter(|node| node.has_tag_name("b")).count(), 0);
    }
    let svg = named("<b>\"&'</b>").svg().to_string();
    let document = roxmltree::Document::parse(&svg).expect("XML");
    let tooltips = document.descendants().filter(|node| node.has_tag_name("title"));
    let tooltips: Vec<_> = tooltips.filter_map(|node| node.text()).collect();
    assert!(tooltips.iter().any(|text| text.starts_with("<b>\"&'</b>")), "{tooltips:?}");
}

#[test]
fn control_characters_are_shown_and_not_sent() {
    let text = named(&wild()).timeline().width(400).to_string();
    let bad = |char: &char| (char.is_control() && *char != '\n') || ('\u{202a}'..='\u{202e}').contains(char);
    assert_eq!(text.chars().find(bad), None);
    assert!(text.contains('\u{241b}') && text.contains('\u{240a}'));
    let svg = named("a\u{1b}[2Jb\u{202e}c").svg().to_string();
    assert!(svg.contains("a\u{241b}[2Jb\u{fffd}c"));
}

#[test]
fn text_from_right_to_left_stays_in_its_place() {
    let hebrew = "\u{5e9}\u{5dc}\u{5d5}\u{5dd}";
    let text = named(hebrew).timeline().to_string();
    assert!(text.contains(&format!("`- \u{2068}{hebrew}\u{2069}  ")), "{text}");
    assert!(!named("left").timeline().to_string().contains('\u{2068}'));
    assert!(named(hebrew).svg().to_string().contains("unicode-bidi:isolate"));
}

#[test]
fn a_long_name_is_cut_and_whole_in_the_tooltip() {
    let name = "long ".repeat(100);
    let svg = named(name.trim()).svg().to_string();
    let document = roxmltree::Document::parse(&svg).expect("XML");
    let texts = |tag: &str| -> Vec<String> {
        document
            .descendants()
            .filter(|node| node.has_tag_name(tag))
            .filter_map(|n| n.text())
            .map(String::from)
            .collect()
    };
    assert!(texts("text").iter().all(|text| text.len() < 100));
    assert!(texts("text").iter().any(|text| text.starts_with("long") && text.ends_with('\u{2026}')));
    assert!(texts("title").iter().any(|text| text.starts_with(name.trim())));
}

#[test]
fn no_line_is_wider_than_asked_for() {
    for (name, trace) in programs::all() {
        for width in [0, 40, 41, 57, 100, 200] {
            for line in trace.timeline().width(width).to_string().lines() {
                let wide = crate::trace::letters::columns(line);
                assert!(wide <= width.max(40), "{name}: {wide} columns of {width}: {line}");
            }
        }
    }
}
