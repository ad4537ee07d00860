//! Wrong: an `async fn` that is called, and nothing more.
//!
//! Run: `cargo run --bin wrong01_never_polled`
#![allow(clippy::print_stdout, reason = "a program prints")]

// ANCHOR: program
async fn greet(name: &str) {
    println!("hello, {name}");
}

fn main() {
    let greeting = greet("world");
    println!("greet was called");
    drop(greeting);
    println!("the program ends");
}
// ANCHOR_END: program
