//! The oracle's language and its list of differences: what is a program is a valid one, and what is none says why.
#![no_main]

use libfuzzer_sys::fuzz_target;
use taskgroup_oracle::{Differences, Program};

fuzz_target!(|text: &str| {
    if let Err(error) = Program::parse(text) {
        assert!(!error.to_string().is_empty());
    }
    _ = Differences::parse(text);
});
