//! The program `neighbours`, which runs in virtual time: what it prints is the same each time.

mod support;

use support::{Test, run};

const PROGRAM: &str = env!("CARGO_BIN_EXE_neighbours");

/// Where in the program something stands may change.
fn without_lines(text: &str) -> String {
    let mut parts = text.split("neighbours.rs:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "neighbours.rs:N" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[test]
fn each_section_prints_what_its_crate_does() -> Test {
    let (code, output, errors) = run(PROGRAM, &[])?;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert_eq!(without_lines(&output), include_str!("golden/neighbours.txt"));
    Ok(())
}

#[test]
fn sections_are_chosen_by_name() -> Test {
    let (code, output, _) = run(PROGRAM, &["locks"])?;
    assert_eq!(code, Some(0));
    assert!(output.starts_with("async-lock\n") && !output.contains("async-channel"), "{output}");
    let (code, _, error) = run(PROGRAM, &["keys"])?;
    let expected = "neighbours: there is no section \"keys\" (neighbours --help tells more)\n";
    assert_eq!((code, error.as_str()), (Some(2), expected));
    Ok(())
}
