//! What users and their files give to the programs: a Procfile, items on standard input, ports.
#![no_main]

#[allow(dead_code, reason = "the program uses all of it")]
#[path = "../../examples/procs/items.rs"]
mod items;
#[allow(dead_code, reason = "the program uses all of it")]
#[path = "../../examples/portscan.rs"]
mod portscan;
#[allow(dead_code, reason = "the program uses all of it")]
#[path = "../../examples/procs/procfile.rs"]
mod procfile;
#[allow(dead_code, reason = "the program uses all of it")]
#[path = "../../examples/support/stdin.rs"]
mod stdin;

use items::{Items, Separator};
use libfuzzer_sys::fuzz_target;
use std::iter;

/// The items of what comes in these pieces.
fn cut<'a>(separator: Separator, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let (mut items, mut found) = (Items::new(separator), Vec::new());
    for piece in pieces.into_iter().map(Some).chain([None]) {
        items.at_end = piece.is_none();
        items.bytes.extend_from_slice(piece.unwrap_or_default());
        found.extend(iter::from_fn(|| items.take()));
    }
    found
}

fuzz_target!(|bytes: &[u8]| {
    match procfile::parse(bytes) {
        Ok(entries) => assert!(entries.iter().all(|entry| !entry.name.is_empty() && !entry.command.is_empty())),
        Err(wrong) => assert!(!wrong.is_empty() && wrong.iter().all(|(_, what)| !what.to_string().is_empty())),
    }
    for separator in [Separator::Line, Separator::Nul] {
        let whole = cut(separator, [bytes]);
        assert_eq!(cut(separator, bytes.chunks(1)), whole, "byte by byte");
        assert!(whole.iter().map(Vec::len).sum::<usize>() <= bytes.len());
    }
    if let Ok(ports) = str::from_utf8(bytes).map_err(drop).and_then(|text| portscan::parse_ports(text).map_err(drop)) {
        assert!(!ports.is_empty() && !ports.contains(&0));
    }
});
