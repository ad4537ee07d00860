//! Runs made up by hand (`script.rs`, `programs.rs`), and what becomes of them.

mod chrome;
mod chrome_format;
mod lines;
mod many;
mod names;
mod pictures;
mod programs;
mod recording;
mod script;
mod text;
mod writing;
