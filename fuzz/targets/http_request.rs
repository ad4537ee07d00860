//! The head of a request, as `httpd` reads it: any bytes are a request, a refusal, or the beginning of one.
#![no_main]

#[allow(dead_code, reason = "the program uses all of it")]
#[path = "../../examples/httpd/request/mod.rs"]
mod request;

use libfuzzer_sys::fuzz_target;
use request::{MAX_HEAD, first_line, parse};
use std::path::Component;

fuzz_target!(|bytes: &[u8]| {
    let whole = parse(bytes);
    if let Ok(Some((request, length))) = &whole {
        assert!(*length <= bytes.len().min(MAX_HEAD));
        assert_eq!(parse(&bytes[..*length]), whole, "what follows a head changes it");
        let path = request.target.path();
        assert!(path.components().all(|part| matches!(part, Component::Normal(_))), "{path:?} leads out of the root");
        let url = request.target.folder_url();
        assert!(url.starts_with('/') && !url.starts_with("//") && url.is_ascii(), "{url:?} names another host");
        if let Some(range) = request.range {
            for size in [0, 1, 10, u64::MAX] {
                if let Some(part) = range.within(size) {
                    assert!(part.length > 0 && part.length <= size - part.first, "{range:?} of {size}");
                }
            }
        }
    }
    let line = first_line(bytes);
    assert!(line.is_ascii() && !line.contains(|c: char| c.is_ascii_control()) && line.len() <= 803);
});
